"""The format of the cache file: one record for each sign-in, a plain header and an encrypted body.

The header is plain text so that a sign-in can be listed, found and removed without the
keyring. The header is bound to the encrypted body as associated data, so that neither can
be changed or exchanged alone.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from ..errors import CacheError, ConfigurationError
from ..tokens import Account
from ..values import dataclass, field
from .model import KeptAccount, normalize_authority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import TypeIs

    from .model import CacheKey

FORMAT = "adls-enduser sign-ins"
VERSION = 1
# A sign-in takes about 10 KB; a larger file was not written by this package.
MAX_FILE_SIZE = 16 * 2**20
# Entra ID's names are shorter: entra/responses.py accepts no longer ones.
MAX_NAME_LENGTH = 1000
_KEY_ID = r"[0-9a-f]{16}"


class DamagedRecord(Exception):
    """A record in the file is not as this package wrote it."""


@dataclass(frozen=True)
class Record:
    """One sign-in as it stands in the file.

    ``requested`` are the tenants and the user names that callers asked for when they signed in,
    such as an alias of the account.
    ``nonce`` is None if ``body`` is not encrypted. ``key_id`` names the key that encrypted
    it; None in files of older versions, which also ignore it. It is not authenticated, so a
    changed one must never be the reason to treat a record as damaged.
    """

    authority: str
    client_id: str
    account: Account
    requested: tuple[str, ...] = ()
    nonce: bytes | None = None
    body: bytes = field(default=b"", repr=False)
    key_id: str | None = None

    @property
    def identity(self) -> tuple[str | None, ...]:
        """What distinguishes this sign-in from all others."""
        account = self.account
        person = account.object_id or account.username
        ids = (self.client_id, account.tenant, person)
        return (normalize_authority(self.authority), *(part and part.lower() for part in ids))

    @property
    def associated_data(self) -> bytes:
        """The header as bytes, which the cipher authenticates together with the body."""
        return json.dumps([FORMAT, VERSION, _header(self)], sort_keys=True).encode("ascii")

    @property
    def kept_account(self) -> KeptAccount:
        """The part of the record that can be shown to a person."""
        account = self.account
        return KeptAccount(
            account.username, account.tenant, account.object_id, self.authority, self.client_id
        )

    def matches_key(self, key: CacheKey) -> bool:
        """Return whether this is a sign-in for ``key``."""
        same_authority = normalize_authority(self.authority) == normalize_authority(key.authority)
        return same_authority and self.matches(key.username, key.tenant, key.client_id)

    def matches(self, username: str | None, tenant: str | None, client_id: str | None) -> bool:
        """Return whether this is a sign-in of that person, tenant and client; None matches any."""
        return (
            _is_among(username, self.account.username, *self.requested)
            and _is_among(tenant, self.account.tenant, *self.requested)
            and _is_among(client_id, self.client_id)
        )


class Contents(NamedTuple):
    """The records that could be read; ``complete`` if that is all that the file holds."""

    records: tuple[Record, ...] = ()
    complete: bool = True


def encode(records: Iterable[Record]) -> bytes:
    """Return the bytes of the file; drops the first records if the file would be too large."""
    rows = [json.dumps(_encode_record(record)) for record in records]
    size = sum(map(len, rows)) + 2 * len(rows) + 100
    while size > MAX_FILE_SIZE:
        size -= len(rows.pop(0)) + 2
    start = json.dumps({"format": FORMAT, "version": VERSION, "records": []})
    return (start[:-2] + ", ".join(rows) + "]}\n").encode("ascii")


def decode(data: bytes) -> Contents:
    """Read the records from any bytes; CacheError only if a newer version wrote the file."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return Contents(complete=False)
    version, rows = document.get("version"), document.get("records")
    if type(version) is int and version > VERSION:
        raise CacheError(
            f"The sign-in cache was written by a newer adls-enduser (format {version}).",
            remedy="Upgrade adls-enduser here, or give SignInCache another path.",
        )
    if type(version) is not int or version != VERSION or not isinstance(rows, list):
        return Contents(complete=False)
    readable = [record for record in map(_try_decode_record, rows) if record is not None]
    unique = {record.identity: record for record in readable}
    return Contents(tuple(unique.values()), complete=len(readable) == len(rows))


def single(matches: list[Record]) -> Record | None:
    """Return the one record, or None if there is none; ConfigurationError if there are several."""
    if len(matches) < 2:
        return matches[0] if matches else None
    accounts = (record.kept_account for record in matches[:10])
    names = ", ".join(f"{one.username!r} (tenant {one.tenant!r})" for one in accounts)
    raise ConfigurationError(
        f"{len(matches)} kept sign-ins match: {names}.",
        remedy="Choose one with username=, and with tenant= if one person is in several tenants.",
    )


def require_str(value: object) -> str:
    """Return a str that was read from the file; DamagedRecord if it is not a str."""
    if not isinstance(value, str):
        raise DamagedRecord
    return value


def require_name(value: object) -> str:
    """Return a name that was read from the file; DamagedRecord if it is not a short line of text.

    Names are shown to people, and control characters could steer the terminal.
    """
    if not is_name(value):
        raise DamagedRecord
    return value


def is_name(value: object) -> TypeIs[str]:
    """Return whether a value is a line of printable text that is not too long."""
    return isinstance(value, str) and value.isprintable() and len(value) <= MAX_NAME_LENGTH


def _try_decode_record(row: object) -> Record | None:
    try:
        return _decode_record(row)
    except (DamagedRecord, ValueError):
        return None


def _decode_record(row: object) -> Record:
    if not isinstance(row, dict) or not isinstance(row.get("asked"), list):
        raise DamagedRecord
    names = (row.get(name) for name in ("username", "tenant", "object_id"))
    nonce = row.get("nonce")
    record = Record(
        authority=require_name(row.get("authority")),
        client_id=require_name(row.get("client_id")),
        account=Account(*(None if name is None else require_name(name) for name in names)),
        requested=tuple(require_name(tenant) for tenant in row["asked"]),
        nonce=None if nonce is None else base64.b64decode(require_str(nonce), validate=True),
        body=base64.b64decode(require_str(row.get("body")), validate=True),
        key_id=_key_id(row.get("key_id")),
    )
    # ValueError if it is not a URL. No authority has a user name or a password in it
    # (clouds.py), and they would be shown.
    if "@" in normalize_authority(record.authority):
        raise DamagedRecord
    return record


def _key_id(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(_KEY_ID, value) else None


def _encode_record(record: Record) -> dict[str, object]:
    nonce = None if record.nonce is None else base64.b64encode(record.nonce).decode("ascii")
    body = base64.b64encode(record.body).decode("ascii")
    row = {**_header(record), "nonce": nonce, "body": body}
    return row if record.key_id is None else {**row, "key_id": record.key_id}


def _header(record: Record) -> dict[str, object]:
    return {
        "authority": record.authority,
        "client_id": record.client_id,
        "tenant": record.account.tenant,
        "object_id": record.account.object_id,
        "username": record.account.username,
        "asked": list(record.requested),
    }


def _is_among(wanted: str | None, *names: str | None) -> bool:
    return wanted is None or wanted.lower() in {name.lower() for name in names if name}

"""The form of the file: one record for each sign-in, whose it is in clear, the rest sealed.

The heading stands in clear so that a sign-in can be listed, found and removed without
the keyring; it is bound to the sealed body as associated data, so that neither can be
changed or exchanged alone.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ..errors import CacheError
from ..tokens import Account
from .model import KeptAccount, normal_authority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .model import CacheKey

FORMAT = "adls-enduser sign-ins"
VERSION = 1
# A sign-in takes about 10 KB; what is larger than this was not written by this package.
LIMIT = 16 * 2**20


class Damaged(Exception):
    """Something in the file is not what was written there."""


@dataclass(frozen=True)
class Record:
    """One sign-in as it stands in the file.

    ``asked`` are the tenants by which it was asked for. ``nonce`` is None where
    ``body`` is not sealed.
    """

    authority: str
    client_id: str
    account: Account
    asked: tuple[str, ...] = ()
    nonce: bytes | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def key(self) -> tuple[str | None, ...]:
        """What tells this sign-in from every other."""
        account = self.account
        person = account.object_id or account.username
        ids = (self.client_id, account.tenant, person)
        return (normal_authority(self.authority), *(part and part.lower() for part in ids))

    @property
    def bound(self) -> bytes:
        """The heading as bytes, for the seal to cover."""
        return json.dumps([FORMAT, VERSION, _heading(self)], sort_keys=True).encode("ascii")

    @property
    def told(self) -> KeptAccount:
        """What a person may be told of it."""
        who = self.account
        return KeptAccount(who.username, who.tenant, who.object_id, self.authority, self.client_id)

    def belongs(self, place: CacheKey) -> bool:
        """Say whether this sign-in serves a place."""
        return normal_authority(self.authority) == normal_authority(
            place.authority
        ) and self.answers(place.username, place.tenant, place.client_id)

    def answers(self, username: str | None, tenant: str | None, client_id: str | None) -> bool:
        """Compare with what was asked for; None stands for anything."""
        return (
            _among(username, self.account.username)
            and _among(tenant, self.account.tenant, *self.asked)
            and _among(client_id, self.client_id)
        )


class Contents(NamedTuple):
    """The records that can be read, and whether they are all there is."""

    records: tuple[Record, ...] = ()
    whole: bool = True


def encode(records: Iterable[Record]) -> bytes:
    """Give the file's bytes; where they would be too many, the first records make way."""
    rows = [json.dumps(_row(record)) for record in records]
    size = sum(map(len, rows)) + 2 * len(rows) + 100
    while size > LIMIT:
        size -= len(rows.pop(0)) + 2
    head = json.dumps({"format": FORMAT, "version": VERSION, "records": []})
    return (head[:-2] + ", ".join(rows) + "]}\n").encode("ascii")


def decode(data: bytes) -> Contents:
    """Read any bytes; CacheError only for what a newer version of this package wrote."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return Contents(whole=False)
    version, rows = document.get("version"), document.get("records")
    if type(version) is int and version > VERSION:
        raise CacheError(
            f"The sign-ins were written by a newer adls-enduser (format {version}).",
            remedy="Upgrade adls-enduser here, or give SignInCache a path of its own.",
        )
    if type(version) is not int or version != VERSION or not isinstance(rows, list):
        return Contents(whole=False)
    found = [record for record in map(_readable, rows) if record is not None]
    unique = {record.key: record for record in found}
    return Contents(tuple(unique.values()), whole=len(found) == len(rows))


def text(value: object) -> str:
    """Give a str out of the file; Damaged if it is something else."""
    if not isinstance(value, str):
        raise Damaged
    return value


def text_or_none(value: object) -> str | None:
    """Give a str or None out of the file; Damaged if it is something else."""
    return None if value is None else text(value)


def _readable(row: object) -> Record | None:
    try:
        return _record(row)
    except (Damaged, ValueError):
        return None


def _record(row: object) -> Record:
    if not isinstance(row, dict) or not isinstance(row.get("asked"), list):
        raise Damaged
    names = (text_or_none(row.get(name)) for name in ("username", "tenant", "object_id"))
    nonce = text_or_none(row.get("nonce"))
    record = Record(
        authority=text(row.get("authority")),
        client_id=text(row.get("client_id")),
        account=Account(*names),
        asked=tuple(text(tenant) for tenant in row["asked"]),
        nonce=None if nonce is None else base64.b64decode(nonce, validate=True),
        body=base64.b64decode(text(row.get("body")), validate=True),
    )
    normal_authority(record.authority)  # ValueError for no URL
    return record


def _row(record: Record) -> dict[str, object]:
    nonce = None if record.nonce is None else base64.b64encode(record.nonce).decode("ascii")
    body = base64.b64encode(record.body).decode("ascii")
    return {**_heading(record), "nonce": nonce, "body": body}


def _heading(record: Record) -> dict[str, object]:
    return {
        "authority": record.authority,
        "client_id": record.client_id,
        "tenant": record.account.tenant,
        "object_id": record.account.object_id,
        "username": record.account.username,
        "asked": list(record.asked),
    }


def _among(asked: str | None, *known: str | None) -> bool:
    return asked is None or asked.lower() in {name.lower() for name in known if name}

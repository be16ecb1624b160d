"""AES-GCM around each record, its heading bound as associated data.

The nonce is 96 random bits, new at every sealing (NIST SP 800-38D section 8.2.2, which
allows 2**32 of them for one key).
"""

from __future__ import annotations

import base64
import json
import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import CacheError
from ..tokens import Secret, Token
from . import keyring_key as keys
from .files import warn_once
from .model import CachedSession
from .records import Damaged, Record, text, text_or_none

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ..tokens import Account

NONCE_SIZE = 12
MOST_TOKENS = 16
MOST_BYTES = 2**20


class RecordCipher:
    """Seals and unseals the records of one file; lives as long as the file is locked.

    ``path`` is the file's resolved path. With ``allow_unencrypted`` it does without a
    keyring where there is none.
    """

    def __init__(self, path: str, *, allow_unencrypted: bool) -> None:
        self.path = path
        self.allow_unencrypted = allow_unencrypted
        self._key: Secret | None = None

    def ready(self) -> bool:
        """Say whether a record could be sealed now, without making a key.

        CacheError where there is no keyring, and none can be done without.
        """
        try:
            return keys.find(self.path) is not None
        except CacheError as failure:
            self._do_without(failure)
            return True

    def close(self, heading: Record, kept: CachedSession) -> Record:
        """Give the heading with its body, sealed if there is a keyring.

        CacheError where there is none, and none can be done without.
        """
        # The body has no name here, since an error would carry it in this frame.
        if len(_body(kept)) > MOST_BYTES:
            raise CacheError(
                "The sign-in is too large to be kept (more than 1 MiB).",
                remedy="Ask for tokens of fewer resources with one strategy, or leave cache= out.",
            )
        key = self.key_to_write()
        if key is None:
            return replace(heading, nonce=None, body=_body(kept))
        nonce = os.urandom(NONCE_SIZE)
        sealed = _cipher(key).encrypt(nonce, _body(kept), heading.bound)
        return replace(heading, nonce=nonce, body=sealed)

    def open(self, record: Record) -> CachedSession | None:
        """Give what a record holds, or None where it is not for this program to read.

        That is a sealed one without a keyring, if that is allowed, and an unsealed one
        if it is not: whoever can write the file must not get around the seal. Damaged
        for what was changed, or sealed with another key; CacheError without a keyring.
        """
        if record.nonce is None:
            return _kept(record.body, record.account) if self.allow_unencrypted else None
        try:
            key = self._key_or_new()
        except CacheError:
            if not self.allow_unencrypted:
                raise
            return None
        return _kept(_decrypted(record, record.nonce, key), record.account)

    def is_damaged(self, record: Record) -> bool:
        """Say whether a record can never be read again."""
        try:
            self.open(record)
        except Damaged:
            return True
        return False

    def key_to_write(self) -> Secret | None:
        """Give the key, made if need be, or None to write without; under the lock only."""
        try:
            return self._key_or_new()
        except CacheError as failure:
            self._do_without(failure)
            return None

    def _key_or_new(self) -> Secret:
        # A new key opens nothing old. But that the keyring takes one shows that the old
        # key is lost, and not merely in another keyring (or in none: keyring --disable).
        self._key = self._key or keys.find(self.path) or keys.make(self.path)
        return self._key

    def _do_without(self, failure: CacheError) -> None:
        if not self.allow_unencrypted:
            raise failure
        warn_once(
            f"Sign-ins are kept without encryption in {self.path!r}, because the system's"
            " keyring cannot be used: whoever can read that file can act as you."
        )


def current(kept: CachedSession) -> CachedSession:
    """Drop the access tokens that are over, by the time at which the newest one came.

    That time needs no clock. At most 16 stay, those that live longest.
    """
    tokens = [token for token in kept.tokens.values() if _is_finite(token)]
    now = max((token.obtained_on for token in tokens), default=0.0)
    alive = sorted(
        (token for token in tokens if token.expires_on > now),
        key=lambda token: token.expires_on,
    )[-MOST_TOKENS:]
    return replace(
        kept, tokens={token.resource: replace(token, account=kept.account) for token in alive}
    )


def _is_finite(token: Token) -> bool:
    return math.isfinite(token.expires_on) and math.isfinite(token.obtained_on)


def _cipher(key: Secret) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(base64.b64decode(key.reveal()))


def _decrypted(record: Record, nonce: bytes, key: Secret) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(key).decrypt(nonce, record.body, record.bound)
    except (InvalidTag, ValueError):  # ValueError: a nonce of impossible length
        raise Damaged from None


def _body(kept: CachedSession) -> bytes:
    secret = kept.refresh_token
    tokens = [
        {
            "resource": token.resource,
            "secret": token.secret,
            "expires_on": float(token.expires_on),
            "obtained_on": float(token.obtained_on),
        }
        for token in kept.tokens.values()
    ]
    return json.dumps(
        {"refresh_token": secret and secret.reveal(), "tokens": tokens}, allow_nan=False
    ).encode("ascii")


def _kept(body: bytes, account: Account) -> CachedSession:
    try:
        document = json.loads(body)
        secret = text_or_none(document["refresh_token"])
        tokens = [_token(row, account) for row in document["tokens"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise Damaged from None
    by_resource = {token.resource: token for token in tokens}
    return CachedSession(account, None if secret is None else Secret(secret), by_resource)


def _token(row: dict[str, object], account: Account) -> Token:
    return Token(
        text(row["secret"]),
        _number(row["expires_on"]),
        _number(row["obtained_on"]),
        text(row["resource"]),
        account,
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Damaged
    return float(value)

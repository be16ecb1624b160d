"""Encrypt the body of each record with AES-GCM; its header is the associated data.

The nonce is 96 random bits, new for every encryption (NIST SP 800-38D section 8.2.2, which
allows 2**32 of them for one key).
"""

from __future__ import annotations

import base64
import json
import math
import os
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from ..errors import CacheError
from ..tokens import Secret, Token
from . import keyring_key
from .files import warn_once
from .model import CachedSession
from .records import DamagedRecord, Record, require_str, require_str_or_none

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ..tokens import Account

NONCE_SIZE = 12
MAX_TOKENS = 16
MAX_BODY_SIZE = 2**20


class RecordCipher:
    """Encrypts and decrypts the records of one file, while that file is locked.

    ``path`` is the resolved path of the file. With ``allow_unencrypted``, records are written
    in plain text if there is no keyring.
    """

    def __init__(self, path: str, *, allow_unencrypted: bool) -> None:
        self.path = path
        self.allow_unencrypted = allow_unencrypted
        self._key: Secret | None = None

    def is_ready(self) -> bool:
        """Return whether a record can be written without creating a key first.

        Raises CacheError if there is no keyring, and plain text is not allowed.
        """
        try:
            return keyring_key.get(self.path) is not None
        except CacheError as error:
            self._require_plain_text_allowed(error)
            return True

    def encrypt(self, header: Record, session: CachedSession) -> Record:
        """Return the header with its body, which is encrypted if there is a keyring.

        Raises CacheError if there is no keyring, and plain text is not allowed.
        """
        # The body is not a local variable, because an error would show it in this frame.
        if len(_encode_body(session)) > MAX_BODY_SIZE:
            raise CacheError(
                "The sign-in is too large to be kept (more than 1 MiB).",
                remedy="Ask for tokens of fewer resources with one strategy, or leave cache= out.",
            )
        key = self.key_for_writing()
        if key is None:
            return replace(header, nonce=None, body=_encode_body(session))
        nonce = os.urandom(NONCE_SIZE)
        body = _aes_gcm(key).encrypt(nonce, _encode_body(session), header.associated_data)
        return replace(header, nonce=nonce, body=body)

    def decrypt(self, record: Record) -> CachedSession | None:
        """Return the sign-in of a record, or None if this program must not use it.

        That is an encrypted record if there is no keyring and plain text is allowed, and a
        plain text record if it is not allowed: a program that can write the file could
        otherwise get around the encryption. Raises DamagedRecord for a record that was
        changed, or encrypted with another key; CacheError if there is no keyring.
        """
        if record.nonce is None:
            return _decode_body(record.body, record.account) if self.allow_unencrypted else None
        try:
            key = self._get_or_create_key()
        except CacheError:
            if not self.allow_unencrypted:
                raise
            return None
        return _decode_body(_decrypt_body(record, record.nonce, key), record.account)

    def is_damaged(self, record: Record) -> bool:
        """Return whether a record can never be decrypted again."""
        try:
            self.decrypt(record)
        except DamagedRecord:
            return True
        return False

    def key_for_writing(self) -> Secret | None:
        """Return the key, which is created if there is none, or None to write plain text.

        Only while holding the lock. Raises CacheError if there is no keyring, and plain text
        is not allowed.
        """
        try:
            return self._get_or_create_key()
        except CacheError as error:
            self._require_plain_text_allowed(error)
            return None

    def _get_or_create_key(self) -> Secret:
        # A new key decrypts no old record. But if the keyring accepts a new key, then the old
        # one is lost, and not merely in another keyring (or in none: keyring --disable).
        self._key = self._key or keyring_key.get(self.path) or keyring_key.create(self.path)
        return self._key

    def _require_plain_text_allowed(self, error: CacheError) -> None:
        if not self.allow_unencrypted:
            raise error
        warn_once(
            f"Sign-ins are kept without encryption in {self.path!r}, because the system's"
            " keyring cannot be used: anybody who can read that file can act as you."
        )


def drop_expired_tokens(session: CachedSession) -> CachedSession:
    """Drop the access tokens that had expired when the newest of them was obtained.

    So no clock is needed. At most 16 tokens stay: those that expire last.
    """
    tokens = [token for token in session.tokens.values() if _has_finite_times(token)]
    now = max((token.obtained_on for token in tokens), default=0.0)
    valid = [token for token in tokens if token.expires_on > now]
    newest = sorted(valid, key=attrgetter("expires_on"))[-MAX_TOKENS:]
    return replace(
        session,
        tokens={token.resource: replace(token, account=session.account) for token in newest},
    )


def _has_finite_times(token: Token) -> bool:
    return math.isfinite(token.expires_on) and math.isfinite(token.obtained_on)


def _aes_gcm(key: Secret) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(base64.b64decode(key.reveal()))


def _decrypt_body(record: Record, nonce: bytes, key: Secret) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return _aes_gcm(key).decrypt(nonce, record.body, record.associated_data)
    except (InvalidTag, ValueError):  # ValueError: a nonce of impossible length
        raise DamagedRecord from None


def _encode_body(session: CachedSession) -> bytes:
    refresh_token = session.refresh_token
    tokens = [
        {
            "resource": token.resource,
            "secret": token.secret,
            "expires_on": float(token.expires_on),
            "obtained_on": float(token.obtained_on),
        }
        for token in session.tokens.values()
    ]
    return json.dumps(
        {"refresh_token": refresh_token and refresh_token.reveal(), "tokens": tokens},
        allow_nan=False,
    ).encode("ascii")


def _decode_body(body: bytes, account: Account) -> CachedSession:
    try:
        document = json.loads(body)
        refresh_token = require_str_or_none(document["refresh_token"])
        tokens = [_decode_token(row, account) for row in document["tokens"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise DamagedRecord from None
    return CachedSession(
        account,
        None if refresh_token is None else Secret(refresh_token),
        {token.resource: token for token in tokens},
    )


def _decode_token(row: dict[str, object], account: Account) -> Token:
    return Token(
        require_str(row["secret"]),
        _require_number(row["expires_on"]),
        _require_number(row["obtained_on"]),
        require_str(row["resource"]),
        account,
    )


def _require_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DamagedRecord
    return float(value)

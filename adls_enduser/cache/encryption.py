"""Encrypt the body of each record with AES-GCM; its header is the associated data.

The nonce is 96 random bits, new for every encryption (NIST SP 800-38D section 8.2.2, which
allows 2**32 of them for one key).
"""

from __future__ import annotations

import contextlib
import json
import os
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..errors import CacheError
from ..tokens import Secret, Token, is_bearer_token, is_epoch_seconds
from ..values import replace
from . import keyring_key
from .files import warn_once
from .model import CachedSession, extra
from .records import DamagedRecord, Record, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ..tokens import Account
    from .files import CacheFile

NONCE_SIZE = 12
TAG_SIZE = 16
MAX_TOKENS = 16
MAX_BODY_SIZE = 2**20
# Entra ID's documents take 2 kB. A larger one is requested again.
MAX_DOCUMENT = 20_000


class RecordCipher:
    """Encrypts and decrypts the records of one file.

    With ``allow_unencrypted``, records are written in plain text if there is no key. The
    keyring may ask the person to unlock it. So ``look_up_key`` asks it before the file is
    locked, and the other methods, which need the lock, ask it only if that was not done.
    """

    def __init__(self, file: CacheFile, *, allow_unencrypted: bool) -> None:
        self.file = file
        self.allow_unencrypted = allow_unencrypted
        self._key: Secret | None = None
        self._error: CacheError | None = None
        self._looked_up = False

    def look_up_key(self, check: Callable[[], None]) -> None:
        """Ask the keyring for the key, until ``check`` raises.

        What the keyring itself raises is kept until the key is needed.
        """
        self._looked_up = True
        try:
            self._key = keyring_key.get(self.file.path, check)
        except CacheError as error:
            self._error = error.with_traceback(None)

    def is_ready(self, records: Iterable[Record]) -> bool:
        """Return whether a record can be written without creating a key first.

        Raises CacheError if there is no key and none may be created, and plain text is not
        allowed.
        """
        try:
            if self._require_keyring() is None:
                self._refuse_new_key(records)
                return False
        except CacheError as error:
            self._require_plain_text_allowed(error)
        return True

    def create_key(self, check: Callable[[], None]) -> None:
        """Create the key, unless another process has just done so.

        Raises CacheError if the keyring does not keep it, and plain text is not allowed.
        """
        try:
            with self.file.key_locked(check):
                self._key = keyring_key.get_or_create(self.file.path, check)
        except CacheError as error:
            self._require_plain_text_allowed(error)

    def encrypt(
        self, header: Record, session: CachedSession, records: tuple[Record, ...]
    ) -> Record:
        """Return the header with its body, which is encrypted if there is a keyring.

        ``records`` are those of the file, which must be locked. Raises CacheError if there is
        no key, and plain text is not allowed; also for values that could not be read again.
        """
        _check_values(header, session)
        # The body is not a local variable, because an error would show it in this frame.
        if len(_encode_body(session)) > MAX_BODY_SIZE:
            raise CacheError(
                "The sign-in is too large to be kept (more than 1 MiB).",
                remedy="Ask for tokens of fewer resources with one strategy, or leave cache= out.",
            )
        key = self._key_for_writing(records)
        if key is None:
            return replace(header, nonce=None, body=_encode_body(session))
        nonce = os.urandom(NONCE_SIZE)
        body = _aes_gcm(key).encrypt(nonce, _encode_body(session), header.associated_data)
        return replace(header, nonce=nonce, body=body, key_id=keyring_key.identify(key))

    def decrypt(self, record: Record) -> CachedSession | None:
        """Return the sign-in of a record, or None if this program must not use it.

        That is an encrypted record if there is no key and plain text is allowed, and a
        plain text record if it is not allowed: a program that can write the file could
        otherwise get around the encryption. Raises DamagedRecord for a record that was
        changed; CacheError if there is no keyring, or if it has another key than the one
        that encrypted the record.
        """
        if record.nonce is None:
            return _decode_body(record.body, record.account) if self.allow_unencrypted else None
        if not is_encrypted(record):
            raise DamagedRecord
        key = self._key_for_reading()
        if key is None:
            return None
        try:
            return _decode_body(_decrypt_body(record, record.nonce, key), record.account)
        except _TagMismatch:
            if record.key_id == keyring_key.identify(key):
                raise DamagedRecord from None
        raise self._foreign(record, keyring_key.identify(key))

    def is_damaged(self, record: Record) -> bool:
        """Return whether a record can never be decrypted again, with any key."""
        try:
            self.decrypt(record)
        except DamagedRecord:
            return True
        except CacheError:
            return False
        return False

    def require_replaceable(self, record: Record) -> None:
        """Raise CacheError for a record that was encrypted with another key."""
        with contextlib.suppress(DamagedRecord):
            self.decrypt(record)

    def _key_for_reading(self) -> Secret | None:
        try:
            key = self._require_keyring()
        except CacheError:
            if not self.allow_unencrypted:
                raise
            return None
        if key is None and not self.allow_unencrypted:
            raise self._no_key()
        return key

    def _key_for_writing(self, records: tuple[Record, ...]) -> Secret | None:
        """Return the key, which is created if there is none, or None to write plain text."""
        try:
            key = self._require_keyring()
            # A sign-out deletes the key together with the last record, so a key that no record
            # names may be gone by now.
            if key is None or keyring_key.identify(key) not in {one.key_id for one in records}:
                return self._confirmed_key(records)
        except CacheError as error:
            self._require_plain_text_allowed(error)
            return None
        return key

    def _confirmed_key(self, records: Iterable[Record]) -> Secret:
        limit = keyring_key.time_limit(keyring_key.TIMEOUT_UNDER_LOCK)
        self._key = keyring_key.get(self.file.path, limit)
        if self._key is None:
            self._refuse_new_key(records)
            with self.file.key_locked(limit):
                self._key = keyring_key.get_or_create(self.file.path, limit)
        return self._key

    def _require_keyring(self) -> Secret | None:
        """Return the key, or None if the keyring has none; raise the keyring's error."""
        if not self._looked_up:
            self.look_up_key(keyring_key.time_limit(keyring_key.TIMEOUT_UNDER_LOCK))
        if self._error is not None:
            raise self._error.with_traceback(None)
        return self._key

    def _refuse_new_key(self, records: Iterable[Record]) -> None:
        """Raise CacheError if there are encrypted records, since their key is somewhere.

        Some keyrings say that they have no key while they are locked, and a new key would then
        replace the old one.
        """
        if any(map(is_encrypted, records)):
            raise self._no_key()

    def _require_plain_text_allowed(self, error: CacheError) -> None:
        if not self.allow_unencrypted:
            raise error
        warn_once(
            f"Sign-ins are kept without encryption in {self.file.path!r}, because the system's"
            " keyring cannot be used: anybody who can read that file can act as you."
        )

    def _no_key(self) -> CacheError:
        return CacheError(
            f"The system's keyring has no key for the sign-in cache {self.file.path!r}, which"
            " holds encrypted sign-ins.",
            remedy=_OTHER_KEYRING,
        )

    def _foreign(self, record: Record, key_id: str) -> CacheError:
        return CacheError(
            f"The sign-in of {record.account.username!r} in the cache {self.file.path!r} was"
            f" encrypted with another key ({record.key_id or 'its id is not known'}) than the"
            f" one in the system's keyring ({key_id}).",
            remedy=_OTHER_KEYRING,
        )


_OTHER_KEYRING = (
    "Unlock the keyring, or use the one in which the person signed in (same user, same desktop"
    " session). The file was not changed. If its key is lost for good, remove the sign-ins with"
    " SignInCache(...).sign_out() and sign in again. Or give SignInCache another path."
)


class _TagMismatch(Exception):
    """A record was changed, or encrypted with another key."""


def is_encrypted(record: Record) -> bool:
    """Return whether the body can be what a key has encrypted; if not, no key decrypts it."""
    smallest = len(b'{"refresh_token": "", "tokens": []}') + TAG_SIZE
    return (
        record.nonce is not None
        and len(record.nonce) == NONCE_SIZE
        and len(record.body) >= smallest
    )


def drop_expired_tokens(session: CachedSession) -> CachedSession:
    """Drop the access tokens that cannot be used, or had expired when the newest was obtained.

    So no clock is needed. At most 16 tokens stay: those that expire last.
    """
    tokens = [token for token in session.tokens.values() if _is_usable(token)]
    now = max((token.obtained_on for token in tokens), default=0.0)
    valid = [token for token in tokens if token.expires_on > now]
    newest = sorted(valid, key=attrgetter("expires_on"))[-MAX_TOKENS:]
    return replace(
        session,
        tokens={token.resource: replace(token, account=session.account) for token in newest},
    )


def _is_usable(token: Token) -> bool:
    return token.is_sound and token.lifetime > 0 and is_name(token.resource)


def _check_values(header: Record, session: CachedSession) -> None:
    """Raise CacheError for names and a refresh token that would count as damaged when read."""
    account, token = session.account, session.refresh_token
    names = (account.username, account.tenant, account.object_id, *header.requested)
    if not all(name is None or is_name(name) for name in names) or not (
        token is None or is_bearer_token(token.reveal())
    ):
        raise CacheError(
            "The sign-in cannot be kept: its names or its refresh token are not printable text.",
            remedy="Sign in again. If this repeats, leave cache= out.",
        )


def _aes_gcm(key: Secret) -> AESGCM:
    with extra():
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(keyring_key.decoded(key))


def _decrypt_body(record: Record, nonce: bytes, key: Secret) -> bytes:
    with extra():
        from cryptography.exceptions import InvalidTag

    try:
        return _aes_gcm(key).decrypt(nonce, record.body, record.associated_data)
    except InvalidTag:
        raise _TagMismatch from None


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
    documents = dict(filter(_is_small, session.documents.items()))
    return json.dumps(
        {
            "refresh_token": refresh_token and refresh_token.reveal(),
            "tokens": tokens,
            **({"documents": documents} if documents else {}),
        },
        allow_nan=False,
    ).encode("ascii")


def _decode_body(body: bytes, account: Account) -> CachedSession:
    """Return the sign-in; DamagedRecord if any value in it could not be used."""
    try:
        document = json.loads(body)
        refresh_token = document["refresh_token"]
        tokens = [_decode_token(row, account) for row in document["tokens"]]
        # Which older versions did not keep.
        documents = dict(map(_decode_document, document.get("documents", {}).items()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DamagedRecord from None
    if not (refresh_token is None or is_bearer_token(refresh_token)):
        raise DamagedRecord
    return CachedSession(
        account,
        None if refresh_token is None else Secret(refresh_token),
        {token.resource: token for token in tokens},
        documents,
    )


def _is_small(item: tuple[str, tuple[str, float]]) -> bool:
    return len(item[1][0]) <= MAX_DOCUMENT


def _decode_document(item: tuple[str, Any]) -> tuple[str, tuple[str, float]]:
    url, (text, fetched_on) = item
    if not (isinstance(text, str) and is_epoch_seconds(fetched_on)):
        raise DamagedRecord
    return url, (text, float(fetched_on))


def _decode_token(row: dict[str, Any], account: Account) -> Token:
    expires_on, obtained_on = row["expires_on"], row["obtained_on"]
    if not (is_epoch_seconds(expires_on) and is_epoch_seconds(obtained_on)):
        raise DamagedRecord
    token = Token(row["secret"], float(expires_on), float(obtained_on), row["resource"], account)
    if not _is_usable(token):
        raise DamagedRecord
    return token

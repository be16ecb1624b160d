"""Sign-ins, keyrings and processes for the tests of the cache."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
from keyring.backend import KeyringBackend

from adls_enduser import Account, Token
from adls_enduser.cache import CachedSession, CacheKey, SignInCache
from adls_enduser.tokens import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = "https://login.microsoftonline.com"
CHINA = "https://login.chinacloudapi.cn"
CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OTHER_CLIENT = "11111111-2222-4333-8444-555555555555"
CONTOSO = "aaaaaaaa-0000-4000-8000-000000000001"
FABRIKAM = "aaaaaaaa-0000-4000-8000-000000000002"
ADA = Account("ada@contoso.com", CONTOSO, "bbbbbbbb-0000-4000-8000-000000000001")
BOB = Account("bob@contoso.com", CONTOSO, "bbbbbbbb-0000-4000-8000-000000000002")
DATA_LAKE = "https://datalake.azure.net/"
MANAGEMENT = "https://management.core.windows.net/"
REFRESH_TOKEN = "planted-refresh-token-c0de"
ACCESS_TOKEN = "planted-access-token-51aa"
KEY = CacheKey(PUBLIC, CLIENT)


class MemoryKeyring(KeyringBackend):
    """A keyring in memory; keyring never chooses it by itself."""

    priority = -1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.passwords[service, username]


class FileKeyring(MemoryKeyring):
    """A keyring in a file, for several processes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def get_password(self, service: str, username: str) -> str | None:
        self._read()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._read()
        super().set_password(service, username, password)
        self._write()

    def delete_password(self, service: str, username: str) -> None:
        self._read()
        super().delete_password(service, username)
        self._write()

    def _read(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            rows = json.loads(self.path.read_text())
            self.passwords = {(service, name): password for service, name, password in rows}

    def _write(self) -> None:
        rows = [[*names, password] for names, password in self.passwords.items()]
        new = self.path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(rows))
        new.replace(self.path)


@contextlib.contextmanager
def use_keyring(backend: KeyringBackend) -> Iterator[None]:
    """Set the keyring, and restore the earlier one at the end."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)


def make_session(
    account: Account = ADA, refresh_token: str = REFRESH_TOKEN, *tokens: Token
) -> CachedSession:
    """Return a sign-in as a strategy saves it."""
    by_resource = {token.resource: token for token in tokens}
    return CachedSession(account, Secret(refresh_token), by_resource)


def make_token(
    resource: str = DATA_LAKE, obtained_on: float = 1000.0, account: Account = ADA
) -> Token:
    """Return an access token that is valid for an hour."""
    return Token(ACCESS_TOKEN, obtained_on + 3600.0, obtained_on, resource, account)


def make_account(process: int, thread: int) -> Account:
    """Return the account that one thread of one process works with."""
    return Account(f"{process}-{thread}@contoso.com", CONTOSO, f"id-{process}-{thread}")


def save(cache: SignInCache, session: CachedSession, key: CacheKey = KEY) -> None:
    """Save one sign-in, as another process would."""
    with cache.open(replace(key, username=session.account.username)) as entry:
        entry.save(session)


def load(cache: SignInCache, key: CacheKey = KEY) -> CachedSession | None:
    """Return the sign-in that is kept for a key."""
    with cache.open(key) as entry:
        return entry.session


def path_of(cache: SignInCache) -> Path:
    """Return the path of the cache file."""
    assert cache.path is not None
    return Path(cache.path)


def quarantined(cache: SignInCache) -> list[Path]:
    """Return the damaged files that were renamed, the oldest first."""
    return sorted(path_of(cache).parent.glob("*.corrupt-*"))


def run(*command: object) -> list[str]:
    """Run a program that can import the tests, and return the lines that it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()

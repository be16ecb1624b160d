"""Write your own strategy: any object with these two methods; it needs no base class.

This one passes both calls to a DeviceCode, and records who had to sign in.
"""

import time

from azure.datalake.store import core

from adls_enduser import AuthStrategy, DeviceCode, Token, filesystem_token

TENANT = "contoso.onmicrosoft.com"
STORE = "mystore"


class RecordingStrategy:
    """A strategy that records each sign-in of another strategy."""

    def __init__(self, inner: AuthStrategy) -> None:
        self.inner = inner
        self.record: list[str] = []

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return a token without asking a person, or None."""
        return self.inner.silent(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask the person to sign in, and wait."""
        start = time.monotonic()
        token = self.inner.sign_in(resource, claims=claims)
        seconds = time.monotonic() - start
        self.record.append(f"{token.account.username} took {seconds:.0f} s for {resource}")
        return token


strategy = RecordingStrategy(DeviceCode(tenant=TENANT))
filesystem = core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name=STORE)
print(filesystem.ls("/"))
print(*strategy.record, sep="\n")

"""A way of signing in of one's own: any object with these two methods, of no special class.

This one keeps a record of whom it had to ask, and lets a DeviceCode do the rest.
"""

import time

from azure.datalake.store import core

from adls_enduser import AuthStrategy, DeviceCode, Token, filesystem_token

TENANT = "contoso.onmicrosoft.com"
STORE = "mystore"


class Recorded:
    """Passes both calls on, and notes the second."""

    def __init__(self, inner: AuthStrategy) -> None:
        self.inner = inner
        self.record: list[str] = []

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token without asking anybody, or None."""
        return self.inner.silent(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask the person; blocks."""
        begin = time.monotonic()
        token = self.inner.sign_in(resource, claims=claims)
        seconds = time.monotonic() - begin
        self.record.append(f"{token.account.username} took {seconds:.0f} s for {resource}")
        return token


strategy = Recorded(DeviceCode(tenant=TENANT))
filesystem = core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name=STORE)
print(filesystem.ls("/"))
print(*strategy.record, sep="\n")

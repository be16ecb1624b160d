"""Fixtures for the tests of stores: one sandbox per module, one store per test, three persons."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.datalake.store import core

from adls_enduser.sandbox import CONTOSO_ID, Person, Sandbox, SandboxClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEAM = "7ea0aaaa-0000-4000-8000-000000000001"

_numbers = itertools.count()


class Token:
    """A credential for either generation of azure-datalake-store."""

    def __init__(self, azure: Sandbox, person: Person) -> None:
        self.expires_on = int(azure.clock.time()) + 3600
        self.secret = azure.world.identity.access_token(
            person, "https://datalake.azure.net/", client_id="test", lifetime=3600
        )

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken(self.secret, self.expires_on)

    def signed_session(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.secret}"
        return session


@dataclass
class WebHdfsClient:
    """Sends WebHDFS requests to one store as one person, without an SDK."""

    url: str
    session: requests.Session

    def __call__(
        self, method: str, path: str, op: str, data: bytes = b"", **parameters: object
    ) -> requests.Response:
        prefix = "webhdfsext" if op == "SETEXPIRY" else "webhdfs/v1"
        query = {"op": op, **{name: str(value) for name, value in parameters.items()}}
        return self.session.request(
            method, f"{self.url}/{prefix}/{path}", params=query, data=data, allow_redirects=False
        )


@pytest.fixture(scope="module")
def store_azure() -> Iterator[Sandbox]:
    """Run a sandbox with a frozen clock for all tests of a module."""
    with Sandbox(clock=SandboxClock(frozen=True)) as sandbox:
        yield sandbox


@pytest.fixture
def store_name(store_azure: Sandbox) -> str:
    """Create an empty store, and return its name."""
    name = f"store{next(_numbers)}"
    store_azure.stores.create(name)
    return name


@pytest.fixture
def people(store_azure: Sandbox) -> dict[str, Person]:
    """Add Olga, who owns the account; Bea, who is in a team; and Carl, who has no rights."""
    add = store_azure.world.directory.add
    return {
        "olga": add(Person("olga@contoso.com", CONTOSO_ID, "-", role="Owner")),
        "bea": add(Person("bea@contoso.com", CONTOSO_ID, "-", role=None, groups=(TEAM,))),
        "carl": add(Person("carl@contoso.com", CONTOSO_ID, "-", role=None)),
    }


@pytest.fixture
def sign_in(
    store_azure: Sandbox, store_name: str, people: dict[str, Person]
) -> Callable[[str], core.AzureDLFileSystem]:
    """Return a function that opens the store as a person, with azure-datalake-store."""

    def open_store(name: str) -> core.AzureDLFileSystem:
        return core.AzureDLFileSystem(Token(store_azure, people[name]), store_name=store_name)

    return open_store


@pytest.fixture
def fs(sign_in: Callable[[str], core.AzureDLFileSystem]) -> core.AzureDLFileSystem:
    """Open the store as the account's owner."""
    return sign_in("olga")


@pytest.fixture
def webhdfs(
    store_azure: Sandbox, store_name: str, people: dict[str, Person]
) -> Iterator[WebHdfsClient]:
    """Send WebHDFS requests to the store as the account's owner."""
    with Token(store_azure, people["olga"]).signed_session() as session:
        yield WebHdfsClient(f"https://{store_name}.azuredatalakestore.net", session)

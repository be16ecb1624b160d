"""One sandbox per module, one account per test, three persons, and a client without an SDK."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
import requests

from adls_enduser.sandbox import CONTOSO_ID, Person, Sandbox, SandboxClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

VERSION = "2025-07-05"
STORAGE = "https://storage.azure.com/"
TEAM = "7ea0aaaa-0000-4000-8000-000000000002"
BLOCK = {"x-ms-blob-type": "BlockBlob"}

_numbers = itertools.count()


def xml(response: requests.Response) -> Element:
    """Return the document of a response."""
    return ElementTree.fromstring(response.content.decode("utf-8-sig"))


def code(response: requests.Response) -> tuple[int, str | None]:
    """Return the status and the error code; the body has the same code."""
    found = response.headers.get("x-ms-error-code")
    if found is not None and response.content:
        is_json = response.headers["Content-Type"].startswith("application/json")
        body = response.json()["error"]["code"] if is_json else xml(response).findtext("Code")
        assert body == found
    return response.status_code, found


@dataclass
class Endpoint:
    """Sends requests to one endpoint of an account as one person."""

    url: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(
        self, method: str, target: str, data: bytes = b"", **headers: str | None
    ) -> requests.Response:
        sent = {"x-ms-version": VERSION, "Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(
            method, f"{self.url}{target}", data=data, headers=sent, allow_redirects=False
        )


class Lake:
    """An account with the filesystem ``box``, and its endpoints for each person."""

    def __init__(self, azure: Sandbox, name: str, suffix: str = "core.windows.net") -> None:
        self.azure = azure
        self.name = name
        self.suffix = suffix
        self.sessions: list[requests.Session] = []

    def endpoint(self, kind: str, person: Person, audience: str = STORAGE) -> Endpoint:
        """Return an endpoint, ``blob`` or ``dfs``, with a token of a person."""
        token = self.azure.world.identity.access_token(
            person, audience, client_id="test", lifetime=3600
        )
        found = Endpoint(f"https://{self.name}.{kind}.{self.suffix}", token)
        self.sessions.append(found.session)
        return found

    def close(self) -> None:
        """Close all connections."""
        for session in self.sessions:
            session.close()


@pytest.fixture(scope="module")
def storage_azure() -> Iterator[Sandbox]:
    """Run a sandbox with a frozen clock for all tests of a module."""
    with Sandbox(clock=SandboxClock(frozen=True)) as sandbox:
        yield sandbox


@pytest.fixture
def people(storage_azure: Sandbox) -> dict[str, Person]:
    """Add Olga, who owns the account; Bea, who is in a team; and Carl, who has no rights."""
    add = storage_azure.world.directory.add
    return {
        "olga": add(Person("olga@contoso.com", CONTOSO_ID, "-", role="Owner")),
        "bea": add(Person("bea@contoso.com", CONTOSO_ID, "-", role=None, groups=(TEAM,))),
        "carl": add(Person("carl@contoso.com", CONTOSO_ID, "-", role=None)),
    }


@pytest.fixture
def lake(storage_azure: Sandbox) -> Iterator[Lake]:
    """Create an account with an empty filesystem ``box``."""
    name = f"lake{next(_numbers)}"
    storage_azure.storage.create(name, "box")
    found = Lake(storage_azure, name)
    yield found
    found.close()


@pytest.fixture
def blob(lake: Lake, people: dict[str, Person]) -> Endpoint:
    """Return the blob endpoint as the account's owner."""
    return lake.endpoint("blob", people["olga"])


@pytest.fixture
def dfs(lake: Lake, people: dict[str, Person]) -> Endpoint:
    """Return the dfs endpoint as the account's owner."""
    return lake.endpoint("dfs", people["olga"])


def write(dfs: Endpoint, path: str, data: bytes = b"1") -> None:
    """Write a file with the dfs endpoint: create, append, flush."""
    assert dfs("PUT", f"/{path}?resource=file").status_code == 201
    assert dfs("PATCH", f"/{path}?action=append&position=0", data).status_code == 202
    assert dfs("PATCH", f"/{path}?action=flush&position={len(data)}").status_code == 200

"""The documents of discovery are asked for once: by a process, and by those that share a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import AZURE_CLI_CLIENT_ID, PUBLIC, EndUserError, Password, SignInCache
from adls_enduser.cache import CacheKey
from adls_enduser.sandbox import CONTOSO, Answer
from adls_enduser.values import replace

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

CONFIGURATION, INSTANCE = "/.well-known/openid-configuration", "/common/discovery/instance"
# Microsoft knows it, and neither library by heart.
LESS_KNOWN = replace(PUBLIC, name="less known", authority="https://login.less-known.example")


@pytest.fixture
def sign_in(azure: Sandbox, clock: SandboxClock, ada: Person) -> Callable[..., None]:
    """Sign in with a new strategy."""

    def run(library: str, resource: str = MANAGEMENT, **more: Any) -> None:
        own: Any = {"tenant": CONTOSO, "clock": clock, "library": library, "password": PASSWORD}
        assert Password(username=ada.username, **(own | more)).silent(resource)

    return run


def _paths(azure: Sandbox) -> list[str]:
    discovery = [*azure.log.to(CONFIGURATION), *azure.log.to(INSTANCE)]
    azure.log.clear()
    return [one.path.partition("?")[0] for one in discovery]


def test_a_process_asks_once(azure: Sandbox, sign_in: Callable[..., None]) -> None:
    """Every later sign-in at the same authority does without, whoever makes it."""
    sign_in("msal")
    assert _paths(azure) == [f"/{CONTOSO}/v2.0{CONFIGURATION}"]
    for resource in (MANAGEMENT, DATA_LAKE, STORAGE):
        sign_in("msal", resource)
    assert _paths(azure) == []
    sign_in("msal", tenant="organizations")
    assert _paths(azure) == [f"/organizations/v2.0{CONFIGURATION}"]


def test_microsoft_is_asked_once_about_an_authority(
    azure: Sandbox, sign_in: Callable[..., None], library: str
) -> None:
    """For a host that neither library knows by heart."""
    azure.entra.add_authority("login.less-known.example")
    sign_in(library, cloud=LESS_KNOWN)
    assert INSTANCE in _paths(azure)
    sign_in(library, STORAGE, cloud=LESS_KNOWN)
    assert _paths(azure) == []


def test_a_document_is_kept_for_a_day(
    azure: Sandbox, sign_in: Callable[..., None], clock: SandboxClock
) -> None:
    """As in MSAL.js; nor is one used that would come from the future."""
    sign_in("msal")
    clock.advance(24 * 3600 - 60)
    azure.log.clear()
    sign_in("msal")
    assert _paths(azure) == []
    clock.advance(61)
    sign_in("msal")
    assert len(_paths(azure)) == 1
    clock.advance(-3600)
    sign_in("msal")
    assert len(_paths(azure)) == 1


def test_who_trusts_other_certificates_asks_for_themselves(
    azure: Sandbox, sign_in: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document is worth what the certificate is that it came with."""
    sign_in("msal")
    azure.log.clear()
    other = str(shutil.copy(azure.ca_bundle, tmp_path / "other.pem"))
    sign_in("msal", ca_bundle=other)
    assert len(_paths(azure)) == 1
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other)
    sign_in("msal")
    assert _paths(azure) == []


def test_a_document_that_could_not_be_used_is_not_kept(
    azure: Sandbox, sign_in: Callable[..., None]
) -> None:
    """Neither an error response nor what is no document."""
    for text in ('{"token_endpoint": "https://x.example"}', "[]", "<html>"):
        azure.faults.add(Answer(200, text), path=CONFIGURATION)
        with pytest.raises(EndUserError):
            sign_in("msal")
    azure.log.clear()
    sign_in("msal")
    assert len(_paths(azure)) == 1


NEXT_PROCESS = """
import sys, time, warnings
warnings.simplefilter("ignore")
from dataclasses import replace
from adls_enduser import PUBLIC, DeviceCode, SignInCache
from adls_enduser.clocks import SystemClock

library, path, hours = sys.argv[1:]

class Later(SystemClock):
    def time(self):
        return super().time() + float(hours) * 3600

strategy = DeviceCode(
    tenant="contoso.onmicrosoft.com",
    cloud=replace(PUBLIC, name="less known", authority="https://login.less-known.example"),
    library=library,
    cache=SignInCache(path, allow_unencrypted=True),
    prompt=lambda prompt: None,
    clock=Later(),
)
assert strategy.silent(PUBLIC.storage) or strategy.sign_in(PUBLIC.storage)
"""


@pytest.mark.parametrize("hours", [2, 48])
def test_the_next_process_does_without(
    azure: Sandbox, grace: Person, library: str, tmp_path: Path, hours: int
) -> None:
    """The cache has the documents beside the refresh token; for a day."""
    azure.entra.add_authority("login.less-known.example")
    azure.entra.approver = grace
    for number in range(2):
        azure.log.clear()
        arguments = (library, str(tmp_path / "sign-ins"), str(hours * number))
        command = (sys.executable, "-c", NEXT_PROCESS, *arguments)
        subprocess.run(command, env=os.environ | azure.environment, check=True)
        assert len(azure.log.to(TOKEN_PATH)) == 1
        assert bool(_paths(azure)) is (number == 0 or hours == 48)


@pytest.fixture
def with_cache(ada: Person, clock: SandboxClock, tmp_path: Path) -> Callable[[], Password]:
    """A new strategy with an unencrypted cache."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cache = SignInCache(tmp_path / "sign-ins", allow_unencrypted=True)
        cache.check()

    def make() -> Password:
        own: Any = {"tenant": CONTOSO, "clock": clock, "library": "msal", "cache": cache}
        return Password(username=ada.username, password=PASSWORD, **own)

    return make


def _plant(strategy: Password, text: str, clock: SandboxClock) -> None:
    """Replace the documents in the cache."""
    cache = strategy.settings.cache
    assert cache is not None
    with cache.open(CacheKey(PUBLIC.authority, AZURE_CLI_CLIENT_ID)) as entry:
        assert entry.session is not None
        documents = dict.fromkeys(entry.session.documents, (text, clock.time()))
        assert documents
        entry.save(replace(entry.session, documents=documents))


@pytest.mark.parametrize(
    "changed",
    [
        '{{"token_endpoint": "https://evil.example/token", "authorization_endpoint": "{0}/a"}}',
        '{{"token_endpoint": "http://{1}/token", "authorization_endpoint": "{0}/a"}}',
        '{{"token_endpoint": "{0}@evil.example/", "authorization_endpoint": "{0}/a"}}',
        '{{"token_endpoint": 7, "authorization_endpoint": "{0}/a"}}',
        '{{"token_endpoint": "{0}/token"}}',
        '{{"authorization_endpoint": "{0}/a", "device_authorization_endpoint": "{0}/d"}}',
        "{{}}",
        "[]",
        '"{0}"',
        "<html>",
    ],
)
def test_a_cached_document_sends_nothing_elsewhere(
    azure: Sandbox, with_cache: Callable[[], Password], clock: SandboxClock, changed: str
) -> None:
    """Whoever can write an unencrypted cache cannot name another host; the document is replaced."""
    host = "login.microsoftonline.com"
    assert with_cache().silent(MANAGEMENT)
    clock.advance(25 * 3600)  # what this process knows is too old by now
    _plant(with_cache(), changed.format(f"https://{host}", host), clock)
    azure.log.clear()
    assert with_cache().silent(MANAGEMENT)
    assert {one.host for one in azure.log} == {host}
    assert len(_paths(azure)) == 1


def test_what_a_process_was_told_itself_stays(
    azure: Sandbox, with_cache: Callable[[], Password], clock: SandboxClock
) -> None:
    """A document in the cache does not replace it."""
    assert with_cache().silent(MANAGEMENT)
    clock.advance(2 * 3600)
    own = "https://login.microsoftonline.com/elsewhere"
    _plant(with_cache(), f'{{"token_endpoint": "{own}", "authorization_endpoint": "{own}"}}', clock)
    azure.log.clear()
    assert with_cache().silent(MANAGEMENT)
    assert [one.status for one in azure.log] == [200]

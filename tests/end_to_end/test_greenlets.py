"""Programs whose threads are greenlets, with the real gevent and eventlet."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from adls_enduser.sandbox import CONTOSO, Sandbox, Stall

from ..conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).parent.parent / "programs" / "patched.py"
ADA = f"ada@{CONTOSO}"


@pytest.fixture(params=["gevent", "eventlet"])
def patcher(request: pytest.FixtureRequest) -> str:
    """The library that patches a program; this process does not import it."""
    name = str(request.param)
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, with Ada, who has a password."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(ADA, password=PASSWORD)
        azure.entra.device_code_interval = 1
        yield azure


def _run(azure: Sandbox, how: str, library: str, mode: str, **more: str) -> dict[str, Any]:
    """Run the program, and do what the person does; return how it ended."""
    environ = os.environ | azure.environment | {"NAME": ADA, "PLANTED": PASSWORD} | more
    command = [sys.executable, "-W", "ignore", str(PROGRAM), how, library, mode]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        limit = threading.Timer(60, child.kill)
        limit.start()
        try:
            assert child.stdout is not None
            assert child.stderr is not None
            for line in child.stdout:
                shown = json.loads(line)
                if "url" not in shown:
                    return dict(shown)
                if "TIMEOUT" not in more:
                    _act(azure, shown)
            raise AssertionError(child.stderr.read())
        finally:
            limit.cancel()


def _act(azure: Sandbox, shown: dict[str, Any]) -> None:
    if shown["code"] is not None:
        azure.entra.approve(shown["code"])
        return
    with requests.Session() as session:
        session.trust_env = False
        session.get(azure.entra.authorize(shown["url"]), timeout=30)


@pytest.mark.parametrize("mode", ["password", "device_code", "browser"])
class TestPatchedFirst:
    """A program that is patched in its first line works."""

    def test_it_signs_in(self, live: Sandbox, patcher: str, library: str, mode: str) -> None:
        """And threads that ask at once share one token."""
        ended = _run(live, patcher, library, mode)
        assert ended["tokens"] == 1, ended

    def test_a_request_that_hangs_ends(self, live: Sandbox, patcher: str, mode: str) -> None:
        """After its timeout, while other greenlets go on."""
        live.faults.add(Stall(), times=100, host="login.microsoftonline.com")
        ended = _run(live, patcher, "adal", mode, REQUEST_TIMEOUT="1")
        assert ended["error"] == "TransportError", ended
        assert ended["ticks"] > 10


@pytest.mark.parametrize("mode", ["device_code", "browser"])
def test_other_greenlets_go_on(live: Sandbox, patcher: str, mode: str) -> None:
    """While the person takes their time; and the wait ends by its timeout."""
    ended = _run(live, patcher, "msal", mode, TIMEOUT="2")
    assert ended["error"] == "SignInTimedOut", ended
    assert ended["ticks"] > 20


@pytest.mark.parametrize(("library", "mode"), [("adal", "password"), ("msal", "browser")])
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("{} after adls_enduser.factories", "after adls_enduser had been imported"),
        ("{} after adls_enduser.strategies.browser", "after adls_enduser had been imported"),
        ("{} after requests", "after urllib3 had been imported"),
        ("{} without {thread}", "sockets of this process but not its threads"),
        ("{} without socket", "threads of this process but not its sockets"),
    ],
)
def test_patched_wrongly(
    live: Sandbox, patcher: str, library: str, mode: str, how: str, why: str
) -> None:
    """One ConfigurationError says what to call and when, and nothing is sent."""
    ended = _run(live, how.format(patcher, thread="thread"), library, mode)
    call = {"gevent": "gevent.monkey.patch_all()", "eventlet": "eventlet.monkey_patch()"}[patcher]
    assert ended["error"] == "ConfigurationError", ended
    assert why in ended["text"]
    assert f"Call {call}" in ended["text"]
    assert len(live.log) == 0


def test_patched_after_a_sign_in(live: Sandbox, patcher: str) -> None:
    """The next token that is not in memory is refused."""
    ended = _run(live, f"{patcher} after a sign-in", "adal", "password", PLANTED=_token(live))
    assert ended["error"] == "ConfigurationError", ended
    assert "after adls_enduser had been imported" in ended["text"]


def _token(azure: Sandbox) -> str:
    program = (
        "import os\nfrom adls_enduser import Password\n"
        f"own = Password(username={ADA!r}, password={PASSWORD!r}, tenant={CONTOSO!r})\n"
        "print(own.silent('https://management.core.windows.net/').secret)"
    )
    command = [sys.executable, "-c", program]
    environ = os.environ | azure.environment
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True
    ).stdout.strip()

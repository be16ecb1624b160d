"""``adls-enduser doctor``: each fault is found, has a remedy, and no secret is shown."""

from __future__ import annotations

import json
import socket
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser.sandbox import Answer, Sandbox, SandboxClock

from .conftest import Shell
from .test_accounts import cache_file

if TYPE_CHECKING:
    from pathlib import Path


def checks(shell: Shell, *words: str, **environ: str) -> dict[str, dict[str, str]]:
    """Return the findings by the name of the check."""
    done = shell.run("doctor", "--json", *words, **environ)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stderr == ""
    assert done.returncode == (1 if found["broken"] else 0)
    assert found["broken"] == any(one["state"] == "broken" for one in found["checks"])
    assert all(one["remedy"] for one in found["checks"] if one["state"] == "broken")
    return {one["check"]: one for one in found["checks"]}


def test_all_is_well(signed_in: Shell) -> None:
    """Every subject has its line."""
    found = checks(signed_in)
    assert {name for name, one in found.items() if one["state"] == "broken"} == set()
    assert set(found) >= {
        *("adls-enduser", "Python", "Packages", "Library", "Proxy", "CA bundle", "Name", "TLS"),
        *("Clock", "Keyring", "Cache", "Browser", "Terminal", "Notebook"),
    }
    assert found["Cache"]["text"].startswith("1 sign-in in ")


def test_one_screen_at_a_terminal(signed_in: Shell) -> None:
    """In colour, unless NO_COLOR is set; and nothing wider than a narrow terminal."""
    status, shown = signed_in.shown("adls-enduser doctor", columns=100)
    assert status == 0
    assert shown.startswith("\033[32mgood\033[0m")
    assert len(shown.splitlines()) < 30
    for colourless in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\033" not in signed_in.shown("adls-enduser doctor", **colourless)[1]
    assert "\033" not in signed_in.run("doctor").stdout
    _, narrow = signed_in.shown("adls-enduser doctor", columns=40, NO_COLOR="1")
    wide = [line for line in narrow.splitlines() if len(line) > 40 and " " in line.strip()]
    assert wide == []


def test_offline_sends_nothing(shell: Shell, azure: Sandbox) -> None:
    """Also where nothing could be reached."""
    azure.log.clear()
    found = checks(shell, "--offline", HTTPS_PROXY="http://nobody.invalid:1")
    assert not list(azure.log)
    assert found["TLS"]["text"] == "not checked: --offline"


PROXIES = (
    "http://planted-user:planted-password@proxy.invalid:8080",
    "http://planted-user:planted#password@proxy.invalid:8080",
    "http://planted user:planted@proxy.invalid:x",
    "planted-user:planted-password@proxy.invalid",
    "socks://planted:planted@proxy.invalid",
)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxys_password_is_not_shown(shell: Shell, proxy: str) -> None:
    """Neither of a proxy that works, nor of one that cannot be used."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        del shell.environment[name]
    for words, name in ((["--request-timeout", "5"], "https_proxy"), (["--offline"], "ALL_PROXY")):
        done = shell.run("doctor", *words, **{name: proxy})
        assert "planted" not in done.stdout + done.stderr
        assert name in done.stdout


def test_a_proxy_that_does_not_exist(shell: Shell) -> None:
    """Its name cannot be resolved, and so nothing is reached."""
    proxy = {"HTTPS_PROXY": "http://proxy.invalid:8080", "https_proxy": "http://proxy.invalid:8080"}
    found = checks(shell, **proxy)
    assert found["Name"]["state"] == found["TLS"]["state"] == "broken"
    assert "proxy.invalid" in found["Name"]["text"]


def test_two_spellings_that_differ(shell: Shell) -> None:
    """Python takes one, other programs the other."""
    found = checks(shell, "--offline", https_proxy="http://other.invalid:1")
    assert found["Proxy"]["state"] == "to mind"
    assert "HTTPS_PROXY https_proxy" in found["Proxy"]["remedy"]


def test_certificates(shell: Shell, tmp_path: Path) -> None:
    """The wrong ones, none, and a variable that requests does not read."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    found = checks(shell, "--offline", REQUESTS_CA_BUNDLE=str(empty))
    assert found["CA bundle"]["state"] == "broken"
    found = checks(shell, "--offline", "--ca-bundle", str(tmp_path / "none.pem"))
    assert found["Options"]["text"].startswith("--ca-bundle")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        shell.environment.pop(name, None)
    found = checks(shell, SSL_CERT_FILE=str(empty))
    assert found["CA bundle"]["state"] == "to mind"
    assert "SSL_CERT_FILE" in found["CA bundle"]["text"]
    assert found["TLS"]["state"] == "broken"
    assert "REQUESTS_CA_BUNDLE" in found["TLS"]["remedy"]


@pytest.mark.parametrize(("minutes", "state"), [(0, "good"), (-3, "to mind"), (6, "broken")])
def test_the_clock(tmp_path: Path, minutes: int, state: str) -> None:
    """Compared with the service's."""
    clock = SandboxClock(frozen=True)
    clock.advance(time.time() - clock.time() + 60 * minutes)
    with Sandbox(environ=None, clock=clock) as azure:
        found = checks(Shell(tmp_path, azure.environment))
    assert found["Clock"]["state"] == state


def test_a_tenant_that_is_not_there(shell: Shell) -> None:
    """The authority says so."""
    found = checks(shell, "--tenant", "nobody.example")
    assert found["TLS"]["state"] == "broken"
    assert "--tenant" in found["TLS"]["remedy"]


def test_an_authority_that_fails(shell: Shell, azure: Sandbox) -> None:
    """With its status."""
    azure.faults.add(Answer(503, "{}"), times=9)
    assert "HTTP 503" in checks(shell)["TLS"]["text"]


def test_an_authority_that_hangs(shell: Shell) -> None:
    """The wait is bounded."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts, and says nothing
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        found = checks(shell, "--request-timeout", "1", HTTPS_PROXY=proxy, https_proxy=proxy)
    assert found["TLS"]["state"] == "broken"
    assert "after 1 seconds" in found["TLS"]["text"]


def test_keyrings(signed_in: Shell) -> None:
    """None, one that keeps nothing, and one without the key of what is kept."""
    for backend in ("fail", "null"):
        name = f"keyring.backends.{backend}.Keyring"
        assert (
            checks(signed_in, "--offline", PYTHON_KEYRING_BACKEND=name)["Keyring"]["state"]
            == "broken"
        )
        found = checks(signed_in, "--offline", "--no-keyring", PYTHON_KEYRING_BACKEND=name)
        assert found["Keyring"]["state"] == "to mind"
    (signed_in.home / "keyring.json").unlink()
    found = checks(signed_in, "--offline")
    assert found["Keyring"]["text"].endswith("has not the key of 1 kept sign-ins")


def test_the_cache(signed_in: Shell) -> None:
    """Damaged, of a newer version, in a place where nothing can be."""
    path = cache_file(signed_in)
    path.write_text(path.read_text()[:100])
    found = checks(signed_in, "--offline")["Cache"]
    assert (found["state"], "damaged" in found["text"]) == ("to mind", True)
    path.write_text(json.dumps({"format": "adls-enduser sign-ins", "version": 9, "records": []}))
    assert checks(signed_in, "--offline")["Cache"]["state"] == "broken"
    assert checks(signed_in, "--offline", "--cache", "keyring.json/x")["Cache"]["state"] == "broken"


def test_an_unencrypted_cache_that_others_can_read(shell: Shell) -> None:
    """The command that mends it does."""
    fail = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    assert shell.run("login", "--no-keyring", **fail).returncode == 0
    path = cache_file(shell)
    words = ("--offline", "--no-keyring")
    assert checks(shell, *words, **fail)["Cache"]["state"] == "to mind"
    path.chmod(0o644)
    found = checks(shell, *words, **fail)["Cache"]
    assert found["state"] == "broken"
    assert shell.script(found["remedy"].removeprefix("Run: ")).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_nobody_has_been(shell: Shell) -> None:
    """Nothing is made."""
    assert checks(shell, "--offline")["Cache"]["text"].startswith("0 sign-ins in ")
    assert not list(shell.home.rglob("*"))


def test_a_library_that_is_not_there(shell: Shell) -> None:
    """What to install."""
    hidden = shell.home.parent / "modules" / "msal.py"
    hidden.write_text("raise ModuleNotFoundError('none', name='msal')\n")
    found = checks(shell, "--offline", "--library", "msal")["Library"]
    assert "pip install 'adls-enduser[msal]'" in found["remedy"]


def test_in_a_notebook_and_in_ci(shell: Shell) -> None:
    """Where nobody can type."""
    found = checks(shell, "--offline", JPY_PARENT_PID="1", CI="true")
    assert found["Notebook"]["state"] == found["Terminal"]["state"] == "to mind"

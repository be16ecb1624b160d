"""Modes: "auto" chooses by what is here, explain() says why, and each mode is typed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from adls_enduser import (
    ConfigurationError,
    SignInCache,
    explain,
    filesystem_token,
    management_credentials,
    modes,
)
from adls_enduser.modes import ModeName, option_names
from adls_enduser.sandbox import CONTOSO, SandboxClock
from adls_enduser.strategies import browser, password

from .conftest import PASSWORD
from .sandbox.test_authorize import ScriptedBrowser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person, Sandbox

NO_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "CODESPACES", "BROWSER")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignInCache:
    """A cache on disk, on a machine without a keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return SignInCache(tmp_path / "kept.json", allow_unencrypted=True)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No desktop, and nobody elsewhere."""
    for name in NO_DESKTOP:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a desktop is there")
def test_without_a_display_it_is_the_device_code() -> None:
    """And the explanation names what is missing."""
    told = explain("auto")
    assert told.mode == "device_code"
    assert "DISPLAY" in told.why
    assert str(told) == f"mode='device_code', because {told.why}."


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_TTY", "CODESPACES"])
def test_with_the_person_elsewhere_it_is_the_device_code(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A browser would open at the wrong machine."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv(name, "1")
    told = explain("auto")
    assert told.mode == "device_code"
    assert f"{name} is set" in told.why


def test_with_a_desktop_it_is_the_browser() -> None:
    """In a process of its own, since Python looks for browsers once."""
    program = "from adls_enduser import explain; told = explain('auto'); print(told.mode, told.why)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"DISPLAY": ":0", "BROWSER": "graphical %s"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "browser a browser can open here, in front of the person\n"


@pytest.mark.parametrize(("wanted", "mode"), [(True, "browser"), (False, "device_code")])
def test_the_caller_may_decide(wanted: bool, mode: str) -> None:
    """``open_browser`` goes before what is here."""
    assert explain("auto", open_browser=wanted).mode == mode


def test_a_mode_by_name_is_itself() -> None:
    """Whatever is here."""
    told = explain("password", username="ada@contoso.com", password="x")
    assert (told.mode, told.why) == ("password", "it was asked for by name")


@pytest.mark.parametrize(
    ("mode", "options", "named"),
    [
        ("auto", {"password": "x"}, "password"),
        ("auto", {"nonsense": 1}, "nonsense"),
        ("auto", {"tenant": "no tenant"}, "tenant"),
        ("otto", {}, "'auto'"),
    ],
)
def test_wrong_options_are_refused(mode: Any, options: Any, named: str) -> None:
    """By explain as by the factories, before any network."""
    for call in (explain, management_credentials, filesystem_token):
        with pytest.raises(ConfigurationError, match=named):
            call(mode, **options)


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
def test_it_signs_in_and_the_next_time_asks_nobody(
    azure: Sandbox, grace: Person, cache: SignInCache, library: str
) -> None:
    """By device code here; from then on the cache is found, and explain says so."""
    asked: list[Any] = []

    def show(prompt: Any) -> None:
        asked.append(prompt)
        azure.entra.approve(prompt.code, by=grace)

    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "open_browser": False}
    options |= {"cache": cache, "library": library}
    assert "will be prompted" in explain("auto", **options).found[0]
    management_credentials("auto", prompt=show, **options)
    token = filesystem_token("auto", prompt=show, redirect_uri="http://localhost", **options)
    assert (token.whoami().username, len(asked)) == (grace.username, 1)
    [found] = explain("auto", **options).found
    assert f"keeps the sign-in of {grace.username}" in found
    assert "will be prompted" in explain("auto", username="ada@contoso.com", **options).found[0]


@pytest.fixture
def desktop(azure: Sandbox, grace: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A display with a browser on it, that Grace sits in front of."""
    monkeypatch.setenv("DISPLAY", ":0")
    scripted = ScriptedBrowser(azure, grace)
    webbrowser.register("scripted", None, scripted, preferred=True)
    yield scripted
    webbrowser._tryorder.remove("scripted")  # type: ignore[attr-defined]
    del webbrowser._browsers["scripted"]  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
def test_it_opens_the_page_where_one_can_open(
    azure: Sandbox,
    grace: Person,
    cache: SignInCache,
    library: str,
    desktop: ScriptedBrowser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In real time, as Grace's; that sign-in serves where none can and nobody may be asked."""
    options: Any = {"tenant": CONTOSO, "clock": SandboxClock(), "cache": cache, "library": library}
    assert explain("auto", **options).mode == "browser"
    management_credentials("auto", interactive=True, **options)
    monkeypatch.delenv("DISPLAY")
    assert explain("auto", **options).mode == "device_code"
    token = filesystem_token("auto", interactive=False, **options)
    assert token.whoami().username == grace.username
    assert len(desktop.opened) == 1


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
def test_what_is_found_is_what_a_factory_finds(azure: Sandbox, cache: SignInCache) -> None:
    """Not the sign-in for another tenant, client or cloud; and of two people's, neither."""
    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "cache": cache}
    for name in (f"ada@{CONTOSO}", f"ben@{CONTOSO}"):
        azure.entra.person(name, password=PASSWORD)
        management_credentials("password", username=name, password=PASSWORD, **options)
        assert f"keeps the sign-in of {name}" in explain("auto", username=name, **options).found[0]
    others: list[Any] = [
        {"tenant": "fabrikam.com"},
        {"client_id": "c0ffee00-7e57-4c0a-9d0a-00000000a991"},
        {"cloud": "china"},
    ]
    for other in others:
        assert "will be prompted" in explain("auto", **options | other).found[0]
    for call in (explain, management_credentials):
        with pytest.raises(ConfigurationError, match="2 kept sign-ins match"):
            call("auto", **options)


def test_a_cache_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """As something that was found, for the mode is known all the same."""
    path = tmp_path / "kept.json"
    os.mkfifo(path)
    told = explain("auto", cache=SignInCache(path, allow_unencrypted=True))
    assert "cannot be read" in told.found[0]


def test_it_is_a_fallback_too(azure: Sandbox, grace: Person, library: str) -> None:
    """From a password that is not enough to whatever fits here."""

    def show(prompt: Any) -> None:
        azure.entra.approve(prompt.code, by=grace)

    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "open_browser": False}
    options["library"] = library
    own: Any = {"username": grace.username, "password": PASSWORD, "prompt": show}
    credentials = management_credentials("password", fallback="auto", **options, **own)
    assert credentials.whoami().username == grace.username


def test_every_mode_is_typed() -> None:
    """Each mode has an overload of its own, and ``AnyOptions`` has every option."""
    source = Path(modes.__file__).read_text()
    types = {one.name: one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.ClassDef)}
    strategies = {**vars(browser), **vars(password)}

    def names(kind: str) -> set[str]:
        """Return the options of a class that only type checkers see."""
        if kind not in types:
            return set(getattr(strategies.get(kind), "__annotations__", ()))
        own = {
            ast.unparse(one.target) for one in types[kind].body if isinstance(one, ast.AnnAssign)
        }
        return own.union(*(names(ast.unparse(base)) for base in types[kind].bases))

    assert names("AnyOptions") == set().union(*map(option_names, get_args(ModeName)))
    overloads = re.findall(r"mode: Literal\[(.*?)\]", source)
    assert set(re.findall(r'"(\w+)"', " ".join(overloads))) == set(get_args(ModeName))

"""The logger ``adls_enduser``: what each level says, and that no level says a secret."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    Browser,
    DeviceCode,
    Fallback,
    InvalidCredentials,
    Password,
    SignInExpired,
    management_credentials,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import CONTOSO, Answer, Sandbox
from adls_enduser.testing.strategies import wait_for_background_renewal

from ..conftest import PASSWORD
from ..constants import MANAGEMENT, TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser import BrowserPrompt, DeviceCodePrompt
    from adls_enduser.sandbox import Person, SandboxClock


class Log:
    """What was logged, at every level, as text and with the arguments of each record."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def _records(self) -> list[logging.LogRecord]:
        return [one for one in self._caplog.records if one.name.startswith("adls_enduser")]

    def lines(self, level: int = logging.DEBUG) -> list[str]:
        """Return the messages of a level."""
        return [one.getMessage() for one in self._records if one.levelno == level]

    @property
    def everything(self) -> str:
        """Return all that a handler could write."""
        return "\n".join(f"{one.getMessage()} {one.args!r} {vars(one)!r}" for one in self._records)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    """Record this package's log at DEBUG."""
    caplog.set_level(logging.DEBUG, "adls_enduser")
    return Log(caplog)


@pytest.fixture
def options(clock: SandboxClock, library: str) -> Any:
    """Return the options of every strategy here."""
    return {"tenant": CONTOSO, "clock": clock, "library": library}


def test_info_names_who_where_and_until_when(
    log: Log, azure: Sandbox, ada: Person, options: Any
) -> None:
    """One line for the sign-in, one for each renewal, in plain words."""
    strategy = Password(username=ada.username, password=PASSWORD, **options)
    credentials = management_credentials(strategy)
    (signed_in,) = log.lines(logging.INFO)
    assert signed_in.startswith(f"{ada.username} signed in at https://login.microsoftonline.com/")
    assert re.search(rf"for {MANAGEMENT}, until \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", signed_in)
    azure.clock.advance(3400)
    credentials.get_token(f"{MANAGEMENT}.default")
    assert log.lines(logging.INFO)[1].startswith(f"The token for {MANAGEMENT} was renewed, until")
    assert log.lines(logging.WARNING) == []


@pytest.mark.parametrize("mode", ["device_code", "browser"])
def test_info_says_that_a_person_is_prompted(
    log: Log, azure: Sandbox, ada: Person, options: Any, mode: str
) -> None:
    """Not with which code, and not at which page."""
    shown: list[str] = []

    def approve(prompt: DeviceCodePrompt) -> None:
        shown.extend((prompt.code, prompt.message))
        azure.entra.approve(prompt.code, by=ada)

    def visit(prompt: BrowserPrompt) -> None:
        shown.append(prompt.url)
        azure.entra.browse(prompt.url, by=ada)

    strategies: dict[str, Callable[[], Any]] = {
        "device_code": lambda: DeviceCode(prompt=approve, **options),
        "browser": lambda: Browser(prompt=visit, open_browser=False, **options),
    }
    management_credentials(strategies[mode]())
    assert log.lines(logging.INFO)[0].startswith("A person is prompted")
    assert shown
    assert not any(one in log.everything for one in shown)


def test_warning_has_what_an_administrator_needs(
    log: Log, azure: Sandbox, ada: Person, options: Any
) -> None:
    """A refused renewal: the class, the number, the correlation id and the time."""
    strategy = Password(username=ada.username, password=PASSWORD, **options)
    credentials = management_credentials(strategy)
    azure.entra.revoke_refresh_tokens(ada)
    azure.clock.advance(3700)
    with pytest.raises(SignInExpired) as caught:
        credentials.get_token(f"{MANAGEMENT}.default")
    (line,) = log.lines(logging.WARNING)
    assert "SignInExpired" in line
    for part in (caught.value.code, caught.value.correlation_id, caught.value.timestamp):
        assert part is not None
        assert part in line


def test_a_fallback_is_a_warning(log: Log, azure: Sandbox, grace: Person, options: Any) -> None:
    """It says why, and which mode comes next."""
    device_code = DeviceCode(prompt=lambda one: azure.entra.approve(one.code), **options)
    password = Password(username=grace.username, password=PASSWORD, **options)
    management_credentials(Fallback(password, device_code))
    (line,) = log.lines(logging.WARNING)
    assert line == "MfaRequired AADSTS50076; trying DeviceCode."


def test_debug_has_each_request_and_each_decision(
    log: Log, azure: Sandbox, ada: Person, options: Any
) -> None:
    """Method, host, path, status, time and size; and why a token was returned or renewed."""
    strategy = Password(username=ada.username, password=PASSWORD, **options)
    source = TokenSource(strategy, MANAGEMENT, clock=azure.clock)
    source.token()
    requests = [line for line in log.lines() if re.match("(GET|POST) ", line)]
    assert len(requests) == len(azure.log)
    for line in requests:
        assert re.fullmatch(
            r"(GET|POST) login\.microsoftonline\.com /\S+: 200, \d+ ms, \d+ bytes", line
        )
    azure.faults.add(Answer(503), times=9, path=TOKEN_PATH)
    azure.clock.advance(3600 - 800)
    source.token()
    wait_for_background_renewal()
    source.token()
    told = "\n".join(log.lines())
    assert f"The token for {MANAGEMENT} is in its advisory window." in told
    assert re.search(rf"The next attempt for {MANAGEMENT} is in \d+ s, after TransportError", told)
    assert f"The token for {MANAGEMENT} is from memory; its renewal pauses." in told


def test_no_level_has_a_secret(log: Log, azure: Sandbox, ada: Person, options: Any) -> None:
    """Neither password, nor tokens, nor codes, nor a query: also not in a record's arguments."""
    credentials = management_credentials(
        Password(username=ada.username, password=PASSWORD, **options)
    )
    token = credentials.get_token(f"{MANAGEMENT}.default").token
    azure.faults.add(Answer(200, '{"access_token": "planted-token", "x": '), path=TOKEN_PATH)
    azure.clock.advance(3700)
    with pytest.raises(Exception, match="could not be read"):
        credentials.get_token(f"{MANAGEMENT}.default")
    sent = [one.request.form for one in azure.log if one.request]
    refresh_tokens = {form["refresh_token"] for form in sent if "refresh_token" in form}
    assert refresh_tokens
    for secret in (PASSWORD, token, "planted-token", *refresh_tokens):
        assert secret not in log.everything
    assert "?" not in "".join(line for line in log.lines() if line.startswith(("GET", "POST")))


def test_requests_name_package_and_version(azure: Sandbox, ada: Person, options: Any) -> None:
    """An administrator sees in the sign-in log which program it was."""
    management_credentials(Password(username=ada.username, password=PASSWORD, **options))
    agents = {one.request.headers["User-Agent"] for one in azure.log if one.request}
    assert len(agents) == 1
    assert re.fullmatch(r"adls-enduser/\d+\.\d+\.\d+\S*", agents.pop())


def test_a_program_that_asks_for_no_log_gets_none() -> None:
    """Python would print warnings of a logger without a handler on standard error."""
    program = (
        "import logging\n"
        "from adls_enduser.log import logger\n"
        "logger('adls_enduser.strategies.session').warning('a refusal')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Failing(logging.Handler):
    """A handler, and a filter, of the program's own that cannot do its work."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("no space left on device")

    def filter(self, record: logging.LogRecord) -> bool:
        raise ValueError("no such rule")


@pytest.mark.parametrize("adds", ["addHandler", "addFilter"])
def test_a_handler_that_raises_ends_no_call(
    azure: Sandbox, ada: Person, clock: SandboxClock, library: Any, adds: str
) -> None:
    """The sign-in, the renewal and the refusal are what they are without it."""
    failing = Failing()
    names = [name for name in logging.root.manager.loggerDict if name.startswith("adls_enduser")]
    loggers = [logging.getLogger(name) for name in {"adls_enduser", *names}]
    before = [one.level for one in loggers]
    try:
        for one in loggers:
            one.setLevel(logging.DEBUG)
            getattr(one, adds)(failing)
        options: Any = {"username": ada.username, "password": lambda: PASSWORD}
        options |= {"tenant": CONTOSO, "clock": clock, "library": library}
        credentials = management_credentials("password", **options)
        first = credentials.get_token(f"{MANAGEMENT}.default").token
        clock.advance(4000)
        assert credentials.get_token(f"{MANAGEMENT}.default").token != first
        ada.refused_with = 50057
        with pytest.raises(InvalidCredentials):
            management_credentials("password", **options)
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)
            getattr(one, adds.replace("add", "remove"))(failing)


def test_a_record_names_the_line_that_logged(
    caplog: pytest.LogCaptureFixture, azure: Sandbox, ada: Person
) -> None:
    """And not the line of the package's own logger."""
    caplog.set_level(logging.DEBUG, "adls_enduser")
    Password(username=ada.username, password=PASSWORD, clock=azure.clock).silent(MANAGEMENT)
    ours = [one for one in caplog.records if one.name.startswith("adls_enduser")]
    assert ours
    for one in ours:
        assert one.pathname.replace("/", ".").endswith(f"{one.name}.py"), one.pathname

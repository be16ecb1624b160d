"""Secrets are planted, every flow is run, and everything that talks is searched."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import runpy
import subprocess
import sys
import traceback
import warnings
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.identity import UsernamePasswordCredential
from rich.console import Console
from rich.scope import render_scope
from rich.traceback import Traceback

from adls_enduser import (
    AZURE_CLI_CLIENT_ID,
    AzureCredential,
    Browser,
    BrowserPrompt,
    DeviceCode,
    EndUserError,
    Password,
    StaticToken,
    Token,
    cloud_from_metadata,
    filesystem_token,
    management_credentials,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import CONTOSO, Answer, HalfBody, Reset, Stall, redirect, throttled

from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH
from ..strangers import Giving
from .test_processes import _stands_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adls_enduser.sandbox import Sandbox, SandboxClock

ROOT = Path(__file__).parents[2]

PASSWORD = "planted-password-7d1c"
WRONG = "planted-wrong-9e2f"
ACCESS = "planted-access-token-51aa"
REFRESH = "planted-refresh-token-c0de"
DEVICE = "planted-device-code-88b1"
CODE = "planted-authorization-code-3f60"
PLANTED = (PASSWORD, WRONG, ACCESS, REFRESH, DEVICE, CODE)


class Everything:
    """All that a program could print, log or warn, collected."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, *things: object) -> None:
        self.texts += [f"{thing!r} {thing}" for thing in things]

    def add_error(self, error: BaseException) -> None:
        """Take an error as every tool shows it: text, chain, locals of every frame."""
        seen: set[int] = set()
        todo: list[BaseException | None] = [error]
        while todo:
            one = todo.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.add(one, one.args, vars(one))
            self.texts += traceback.format_exception(one)
            self.texts += self._locals(one)
            todo += [one.__cause__, one.__context__]
        self.texts += [_by_rich(error), _by_pytest(error)]

    @staticmethod
    def _locals(error: BaseException) -> list[str]:
        texts, frame = [], error.__traceback__
        while frame is not None:
            if "/tests/" not in frame.tb_frame.f_code.co_filename:
                texts += [f"{name}={value!r}" for name, value in frame.tb_frame.f_locals.items()]
            frame = frame.tb_next
        return texts

    def found(self, *allowed: str) -> set[str]:
        """Return the planted secrets that stand somewhere."""
        everything = "\n".join(self.texts)
        return {secret for secret in PLANTED if secret in everything} - set(allowed)


HERE = str(Path(__file__).parents[1])


def _by_rich(error: BaseException) -> str:
    """Print an error's locals as rich does with ``show_locals``, but for those of tests.

    Without the lines of source around them, which hold no secret and take rich most of the time.
    """
    told = Traceback.extract(type(error), error, error.__traceback__, show_locals=True, **_ALL)
    console = Console(file=io.StringIO(), width=10_000)
    for stack in told.stacks:
        console.print(stack.exc_type, stack.exc_value)
        for frame in stack.frames:
            if frame.locals and not frame.filename.startswith(HERE):
                console.print(frame.filename, render_scope(frame.locals, **_LIMITS))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


_ALL: dict[str, Any] = {"locals_max_length": None, "locals_max_string": None}
_LIMITS: dict[str, Any] = {"max_length": None, "max_string": None}


def _by_pytest(error: BaseException) -> str:
    """Print an error as ``pytest --showlocals -vv`` does, but for the frames of tests."""
    told = pytest.ExceptionInfo.from_exception(error).getrepr(
        showlocals=True, truncate_locals=False, tbfilter=_not_of_tests
    )
    return str(told)


def _not_of_tests(told: pytest.ExceptionInfo[BaseException]) -> Any:
    return told.traceback.filter(lambda entry: not str(entry.path).startswith(HERE))


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[Everything]:
    """Collects; every logger speaks at DEBUG, and every warning counts."""
    collected = Everything()
    caplog.set_level(logging.DEBUG)
    for name in ("adal-python", "msal", "msrest", "msrestazure", "urllib3", "requests", "azure"):
        caplog.set_level(logging.DEBUG, logger=name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield collected
    # Those of the test itself: by now pytest has cleared caplog.records for the teardown.
    records = caplog.get_records("call")
    collected.add(*warned, *(record.__dict__ for record in records))
    collected.texts += [caplog.handler.format(record) for record in records]
    assert collected.found() == set()


def _granting(**more: Any) -> Answer:
    body = {
        "access_token": ACCESS,
        "refresh_token": REFRESH,
        "token_type": "Bearer",
        "expires_in": "3600",
    } | more
    return Answer(200, json.dumps(body))


def _password(
    azure: Sandbox, password: Any = PASSWORD, library: Any = "adal", **more: Any
) -> Password:
    azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library} | more
    return Password(username=f"ada@{CONTOSO}", password=password, **options)


def test_a_control_finds_what_is_there() -> None:
    """The search itself can find a secret: in a message, in a chain and in a frame's locals."""

    def leaky() -> None:
        planted = ACCESS
        try:
            raise ValueError(PASSWORD)
        except ValueError:
            raise RuntimeError(len(planted)) from None

    everything = Everything()
    with pytest.raises(RuntimeError) as caught:
        leaky()
    everything.add_error(caught.value)
    assert PASSWORD in everything.found()


def test_a_control_finds_what_rich_and_pytest_print(tmp_path: Path) -> None:
    """The locals of a program's frames, and not those of a test's."""
    program = tmp_path / "program.py"
    program.write_text(f"def leaky(planted={ACCESS!r}):\n    return 1 / 0\n")
    leaky = runpy.run_path(str(program))["leaky"]
    here = WRONG
    with pytest.raises(ZeroDivisionError) as divided:
        leaky()
    assert here not in _by_rich(divided.value) + _by_pytest(divided.value)
    assert ACCESS in _by_rich(divided.value)
    assert ACCESS in _by_pytest(divided.value)


def _browser(azure: Sandbox, everything: Everything, library: Any, **more: Any) -> Browser:
    """Return a strategy whose person brings the planted code, and reads the page."""

    def bring(prompt: BrowserPrompt) -> None:
        asked = dict(parse_qsl(urlsplit(prompt.url).query))
        # Not with requests, whose own log would have the address in it.
        there = HTTPConnection(urlsplit(asked["redirect_uri"]).netloc, timeout=10)
        there.request("GET", f"/?{urlencode({'code': CODE, 'state': asked['state']})}")
        page = there.getresponse()
        assert page.status == 200
        everything.add(prompt, page.read(), page.headers)
        there.close()

    options: Any = {"clock": azure.clock, "library": library} | more
    return Browser(tenant=CONTOSO, prompt=bring, **options)


class TestSuccess:
    """A sign-in that works."""

    def test_by_password(self, azure: Sandbox, everything: Everything, library: str) -> None:
        """Strategy, credential, tokens and sessions show nothing."""
        azure.faults.add(_granting(), path=TOKEN_PATH, times=2)
        strategy = _password(azure, library=library)
        credentials: Any = management_credentials(mode=strategy)
        token: Any = filesystem_token(mode=strategy)
        assert credentials.get_token(f"{MANAGEMENT}.default").token == ACCESS
        for one in (credentials, token):
            everything.add(one, one.token, one.aio(), one.whoami())
            everything.add(one.get_token(f"{one._source.resource}.default"))
            everything.add(one.get_token_info(f"{one._source.resource}.default"))
            everything.add(one.signed_session().auth, one._source, vars(one), vars(one._source))
        everything.add(strategy, vars(strategy), vars(strategy._session))

    def test_by_device_code(self, azure: Sandbox, everything: Everything, library: Any) -> None:
        """The prompt shows the user code, which is meant for the person, and no more."""
        start = (
            f'{{"user_code": "ABCD", "device_code": "{DEVICE}", "expires_in": "900",'
            ' "interval": "5", "verification_url": "https://microsoft.com/devicelogin",'
            ' "verification_uri": "https://microsoft.com/devicelogin"}'
        )
        azure.faults.add(Answer(200, start), path="/devicecode")
        azure.faults.add(Answer(400, '{"error": "authorization_pending"}'), path=TOKEN_PATH)
        azure.faults.add(_granting(), path=TOKEN_PATH)
        strategy = DeviceCode(prompt=everything.add, clock=azure.clock, library=library)
        everything.add(management_credentials(mode=strategy), strategy, vars(strategy))
        assert azure.log.to(TOKEN_PATH)[0].request.form["code"] == DEVICE

    def test_in_the_browser(self, azure: Sandbox, everything: Everything) -> None:
        """The page shows no code, and the flow no verifier."""
        azure.faults.add(_granting(), path=TOKEN_PATH)
        strategy = _browser(azure, everything, "adal")
        everything.add(management_credentials(mode=strategy), strategy, vars(strategy))
        sent = azure.log.to(TOKEN_PATH)[0].request.form
        assert sent["code"] == CODE
        assert sent["code_verifier"] not in "".join(everything.texts)

    def test_a_pickle_carries_the_access_token_only(
        self, azure: Sandbox, everything: Everything
    ) -> None:
        """Nothing that lasts goes to another process or to a file."""
        azure.faults.add(_granting(), path=TOKEN_PATH)
        strategy = _password(azure, lambda: PASSWORD)
        source = TokenSource(strategy, MANAGEMENT)
        source.token()
        raw = pickle.dumps(source)
        everything.texts.append(raw.decode("latin-1"))
        assert everything.found() == {ACCESS}
        everything.texts.clear()
        assert pickle.loads(raw).token().secret == ACCESS
        with pytest.raises(Exception, match="pickle"):
            pickle.dumps(strategy)


FAILURES = [
    Answer(503, f"down {REFRESH}"),
    Answer(400, f'{{"error": "invalid_grant", "refresh_token": "{REFRESH}"}}'),
    Answer(200, f"not json {ACCESS}"),
    Answer(200, f'{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}"}}'),
    Answer(200, f'{{"access_token": "{ACCESS}", "token_type": "Bearer", "expires_in": "x"}}'),
    Answer(200, f'{{"access_token": "{ACCESS}", "token_type": "mac", "expires_in": "9"}}'),
    Answer(200, f'["{ACCESS}"]'),
    Answer(
        200,
        f'{{"access_token": "{ACCESS}", "token_type": "Bearer", "expires_in": "x",'
        f' "id_token": "a.{REFRESH}.c"}}',
    ),
    throttled(),
    redirect(f"https://login.windows.net/?code={REFRESH}"),
    Reset(),
    Reset(during_answer=True),
    HalfBody(),
    Stall(),
]


def _failure(azure: Sandbox, fault: Any, path: str, act: Callable[[float], object]) -> EndUserError:
    """Return the error in which a flow ends at that fault.

    A stall is waited for with little patience; on a machine that is busy, a leg before it
    may need more.
    """
    for patience in (0.5, 4.0, 30.0) if isinstance(fault, Stall) else (30.0,):
        azure.faults.clear()
        azure.log.clear()
        azure.faults.add(fault, path=path)
        with pytest.raises(EndUserError) as caught:
            act(patience)
        if azure.log.to(path):
            return caught.value
    pytest.fail("the fault was never met")


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: repr(fault)[:40])
class TestFailure:
    """A flow that fails, at every leg, with secrets in the answer."""

    def test_password(
        self, azure: Sandbox, everything: Everything, library: Any, fault: Any
    ) -> None:
        """Message, chain, locals and logs of a failed password sign-in."""

        def sign_in(patience: float) -> None:
            strategy = _password(azure, library=library, request_timeout=patience)
            management_credentials(mode=strategy)

        everything.add_error(_failure(azure, fault, TOKEN_PATH, sign_in))

    def test_renewal(
        self, azure: Sandbox, everything: Everything, library: Any, fault: Any
    ) -> None:
        """Message, chain, locals and logs of a failed renewal."""

        def renew(patience: float) -> None:
            azure.faults.clear()
            azure.faults.add(_granting(), path=TOKEN_PATH)
            strategy = _password(azure, library=library, request_timeout=patience)
            try:
                strategy.silent(MANAGEMENT)
            finally:
                azure.log.clear()
            azure.faults.add(fault, path=TOKEN_PATH)
            strategy.silent(DATA_LAKE)

        error = _failure(azure, fault, TOKEN_PATH, renew)
        assert azure.log.to(TOKEN_PATH)[-1].request.form["refresh_token"] == REFRESH
        everything.add_error(error)

    def test_device_code(
        self, azure: Sandbox, everything: Everything, library: Any, fault: Any
    ) -> None:
        """Message, chain, locals and logs of a failed start and of a wait that ends."""
        azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        common: Any = {"clock": azure.clock, "library": library, "timeout": 9}

        def sign_in(patience: float) -> None:
            options = common | {"request_timeout": patience}
            DeviceCode(prompt=everything.add, **options).sign_in(MANAGEMENT)

        for path in ("/devicecode", TOKEN_PATH):
            everything.add_error(_failure(azure, fault, path, sign_in))

    def test_browser(
        self, azure: Sandbox, everything: Everything, library: str, fault: Any
    ) -> None:
        """Message, chain, locals and logs of a code that could not be redeemed."""

        def sign_in(patience: float) -> None:
            strategy = _browser(azure, everything, library, request_timeout=patience)
            strategy.sign_in(MANAGEMENT)

        error = _failure(azure, fault, TOKEN_PATH, sign_in)
        sent = azure.log.to(TOKEN_PATH)[0].request.form
        assert sent["code"] == CODE
        everything.add_error(error)
        assert sent["code_verifier"] not in "".join(everything.texts)

    def test_federated(
        self, azure: Sandbox, everything: Everything, library: Any, fault: Any
    ) -> None:
        """Message, chain, locals and logs of a failed WS-Trust sign-in."""
        azure.entra.federate("fabrikam.com")
        azure.entra.person("fay@fabrikam.com", password=PASSWORD)
        common: Any = {"clock": azure.clock, "library": library, "password": PASSWORD}

        def sign_in(patience: float) -> None:
            options = common | {"request_timeout": patience}
            Password(username="fay@fabrikam.com", tenant="fabrikam.com", **options).silent(
                MANAGEMENT
            )

        everything.add_error(_failure(azure, fault, "usernamemixed", sign_in))


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux's /proc")
def test_nothing_is_left_in_temporary_files_or_arguments(
    azure: Sandbox, tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program's processes were called with, and all that it wrote anywhere that it can."""
    azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.person(f"grace@{CONTOSO}", password=WRONG, mfa=True, approves_device_codes=True)
    for name in ("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PLANTED", PASSWORD)
    command = [sys.executable, "-m", "tests.programs.every_flow", library, f"ada@{CONTOSO}"]
    done = subprocess.run(command, cwd=tmp_path, env=_with_root(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"sign-ins" in one for one in written), "a control: the cache"
    assert any("every_flow" in one for one in told["arguments"]), "a control"
    refresh_tokens = {*azure.entra.refresh_tokens._grants}
    assert len(refresh_tokens) > 1, "a control"
    sent = [one.request.form for one in azure.log.to(TOKEN_PATH) if one.request]
    codes = {form["code"] for form in sent if "code" in form}
    assert codes, "a control"
    for secret in {PASSWORD, WRONG, *told["access"], *refresh_tokens, *codes}:
        assert not any(secret in one for one in told["arguments"])
        assert not any(_stands_in(secret, one) for one in written)


def _with_root() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.filterwarnings("ignore:UsernamePasswordCredential is deprecated")
@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: repr(fault)[:40])
def test_somebody_elses_credential_that_fails(
    azure: Sandbox, everything: Everything, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    """azure-identity's errors hold the exchange; ours hold none of them."""
    # What its msal writes of a body that is no JSON is not ours to prevent.
    caplog.set_level(logging.CRITICAL, logger="msal")
    azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)

    def sign_in(patience: float) -> None:
        theirs = UsernamePasswordCredential(
            AZURE_CLI_CLIENT_ID,
            f"ada@{CONTOSO}",
            PASSWORD,
            tenant_id=CONTOSO,
            retry_total=0,
            connection_timeout=patience,
            read_timeout=patience,
        )
        strategy = AzureCredential(theirs, clock=azure.clock)
        everything.add(strategy, vars(strategy))
        management_credentials(strategy)

    everything.add_error(_failure(azure, fault, TOKEN_PATH, sign_in))


@pytest.mark.parametrize(
    "given",
    [
        AccessToken(ACCESS, "soon"),  # type: ignore[arg-type]
        AccessToken(f"{ACCESS} {REFRESH}", 4_000_000_000),
        {"token": ACCESS},
    ],
)
def test_what_is_no_token_is_not_shown(everything: Everything, given: Any) -> None:
    """Nor is a part of it."""
    with pytest.raises(EndUserError) as caught:
        AzureCredential(Giving(given)).silent(MANAGEMENT)
    everything.add_error(caught.value)


def test_a_static_token_is_not_shown(clock: SandboxClock, everything: Everything) -> None:
    """Not by itself, not where it is refused, for whatever reason."""
    strategy = StaticToken(ACCESS, clock.time() + 60, resource=MANAGEMENT, clock=clock)
    everything.add(strategy, vars(strategy), management_credentials(strategy))
    wrong: list[tuple[Any, Any, dict[str, Any]]] = [
        (f"Bearer {ACCESS}", 4e9, {}),
        (ACCESS, None, {}),
        (ACCESS, "soon", {}),
        (ACCESS, clock.time() - 1, {}),
        (ACCESS, 4e9, {"resource": 7}),
        (ACCESS, 4e9, {"tenant": 7}),
        (ACCESS, 4e9, {"no_such_option": 7}),
    ]
    for token, expires_on, options in wrong:
        with pytest.raises(EndUserError) as caught:
            StaticToken(token, expires_on, clock=clock, **options)
        everything.add_error(caught.value)
    with pytest.raises(EndUserError) as caught:
        filesystem_token(strategy)
    everything.add_error(caught.value)


def test_the_proxys_password_is_not_shown(azure: Sandbox, everything: Everything) -> None:
    """A proxy's address may hold one; neither settings, strategy nor errors tell it."""
    proxies = {"https": f"http://me:{PASSWORD}@127.0.0.1:9"}
    strategy = DeviceCode(proxies=proxies, prompt=print, clock=azure.clock)
    everything.add(strategy, strategy.settings, vars(strategy), vars(strategy._session))
    with pytest.raises(EndUserError) as caught:
        strategy.sign_in(MANAGEMENT)
    everything.add_error(caught.value)


@pytest.mark.parametrize("proxy", ["htp://ada:{}@x", "http://ż:{}@x", "http://ada:{}@127.0.0.1:1"])
@pytest.mark.parametrize("where", ["option", "environment"])
def test_the_password_of_a_proxy_that_fails_is_not_shown(
    azure: Sandbox,
    everything: Everything,
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
    where: str,
) -> None:
    """Nor if requests never gets to see it."""
    options: Any = {}
    if where == "option":
        options = {"proxies": {"https": proxy.format(PASSWORD)}}
    else:
        monkeypatch.setenv("https_proxy", proxy.format(PASSWORD))
    for act in (
        lambda: cloud_from_metadata("https://management.azure.com", **options),
        lambda: _password(azure, **options).silent(MANAGEMENT),
    ):
        with pytest.raises(EndUserError) as caught:
            act()
        everything.add_error(caught.value)


def test_a_wrong_password_is_not_shown(
    azure: Sandbox, everything: Everything, library: str
) -> None:
    """Not the first time, and not when it is refused from memory."""
    strategy = _password(azure, WRONG, library)
    for _ in range(2):
        with pytest.raises(EndUserError) as caught:
            strategy.silent(MANAGEMENT)
        everything.add_error(caught.value)


def test_ctrl_c_shows_no_password(azure: Sandbox, everything: Everything, library: str) -> None:
    """An interrupt in the middle of a request leaves no frame that holds the password."""
    import signal
    import threading

    azure.faults.add(Stall(), path=TOKEN_PATH)
    main = threading.get_ident()

    def interrupt() -> None:
        while not azure.log.to(TOKEN_PATH):
            threading.Event().wait(0.02)
        signal.pthread_kill(main, signal.SIGINT)

    strategy = _password(azure, library=library)
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        strategy.silent(MANAGEMENT)
    everything.add_error(caught.value)


def test_the_http_client_does_not_log_the_token(azure: Sandbox, everything: Everything) -> None:
    """A signed session at DEBUG level logs paths and not headers."""
    azure.faults.add(_granting(), path=TOKEN_PATH)
    session = management_credentials(mode=_password(azure)).signed_session()
    answer = session.get("https://management.azure.com/subscriptions?api-version=2016-06-01")
    assert answer.request.headers["Authorization"] == f"Bearer {ACCESS}"
    with pytest.raises(requests.RequestException) as caught:
        session.get("https://elsewhere.example.com/")
    everything.add(caught.value)


def test_a_token_of_a_strangers_is_hidden_too(clock: SandboxClock, everything: Everything) -> None:
    """Token is our type, whoever fills it."""
    everything.add(Token(ACCESS, clock.time() + 9, clock.time(), MANAGEMENT))


@pytest.mark.parametrize("factory", [management_credentials, filesystem_token])
@pytest.mark.parametrize(
    ("mode", "changed"),
    [
        ("password", {}),
        ("password", {"tenant": "no tenant"}),
        ("password", {"nonsense": 1}),
        ("password", {"password": PASSWORD.encode()}),
        ("password", {"password": f"{PASSWORD}\ud800"}),
        ("password", {"password": lambda: PASSWORD}),
        ("password", {"proxies": {"https": f"http://ada:{PASSWORD}@127.0.0.1:1"}}),
        ("password", {"proxies": {"https": f"http://ada:{PASSWORD}@127.0.0.1:x"}}),
        ("password", {"proxies": {"https": f"http://ż:{PASSWORD}@127.0.0.1:1"}}),
        ("device_code", {}),
        ("no mode", {}),
    ],
)
def test_options_do_not_stay_in_a_factorys_frames(
    azure: Sandbox, everything: Everything, factory: Any, mode: str, changed: Any
) -> None:
    """Whatever is wrong with a call by name, its frames do not show what it was given."""
    azure.entra.person(f"ada@{CONTOSO}", password=WRONG)
    given = {"tenant": CONTOSO, "username": f"ada@{CONTOSO}", "password": PASSWORD} | changed
    with pytest.raises(EndUserError) as caught:
        factory(mode, **given)
    everything.add_error(caught.value)

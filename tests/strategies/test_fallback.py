"""Fallback: another way in, asked for by the caller, and never a password sent twice."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from msrestazure.azure_active_directory import UserPassCredentials

from adls_enduser import (
    BlockedByPolicy,
    BrowserPrompt,
    ConfigurationError,
    DeviceCode,
    Fallback,
    InvalidCredentials,
    MfaRequired,
    Password,
    SignInDeclined,
    SignInExpired,
    SignInRequired,
    SignInTimedOut,
    Token,
    TransportError,
    filesystem_token,
    management_credentials,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.sandbox import CONTOSO, Answer, Reset
from adls_enduser.testing import EntraStrategyContract

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH
from ..planes import ask_from_both_planes, count_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser import DeviceCodePrompt
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

Make = Any


@pytest.fixture
def asked() -> list[DeviceCodePrompt]:
    """The prompts that the person has seen."""
    return []


@pytest.fixture
def make(
    azure: Sandbox, clock: SandboxClock, asked: list[DeviceCodePrompt], library: str
) -> Callable[..., Fallback]:
    """Make a password sign-in that falls back on a device code, approved by whoever it is for."""

    def build(person: Person, **more: Any) -> Fallback:
        def show(prompt: DeviceCodePrompt) -> None:
            asked.append(prompt)
            azure.entra.approve(prompt.code, by=person)

        common: Any = {"tenant": CONTOSO, "clock": clock, "library": library}
        password: Any = {"username": person.username, "password": PASSWORD} | more
        return Fallback(Password(**common, **password), DeviceCode(**common, prompt=show))

    return build


def passwords(azure: Sandbox) -> int:
    """Count how often a password was sent."""
    posts = [one.request for one in azure.log.to(TOKEN_PATH)]
    return sum(one.form["grant_type"] == "password" for one in posts if one)


class TestContract(EntraStrategyContract):
    """A Fallback is a strategy, whichever of its own has signed in."""

    @pytest.fixture(params=["ada", "grace"])
    def strategy(self, request: Any, azure: Sandbox, make: Make) -> Fallback:
        fallback: Fallback = make(request.getfixturevalue(request.param))
        if request.param == "grace":
            with pytest.raises(MfaRequired):
                fallback.silent(MANAGEMENT)
            fallback.sign_in(MANAGEMENT)
            azure.log.clear()
        return fallback


def test_a_password_that_serves_asks_nobody(ada: Person, make: Make, asked: Any) -> None:
    """Where the first way works, the second is never tried."""
    fallback = make(ada)
    credentials = management_credentials(fallback)
    assert (credentials.whoami().username, asked) == (ada.username, [])
    assert isinstance(fallback.current, Password)


def test_a_second_factor_leads_to_the_device_code(
    azure: Sandbox, grace: Person, make: Make, asked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once for both planes; the password is sent once, and one line says what happened."""
    fallback = make(grace)
    credentials = management_credentials(fallback)
    token = filesystem_token(fallback)
    assert credentials.whoami() == token.whoami()
    assert credentials.whoami().username == grace.username
    assert (len(asked), passwords(azure)) == (1, 1)
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith("Entra ID refused the password sign-in: ")
    assert line.endswith("Trying DeviceCode instead.")
    assert PASSWORD not in line


def test_a_policy_that_blocks_leads_on(azure: Sandbox, make: Make, asked: Any) -> None:
    """BlockedByPolicy is the other reason to go on."""
    eve = azure.entra.person(f"eve@{CONTOSO}", password=PASSWORD, refused_with=53003)
    fallback = make(eve)
    with pytest.raises(BlockedByPolicy):
        fallback.silent(MANAGEMENT)
    assert isinstance(fallback.current, Password)
    with pytest.raises(BlockedByPolicy):  # which Eve's device code is as well
        fallback.sign_in(MANAGEMENT)
    assert isinstance(fallback.current, DeviceCode)
    assert (len(asked), passwords(azure)) == (1, 1)


def test_a_wrong_password_does_not(azure: Sandbox, ada: Person, make: Make, asked: Any) -> None:
    """It is told to the caller at once, and nobody is asked."""
    fallback = make(ada, password="wrong")
    with pytest.raises(InvalidCredentials):
        management_credentials(fallback)
    assert (asked, passwords(azure)) == ([], 1)
    assert isinstance(fallback.current, Password)


def test_nor_does_a_dropped_connection(azure: Sandbox, ada: Person, make: Make, asked: Any) -> None:
    """Nobody judged the sign-in."""
    azure.faults.add(Reset(), times=3, path=TOKEN_PATH)
    with pytest.raises(TransportError):
        management_credentials(make(ada))
    assert asked == []


def test_where_nobody_may_be_asked_the_refusal_is_told(
    azure: Sandbox, grace: Person, make: Make, asked: Any
) -> None:
    """``interactive=False`` keeps its word, and the error says what is wrong."""
    with pytest.raises(MfaRequired, match="AADSTS50076"):
        management_credentials(make(grace), interactive=False)
    assert (asked, passwords(azure)) == ([], 1)


def test_a_password_that_is_missing_is_no_refusal(grace: Person, make: Make, asked: Any) -> None:
    """Without a terminal to ask at, that is told; it is not a reason to go on."""
    with pytest.raises(SignInRequired, match="password"):
        management_credentials(make(grace, password=None))
    assert asked == []


def test_a_sign_in_that_is_refused_renewal_is_asked_again_in_the_same_way(
    azure: Sandbox, grace: Person, clock: SandboxClock, make: Make, asked: Any
) -> None:
    """What led the person in once is tried first when a renewal wants a second factor anew."""
    fallback = make(grace)
    credentials = management_credentials(fallback)
    device_code = fallback.current
    azure.entra.revoke_refresh_tokens(grace, 50076)
    clock.advance(3601)
    credentials.get_token(f"{MANAGEMENT}.default")
    assert (len(asked), fallback.current) == (2, device_code)


def test_many_threads_go_on_together(azure: Sandbox, grace: Person, make: Make, asked: Any) -> None:
    """Both planes at once from many threads: one password sent, one prompt, one line."""
    fallback = make(grace)
    start = threading.Barrier(8)

    def work(number: int) -> str | None:
        start.wait()
        factory = (management_credentials, filesystem_token)[number % 2]
        return factory(fallback).whoami().username

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(work, range(8)))
    assert set(names) == {grace.username}
    assert (len(asked), passwords(azure)) == (1, 1)


def test_the_last_refusal_is_the_callers(azure: Sandbox, grace: Person, clock: Any) -> None:
    """Where no way is left, the error is the last one's, without an older one behind it."""
    options: Any = {"tenant": CONTOSO, "username": grace.username, "clock": clock}
    two = Fallback(*(Password(**options, password=PASSWORD) for _ in range(2)))
    with pytest.raises(MfaRequired) as refused:
        management_credentials(two, interactive=True)
    assert refused.value.__cause__ is refused.value.__context__ is None
    assert passwords(azure) == 2  # one each: they do not know of each other


class Scripted:
    """A stranger's strategy that answers as it is told to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        answer: Token | Exception | None = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        raise SignInRequired("Nobody is here.")


@pytest.mark.parametrize("since", [None, Token("t", 9e9, 0.0, MANAGEMENT)])
def test_an_old_refusal_is_no_reason_to_go_on(since: Token | None) -> None:
    """What was refused before has passed when the same strategy answers again."""
    fallback = Fallback(Scripted(MfaRequired("then"), since, None), Scripted())
    with pytest.raises(MfaRequired):
        fallback.silent(MANAGEMENT)
    assert fallback.silent(MANAGEMENT) is since
    with pytest.raises(SignInRequired):
        fallback.sign_in(MANAGEMENT)


def test_a_refusal_is_of_one_strategy_only() -> None:
    """That nobody can be asked in the second way is not told as the first one's refusal."""
    fallback = Fallback(Scripted(MfaRequired("first")), Scripted(None), Scripted())
    with pytest.raises(MfaRequired):
        fallback.silent(MANAGEMENT)
    with pytest.raises(SignInRequired):
        fallback.sign_in(MANAGEMENT)


class Slow:
    """A strategy whose person takes a while, and is refused in the end."""

    def __init__(self) -> None:
        self.asked = 0
        self.answered = threading.Event()

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        return None

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        self.asked += 1
        self.answered.wait(30)
        raise MfaRequired("not so")


def test_threads_ask_one_after_the_other(ada: Person, make: Make) -> None:
    """The second thread waits for the first, and then asks where that one has got to."""
    first, last = Slow(), make(ada).strategies[0]
    fallback = Fallback(first, last)
    with ThreadPoolExecutor(2) as pool:
        got = [pool.submit(fallback.sign_in, MANAGEMENT) for _ in range(2)]
        # Both are inside of Fallback.sign_in, one of them in the first strategy's.
        while count_in(Fallback.sign_in) < 2:
            threading.Event().wait(0.01)
        first.answered.set()
    assert first.asked == 1
    assert {one.exception() is None for one in got} == {True}


class Reader:
    """Reads the device code, and does something about it."""

    def __init__(self, act: Callable[[str], object]) -> None:
        self.act = act
        self.codes: list[str] = []
        self.asking: Callable[[], object] = lambda: None

    def __call__(self, prompt: DeviceCodePrompt) -> None:
        self.codes.append(prompt.code)
        self.asking()
        self.act(prompt.code)


@pytest.mark.parametrize("declined", [True, False], ids=["declined", "timeout"])
def test_cold_threads_of_two_credentials_share_one_answer(
    azure: Sandbox, grace: Person, clock: SandboxClock, declined: bool
) -> None:
    """64 threads, both planes: who declined, or did not come, is not asked once more."""
    person = Reader(azure.entra.decline if declined else lambda code: None)
    common: Any = {"tenant": CONTOSO, "clock": clock}
    password = Password(username=grace.username, password=PASSWORD, **common)
    fallback = Fallback(password, DeviceCode(prompt=person, timeout=20, **common))
    errors = ask_from_both_planes(fallback, person, "asking")
    expected = SignInDeclined if declined else SignInTimedOut
    assert ({type(one) for one in errors}, len(errors)) == ({expected}, 64)
    assert (len(person.codes), passwords(azure)) == (1, 1)
    person.act = lambda code: azure.entra.approve(code, by=grace)
    assert fallback.sign_in(MANAGEMENT), "and the next question is a new one"
    assert len(person.codes) == 2


def test_a_living_token_does_not_wait_for_a_person(
    azure: Sandbox, grace: Person, clock: SandboxClock
) -> None:
    """While somebody is asked about one resource, the others serve what they have."""
    asked, answered = threading.Event(), threading.Event()
    person = Reader(lambda code: azure.entra.approve(code, by=grace))
    common: Any = {"tenant": CONTOSO, "clock": clock}
    password = Password(username=grace.username, password=PASSWORD, **common)
    fallback = Fallback(password, DeviceCode(prompt=person, **common))
    source = TokenSource(fallback, DATA_LAKE, interactive=True, clock=clock)
    first = source.token()
    azure.entra.revoke_refresh_tokens(grace)
    clock.advance(3600 - 200)
    with pytest.raises(SignInExpired):
        fallback.silent(MANAGEMENT)
    person.asking = lambda: (asked.set(), answered.wait(10))
    with ThreadPoolExecutor(2) as threads:
        signed_in = threads.submit(fallback.sign_in, MANAGEMENT)
        assert asked.wait(10)
        try:
            assert threads.submit(source.token).result(5) is first
        finally:
            answered.set()
        assert signed_in.result(10)


@pytest.mark.parametrize(
    ("strategies", "told"),
    [
        ((), "two strategies"),
        ((Answer,), "AuthStrategy objects"),
        (("password", "device_code"), "AuthStrategy objects"),
    ],
)
def test_what_is_no_strategy_is_refused(strategies: Any, told: str) -> None:
    """A name, a class or a single strategy is a ConfigurationError at the call."""
    with pytest.raises(ConfigurationError, match=told):
        Fallback(*strategies)


def test_clouds_are_not_mixed() -> None:
    """Strategies of two clouds would send a person to the wrong one."""
    with pytest.raises(ConfigurationError, match="one cloud"):
        Fallback(DeviceCode(), DeviceCode(cloud="china"))


def test_it_is_copied_as_itself_and_never_pickled(ada: Person, make: Make) -> None:
    """It holds a person's sign-in; what a factory returned travels in its place."""
    fallback = make(ada)
    assert copy.copy(fallback) is copy.deepcopy(fallback) is fallback
    with pytest.raises(ConfigurationError, match="Fallback cannot be pickled"):
        pickle.dumps(fallback)
    there = pickle.loads(pickle.dumps(filesystem_token(fallback)))
    assert there.get_token(f"{DATA_LAKE}.default").token
    assert PASSWORD not in repr(fallback)


class TestOption:
    """``fallback=`` of the factories, with modes by name: each takes the options it knows."""

    @pytest.fixture
    def options(
        self, azure: Sandbox, grace: Person, clock: SandboxClock, asked: Any, library: str
    ) -> Any:
        """Return the options of a sign-in as Grace, who approves what she is shown."""

        def show(prompt: DeviceCodePrompt) -> None:
            asked.append(prompt)
            azure.entra.approve(prompt.code, by=grace)

        own = {"username": grace.username, "password": PASSWORD, "prompt": show}
        return {"tenant": CONTOSO, "clock": clock, "library": library} | own

    @pytest.mark.parametrize("fallback", ["device_code", ["mfa"], ("browser", "mfa")[1:]])
    def test_a_name_or_several(
        self, azure: Sandbox, options: Any, asked: Any, fallback: Any
    ) -> None:
        """The password is refused for want of a second factor, and the code is shown."""
        credentials = management_credentials("password", fallback=fallback, **options)
        assert isinstance(credentials, UserPassCredentials)
        assert credentials.whoami().username == options["username"]
        assert (len(asked), passwords(azure)) == (1, 1)
        assert filesystem_token("password", fallback=fallback, **options).whoami().username
        assert len(asked) == 2, "two calls by name are two sign-ins"

    def test_an_object(self, options: Any, asked: Any) -> None:
        """Beside a name, with options of its own."""
        options["prompt"], own = None, options["prompt"]
        common: Any = {"tenant": CONTOSO, "clock": options["clock"], "library": options["library"]}
        device_code = DeviceCode(prompt=own, **common)
        del options["prompt"]
        credentials = management_credentials("password", fallback=device_code, **options)
        assert (credentials.whoami().username, len(asked)) == (options["username"], 1)

    def test_a_device_code_that_is_blocked_leads_to_the_browser(
        self, azure: Sandbox, grace: Person, options: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Where a policy blocks device code only; one line says so."""
        blocked = {"error": "access_denied", "error_codes": [53003]}
        blocked["error_description"] = "AADSTS53003: Access has been blocked by policy."
        prompts: list[Any] = []

        def show(prompt: Any) -> None:
            prompts.append(prompt)
            if isinstance(prompt, BrowserPrompt):
                azure.entra.browse(prompt.url, by=grace)
            else:
                azure.faults.add(Answer(400, json.dumps(blocked)), path=TOKEN_PATH)

        del options["password"]
        options["prompt"] = show
        credentials = management_credentials("device_code", fallback="browser", **options)
        assert credentials.whoami().username == grace.username
        assert [type(one).__name__ for one in prompts] == ["DeviceCodePrompt", "BrowserPrompt"]
        [line] = capsys.readouterr().err.splitlines()
        assert "blocked by policy" in line
        assert line.endswith("Trying Browser instead.")

    def test_never_by_itself(self, options: Any, asked: Any) -> None:
        """Without the option a refusal is the end."""
        del options["prompt"]
        with pytest.raises(MfaRequired):
            management_credentials("password", **options)

    def test_an_option_that_nobody_takes(self, options: Any) -> None:
        """The error names it and the modes; nothing is sent."""
        with pytest.raises(ConfigurationError, match="'redirect_uri' with the modes 'password'"):
            management_credentials(
                "password", fallback="device_code", redirect_uri="http://localhost", **options
            )

    @pytest.mark.parametrize("fallback", ["no mode", 3, [None], DeviceCode])
    def test_what_is_no_mode(self, options: Any, fallback: Any) -> None:
        """A ConfigurationError before any network."""
        with pytest.raises(ConfigurationError, match="fallback="):
            management_credentials("password", fallback=fallback, **options)

"""DeviceCode: shows a code, waits patiently, and asks once."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import (
    BlockedByPolicy,
    DeviceCode,
    DeviceCodePrompt,
    EndUserError,
    ProtocolError,
    SignInCancelled,
    SignInDeclined,
    SignInExpired,
    SignInRequired,
    SignInTimedOut,
    TransportError,
    WrongAccount,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import (
    CONTOSO,
    CONTOSO_ID,
    HTML_502,
    Answer,
    HalfBody,
    Reset,
    SandboxClock,
    Stall,
    redirect,
    throttled,
)
from adls_enduser.testing import EntraStrategyContract

from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH
from ..planes import ask_from_both_planes
from ..waiting import Stopwatch, wait_until, with_patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox


class Reader:
    """A person who reads the prompt and does something about it."""

    def __init__(self, azure: Sandbox) -> None:
        self.azure = azure
        self.prompts: list[DeviceCodePrompt] = []
        self.act: Callable[[DeviceCodePrompt], None] = self.approve

    def __call__(self, prompt: DeviceCodePrompt) -> None:
        self.prompts.append(prompt)
        self.act(prompt)

    def approve(self, prompt: DeviceCodePrompt) -> None:
        self.azure.entra.approve(prompt.code)

    def decline(self, prompt: DeviceCodePrompt) -> None:
        self.azure.entra.decline(prompt.code)

    def ignore(self, prompt: DeviceCodePrompt) -> None:
        """Look away."""


class Approving:
    """The sandbox's time, for a client whose person approves during a certain pause."""

    def __init__(self, azure: Sandbox, after: int) -> None:
        self.azure = azure
        self.after = after
        self.waits: list[float] = []

    def time(self) -> float:
        return self.azure.clock.time()

    def monotonic(self) -> float:
        return self.azure.clock.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        if len(self.waits) == self.after:
            self.azure.entra.approve(self.azure.entra.pending_codes()[0])
        return self.azure.clock.wait(event, seconds)


@pytest.fixture
def reader(azure: Sandbox, grace: Person) -> Reader:
    """Grace, who approves what she is shown."""
    return Reader(azure)


@pytest.fixture
def device_code(clock: SandboxClock, reader: Reader, library: str) -> Callable[..., DeviceCode]:
    """Make a DeviceCode strategy of the sandbox's tenant, with the sandbox's time."""

    def make(**more: Any) -> DeviceCode:
        own = {"tenant": CONTOSO, "prompt": reader, "clock": clock, "library": library}
        return DeviceCode(**own | more)

    return make


class TestContract(EntraStrategyContract):
    """DeviceCode is a strategy."""

    @pytest.fixture
    def strategy(self, device_code: Callable[..., DeviceCode]) -> DeviceCode:
        return device_code()


def test_the_prompt_is_data(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox, clock: SandboxClock
) -> None:
    """The callback gets where to go, what to enter, until when, and a sentence."""
    began = clock.time()
    device_code().sign_in(MANAGEMENT)
    (prompt,) = reader.prompts
    assert prompt.url == f"{azure.url}/devicelogin"
    assert prompt.code in prompt.message
    assert prompt.expires_on == pytest.approx(began + 900, abs=1)


def test_nobody_signed_in_yet_is_none(
    device_code: Callable[..., DeviceCode], azure: Sandbox
) -> None:
    """Silent never asks, and without a sign-in it has nothing to send either."""
    assert device_code().silent(MANAGEMENT) is None
    assert len(azure.log) == 0


def test_one_object_signs_in_once(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
) -> None:
    """Both factories, one strategy: one prompt, then one refresh request."""
    strategy = device_code()
    management_credentials(mode=strategy)
    filesystem_token(mode=strategy)
    assert len(reader.prompts) == 1
    forms = [one.request.form for one in azure.log.to(TOKEN_PATH)]
    grants = [form["grant_type"].rpartition(":")[2] for form in forms]
    assert grants == ["device_code", "refresh_token"]


def test_two_calls_by_name_share_nothing(
    reader: Reader, azure: Sandbox, clock: SandboxClock
) -> None:
    """A server that signs in two people cannot mix them up."""
    azure.entra.person(f"ada@{CONTOSO}", password="x")
    people = iter([f"ada@{CONTOSO}", f"grace@{CONTOSO}"])
    reader.act = lambda prompt: azure.entra.approve(prompt.code, by=next(people))
    options: Any = {"tenant": CONTOSO, "prompt": reader, "clock": clock}
    first = management_credentials("mfa", **options)
    second = filesystem_token("device_code", **options)
    assert len(reader.prompts) == 2
    assert first.whoami().username == f"ada@{CONTOSO}"
    assert second.whoami().username == f"grace@{CONTOSO}"


@pytest.mark.parametrize(
    "fault",
    [
        Reset(),
        Reset(during_answer=True),
        HalfBody(),
        HTML_502,
        Answer(200, "<html>log in to the hotel</html>"),
        Answer(403, "<html>forbidden by the proxy</html>"),
        Answer(500, '{"error": "server_error"}'),
        Answer(503, '{"error": "temporarily_unavailable"}'),
        Answer(200, b""),
        throttled("2"),
        redirect("https://login.windows.net/"),
    ],
    ids=repr,
)
def test_the_wait_survives_the_network(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox, fault: Any
) -> None:
    """A blip during polling only means asking again; the person is asked once."""
    reader.act = lambda prompt: azure.faults.add(fault, times=3, path=TOKEN_PATH)
    assert device_code(clock=Approving(azure, after=3)).sign_in(MANAGEMENT)
    assert len(reader.prompts) == 1
    assert len(azure.log.to(TOKEN_PATH)) == 4


def test_the_wait_survives_a_request_that_hangs(
    azure: Sandbox, reader: Reader, device_code: Callable[..., DeviceCode]
) -> None:
    """Adal would wait for ever here: its polling has no timeout."""

    def later(prompt: DeviceCodePrompt) -> None:
        azure.log.clear()
        azure.faults.clear()
        azure.faults.add(Stall(), path=TOKEN_PATH)
        azure.entra.approve(prompt.code)

    def survives(patience: float) -> bool:
        assert device_code(request_timeout=patience).sign_in(MANAGEMENT)
        return len(azure.log.to(TOKEN_PATH)) == 2

    reader.act = later
    with_patience(survives)


def test_slow_down_is_honoured(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
) -> None:
    """Each slow_down makes the interval five seconds longer, for good (RFC 8628 3.5)."""
    slow = Answer(400, '{"error": "slow_down"}')
    reader.act = lambda prompt: azure.faults.add(slow, times=2, path=TOKEN_PATH)
    approving = Approving(azure, after=4)
    assert device_code(clock=approving).sign_in(MANAGEMENT)
    assert approving.waits == [10, 15, 15, 15]


def test_retry_after_is_honoured(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
) -> None:
    """A longer pause that the service asks for is made, then the interval is as before."""
    reader.act = lambda prompt: azure.faults.add(throttled("33"), path=TOKEN_PATH)
    approving = Approving(azure, after=2)
    assert device_code(clock=approving).sign_in(MANAGEMENT)
    assert approving.waits == [33, 5]


def test_a_declined_code_ends_the_wait(
    device_code: Callable[..., DeviceCode], reader: Reader
) -> None:
    """The person said no."""
    reader.act = reader.decline
    with pytest.raises(SignInDeclined) as caught:
        device_code().sign_in(MANAGEMENT)
    assert caught.value.error == "authorization_declined"


def test_an_expired_code_ends_the_wait(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox, clock: SandboxClock
) -> None:
    """The wait is as long as the code lives, not a second more."""
    reader.act, azure.entra.device_code_lifetime = reader.ignore, 60
    began = clock.time()
    with pytest.raises(SignInTimedOut, match="code expired"):
        device_code().sign_in(MANAGEMENT)
    assert clock.time() == pytest.approx(began + 60, abs=1)


def test_a_timeout_ends_the_wait_sooner(
    device_code: Callable[..., DeviceCode], reader: Reader, clock: SandboxClock
) -> None:
    """timeout= is in seconds."""
    reader.act = reader.ignore
    began = clock.time()
    with pytest.raises(SignInTimedOut, match="timeout passed"):
        device_code(timeout=12).sign_in(MANAGEMENT)
    assert clock.time() == pytest.approx(began + 12, abs=1)


class Resting(SandboxClock):
    """Real time, which tells when a client begins to rest."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = threading.Event()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.rests.set()
        return super().wait(event, seconds)


@pytest.mark.parametrize("fault", [None, Stall()], ids=["resting", "in a request that hangs"])
def test_a_cancel_stops_the_wait_within_a_second(
    azure: Sandbox, reader: Reader, device_code: Callable[..., DeviceCode], fault: Any
) -> None:
    """Whether it rests between two requests or hangs in one (real time here)."""
    cancel, clock, since = threading.Event(), Resting(), Stopwatch()

    def press() -> None:
        wait_until(lambda: azure.log.to(TOKEN_PATH) if fault else clock.rests.is_set())
        since.start()
        cancel.set()

    pressing = threading.Thread(target=press)

    def soon(prompt: DeviceCodePrompt) -> None:
        if fault is not None:
            azure.faults.add(fault, path=TOKEN_PATH)
        pressing.start()

    reader.act, azure.entra.device_code_interval = soon, 1
    with pytest.raises(SignInCancelled):
        device_code(cancel=cancel, clock=clock).sign_in(MANAGEMENT)
    assert since.seconds < 1
    since.stop()
    pressing.join()


def test_a_cancel_stops_a_start_that_hangs(
    azure: Sandbox, device_code: Callable[..., DeviceCode]
) -> None:
    """Before there is anything to show, too (real time here)."""
    cancel, since = threading.Event(), Stopwatch()

    def press() -> None:
        wait_until(lambda: azure.log.to("/devicecode"))
        since.start()
        cancel.set()

    azure.faults.add(Stall(3), times=3, path="/devicecode")
    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(SignInCancelled):
        device_code(cancel=cancel, clock=SandboxClock(), request_timeout=2).sign_in(MANAGEMENT)
    assert since.seconds < 1
    pressing.join()
    for thread in _left_behind():
        thread.join(30)
        assert not thread.is_alive()
    assert since.seconds < 1.8, "the request ended too, before its own timeout"
    since.stop()


def _left_behind() -> list[threading.Thread]:
    names = ("adls_enduser-call", "adls_enduser-request")
    return [one for one in threading.enumerate() if one.name in names]


@pytest.mark.parametrize(
    "page",
    [
        "http://microsoft.com/devicelogin",
        "https://microsoft.com@evil.example/devicelogin",
        "https://microsoft.com:x@evil.example/",
        "http://localhost.evil.example/devicelogin",
        "javascript:alert(1)",
        "https:///devicelogin",
        "https://micro\u202esoft.com/",
    ],
)
def test_a_page_that_is_not_safe_is_never_shown(
    azure: Sandbox, reader: Reader, device_code: Callable[..., DeviceCode], page: str
) -> None:
    """It is https and names no user, or it is a ProtocolError and becomes no link."""
    body = {
        "user_code": "ABCD",
        "device_code": "d",
        "expires_in": "900",
        "interval": "5",
        "verification_url": page,
        "verification_uri": page,
    }
    azure.faults.add(Answer(200, json.dumps(body)), path="/devicecode")
    with pytest.raises(ProtocolError) as caught:
        device_code().sign_in(MANAGEMENT)
    assert reader.prompts == []
    assert page not in str(caught.value)


class Cancelling:
    """The sandbox's time, for a client whose program gives up during the first pause."""

    def __init__(self, clock: SandboxClock) -> None:
        self.time, self.monotonic = clock.time, clock.monotonic
        self.cancel, self.given_up = threading.Event(), threading.Event()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.cancel.set()
        return self.given_up.wait(10)


def test_what_was_left_behind_sends_nothing_more(
    azure: Sandbox, device_code: Callable[..., DeviceCode]
) -> None:
    """A request that would be repeated after a pause is not, when nobody waits any more."""
    giving_up = Cancelling(azure.clock)
    azure.faults.add(HTML_502, times=3, path="/devicecode")
    with pytest.raises(SignInCancelled):
        device_code(cancel=giving_up.cancel, clock=giving_up).sign_in(MANAGEMENT)
    [thread] = _left_behind()
    giving_up.given_up.set()
    thread.join(10)
    assert len(azure.log.to("/devicecode")) == 1


def test_a_timeout_ends_though_the_clock_was_set_back(
    azure: Sandbox, reader: Reader, device_code: Callable[..., DeviceCode], clock: SandboxClock
) -> None:
    """A wait is as long as it is by the clock that is never set."""
    reader.act = lambda _: clock.jump(-3600)
    began = clock.monotonic()
    with pytest.raises(SignInTimedOut, match="timeout passed"):
        device_code(timeout=60).sign_in(MANAGEMENT)
    assert clock.monotonic() - began < 120


def test_cancelled_beforehand_is_cancelled(
    device_code: Callable[..., DeviceCode], reader: Reader
) -> None:
    """An event that is set already stops the wait before the first pause."""
    reader.act = reader.ignore
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(SignInCancelled):
        device_code(cancel=cancel).sign_in(MANAGEMENT)


@pytest.mark.parametrize(
    ("number", "error"), [(53003, BlockedByPolicy), (50005, BlockedByPolicy), (50020, WrongAccount)]
)
def test_a_refusal_after_the_approval_ends_the_wait(
    device_code: Callable[..., DeviceCode],
    reader: Reader,
    azure: Sandbox,
    number: int,
    error: type[EndUserError],
) -> None:
    """A policy that blocks the person is final, and typed."""
    azure.entra.person(f"eve@{CONTOSO}", password="x", refused_with=number)
    reader.act = lambda prompt: azure.entra.approve(prompt.code, by=f"eve@{CONTOSO}")
    with pytest.raises(error) as caught:
        device_code().sign_in(MANAGEMENT)
    assert caught.value.code == f"AADSTS{number}"


class TestStart:
    """Asking for a code can fail too; nobody is shown anything then."""

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (HTML_502, TransportError),
            (Reset(), TransportError),
            (throttled(), TransportError),
            (Answer(200, b"{}"), ProtocolError),
            (Answer(200, b"[]"), ProtocolError),
            (Answer(200, b"half a"), ProtocolError),
            (
                Answer(200, b'{"user_code": "X", "device_code": "d", "expires_in": 9}'),
                ProtocolError,
            ),
            (
                Answer(
                    200,
                    b'{"user_code": "\\u001b[2J", "device_code": "d", "expires_in": "900",'
                    b' "verification_url": "https://microsoft.com/devicelogin",'
                    b' "verification_uri": "https://microsoft.com/devicelogin"}',
                ),
                ProtocolError,
            ),
        ],
        ids=repr,
    )
    def test_a_failed_start_is_our_error(
        self,
        device_code: Callable[..., DeviceCode],
        reader: Reader,
        azure: Sandbox,
        fault: Any,
        error: type[EndUserError],
    ) -> None:
        """Nonsense, and what could steer a terminal, never reaches the prompt."""
        azure.faults.add(fault, times=3, path="/devicecode")
        with pytest.raises(error):
            device_code().sign_in(MANAGEMENT)
        assert reader.prompts == []

    def test_a_missing_interval_is_five_seconds(
        self, device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
    ) -> None:
        """RFC 8628 section 3.2; adal fails with a KeyError."""
        body = (
            b'{"user_code": "X", "device_code": "d", "expires_in": "12",'
            b' "verification_url": "https://microsoft.com/devicelogin",'
            b' "verification_uri": "https://microsoft.com/devicelogin"}'
        )
        azure.faults.add(Answer(200, body), path="/devicecode")
        azure.faults.add(
            Answer(400, '{"error": "authorization_pending"}'), times=9, path=TOKEN_PATH
        )
        reader.act = reader.ignore
        with pytest.raises(SignInTimedOut):
            device_code().sign_in(MANAGEMENT)
        assert len(azure.log.to(TOKEN_PATH)) == 3


class TestWho:
    """The person and tenant that were asked for are the ones that sign in."""

    def test_another_person_is_refused(
        self, device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
    ) -> None:
        """username= is checked, and the stranger's sign-in is not kept."""
        strategy = device_code(username=f"ada@{CONTOSO}")
        with pytest.raises(WrongAccount, match="grace") as caught:
            strategy.sign_in(MANAGEMENT)
        assert "ada" in str(caught.value)
        assert strategy.silent(MANAGEMENT) is None

    def test_the_right_person_in_another_case_is_right(
        self, device_code: Callable[..., DeviceCode]
    ) -> None:
        """User names have no case."""
        assert device_code(username=f"GRACE@{CONTOSO}").sign_in(MANAGEMENT)

    def test_another_tenant_is_refused(
        self, device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
    ) -> None:
        """A tenant given by id must be the token's; the right id is a control."""
        assert device_code(tenant=CONTOSO_ID.upper()).sign_in(MANAGEMENT)
        claims = {"tid": CONTOSO_ID.replace("c0ffee", "decaf0"), "oid": "o", "upn": "zoe@x.com"}
        body = {"access_token": "x", "token_type": "Bearer", "expires_in": "3600"}
        body["id_token"] = azure.world.identity.sign(claims)
        azure.faults.add(Answer(200, json.dumps(body)), path=TOKEN_PATH)
        strategy = device_code(tenant=CONTOSO_ID)
        with pytest.raises(WrongAccount, match="tenant"):
            strategy.sign_in(MANAGEMENT)
        assert strategy.silent(MANAGEMENT) is None


class TestAgain:
    """When the sign-in dies, one prompt brings a new one, and only where somebody is."""

    def test_a_dead_refresh_token_asks_once_more(
        self,
        device_code: Callable[..., DeviceCode],
        reader: Reader,
        azure: Sandbox,
        grace: Person,
        clock: SandboxClock,
    ) -> None:
        """Inactivity, a new password or a policy ends it; the credential goes on."""
        credentials = management_credentials(mode=device_code())
        azure.entra.revoke_refresh_tokens(grace, code=70043)
        clock.advance(3601)
        assert credentials.get_token(f"{MANAGEMENT}.default").token
        assert len(reader.prompts) == 2

    def test_nobody_is_asked_where_nobody_may_be(
        self,
        device_code: Callable[..., DeviceCode],
        reader: Reader,
        azure: Sandbox,
        grace: Person,
        clock: SandboxClock,
    ) -> None:
        """interactive=False gives the reason instead of a prompt."""
        strategy = device_code()
        strategy.sign_in(DATA_LAKE)
        token = filesystem_token(mode=strategy, interactive=False)
        azure.entra.revoke_refresh_tokens(grace, code=700082)
        clock.advance(3601)
        with pytest.raises(SignInExpired) as caught:
            token.get_token(f"{DATA_LAKE}.default")
        assert caught.value.code == "AADSTS700082"
        assert len(reader.prompts) == 1

    def test_interactive_false_refuses_at_once(
        self, device_code: Callable[..., DeviceCode], azure: Sandbox
    ) -> None:
        """Before any network, naming the call that would help."""
        with pytest.raises(SignInRequired, match="interactive=False"):
            management_credentials(mode=device_code(), interactive=False)
        with pytest.raises(SignInRequired, match=r'filesystem_token\(mode="device_code"'):
            filesystem_token("device_code", tenant=CONTOSO)
        assert len(azure.log) == 0

    def test_a_resource_that_wants_more_asks_the_person(
        self, device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox
    ) -> None:
        """A refresh refused with MFA required for one resource leads to a new sign-in."""
        strategy = device_code()
        management_credentials(mode=strategy)
        azure.faults.add(
            Answer(400, '{"error": "interaction_required", "suberror": "basic_action"}'),
            path=TOKEN_PATH,
        )
        filesystem_token(mode=strategy)
        assert len(reader.prompts) == 2
        assert strategy.sign_in(STORAGE), "the new sign-in is good for all"
        assert len(reader.prompts) == 2


def test_cold_threads_of_one_strategy_share_one_prompt(
    device_code: Callable[..., DeviceCode], reader: Reader
) -> None:
    """Two credentials made at once from one strategy ask the person once."""
    strategy = device_code()
    made: list[object] = []
    threads = [
        threading.Thread(target=lambda factory=factory: made.append(factory(mode=strategy)))
        for factory in (management_credentials, filesystem_token) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 4
    assert len(reader.prompts) == 1


@pytest.mark.parametrize("declined", [True, False], ids=["declined", "timeout"])
def test_cold_threads_of_two_credentials_share_one_refusal(
    device_code: Callable[..., DeviceCode], reader: Reader, azure: Sandbox, declined: bool
) -> None:
    """64 threads, both planes: who declined, or did not come, is not asked once more."""
    strategy = device_code(timeout=20)

    def refuse(prompt: DeviceCodePrompt) -> None:
        person.asking()
        if declined:
            azure.entra.decline(prompt.code)

    person, reader.act = SimpleNamespace(asking=None), refuse
    errors = ask_from_both_planes(strategy, person, "asking")
    expected = SignInDeclined if declined else SignInTimedOut
    assert ({type(one) for one in errors}, len(errors)) == ({expected}, 64)
    assert len(reader.prompts) == 1
    assert len({id(one) for one in errors}) == 64, "each may add its own traceback"
    reader.act = reader.approve
    assert strategy.sign_in(MANAGEMENT), "and the next question is a new one"
    assert len(reader.prompts) == 2


def test_a_second_sign_in_waits_for_the_first(
    device_code: Callable[..., DeviceCode], reader: Reader
) -> None:
    """Whoever comes while the person is being asked gets a token, and asks nobody."""
    strategy = device_code()
    got: list[object] = []
    second = threading.Thread(target=lambda: got.append(strategy.sign_in(DATA_LAKE)))

    def approve_later(prompt: DeviceCodePrompt) -> None:
        second.start()
        second.join(0.2)
        reader.approve(prompt)

    reader.act = approve_later
    strategy.sign_in(MANAGEMENT)
    second.join(30)
    assert len(got) == 1
    assert len(reader.prompts) == 1

"""cache=: the second run asks nobody, and processes do not log each other out."""

from __future__ import annotations

import ast
import copy
import json
import multiprocessing
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from adls_enduser import (
    CacheError,
    ConfigurationError,
    DeviceCode,
    Password,
    SignInCache,
    SignInExpired,
    SignInRequired,
    TransportError,
    filesystem_token,
    management_credentials,
)
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.entra.claims import CP1
from adls_enduser.sandbox import CONTOSO, Answer, Sandbox
from adls_enduser.testing import EntraStrategyContract
from adls_enduser.testing.strategies import wait_for_background_renewal

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH
from ..waiting import LIFETIMES, wait_until, with_patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person, SandboxClock

ROOT = Path(__file__).parents[2]
SCOPE = f"{MANAGEMENT}.default"
SUBSCRIPTIONS = "https://management.azure.com/subscriptions?api-version=2022-12-01"

pytestmark = pytest.mark.filterwarnings("ignore:.*without encryption.*:UserWarning")


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a keyring; the cipher has tests of its own."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SignInCache]:
    """A cache of one's own, in the clear."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield SignInCache(tmp_path / "sign-ins", allow_unencrypted=True)


def _device_code(azure: Sandbox, cache: SignInCache, by: str = "grace", **more: Any) -> DeviceCode:
    def approve(prompt: Any) -> None:
        azure.entra.approve(prompt.code, by=f"{by}@{CONTOSO}")

    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "prompt": approve} | more
    return DeviceCode(cache=cache, **options)


class TestContract(EntraStrategyContract):
    """A strategy with a cache is a strategy."""

    @pytest.fixture
    def strategy(
        self, azure: Sandbox, grace: Person, cache: SignInCache, library: str
    ) -> DeviceCode:
        return _device_code(azure, cache, library=library)


def test_the_second_run_asks_nobody_and_sends_nothing(
    azure: Sandbox, grace: Person, cache: SignInCache
) -> None:
    """While the access token lives there is no request; the same token serves."""
    first = management_credentials(mode=_device_code(azure, cache))
    azure.log.clear()
    second = management_credentials(mode=_device_code(azure, cache, prompt=None))
    scope = f"{MANAGEMENT}.default"
    assert second.get_token(scope).token == first.get_token(scope).token
    assert second.whoami() == first.whoami()
    assert len(azure.log) == 0


def test_the_next_morning_asks_nobody(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock
) -> None:
    """When the access token is dead one silent request brings a new one, kept again."""
    management_credentials(mode=_device_code(azure, cache))
    clock.advance(14 * 3600)
    azure.log.clear()
    filesystem_token(mode=_device_code(azure, cache, prompt=None), interactive=False)
    filesystem_token(mode=_device_code(azure, cache, prompt=None), interactive=False)
    assert [one.request.form["grant_type"] for one in azure.log] == ["refresh_token"]


def test_a_kept_token_serves_though_renewal_is_due(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock
) -> None:
    """The next run sends nothing when it begins, and a service that is down does not stop it."""
    first = management_credentials(mode=_device_code(azure, cache)).get_token(SCOPE).token
    clock.advance(3600 - 500)
    azure.log.clear()
    azure.faults.add(Answer(503), times=99, path=TOKEN_PATH)
    second = management_credentials(mode=_device_code(azure, cache, prompt=None))
    assert len(azure.log) == 0
    assert second.get_token(SCOPE).token == first
    wait_for_background_renewal()
    assert len(azure.log) == 3, "a renewal was tried"
    clock.advance(100)
    azure.faults.clear()
    assert second.get_token(SCOPE).token == first
    wait_until(lambda: second.get_token(SCOPE).token != first)


def test_a_kept_token_that_ends_soon_is_renewed_first(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock
) -> None:
    """In the mandatory window the next run waits for a new one, as all do."""
    first = management_credentials(mode=_device_code(azure, cache)).get_token(SCOPE).token
    clock.advance(3600 - 299)
    second = management_credentials(mode=_device_code(azure, cache, prompt=None))
    assert second.get_token(SCOPE).token != first


@pytest.mark.parametrize("where", ["the next run", "a worker"])
def test_a_kept_token_that_ends_soon_serves_if_it_cannot_be_renewed(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock, where: str
) -> None:
    """Until its end, though that process has never held another."""
    first = _device_code(azure, cache).sign_in(MANAGEMENT)
    clock.advance(3600 - 100)
    azure.faults.add(Answer(503), times=99, path=TOKEN_PATH)
    azure.log.clear()
    again: Any = _device_code(azure, cache, prompt=None)
    strategy = again if where == "the next run" else again.for_other_process()
    source = TokenSource(strategy, MANAGEMENT, interactive=False, clock=clock)
    assert source.token() == first
    assert len(azure.log) == 3, "one renewal was tried"
    clock.advance(100)
    with pytest.raises(TransportError):
        source.token()


@pytest.mark.parametrize(("first", "then"), [("adal", "msal"), ("msal", "adal")])
def test_a_sign_in_outlives_a_change_of_library(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock, first: str, then: str
) -> None:
    """What was kept through one serves through the other: its tokens, then its refresh token."""
    before = _device_code(azure, cache, library=first).sign_in(MANAGEMENT)
    azure.log.clear()
    strategy = _device_code(azure, cache, library=then)
    assert strategy.silent(MANAGEMENT) == before
    assert len(azure.log) == 0
    clock.advance(14 * 3600)
    again = strategy.silent(MANAGEMENT)
    assert again is not None
    assert again.account == before.account
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_a_token_with_a_capability_stays_in_its_process(
    azure: Sandbox, grace: Person, cache: SignInCache
) -> None:
    """It is used there beside what the cache keeps, which is the ordinary token."""
    strategy = _device_code(azure, cache, library="msal")
    plain = strategy.sign_in(MANAGEMENT)
    capable = strategy.silent(MANAGEMENT, claims=CP1)
    assert strategy.silent(STORAGE), "the cache is read again"
    assert strategy.silent(MANAGEMENT, claims=CP1) == capable != plain
    another = _device_code(azure, cache, library="msal")
    assert another.silent(MANAGEMENT) == plain
    assert another.silent(MANAGEMENT, claims=CP1) not in (None, plain, capable)


def test_a_kept_sign_in_needs_no_password(azure: Sandbox, ada: Person, cache: SignInCache) -> None:
    """Password mode uses it for that user name, and for no other."""
    options: Any = {"tenant": CONTOSO, "clock": azure.clock, "cache": cache}
    Password(username=ada.username, password=PASSWORD, **options).silent(MANAGEMENT)
    azure.log.clear()
    assert Password(username=ada.username.upper(), **options).silent(MANAGEMENT)
    assert len(azure.log) == 0
    assert Password(username=f"eve@{CONTOSO}", **options).silent(MANAGEMENT) is None


def test_several_people_live_side_by_side(
    azure: Sandbox, ada: Person, grace: Person, cache: SignInCache
) -> None:
    """username= chooses; without it, more than one is an error that names them."""
    for name in ("ada", "grace"):
        management_credentials(
            mode=_device_code(azure, cache, by=name, username=f"{name}@{CONTOSO}")
        )
    azure.log.clear()
    for name in ("ada", "grace"):
        strategy = _device_code(azure, cache, username=f"{name}@{CONTOSO}", prompt=None)
        token = strategy.silent(MANAGEMENT)
        assert token is not None
        assert token.account.username == f"{name}@{CONTOSO}"
    with pytest.raises(ConfigurationError, match=r"ada@.*grace@") as caught:
        _device_code(azure, cache).silent(MANAGEMENT)
    assert "username=" in caught.value.remedy
    assert len(azure.log) == 0


def test_sign_out_is_not_undone(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock
) -> None:
    """A process that still runs goes on, but does not write the sign-in back."""
    credentials = management_credentials(mode=_device_code(azure, cache))
    assert [one.username for one in cache.sign_out()] == [grace.username]
    clock.advance(3601)
    assert credentials.get_token(f"{MANAGEMENT}.default").token
    assert cache.accounts() == ()
    assert _device_code(azure, cache, prompt=None).silent(MANAGEMENT) is None


def test_a_dead_sign_in_is_removed(
    azure: Sandbox, grace: Person, cache: SignInCache, clock: SandboxClock
) -> None:
    """What the service refuses is not kept for the next process to try."""
    management_credentials(mode=_device_code(azure, cache))
    azure.entra.revoke_refresh_tokens(grace)
    clock.advance(3601)
    with pytest.raises(SignInExpired):
        _device_code(azure, cache).silent(MANAGEMENT)
    assert cache.accounts() == ()


def test_without_a_keyring_nobody_is_asked_in_vain(
    azure: Sandbox, grace: Person, tmp_path: Path
) -> None:
    """The error comes before the prompt, and before any network."""
    asked: list[object] = []
    cache = SignInCache(tmp_path / "sign-ins")
    with pytest.raises(CacheError, match="allow_unencrypted"):
        management_credentials(tenant=CONTOSO, cache=cache, prompt=asked.append)
    assert asked == []
    assert len(azure.log) == 0


@pytest.mark.parametrize("username", [None, f"ada@{CONTOSO}"])
def test_nobody_types_a_name_or_a_password_in_vain(
    azure: Sandbox, ada: Person, tmp_path: Path, username: str | None
) -> None:
    """At a terminal too the error comes first."""
    program = (
        "from adls_enduser import SignInCache, management_credentials\n"
        f"management_credentials('password', username={username!r},"
        f" cache=SignInCache({str(tmp_path / 'sign-ins')!r}))\n"
    )
    (tmp_path / "program.py").write_text(program)
    screen = pexpect.run(f"{sys.executable} {tmp_path / 'program.py'}", timeout=30).decode()
    assert "CacheError" in screen
    assert "User name:" not in screen
    assert "Password for" not in screen


def test_a_disk_that_fails_later_costs_no_sign_in(
    azure: Sandbox, grace: Person, clock: SandboxClock, tmp_path: Path
) -> None:
    """It goes on in memory, and says so."""
    folder = tmp_path / "folder"
    cache = SignInCache(folder / "sign-ins.json", allow_unencrypted=True)
    credentials = management_credentials(mode=_device_code(azure, cache))
    folder.rename(tmp_path / "gone")
    folder.write_text("in the way")
    clock.advance(3601)
    with pytest.warns(UserWarning, match="not kept"):
        assert credentials.get_token(f"{MANAGEMENT}.default").token


def test_another_process_renews_from_the_cache(
    azure: Sandbox, grace: Person, cache: SignInCache, library: Any
) -> None:
    """A pickled credential first uses its token, then the cache, then SignInRequired."""
    credentials = management_credentials(
        mode=DeviceCode(
            tenant=CONTOSO,
            cache=cache,
            prompt=lambda prompt: azure.entra.approve(prompt.code),
            library=library,
        )
    )
    copied = pickle.loads(pickle.dumps(credentials))
    azure.log.clear()
    assert copied.get_token(f"{MANAGEMENT}.default").token
    assert len(azure.log) == 0
    assert copied.get_token(f"{STORAGE}.default").token
    sent = [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH)]
    assert sent == ["refresh_token"]
    cache.sign_out()
    with pytest.raises((SignInRequired, SignInExpired)):
        pickle.loads(pickle.dumps(credentials)).get_token(f"{DATA_LAKE}.default")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_process_of_every_kind_renews_from_the_cache(tmp_path: Path, method: str) -> None:
    """It uses the token that it was sent, then the cache, then says that a person must sign in."""
    with Sandbox() as azure:
        ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        program = [sys.executable, "-W", "ignore", "-m", "tests.programs.from_cache"]

        def renews(lifetime: float) -> bool:
            azure.entra.token_lifetime = lifetime
            azure.log.clear()
            path = str(tmp_path / f"sign-ins-{lifetime}")
            done = subprocess.run(
                [*program, method, ada.username, PASSWORD, path],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=240,
            )
            assert done.returncode == 0, done.stderr
            told = ast.literal_eval(done.stdout)
            if told["carried"] != told["here"]:
                return False  # its turn came after the token's end
            assert told["without"] == "SignInRequired"
            tokens = [told[name] for name in ("here", "other", "renewed")]
            assert len(set(tokens)) == 3
            assert all(one.count(".") == 2 for one in tokens), "tokens, and no errors"
            sent = [one.request.form for one in azure.log.to(TOKEN_PATH) if one.request]
            assert [one["grant_type"] for one in sent] == ["password", *["refresh_token"] * 2]
            assert [one["resource"] for one in sent] == [DATA_LAKE, STORAGE, DATA_LAKE]
            return True

        with_patience(renews, LIFETIMES)


def test_a_revoked_token_is_renewed_in_another_process(
    azure: Sandbox, ada: Person, grace: Person, cache: SignInCache, library: Any
) -> None:
    """A worker that meets a 401 gets a new one from the cache, whoever else is kept there."""
    for name in ("ada", "grace"):
        options: Any = {"username": f"{name}@{CONTOSO}", "library": library, "cache": cache}
        credentials = management_credentials(
            mode=DeviceCode(
                tenant=CONTOSO,
                prompt=lambda prompt, name=name: azure.entra.approve(
                    prompt.code, by=f"{name}@{CONTOSO}"
                ),
                **options,
            )
        )
    copied = pickle.loads(pickle.dumps(credentials))
    azure.world.identity.revoke_issued_tokens(grace)
    azure.log.clear()
    assert copied.signed_session().get(SUBSCRIPTIONS).status_code == 200
    assert [one.status for one in azure.log.to("/subscriptions")] == [401, 200]
    assert len(azure.log.to(TOKEN_PATH)) == 1


def test_what_was_refused_in_vain_here_is_not_known_elsewhere(
    azure: Sandbox, grace: Person, cache: SignInCache
) -> None:
    """The minute in which a session does not renew again is of this process's clock."""
    credentials = management_credentials(
        mode=DeviceCode(
            tenant=CONTOSO, cache=cache, prompt=lambda prompt: azure.entra.approve(prompt.code)
        )
    )
    session = credentials.signed_session()
    azure.faults.add(Answer(401), times=2, path="/subscriptions")
    assert session.get(SUBSCRIPTIONS).status_code == 401
    azure.world.identity.revoke_issued_tokens(grace)
    copied = pickle.loads(pickle.dumps(session))
    assert session.get(SUBSCRIPTIONS).status_code == 401, "a control"
    assert copied.get(SUBSCRIPTIONS).status_code == 200


def test_a_credential_can_be_sent_on(azure: Sandbox, grace: Person, cache: SignInCache) -> None:
    """A worker that pickles it again passes the cache along too."""
    credentials = management_credentials(
        mode=DeviceCode(
            tenant=CONTOSO, cache=cache, prompt=lambda prompt: azure.entra.approve(prompt.code)
        )
    )
    twice = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(credentials))))
    assert twice.get_token(f"{STORAGE}.default").token


def test_a_proxys_password_does_not_travel(tmp_path: Path) -> None:
    """Another process takes such a proxy from its own environment; a plain one goes along."""
    proxies = {"https": "http://me:planted-secret@proxy.example:1", "http": "http://plain:2"}
    cache = SignInCache(tmp_path / "sign-ins", allow_unencrypted=True)
    stand_in = DeviceCode(tenant=CONTOSO, cache=cache, proxies=proxies).for_other_process()
    assert stand_in is not None
    raw = pickle.dumps(stand_in)
    assert b"planted-secret" not in raw
    assert pickle.loads(raw).settings.proxies == {"http": "http://plain:2"}


def test_a_copied_strategy_is_the_same_sign_in(cache: SignInCache) -> None:
    """As a copied credential is; only a pickle is refused."""
    for strategy in (DeviceCode(tenant=CONTOSO), Password(username="a@b.com", password="x")):
        assert copy.copy(strategy) is strategy
        assert copy.deepcopy([strategy])[0] is strategy


PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
from adls_enduser import DeviceCode, SignInCache, management_credentials
cache = SignInCache(sys.argv[1], allow_unencrypted=True)
sys.stdin.readline()
strategy = DeviceCode(tenant="contoso.onmicrosoft.com", cache=cache)
credentials = management_credentials(mode=strategy, interactive=False)
print(json.dumps(credentials.get_token("https://management.azure.com/.default").token[-20:]))
"""


def test_eight_processes_at_expiry_make_one_request(tmp_path: Path) -> None:
    """Under the file's lock each takes what another has just renewed."""
    path = tmp_path / "sign-ins"
    with Sandbox() as azure:
        azure.entra.person(f"grace@{CONTOSO}", password="x", mfa=True)
        azure.entra.reuse_is_refused = True
        azure.entra.token_lifetime = 1
        cache = SignInCache(path, allow_unencrypted=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            DeviceCode(
                tenant=CONTOSO, cache=cache, prompt=lambda one: azure.entra.approve(one.code)
            ).sign_in(MANAGEMENT)
        azure.entra.token_lifetime = 3600
        command = [sys.executable, "-c", PROGRAM, str(path)]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        running = [subprocess.Popen(command, **pipes) for _ in range(8)]
        azure.log.clear()
        threading.Event().wait(1.1)  # in real time: the other processes have their own
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        tokens = {json.loads(process.communicate(timeout=60)[0]) for process in running}
        assert len(tokens) == 1
        assert len(azure.log.to(TOKEN_PATH)) == 1

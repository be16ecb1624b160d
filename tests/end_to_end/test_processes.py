"""Sign-ins in other processes: pickled, pooled, forked and saved."""

from __future__ import annotations

import ast
import asyncio
import base64
import copy
import faulthandler
import multiprocessing
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import pexpect
import pytest
from azure.core.credentials import AccessToken
from azure.datalake.store import core, multithread
from azure.identity import AuthenticationRequiredError

from adls_enduser import (
    AzureCredential,
    ConfigurationError,
    DeviceCode,
    Fallback,
    Password,
    SignInError,
    SignInRequired,
    StaticToken,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, Sandbox, SandboxClock, Stall

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, KEY_VAULT, MANAGEMENT, STORAGE, TOKEN_PATH
from ..programs.recursive import ANOTHER, SOMEBODY
from ..waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ROOT = Path(__file__).parents[2]
METHODS = multiprocessing.get_all_start_methods()
SUBSCRIPTIONS = "https://management.azure.com/subscriptions?api-version=2022-12-01"
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)

can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def _spellings(secret: str) -> list[bytes]:
    """Return a secret as it may stand in a file: plain, UTF-16, hexadecimal, base64."""
    raw = secret.encode()
    wide = [secret.encode("utf-16-le"), secret.encode("utf-16-be"), raw.hex().encode()]
    # Without what depends on the neighbours, at each of the three alignments.
    encoded = [base64.b64encode(raw[start:])[: len(raw) - 8] for start in range(3)]
    return [
        raw,
        *wide,
        *encoded,
        *(one.translate(bytes.maketrans(b"+/", b"-_")) for one in encoded),
    ]


def _stands_in(secret: str, raw: bytes) -> bool:
    return any(spelling in raw for spelling in _spellings(secret))


def _secrets(azure: Sandbox) -> set[str]:
    """Return everything long-lived that this sandbox has seen or given out."""
    sent = [one.request.form for one in azure.log.to(TOKEN_PATH) if one.request]
    codes = {form["code"] for form in sent if "code" in form}
    return {PASSWORD, *azure.entra.refresh_tokens._grants, *codes}


def _found(azure: Sandbox, raw: bytes) -> list[str]:
    secrets = _secrets(azure)
    assert len(secrets) > 1, "a refresh token was given out"
    return [secret for secret in secrets if _stands_in(secret, raw)]


def _by_password(azure: Sandbox) -> Password:
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    clock: Any = azure.clock
    return Password(username=ada.username, password=lambda: PASSWORD, tenant=CONTOSO, clock=clock)


def _by_device_code(azure: Sandbox) -> DeviceCode:
    azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True, approves_device_codes=True)
    return DeviceCode(tenant=CONTOSO, prompt=lambda prompt: None, clock=azure.clock)


def _by_fallback(azure: Sandbox) -> Fallback:
    device_code = _by_device_code(azure)
    grace: Any = {"username": f"grace@{CONTOSO}", "password": PASSWORD, "tenant": CONTOSO}
    return Fallback(Password(**grace, clock=azure.clock), device_code)


STRATEGIES = {
    "password": _by_password,
    "device_code": _by_device_code,
    "fallback": _by_fallback,
}
FACTORIES = [management_credentials, filesystem_token]


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest, azure: Sandbox) -> Any:
    """Either way of signing in."""
    return STRATEGIES[request.param](azure)


@pytest.fixture(params=FACTORIES, ids=["management", "filesystem"])
def credential(request: pytest.FixtureRequest, strategy: Any) -> Any:
    """What either factory gives."""
    return request.param(mode=strategy)


@pytest.fixture
def past() -> Iterator[Sandbox]:
    """A sandbox that lives a day ago, so that its tokens are dead to the system's clock."""
    clock = SandboxClock(frozen=True)
    clock.advance(-24 * 3600)
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


def _secret(credential: Any, resource: str) -> str:
    return str(credential.get_token(f"{resource}.default").token)


def _resource(credential: Any) -> str:
    return str(credential._source.resource)


def _other_resource(credential: Any) -> str:
    """Return an audience that a pickle does not bring, unless it was asked for."""
    return DATA_LAKE if _resource(credential) == MANAGEMENT else MANAGEMENT


def _all_pickles(thing: object) -> list[bytes]:
    dumped = [pickle.dumps(thing, protocol) for protocol in PROTOCOLS]
    return [*dumped, cloudpickle.dumps(thing)]


class TestPickle:
    """What another process gets."""

    def test_the_search_finds_what_is_there(self, azure: Sandbox, credential: Any) -> None:
        """A control: plainly, in UTF-16 and in base64 at every alignment."""
        refresh_token = next(iter(azure.entra.refresh_tokens._grants))
        for before in range(4):
            hidden = b"x" * before + refresh_token.encode() + b"y"
            assert _found(azure, hidden)
            assert _found(azure, base64.b64encode(hidden))
            assert _found(azure, base64.urlsafe_b64encode(hidden))
        assert _found(azure, refresh_token.encode("utf-16"))

    def test_it_carries_who_where_and_the_token(self, azure: Sandbox, credential: Any) -> None:
        """By every protocol and by cloudpickle; it works there, and asks no network."""
        resource = _resource(credential)
        token = _secret(credential, resource)
        pickle.dumps(credential)  # the first one obtains a token for storage
        azure.log.clear()
        for raw in _all_pickles(credential):
            loaded = pickle.loads(raw)
            assert type(loaded) is type(credential)
            assert loaded.whoami() == credential.whoami()
            assert repr(loaded) == repr(credential)
            assert _secret(loaded, resource) == token
        assert len(azure.log) == 0

    def test_it_carries_nothing_that_lasts(self, azure: Sandbox, credential: Any) -> None:
        """No password, refresh token or device code, in a pickle of anything we hand out."""
        token = _secret(credential, _resource(credential))
        for thing in (credential, credential.aio(), credential.signed_session()):
            for raw in _all_pickles(thing):
                assert _stands_in(token, raw)
                assert _found(azure, raw) == []

    def test_audiences_in_use_go_along(self, azure: Sandbox, credential: Any) -> None:
        """A token of another audience is carried once the credential has been asked for it."""
        alone = pickle.dumps(credential)
        resource = _other_resource(credential)
        token = _secret(credential, resource)
        assert len(pickle.dumps(credential)) > len(alone) + len(token)
        raw = pickle.dumps(credential)
        azure.log.clear()
        assert _secret(pickle.loads(pickle.dumps(pickle.loads(raw))), resource) == token
        assert _found(azure, raw) == []
        assert len(azure.log) == 0

    def test_an_audience_that_did_not_come_along(self, azure: Sandbox, credential: Any) -> None:
        """The error says what to do at the process that signed in."""
        loaded = pickle.loads(pickle.dumps(credential))
        azure.log.clear()
        resource = _other_resource(credential)
        with pytest.raises(SignInRequired, match="another process") as caught:
            _secret(loaded, resource)
        assert f"get_token('{resource}.default')" in caught.value.remedy
        assert len(azure.log) == 0

    def test_the_async_view(self, azure: Sandbox, credential: Any) -> None:
        """It works in the other process too."""
        resource = _resource(credential)
        loaded = pickle.loads(pickle.dumps(credential.aio()))
        token = asyncio.run(loaded.get_token(f"{resource}.default"))
        assert token.token == _secret(credential, resource)

    def test_a_signed_session(self, azure: Sandbox, strategy: Any) -> None:
        """It goes on signing."""
        session = management_credentials(mode=strategy).signed_session()
        assert pickle.loads(pickle.dumps(session)).get(SUBSCRIPTIONS).status_code == 200

    def test_a_file_system(self, azure: Sandbox, strategy: Any) -> None:
        """It works from a pickle and from a deep copy."""
        store = core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name="mystore")
        store.touch("/x")
        for raw in _all_pickles(store):
            assert pickle.loads(raw).ls("/") == ["x"]
            assert _found(azure, raw) == []
        assert copy.deepcopy(store).ls("/") == ["x"]

    def test_one_made_late_carries_a_renewed_token(
        self, azure: Sandbox, clock: SandboxClock, credential: Any
    ) -> None:
        """Else a fresh pickle, which SignInRequired asks for, would bring a dead token."""
        resource = _resource(credential)
        before = _secret(credential, resource)
        for moment in (2800, 3601):  # in the advisory window, and after the end
            clock.advance(moment)
            azure.log.clear()
            with ThreadPoolExecutor(8) as threads:
                raws = list(threads.map(lambda _: pickle.dumps(credential), range(8)))
            after = _secret(credential, resource)
            assert all(_stands_in(after, raw) and not _stands_in(before, raw) for raw in raws)
            sent = [one.request.form["grant_type"] for one in azure.log.to("") if one.request]
            assert sent == ["refresh_token"] * 2, "this resource's and storage's"
            before = after

    def test_pickling_asks_nobody(
        self, azure: Sandbox, clock: SandboxClock, credential: Any
    ) -> None:
        """Where only a person could renew it, the pickle carries the dead token."""
        before = _secret(credential, _resource(credential))
        for person in azure.world.directory.persons():
            azure.entra.revoke_refresh_tokens(person)
            person.refused_with = 50057
        clock.advance(3601)
        azure.log.clear()
        assert _stands_in(before, pickle.dumps(credential))
        assert azure.log.to("/devicecode") == []

    def test_a_strategy_is_refused(self, azure: Sandbox, strategy: Any) -> None:
        """It is the sign-in itself; the error says what to pickle instead."""
        management_credentials(mode=strategy)
        for dumps in (pickle.dumps, cloudpickle.dumps):
            with pytest.raises(ConfigurationError, match="cannot be pickled") as caught:
                dumps(strategy)
            assert "factory" in caught.value.remedy


@pytest.mark.parametrize("factory", FACTORIES, ids=["management", "filesystem"])
def test_a_static_tokens_pickle(azure: Sandbox, clock: SandboxClock, factory: Any) -> None:
    """It carries that token too, and at its end nothing else can be had."""
    credential = factory(StaticToken("an-access-token", clock.time() + 600, clock=clock))
    for raw in (*_all_pickles(credential), *_all_pickles(credential.aio())):
        loaded = pickle.loads(raw)
        assert repr(loaded) == repr(pickle.loads(pickle.dumps(loaded)))
        assert b"an-access-token" in raw
    with pytest.raises(SignInRequired, match="another process"):
        _secret(pickle.loads(pickle.dumps(credential)), KEY_VAULT)


class TestDeadPickle:
    """What another process gets whose token is over."""

    @pytest.fixture(params=FACTORIES, ids=["management", "filesystem"])
    def credential(self, request: pytest.FixtureRequest, past: Sandbox) -> Any:
        """One whose token is dead to the system's clock, which an unpickled one goes by."""
        return request.param(mode=_by_device_code(past))

    def test_a_person_is_required_at_once(
        self, past: Sandbox, credential: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For every way in, without network; the remedy says where the person is."""
        loaded = pickle.loads(pickle.dumps(credential))
        ours = credential.get_token(f"{_resource(credential)}.default")
        assert ours.token, "a control: it lives by the clock of its own process"
        past.log.clear()
        for call in (
            loaded.signed_session,
            loaded.refresh_session,
            lambda: loaded.token,
            lambda: _secret(loaded, _resource(credential)),
            lambda: asyncio.run(loaded.aio().get_token(f"{_resource(credential)}.default")),
        ):
            with pytest.raises(SignInRequired, match="another process") as caught:
                call()
            assert "pickle the credential again" in caught.value.remedy
        assert len(past.log) == 0
        assert loaded.whoami() == credential.whoami()

    def test_a_session_and_a_file_system(self, past: Sandbox) -> None:
        """They raise the same through requests and through the SDK, without its retries."""
        strategy = _by_device_code(past)
        session = pickle.dumps(management_credentials(mode=strategy).signed_session())
        store = core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name="mystore")
        raw = pickle.dumps(store)
        past.log.clear()
        with pytest.raises(SignInRequired):
            pickle.loads(session).get(SUBSCRIPTIONS)
        with pytest.raises(SignInRequired):
            pickle.loads(raw).ls("/")  # 0.0.x asks for the token while it is unpickled
        assert len(past.log) == 0

    def test_a_terminal_changes_nothing(self, past: Sandbox, tmp_path: Path) -> None:
        """Where a person could be asked, one is not."""
        file = tmp_path / "credential"
        file.write_bytes(pickle.dumps(management_credentials(mode=_by_device_code(past))))
        past.log.clear()
        program = ["-m", "tests.programs.loaded", str(file)]
        screen = pexpect.run(f"{sys.executable} {' '.join(program)}", cwd=str(ROOT), timeout=60)
        assert b"a terminal: True" in screen
        assert b"SignInRequired" in screen
        assert screen.endswith(b"done\r\n")
        assert len(past.log) == 0


class TestCopies:
    """A copy in the same process is the same sign-in."""

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_it_goes_on_renewing(
        self, azure: Sandbox, clock: SandboxClock, credential: Any, copied: Any
    ) -> None:
        """Together with the original, at one request for both."""
        twin, view = copied(credential), copied(credential.aio())
        resource = _resource(credential)
        assert type(twin) is type(credential)
        clock.advance(3601)
        azure.log.clear()
        assert _secret(twin, resource) == _secret(credential, resource)
        assert asyncio.run(view.get_token(f"{resource}.default")).token == _secret(twin, resource)
        assert _secret(twin, STORAGE)
        assert len(azure.log.to("/devicecode")) == 0
        assert len(azure.log.to(TOKEN_PATH)) == 2

    def test_a_session_goes_on_signing(
        self, azure: Sandbox, clock: SandboxClock, strategy: Any
    ) -> None:
        """A deep copy of a signed session takes a fresh token for each request."""
        session = copy.deepcopy(management_credentials(mode=strategy).signed_session())
        clock.advance(3601)
        assert session.get(SUBSCRIPTIONS).status_code == 200


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("method", METHODS)
def test_recursive_acls(method: str) -> None:
    """The SDK's own processes change every ACL of a tree, with one prompt and one token."""
    with Sandbox() as azure:
        azure.entra.device_code_interval = 1
        grace = f"grace@{CONTOSO}"
        azure.entra.person(grace, password=PASSWORD, mfa=True, approves_device_codes=True)
        token: Any = filesystem_token("device_code", prompt=lambda prompt: None)
        store = core.AzureDLFileSystem(token, store_name="mystore")
        folders = ["/tree", *(f"/tree/d{number}" for number in range(4))]
        files = [f"{folder}/f{number}" for folder in folders for number in range(5)]
        for path in files:
            store.touch(path)
        azure.log.clear()
        assert _run("tests.programs.recursive", method) == "asked\n"
        assert len(azure.log.to("/devicecode")) == 1
        exchanges = azure.log.to(TOKEN_PATH)
        granted = [one.request.form["grant_type"] for one in exchanges if one.status == 200]
        # If a busy machine puts 1 and then 4 seconds between requests, as the client does after
        # a 401, retry_detector gets one new token.
        assert granted in (["device_code"], ["device_code", "refresh_token"])
        for path in folders + files:
            entries = set(store.get_acl_status(path)["entries"])
            assert f"user:{SOMEBODY}:--x" in entries, path
            assert (f"default:user:{SOMEBODY}:r--" in entries) is (path in folders), path
            assert not any(ANOTHER in entry for entry in entries), path


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_of_processes(method: str) -> None:
    """Workers read through a file system, list accounts, and send our errors back whole."""
    with Sandbox() as azure:
        ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        token: Any = filesystem_token("password", username=ada.username, password=PASSWORD)
        store = core.AzureDLFileSystem(token, store_name="mystore")
        with store.open("/data/a.txt", "wb") as file:
            file.write(b"hello, lake")
        azure.log.clear()
        told = ast.literal_eval(_run("tests.programs.pool", method, ada.username, PASSWORD))
        assert told["elsewhere"]
        assert told["read"] == [b"hello, lake"] * 6
        assert told["accounts"] == ["mystore"]
        assert told["wrong"]["type"] == "InvalidCredentials"
        assert told["wrong"]["code"] == "AADSTS50126"
        assert all(told["wrong"].values())
        sent = [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH) if one.request]
        assert sorted(sent) == ["password", "password", *["refresh_token"] * 2]
        assert told["other"]["type"] == "SignInRequired"
        assert KEY_VAULT.rstrip("/") in told["other"]["message"]
        assert f"get_token('{KEY_VAULT}.default')" in told["other"]["remedy"]


def _in_child(act: Callable[[], object], seconds: float = 30) -> Any:
    """Fork, and give what ``act`` returned or raised there; fail if the child hangs."""
    wait_until(_Settled())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(seconds - 1, file=2)  # should it hang: where
        try:
            told: object = act()
        except BaseException as error:
            told = error
        os.write(writing, pickle.dumps(told))
        os._exit(0)
    os.close(writing)
    try:
        if not select.select([reading], [], [], seconds)[0]:
            pytest.fail("the child hangs")
        return pickle.loads(os.read(reading, 2**16))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


class _Settled:
    """Tells when no thread of the sandbox, which is in this process, has begun or ended lately.

    A thread that does is in OpenSSL, whose locks a child inherits closed (seen with py-spy: the
    child waits in ``ERR_set_mark`` for ever). No library can open those.
    """

    def __init__(self) -> None:
        self._before: list[str] = []
        self._same = 0

    def __call__(self) -> bool:
        tasks = sorted(os.listdir(_TASKS)) if os.path.isdir(_TASKS) else []
        self._same = self._same + 1 if tasks == self._before else 0
        self._before = tasks
        return self._same == 15


_TASKS = "/proc/self/task"


def _grants(azure: Sandbox) -> list[str]:
    return [one.request.form["grant_type"] for one in azure.log.to(TOKEN_PATH) if one.request]


class _Blocked:
    """A callback that waits in the parent's thread, and not in a child."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self.began, self.release = threading.Event(), threading.Event()
        self.armed = False
        self.calls: list[Any] = []

    def __call__(self, *arguments: Any) -> str:
        self.calls += arguments or [None]
        if self.armed and os.getpid() == self.parent:
            self.began.set()
            assert self.release.wait(30)
        return PASSWORD


class _Theirs:
    """Somebody else's credential, which asks by azure-identity's verb."""

    _disable_automatic_authentication = True

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._signed_in = False

    def authenticate(self, **options: Any) -> None:
        self._ask()
        self._signed_in = True

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        if not self._signed_in:
            raise AuthenticationRequiredError(scopes)
        return AccessToken(f"of-{os.getpid()}", 4_000_000_000)


@can_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
class TestFork:
    """A child finds no lock closed, may renew by itself, and asks nobody."""

    def test_it_renews_by_itself(
        self, azure: Sandbox, clock: SandboxClock, credential: Any
    ) -> None:
        """Once for all its threads; the parent's sign-in goes on as well."""
        scope = f"{_resource(credential)}.default"
        before = _secret(credential, _resource(credential))
        clock.advance(3601)
        azure.log.clear()

        def ask_from_threads() -> set[str]:
            with ThreadPoolExecutor(8) as threads:
                return {one.token for one in threads.map(credential.get_token, [scope] * 8)}

        tokens = _in_child(ask_from_threads)
        assert len(tokens - {before}) == 1
        assert _grants(azure) == ["refresh_token"]
        assert credential.get_token(scope).token not in {before, *tokens}
        assert _grants(azure) == ["refresh_token"] * 2
        assert azure.log.to("/devicecode") == []

    def test_a_renewal_was_under_way(
        self, azure: Sandbox, clock: SandboxClock, credential: Any, caplog: Any
    ) -> None:
        """A parent's thread held every lock there is and waited for the network."""
        caplog.set_level("DEBUG")
        resource = _resource(credential)
        clock.advance(3601)
        azure.log.clear()
        azure.faults.add(Stall(1), path=TOKEN_PATH)  # a second, and then it is tried again
        with ThreadPoolExecutor(1) as threads:
            token = threads.submit(_secret, credential, resource)
            wait_until(lambda: azure.log.to(TOKEN_PATH))
            try:
                for one in (resource, STORAGE):
                    assert isinstance(_in_child(partial(_secret, credential, one)), str)
            finally:
                azure.faults.clear()
            assert token.result(20)
        assert azure.log.to("/devicecode") == []

    def test_the_strategy_was_asking_for_a_password(
        self, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """A parent's thread was inside the callable, and so held the strategy's own lock."""
        blocked = _Blocked()
        ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        options: Any = {"username": ada.username, "clock": clock}
        credential: Any = management_credentials("password", password=blocked, **options)
        azure.entra.revoke_refresh_tokens(ada)
        clock.advance(3601)
        blocked.armed = True
        with ThreadPoolExecutor(1) as threads:
            token = threads.submit(_secret, credential, MANAGEMENT)
            assert blocked.began.wait(10)
            try:
                assert isinstance(_in_child(lambda: _secret(credential, MANAGEMENT)), str)
            finally:
                blocked.release.set()
            assert token.result(20)

    def test_a_person_was_being_asked(self, azure: Sandbox, clock: SandboxClock) -> None:
        """The child says that nobody can be asked there; the parent's one prompt stands."""
        blocked = _Blocked()
        azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, approves_device_codes=True)
        options: Any = {"prompt": blocked, "clock": clock}
        credential: Any = management_credentials("device_code", **options)
        azure.entra.revoke_refresh_tokens(azure.entra.approver)  # type: ignore[arg-type]
        clock.advance(3601)
        azure.log.clear()
        blocked.armed = True
        with ThreadPoolExecutor(1) as threads:
            token = threads.submit(_secret, credential, MANAGEMENT)
            assert blocked.began.wait(10)
            try:
                for resource in (MANAGEMENT, STORAGE):
                    error = _in_child(partial(_secret, credential, resource))
                    assert isinstance(error, SignInRequired), error
                    assert "forked" in str(error)
                    assert error.remedy
            finally:
                blocked.release.set()
            assert token.result(20)
        assert len(azure.log.to("/devicecode")) == 1

    @pytest.mark.parametrize("asker", ["theirs", "ours", "fallback"])
    def test_a_child_that_is_told_to_may_ask(self, azure: Sandbox, asker: str) -> None:
        """A factory called there with ``interactive=True`` waits for no person of the parent's."""
        blocked = _Blocked()
        azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, approves_device_codes=True)
        ours = DeviceCode(tenant=CONTOSO, prompt=blocked, clock=azure.clock)
        strategy: Any = {
            "theirs": AzureCredential(_Theirs(blocked)),
            "ours": ours,
            "fallback": Fallback(ours, _by_password(azure)),
        }[asker]
        blocked.armed = True
        with ThreadPoolExecutor(1) as threads:
            token = threads.submit(strategy.sign_in, MANAGEMENT)
            assert blocked.began.wait(10)
            try:
                there = partial(management_credentials, strategy, interactive=True)
                assert _in_child(lambda: _secret(there(), MANAGEMENT))
            finally:
                blocked.release.set()
            assert token.result(20)

    def test_it_asks_nobody(self, azure: Sandbox, clock: SandboxClock, credential: Any) -> None:
        """A child whose refresh token is refused says why, and shows no prompt."""
        for person in azure.world.directory.persons():
            azure.entra.revoke_refresh_tokens(person)
            person.refused_with = 50057
        clock.advance(3601)
        azure.log.clear()
        error = _in_child(lambda: _secret(credential, _resource(credential)))
        assert isinstance(error, SignInError)
        assert error.code in {"AADSTS50173", "AADSTS50057"}
        assert azure.log.to("/devicecode") == []

    def test_a_fork_inside_the_prompt(self, azure: Sandbox, clock: SandboxClock) -> None:
        """A prompt that forks, as one that starts a browser may, harms neither process."""
        azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, approves_device_codes=True)
        strategy = DeviceCode(clock=clock, prompt=lambda prompt: told.append(_in_child(os.getpid)))
        told: list[int] = []
        credential: Any = management_credentials(mode=strategy)
        assert told
        assert told[0] != os.getpid()
        assert _secret(credential, MANAGEMENT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its open file
class TestSavedTransfers:
    """What azure-datalake-store writes to disk, readable by everybody."""

    @pytest.fixture(autouse=True)
    def _forget(self) -> Iterator[None]:
        yield
        multithread.ADLDownloader.clear_saved()
        multithread.ADLUploader.clear_saved()

    @staticmethod
    def _store(strategy: Any) -> Any:
        return core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name="mystore")

    @staticmethod
    def _saved(name: str) -> bytes:
        return Path(multithread.datadir, name).read_bytes()

    def test_a_download(self, azure: Sandbox, strategy: Any, tmp_path: Path) -> None:
        """It holds the access token and nothing that lasts, and goes on from the file."""
        store, content, target = self._store(strategy), os.urandom(3 * 2**20), tmp_path / "down"
        with store.open("/a.bin", "wb") as file:
            file.write(content)
        options: Any = {"chunksize": 2**20, "nthreads": 2, "run": False}
        multithread.ADLDownloader(store, rpath="/a.bin", lpath=str(target), **options).save()
        self._check(azure, store, self._saved("downloads"))
        [download] = multithread.ADLDownloader.load().values()
        download.run()
        assert target.read_bytes() == content

    def test_an_upload(self, azure: Sandbox, strategy: Any, tmp_path: Path) -> None:
        """Likewise."""
        store, content, source = self._store(strategy), os.urandom(3 * 2**20), tmp_path / "up"
        source.write_bytes(content)
        options: Any = {"chunksize": 2**20, "nthreads": 2, "run": False}
        multithread.ADLUploader(store, rpath="/b.bin", lpath=str(source), **options).save()
        self._check(azure, store, self._saved("uploads"))
        [upload] = multithread.ADLUploader.load().values()
        upload.run()
        assert store.cat("/b.bin") == content

    @staticmethod
    def _check(azure: Sandbox, store: Any, raw: bytes) -> None:
        token = getattr(store, "token", None) or store.token_credential
        assert _stands_in(_secret(token, DATA_LAKE), raw), "a control"
        assert _found(azure, raw) == []

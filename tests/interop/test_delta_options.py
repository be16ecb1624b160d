"""delta_options: one endpoint for each sign-in and process."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import ConfigurationError, StaticToken, management_credentials, storage_credential
from adls_enduser.interop import delta_options, identity_endpoint
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE
from ..waiting import wait_until
from .endpoint_client import Program

if TYPE_CHECKING:
    from adls_enduser import Credentials
    from adls_enduser.sandbox import Person, SandboxClock

PROXIES = ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the variables, and restore them afterwards."""
    for name in ("IDENTITY_HEADER", "IDENTITY_ENDPOINT", *PROXIES):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def credential(clock: SandboxClock) -> Credentials:
    """A sign-in that needs no network."""
    return storage_credential(StaticToken("opaque", clock.time() + 3600, clock=clock))


def _program(options: dict[str, str]) -> Program:
    """Return a program that does what object_store does with the options."""
    assert set(options) == {"azure_msi_endpoint"}
    assert all(isinstance(value, str) for value in options.values())
    return Program(
        {
            "IDENTITY_ENDPOINT": options["azure_msi_endpoint"],
            "IDENTITY_HEADER": os.environ["IDENTITY_HEADER"],
        }
    )


def test_the_process_serves_itself(credential: Credentials) -> None:
    """For Azure Storage only; the secret is not among the options."""
    options = delta_options(credential)
    program = _program(options)
    assert program.token(STORAGE.rstrip("/")) == "opaque"
    for other in (MANAGEMENT, DATA_LAKE):
        assert program.ask(other).fields["error"] == "invalid_resource"
    assert program.send(f"{program.path}?resource=x", X_IDENTITY_HEADER=None).status == 403
    assert program.secret not in str(options)


def test_one_for_each_sign_in(
    credential: Credentials, ada: Person, grace: Person, clock: SandboxClock, library: str
) -> None:
    """Two credentials of one sign-in share it; two people do not, nor do two sign-ins of one."""
    strategy = StaticToken("other", clock.time() + 3600, clock=clock)
    options = [delta_options(storage_credential(strategy)) for _ in range(2)]
    options += [delta_options(management_credentials(strategy)), delta_options(credential)]
    by_password = [
        storage_credential(
            "password",
            tenant=CONTOSO,
            username=ada.username,
            password=PASSWORD,
            clock=clock,
            library=library,
        )
        for _ in range(2)
    ]
    options += [delta_options(one) for one in by_password]
    urls = [one["azure_msi_endpoint"] for one in options]
    assert urls[0] == urls[1] == urls[2]
    assert len(set(urls)) == 4
    tokens = [_program(one).token() for one in options]
    assert tokens[:4] == ["other"] * 3 + ["opaque"]
    assert delta_options(by_password[0]) == options[4]


def test_a_copy_shares_it_and_does_not_take_it_over(
    ada: Person, clock: SandboxClock, library: str
) -> None:
    """A credential that was unpickled cannot renew; the sign-in that can serves both."""
    strategy_options: dict[str, Any] = {"tenant": CONTOSO, "clock": clock, "library": library}
    credential = storage_credential(
        "password", username=ada.username, password=PASSWORD, **strategy_options
    )
    unpickled = pickle.loads(pickle.dumps(credential))
    options = delta_options(unpickled)
    assert delta_options(copy.copy(credential)) == options
    assert delta_options(unpickled) == options
    program = _program(options)
    first = program.token()
    clock.advance(3600)
    assert program.token() != first


def test_the_secret_of_the_environment_is_kept(
    credential: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others in this process may use it, and object_store reads it each time."""
    monkeypatch.setenv("IDENTITY_HEADER", "of-app-service")
    program = _program(delta_options(credential))
    assert os.environ["IDENTITY_HEADER"] == program.secret == "of-app-service"
    assert program.token() == "opaque"
    monkeypatch.setenv("IDENTITY_HEADER", "another")
    assert program.ask().status == 403
    assert _program(delta_options(credential)).token() == "opaque"
    monkeypatch.delenv("IDENTITY_HEADER")
    assert program.send(f"{program.path}?resource=x", X_IDENTITY_HEADER="").status == 403


def test_inside_of_an_identity_endpoint(
    credential: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that has an endpoint's variables keeps them."""
    with identity_endpoint(credential) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert _program(delta_options(credential)).token() == "opaque"
        assert Program(os.environ).token() == "opaque"


@pytest.mark.parametrize(
    ("before", "after"), [(None, "127.0.0.1"), ("a.example", "a.example,127.0.0.1"), ("*", "*")]
)
def test_the_secret_goes_to_no_proxy(
    credential: Credentials, monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    """object_store would send it there (seen with 0.13)."""
    if before is not None:
        monkeypatch.setenv("NO_PROXY", before)
    delta_options(credential)
    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == (after, after)


def test_a_frozen_program_serves_itself_by_a_thread(
    credential: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sys.executable is no interpreter (PyInstaller, run-time information)."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/does/not/exist")
    program = _program(delta_options(credential))
    assert program.token() == "opaque"
    assert program.send(f"{program.path}?resource=x", X_IDENTITY_HEADER=None).status == 403


def test_no_interpreter_can_be_started(
    credential: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread serves then, too: for a path that is wrong, and for another program there."""
    for wrong in ("/does/not/exist", shutil.which("true") or ""):
        monkeypatch.setattr(sys, "executable", wrong)
        other = storage_credential(StaticToken("opaque", time.time() + 3600))
        assert _program(delta_options(other)).token() == "opaque"


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_a_server_that_was_ended_is_replaced(credential: Credentials) -> None:
    """By the next call."""
    children = _children()
    first = delta_options(credential)
    (new,) = _children() - children
    os.kill(new, signal.SIGKILL)
    wait_until(lambda: delta_options(credential) != first)
    assert _program(delta_options(credential)).token() == "opaque"


def _children() -> set[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True
    )
    return {int(word) for word in listed.stdout.split() if os.path.exists(f"/proc/{word}")}


def test_a_credential_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error, and nothing is set."""
    before = dict(os.environ)
    with pytest.raises(ConfigurationError, match=r"^credential must be"):
        delta_options(object())  # type: ignore[arg-type]
    assert dict(os.environ) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_one_of_its_own(credential: Credentials) -> None:
    """It ends with the child, and the parent's goes on."""
    options = delta_options(credential)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        own = delta_options(credential)
        works = _program(own).token() == "opaque" and _program(options).token() == "opaque"
        os.write(writing, (own["azure_msi_endpoint"] if works else "").encode())
        os._exit(0)
    os.close(writing)
    own = os.read(reading, 1000).decode()
    os.close(reading)
    os.waitpid(child, 0)
    assert own not in ("", options["azure_msi_endpoint"])
    assert _program(options).token() == "opaque"
    wait_until(lambda: _is_refused(_program({"azure_msi_endpoint": own})))


def _is_refused(program: Program) -> bool:
    try:
        program.connect().close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # the port is being closed
        return False
    return False


SLEEPER = """
import os, sys, time
from adls_enduser import StaticToken, storage_credential
from adls_enduser.interop import delta_options
options = delta_options(storage_credential(StaticToken("opaque", time.time() + 3600)))
print(options["azure_msi_endpoint"], os.environ["IDENTITY_HEADER"], flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no SIGSTOP")
def test_a_process_that_cannot_reply_is_served_all_the_same() -> None:
    """The interpreter's lock is held while is_deltatable of deltalake waits for a token.

    Where the process is killed, its server ends, too.
    """
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url, secret = process.stdout.readline().decode().split()
        program = Program({"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": secret})
        assert program.token() == "opaque"
        process.send_signal(signal.SIGSTOP)
        assert program.token() == "opaque"
        assert program.send(f"{program.path}?resource=x", X_IDENTITY_HEADER="x").status == 403
        process.kill()
    wait_until(lambda: _is_refused(program))


def test_it_does_not_keep_the_process_alive() -> None:
    """The process ends by itself, and says nothing."""
    program = (
        "import time; from adls_enduser import StaticToken, storage_credential\n"
        "from adls_enduser.interop import delta_options\n"
        "delta_options(storage_credential(StaticToken('opaque', time.time() + 3600)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

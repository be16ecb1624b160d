"""``python -m adls_enduser.sandbox``: exit statuses, output, signals, and serving."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
import requests

from adls_enduser.sandbox import CONTOSO, CONTOSO_ID
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

SANDBOX = [sys.executable, "-m", "adls_enduser.sandbox"]
UNAUTHORIZED = "print(requests.get('https://management.azure.com/subscriptions').status_code)"


def run(*options: str, code: str = "", stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python code in the sandbox, without a terminal."""
    command = [*SANDBOX, *options, "--", sys.executable, "-c", code]
    return finish(command, stdin)


def finish(command: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)


# Output and exit status.


def test_standard_output_and_exit_status_are_the_commands() -> None:
    """Standard output, standard input and the exit status belong to the command."""
    done = run(code="import sys; print(sys.stdin.read()); sys.exit(7)", stdin="mine")
    assert (done.stdout, done.returncode) == ("mine\n", 7)


def test_introduction_is_on_standard_error() -> None:
    """Standard error names persons, passwords, accounts and page."""
    done = run(code="import os; print(os.environ['HTTPS_PROXY'].rpartition(':')[2])")
    facts = [CONTOSO, CONTOSO_ID, SUBSCRIPTION_ID, "mystore", f"ada@{CONTOSO}", "ada-password"]
    facts += ["mylake", f"grace@{CONTOSO}", "grace-password", "second factor"]
    port = done.stdout.strip()
    facts += [f"http://localhost:{port}/devicelogin", f"--proxy-server=http://127.0.0.1:{port}"]
    assert [fact for fact in facts if fact not in done.stderr] == []
    assert "approves" not in done.stderr


def test_quiet_writes_nothing() -> None:
    """With --quiet the sandbox writes nothing to either stream."""
    done = run("--quiet", code="import sys; sys.stderr.write('mine')")
    assert (done.stdout, done.stderr, done.returncode) == ("", "mine", 0)


def test_killed_command_gives_128_and_the_signal() -> None:
    """If a signal ends the command, the exit status is 128 + its number, as in a shell."""
    done = run("--quiet", code="import os; os.kill(os.getpid(), 9)")
    assert done.returncode == 128 + signal.SIGKILL


def test_unknown_command_is_one_line_and_127() -> None:
    """A command that does not exist gives 127 and one line with its name."""
    done = finish([*SANDBOX, "--quiet", "--", "no-such-command", "--option"])
    assert done.returncode == 127
    assert done.stderr == "no-such-command: command not found\n"


def test_command_that_cannot_be_run_is_126(tmp_path: Path) -> None:
    """A file that is not executable gives 126 and one line with the reason."""
    (tmp_path / "script").write_text("#!/bin/sh\n")
    done = finish([*SANDBOX, "--quiet", "--", str(tmp_path / "script")])
    assert (done.returncode, done.stderr.count("\n")) == (126, 1)
    assert "Permission denied" in done.stderr


def test_options_of_the_command_are_left_alone() -> None:
    """Everything after the first -- belongs to the command, including another --."""
    done = finish([*SANDBOX, "--quiet", "--", "echo", "--port", "--", "x y"])
    assert done.stdout == "--port -- x y\n"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["python", "x.py"], "a command goes after --"),
        (["--"], "no command after --"),
        (["--port", "70000"], "not a port"),
        (["--token-lifetime", "0"], "greater than 0"),
        (["--approv"], "--approv"),
    ],
)
def test_wrong_use_is_2_and_names_the_argument(wrong: list[str], named: str) -> None:
    """A wrong command line gives 2 and names the wrong argument."""
    done = finish([*SANDBOX, *wrong])
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr


def test_bug_of_the_sandbox_is_70(tmp_path: Path) -> None:
    """If a service of the sandbox fails, the exit status is 70, whatever the command's is."""
    folder = tmp_path / "stores"
    code = f"""
import pathlib, shutil, requests
from adls_enduser import filesystem_token
token = filesystem_token("password", tenant="{CONTOSO}", username="ada@{CONTOSO}",
                         password="ada-password")
shutil.rmtree({str(folder)!r})
pathlib.Path({str(folder)!r}).write_text("in the way of the stores' folder")
url = "https://mystore.azuredatalakestore.net/webhdfs/v1/x?op=CREATE&write=true"
print(token.signed_session().put(url).status_code)
"""
    done = run("--quiet", "--folder", str(folder), code=code)
    assert (done.stdout, done.returncode) == ("500\n", 70)
    assert "The sandbox has a bug" in done.stderr
    assert "NotADirectoryError" in done.stderr


# The environment of the command.


def test_command_reaches_the_sandbox_under_azures_names() -> None:
    """The environment points at the sandbox, with TLS, and keeps all other variables."""
    done = run(code=f"import os, requests; print(os.environ['HOME']); {UNAUTHORIZED}")
    assert done.stdout == f"{os.environ['HOME']}\n401\n"


@pytest.mark.parametrize("url", ["https://example.org/", "http://example.org/"])
def test_other_hosts_are_refused(url: str) -> None:
    """Other hosts are refused, with TLS and without."""
    code = f"""
import requests
try:
    print(requests.get({url!r}).text)
except requests.exceptions.ProxyError as error:
    print(error)
"""
    done = run("--quiet", code=code)
    assert "403" in done.stdout or "The sandbox does not serve" in done.stdout


SIGN_IN = f"""
from adls_enduser import SignInTimedOut, management_credentials
try:
    print(management_credentials("device_code", tenant="{CONTOSO}", timeout=TIMEOUT,
                                 prompt=lambda prompt: None).whoami().username)
except SignInTimedOut as error:
    print("SignInTimedOut")
"""


def test_approve_lets_grace_approve_every_code() -> None:
    """With --approve a device code is approved at once, and standard error says so."""
    done = run("--approve", code=SIGN_IN.replace("TIMEOUT", "60"))
    assert done.stdout == f"grace@{CONTOSO}\n"
    assert "approves every device code" in done.stderr


def test_without_approve_a_code_stays_pending() -> None:
    """Without --approve a device code stays pending."""
    assert run(code=SIGN_IN.replace("TIMEOUT", "0.5")).stdout == "SignInTimedOut\n"


def test_token_lifetime_is_in_seconds() -> None:
    """--token-lifetime sets the lifetime of access tokens."""
    code = f"""
import jwt, requests
from adls_enduser import management_credentials
credentials = management_credentials("password", tenant="{CONTOSO}", username="ada@{CONTOSO}",
                                     password="ada-password")
token = credentials.get_token("https://management.azure.com/.default").token
claims = jwt.decode(token, options={{"verify_signature": False}})
print(claims["exp"] - claims["iat"])
"""
    assert run("--token-lifetime", "90", code=code).stdout == "90\n"
    assert run(code=code).stdout != "90\n"


def test_folder_contains_the_stores(tmp_path: Path) -> None:
    """--folder contains the bytes of a store's files."""
    code = f"""
from azure.datalake.store import core
from adls_enduser import filesystem_token
token = filesystem_token("password", tenant="{CONTOSO}", username="ada@{CONTOSO}",
                         password="ada-password")
with core.AzureDLFileSystem(token, store_name="mystore").open("/x", "wb") as file:
    file.write(b"kept")
"""
    done = run("--folder", str(tmp_path), code=code)
    assert done.returncode == 0, done.stderr
    assert [file.read_bytes() for file in (tmp_path / "mystore").iterdir()] == [b"kept"]


def test_port_is_the_proxys_and_the_pages() -> None:
    """--port is the port of the proxy and of the device login page."""
    with socket.socket() as held:
        # Bound without listening: the sandbox can listen there, and no other program takes it.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        page = f"print(requests.get('http://localhost:{port}/devicelogin').status_code)"
        done = run("--port", str(port), code=f"import requests; {UNAUTHORIZED}; {page}")
    assert done.stdout == "401\n200\n"


def test_port_in_use_is_1() -> None:
    """A port that is in use gives 1 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--port", str(taken.getsockname()[1]), code="print('ran')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The sandbox cannot start: Address already in use")
    assert done.stderr.count("\n") == 1


# Signals.

WAITS = "import signal; print('ready', flush=True); signal.pause()"
# Without pause(), which would miss a signal that comes just before it.
HANDLES = (
    "import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM});"
    " print('ready', flush=True); signal.sigwait({signal.SIGTERM}); sys.exit(5)"
)


@contextmanager
def started(code: str) -> Iterator[subprocess.Popen[str]]:
    """Start Python code in the sandbox without a terminal, and wait until it is ready."""
    command = [*SANDBOX, "--quiet", "--", sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # it has usually ended
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_reach_the_command(number: signal.Signals) -> None:
    """A signal sent to the sandbox ends the command; the exit status is 128 + its number."""
    code = f"import signal; signal.signal({int(number)}, signal.SIG_DFL); {WAITS}"
    with started(code) as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number


def test_command_decides_what_a_signal_does() -> None:
    """A command that handles the signal ends in its own way."""
    with started(HANDLES) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 5


def test_control_c_reaches_the_command_once() -> None:
    """At a terminal Ctrl-C arrives once: the terminal sends it, the sandbox does not."""
    # Python would handle a Ctrl-C that comes just before input() waits only once there is input.
    code = """
import signal, socket
caught = []
signal.signal(signal.SIGINT, lambda *_: caught.append(1))
waking, woken = socket.socketpair()
waking.setblocking(False)
signal.set_wakeup_fd(waking.fileno())
print("ready", flush=True)
woken.recv(1)
print("caught", flush=True)
input()
print("in all", len(caught))
"""
    command = [*SANDBOX[1:], "--quiet", "--", sys.executable, "-c", code]
    child = pexpect.spawn(SANDBOX[0], command, encoding="utf-8", timeout=30)
    child.expect("ready")
    child.sendintr()
    child.expect("caught")
    # Send the line only after the sandbox's own handler for the same Ctrl-C has run.
    child.sendline("")
    child.expect(r"in all (\d+)")
    assert child.match.group(1) == "1"
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_control_c_is_not_forwarded() -> None:
    """The sandbox does not forward a signal that the terminal sends to the process group.

    This command has left the process group that the terminal signals, so it gets only the
    signals that the sandbox forwards.
    """
    code = """
import os, signal
both = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
os.setpgid(0, 0)
print("ready", flush=True)
print("got", signal.sigwait(both).name)
"""
    command = [*SANDBOX[1:], "--quiet", "--", sys.executable, "-c", code]
    child = pexpect.spawn(SANDBOX[0], command, encoding="utf-8", timeout=30)
    child.expect("ready")
    child.sendintr()
    child.expect_exact("^C")  # the terminal shows it when it has sent the signal
    child.kill(signal.SIGTERM)  # Python handles the lower number, SIGINT, first
    child.expect_exact("got SIGTERM")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_only_one_thread_takes_signals() -> None:
    """Only the thread that forwards signals accepts them; another thread would not wake it."""
    with started(WAITS) as process:
        threads = Path(f"/proc/{process.pid}/task").iterdir()
        masks = {thread.name: _blocked(thread / "status") for thread in threads}
    takers = [name for name, mask in masks.items() if not mask >> (signal.SIGTERM - 1) & 1]
    assert (takers, len(masks) > 1) == ([str(process.pid)], True)


def _blocked(status: Path) -> int:
    [mask] = [line for line in status.read_text().splitlines() if line.startswith("SigBlk:")]
    return int(mask.split()[1], 16)


def test_signal_that_is_ignored_stays_ignored() -> None:
    """Started with SIGHUP ignored, as by nohup, the sandbox and its command go on."""
    code = "import os, signal; os.kill(os.getppid(), signal.SIGHUP); print('still here')"
    ignoring = f"trap '' HUP; exec {shlex.join([*SANDBOX, '--', sys.executable, '-c', code])}"
    done = finish(["sh", "-c", ignoring])
    assert (done.stdout, done.returncode) == ("still here\n", 0)


# Serving.


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    """Run the sandbox without a command."""
    with subprocess.Popen(
        SANDBOX, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        timeout = threading.Timer(30, process.kill)  # without it a reader could wait for ever
        timeout.start()
        yield process
        timeout.cancel()
        process.kill()


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the exported variables; the server closes its standard output after them."""
    assert process.stdout is not None
    lines = [shlex.split(line) for line in process.stdout]
    assert all(words[0] == "export" and len(words) == 2 for words in lines)
    return dict(words[1].split("=", 1) for words in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_stopped(server: subprocess.Popen[str], number: signal.Signals) -> None:
    """Without a command the sandbox serves until Ctrl-C, then cleans up and ends with 0."""
    variables = exported(server)
    url, bundle = "https://management.azure.com/subscriptions", variables["REQUESTS_CA_BUNDLE"]
    proxies = {"https": variables["HTTPS_PROXY"]}
    assert requests.get(url, proxies=proxies, verify=bundle, timeout=30).status_code == 401
    assert variables["ADLS_SANDBOX_PID"] == str(server.pid)
    server.send_signal(number)
    assert server.wait(timeout=30) == 0
    assert not Path(bundle).exists()


def test_shell_can_evaluate_the_variables() -> None:
    """A shell's eval "$(... &)" points it at the sandbox, as with ssh-agent, and kill ends it."""
    script = f"""
eval "$({shlex.join(SANDBOX)} --quiet &)"
{shlex.quote(sys.executable)} -c {shlex.quote(f"import requests; {UNAUTHORIZED}")}
kill "$ADLS_SANDBOX_PID"
while test -e "$REQUESTS_CA_BUNDLE"; do :; done
echo gone
"""
    done = finish(["sh", "-c", script])
    assert (done.stdout, done.stderr) == ("401\ngone\n", "")


def test_help_is_complete() -> None:
    """--help names every option, the exit statuses and both ways of serving."""
    done = finish([*SANDBOX, "--help"])
    wanted = ["--port", "--folder", "--approve", "--token-lifetime", "--quiet", "127", "70"]
    wanted += ["sandbox.env", "ADLS_SANDBOX_PID", "-- COMMAND", "ada-password"]
    assert (done.returncode, [word for word in wanted if word not in done.stdout]) == (0, [])

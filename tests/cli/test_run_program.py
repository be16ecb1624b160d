"""``adls-enduser run``: the program's status, signals, terminal, descriptors and tokens."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pexpect
import pytest

from ..waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Shell

RUN = [sys.executable, "-m", "adls_enduser", "run", "--"]
TOKEN = """
import json, os, sys, urllib.request
url = os.environ["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=" + sys.argv[1]
request = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})
print(json.load(urllib.request.urlopen(request))["access_token"])
"""


def test_the_program_gets_tokens(signed_in: Shell) -> None:
    """For Azure Storage and Resource Manager, or for what ``--for`` names."""
    for resource in ("https://storage.azure.com", "https://management.azure.com/"):
        done = signed_in.run("run", "--", sys.executable, "-c", TOKEN, resource)
        assert done.stdout.startswith("eyJ"), done.stderr
    limited = ("run", "--for", "gen1", "--", sys.executable, "-c", TOKEN)
    assert signed_in.run(*limited, "https://datalake.azure.net/").stdout.startswith("eyJ")
    assert signed_in.run(*limited, "https://storage.azure.com/").returncode == 1


def test_nobody_is_signed_in(shell: Shell) -> None:
    """The program is not started."""
    done = shell.run("run", "--", "sh", "-c", "echo started")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Run: adls-enduser login" in done.stderr


@pytest.mark.parametrize("status", [0, 1, 2, 5, 127, 255])
def test_the_exit_status(signed_in: Shell, status: int) -> None:
    """Whatever it is."""
    done = signed_in.run("run", "--", "sh", "-c", f"exit {status}")
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_programs_that_cannot_be_run(signed_in: Shell) -> None:
    """The statuses of a shell; a script without a first line is one for sh."""
    (signed_in.home / "text").write_text("not a program\n")
    (signed_in.home / "plain").write_text("exit 7\n")
    (signed_in.home / "plain").chmod(0o755)
    (signed_in.home / "lost").write_text("#!/no/such/interpreter\n")
    (signed_in.home / "lost").chmod(0o755)
    words = {"no-such-program": 127, "./none": 127, "./text": 126, "/": 126, "./lost": 127}
    for word, status in {**words, "./plain": 7}.items():
        done = signed_in.run("run", "--", word)
        assert (word, done.returncode) == (word, status), done.stderr
        assert done.stderr.count("\n") == (status != 7), done.stderr


def test_wrong_usage(shell: Shell) -> None:
    """No command."""
    for words in (["run"], ["run", "--"], ["run", "echo"], ["token", "--", "echo"]):
        assert shell.run(*words).returncode == 2


def test_arguments_and_environment_are_the_programs(signed_in: Shell) -> None:
    """Blanks, quotes, another ``--``, an empty word, our own options."""
    code = "import sys, os, json; print(json.dumps([sys.argv[1:], os.environ['OWN']]))"
    words = ["a b", "", "--", "--json", "'\"$x", "-h"]
    done = signed_in.run("run", "--", sys.executable, "-c", code, *words, OWN="ü x")
    assert json.loads(done.stdout) == [words, "ü x"]


def test_standard_input_and_descriptors(signed_in: Shell) -> None:
    """A pipe in, a pipe out, and one that make or a shell has opened."""
    assert signed_in.run("run", "--", "tr", "a", "b", given="aha").stdout == "bhb"
    done = signed_in.script("adls-enduser run -- sh -c 'echo to three >&3' 3>three; cat three")
    assert done.stdout == "to three\n"


def test_the_endpoint_ends_with_the_program(signed_in: Shell) -> None:
    """A program that outlives it gets no token."""
    code = 'printf "%s %s" "$IDENTITY_ENDPOINT" "$IDENTITY_HEADER"'
    url, secret = signed_in.run("run", "--", "sh", "-c", code).stdout.split()
    done = subprocess.run(
        [sys.executable, "-c", TOKEN, "https://storage.azure.com/"],
        env={**os.environ, "IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": secret},
        capture_output=True,
        text=True,
    )
    assert "refused" in done.stderr


# Signals.


@contextmanager
def started(shell: Shell, script: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script of sh that prints "ready" when it is."""
    with subprocess.Popen(
        [*RUN, "sh", "-c", script, *words],
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


WAITS = "echo ready; while :; do sleep 0.05; done"
ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_ends_the_program_and_us_alike(signed_in: Shell, name: str) -> None:
    """So that the caller sees the same status as without us."""
    number = signal.Signals[name]
    with started(signed_in, WAITS) as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == -number


@pytest.mark.parametrize("name", ENDING)
def test_the_program_decides_what_a_signal_does(signed_in: Shell, name: str) -> None:
    """It may end in its own way."""
    script = f"trap 'exit 5' {name.removeprefix('SIG')}; {WAITS}"
    with started(signed_in, script) as process:
        process.send_signal(signal.Signals[name])
        assert process.wait(timeout=30) == 5


def test_a_signal_that_kills_the_program_alone(signed_in: Shell) -> None:
    """SIGKILL too, without a core file of ours."""
    for name in ("KILL", "ABRT", "TERM"):
        done = signed_in.run("run", "--", "sh", "-c", f"kill -{name} $$")
        assert done.returncode == -signal.Signals[f"SIG{name}"]


def test_ignored_signals_stay_ignored(signed_in: Shell) -> None:
    """As under nohup."""
    done = signed_in.script(
        "trap '' HUP; adls-enduser run -- sh -c 'kill -HUP $PPID; kill -HUP $$; echo still here'"
    )
    assert done.stdout == "still here\n"


def test_broken_pipes_are_the_programs(signed_in: Shell) -> None:
    """Python ignores SIGPIPE, and the program must not inherit that."""
    done = signed_in.script("adls-enduser run -- sh -c 'while :; do echo x; done' | head -1")
    assert (done.stdout, done.stderr) == ("x\n", "")


def state(pid: int) -> str:
    """Return the state of a process as Linux has it: R, S, T (stopped) ..."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs Linux's /proc")


@linux
def test_it_stops_and_goes_on(signed_in: Shell) -> None:
    """SIGTSTP to us stops the program, and then us; SIGCONT lets both go on."""
    script = f"echo ready; echo $$ > pid; {WAITS}"
    with started(signed_in, f"cd {signed_in.home}; {script}; exit") as process:
        assert process.stdout is not None
        process.stdout.readline()
        child = int((signed_in.home / "pid").read_text())
        # In a session of its own there is no shell that could wake it, so that SIGTSTP stops
        # nothing (POSIX, orphaned process groups).
        process.send_signal(signal.SIGTSTP)
        os.kill(child, signal.SIGSTOP)
        wait_until(lambda: state(child) == "T")
        assert state(process.pid) != "T"
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: state(child) != "T")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == -signal.SIGTERM


def test_control_c_reaches_the_program_once(signed_in: Shell) -> None:
    """And the script that called it ends, if the program died of it."""
    counts = (
        "import signal, time; n = []; signal.signal(2, lambda *_: n.append(1))\n"
        "print('ready', flush=True)\n"
        "while not n: time.sleep(0.01)\n"
        "time.sleep(0.3); print('in all', len(n))"
    )
    program = f"adls-enduser run -- {shlex.quote(sys.executable)} -c {shlex.quote(counts)}"
    child = signed_in.terminal(f"{program}; echo status $?")
    child.expect("ready")
    child.sendintr()
    child.expect(r"in all (\d+)")
    assert child.match.group(1) == "1"
    child.expect("status 0")
    child = signed_in.terminal(
        "adls-enduser run -- sh -c 'echo ready; exec sleep 60'; echo went on"
    )
    child.expect("ready\r\n")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert "went on" not in child.before


@pytest.fixture
def job_control(signed_in: Shell) -> pexpect.spawn:
    """A shell with job control."""
    child = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "-i"],
        env=signed_in.environment | {"PS1": "$ "},
        cwd=str(signed_in.home),
        encoding="utf-8",
        timeout=30,
    )
    child.setecho(False)
    child.expect_exact("$ ")
    return child


@pytest.mark.parametrize(
    "program",
    [
        "sh -c 'echo ready; read line; echo got $line'",
        "bash -c 'echo ready; read line; echo got $line'",
    ],
)
def test_control_z_stops_the_job(job_control: pexpect.spawn, program: str) -> None:
    """And fg goes on with it, at the terminal."""
    job_control.sendline(f"adls-enduser run -- {program}")
    job_control.expect_exact("ready\r\n")
    for _ in range(2):
        job_control.send("\x1a")
        job_control.expect("Stopped.*adls-enduser run")
        job_control.expect_exact("$ ")
        job_control.sendline("fg")
        job_control.expect("adls-enduser run -- .*\r\n")
    job_control.sendline("a line")
    job_control.expect_exact("got a line")


def test_a_program_that_does_not_stop(job_control: pexpect.spawn) -> None:
    """A program that ignores Ctrl-Z keeps the terminal, and so do we."""
    job_control.sendline(
        "adls-enduser run -- sh -c \"trap '' TSTP; echo ready; read line; echo got \\$line\""
    )
    job_control.expect_exact("ready\r\n")
    job_control.send("\x1a")
    job_control.sendline("a line")
    job_control.expect_exact("got a line")


def test_in_the_background(job_control: pexpect.spawn) -> None:
    """A program that wants to read there is stopped, and the shell sees it."""
    job_control.sendline("adls-enduser run -- sh -c 'read line; echo got $line' &")
    job_control.expect_exact("$ ")
    job_control.sendline("wait %1; jobs")
    job_control.expect("Stopped")
    job_control.sendline("fg")
    job_control.expect("adls-enduser run -- .*\r\n")
    job_control.sendline("a line")
    job_control.expect_exact("got a line")


def test_a_closed_window(signed_in: Shell) -> None:
    """The program hears of it, also if only we are told."""
    words = ["-m", "adls_enduser", "run", "--", "sh", "-c"]
    script = f"trap 'echo closed > {signed_in.home}/closed; exit' HUP; {WAITS}"
    child = pexpect.spawn(
        sys.executable, [*words, script], env=signed_in.environment, encoding="utf-8", timeout=30
    )
    child.expect("ready")
    child.close(force=False)
    wait_until((signed_in.home / "closed").exists)


def test_in_a_pipeline_at_a_terminal(signed_in: Shell) -> None:
    """What stands beside it keeps its terminal."""
    child = signed_in.terminal(
        "adls-enduser run -- echo given | sh -c 'cat; read line < /dev/tty; echo got $line'"
    )
    child.expect("given")
    child.sendline("typed")
    child.expect("got typed")


def test_no_secret_on_a_command_line(signed_in: Shell) -> None:
    """Nor on that of the program."""
    script = "cat /proc/$PPID/cmdline /proc/$$/cmdline | tr '\\0' ' '; echo; echo $IDENTITY_HEADER"
    lines = signed_in.run("run", "--with-az", "--", "sh", "-c", script).stdout.splitlines()
    assert lines[-1]
    assert lines[-1] not in lines[0]

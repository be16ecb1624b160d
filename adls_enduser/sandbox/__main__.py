"""Run any program against the sandbox: ``python -m adls_enduser.sandbox -- COMMAND ...``.

Standard output belongs to the program alone; what the sandbox has to say is on standard
error. Without a command it serves until Ctrl-C and writes, on standard output, what a
shell must export to use it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from .directory import CONTOSO, CONTOSO_ID
from .entra.pages.page import PATH
from .resource_manager import SUBSCRIPTION_ID
from .sandbox import Sandbox
from .wakeup import wait_for_process, wakeups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

ADA = f"ada@{CONTOSO}"
GRACE = f"grace@{CONTOSO}"
STORE = "mystore"

# What a shell says of a program that it cannot run, and of one that a signal has ended:
# POSIX, Shell Command Language, 2.8.2 "Exit Status for Commands"; 70 is sysexits.h's
# EX_SOFTWARE, "an internal software error has been detected".
CANNOT_RUN, NOT_FOUND, SIGNALLED, SANDBOX_BUG = 126, 127, 128, 70

_BY_TERMINAL = ("SIGINT", "SIGQUIT")
_BY_OTHERS = ("SIGTERM", "SIGHUP")

_SIGNALS = [getattr(signal, name) for name in (*_BY_TERMINAL, *_BY_OTHERS) if hasattr(signal, name)]

_DESCRIPTION = """\
Run a program against Azure on this machine: Entra ID, Resource Manager and Data Lake
stores under their real host names. The program needs no change and no other host can
be reached through the sandbox's proxy.
"""

_EPILOG = f"""\
with a command:
  The exit status is the command's own; 128 + N if signal N ended it, 127 if it was not
  found, 126 if it could not be run, and 70 if the sandbox itself had a bug. Standard
  output is the command's alone.

    python -m adls_enduser.sandbox -- python my_program.py

without a command:
  Serves until Ctrl-C (or SIGTERM), and writes "export NAME=value" lines on standard
  output. In two terminals:

    python -m adls_enduser.sandbox > sandbox.env       # in the first
    . ./sandbox.env && python my_program.py            # in the second

  In one terminal, as with ssh-agent:

    eval "$(python -m adls_enduser.sandbox &)"
    python my_program.py
    kill "$ADLS_SANDBOX_PID"

who exists:
  {ADA} has a password only: ada-password
  {GRACE} needs a second factor too: grace-password
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox as the command line says, and give the exit status."""
    options, command = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        # The command has an environment of its own; this process needs none.
        azure = Sandbox(folder=options.folder, port=options.port, environ=None)
    except OSError as error:
        return _say(f"The sandbox cannot start: {error.strerror or error}", 1)
    status = 1
    try:
        with ExitStack() as ends:
            with _signals_for_this_thread():
                ends.enter_context(azure)
            _cast(azure, options)
            if not options.quiet:
                _introduce(azure)
            status = _run(command, azure) if command else _serve(azure)
    except RuntimeError as bug:
        return _say(str(bug), SANDBOX_BUG)
    return status


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = _parser()
    ours, command = list(arguments), []
    if "--" in ours:
        border = ours.index("--")
        ours, command = ours[:border], ours[border + 1 :]
        if not command:
            parser.error("there is no command after --")
    options, rest = parser.parse_known_args(ours)
    if rest:
        parser.error(f"unknown: {shlex.join(rest)} (a command goes after --)")
    return options, command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m adls_enduser.sandbox",
        usage="%(prog)s [options] [-- COMMAND ...]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--port", type=port, default=0, help="of the proxy and the page (default: a free one)")
    add("--folder", help="keeps the bytes of the stores (default: a temporary one)")
    add("--approve", action="store_true", help="let grace approve every device code at once")
    add("--token-lifetime", type=seconds, metavar="SECONDS", help="of access tokens")
    add("--quiet", action="store_true", help="say nothing on standard error")
    return parser


# Public names, because argparse shows them: "invalid port value: 'x'".


def port(text: str) -> int:
    """Read a TCP port; 0 stands for any that is free."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port (0 to 65535)")
    return number


def seconds(text: str) -> float:
    """Read a number of seconds that is more than 0."""
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds more than 0")
    return number


def _cast(azure: Sandbox, options: argparse.Namespace) -> None:
    azure.entra.person(ADA, password="ada-password")
    azure.entra.person(
        GRACE, password="grace-password", mfa=True, approves_device_codes=options.approve
    )
    if options.token_lifetime is not None:
        azure.entra.token_lifetime = options.token_lifetime


def _introduce(azure: Sandbox) -> None:
    approves = "\n                (approves every device code)" if azure.entra.approver else ""
    sys.stderr.write(
        "Azure on this machine; no other host can be reached through it.\n"
        f"  tenant        {CONTOSO} ({CONTOSO_ID})\n"
        f"  subscription  {SUBSCRIPTION_ID}\n"
        f"  store         {STORE} (resource group analytics)\n"
        f"  people        {ADA}, password ada-password\n"
        f"                {GRACE}, password grace-password"
        f" and a second factor{approves}\n"
        f"  page          {azure.url}{PATH} takes device codes\n"
        "  browser       chromium --user-data-dir=A_NEW_FOLDER"
        f" {shlex.join(azure.browser_arguments)}\n\n"
    )
    sys.stderr.flush()


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status


# With a command.


def _run(command: list[str], azure: Sandbox) -> int:
    child = _Child()
    with _handled(child.receive):
        try:
            return child.run(command, os.environ | azure.environment)
        except FileNotFoundError:
            return _say(f"{command[0]}: command not found", NOT_FOUND)
        except OSError as error:
            return _say(f"{command[0]}: cannot be run: {error.strerror}", CANNOT_RUN)


class _Child:
    """The command: shares our terminal, and gets the signals that only we were sent."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def run(self, command: list[str], environment: dict[str, str]) -> int:
        """Run to the end; give the exit status as a shell would."""
        with (
            wakeups() as wait,
            subprocess.Popen(command, env=environment) as process,  # noqa: S603 - what we are for
        ):
            self._process = process
            for number in self._early:
                process.send_signal(number)
            status = wait_for_process(process, wait)
        return status if status >= 0 else SIGNALLED - status

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Hand a signal on, unless the terminal has sent it to the child as well."""
        if signal.Signals(number).name in _BY_TERMINAL and _in_foreground():
            return
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)


def _in_foreground() -> bool:
    """Tell whether a key such as Ctrl-C reaches the whole process group, child included.

    POSIX, General Terminal Interface, 11.1.9: the terminal signals its foreground group.
    """
    if os.name == "nt":
        return True  # CTRL_C_EVENT goes to every process of the console
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


# Without one.


def _serve(azure: Sandbox) -> int:
    stop = threading.Event()
    with _handled(lambda *_: stop.set()), wakeups() as wait:
        _export(azure.environment | {"ADLS_SANDBOX_PID": str(os.getpid())})
        while not stop.is_set():
            wait()
    return 0


def _export(environment: dict[str, str]) -> None:
    for name, value in environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    # Nothing follows, so let a shell that reads us, as in eval "$(...)", go on.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Take the signals that would end us, except those that we were started to ignore."""
    before = {}
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def _signals_for_this_thread() -> Iterator[None]:
    """Have the threads that start meanwhile, and their own, leave all signals to this one.

    Python handles signals in the main thread only. While that one has a signal to handle,
    the kernel gives the next to any thread that takes it, and then nothing interrupts what
    the main thread waits for (Linux, kernel/signal.c, complete_signal; Python's
    "Execution of Python signal handlers").
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


if __name__ == "__main__":
    sys.exit(main())

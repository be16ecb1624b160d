"""Run any program against the sandbox: ``python -m adls_enduser.sandbox -- COMMAND ...``.

Standard output belongs to the program alone; the sandbox writes to standard error.
Without a command the sandbox serves until Ctrl-C, and writes on standard output what a
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
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..interaction.terminal import is_in_foreground
from .directory import ADA, ADA_PASSWORD, CONTOSO, CONTOSO_ID, GRACE, GRACE_PASSWORD
from .entra.pages.page import PATH
from .resource_manager import SUBSCRIPTION_ID
from .sandbox import Sandbox
from .wakeup import wait_for_process, wakeups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

STORE, LAKE = "mystore", "mylake"

# The exit statuses of a shell for a program that it cannot run, and for a program that a
# signal has ended: POSIX, Shell Command Language, 2.8.2 "Exit Status for Commands". 70 is
# EX_SOFTWARE of sysexits.h, "an internal software error has been detected".
CANNOT_RUN, NOT_FOUND, SIGNALLED, SANDBOX_BUG = 126, 127, 128, 70

_TERMINAL_SIGNALS = ("SIGINT", "SIGQUIT")
_SIGNALS = [
    getattr(signal, name)
    for name in (*_TERMINAL_SIGNALS, "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
]

_DESCRIPTION = """\
Run a program against Azure on this machine: Entra ID, Resource Manager, Data Lake stores
and storage accounts under their real host names. The program needs no change. No other
host can be reached through the sandbox's proxy.
"""

_EPILOG = f"""\
with a command:
  The exit status is the command's; 128 + N if signal N ended it, 127 if it was not
  found, 126 if it could not be run, and 70 if the sandbox itself had a bug. Standard
  output belongs to the command alone.

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

people:
  {ADA} signs in with a password: {ADA_PASSWORD}
  {GRACE} needs a second factor as well: {GRACE_PASSWORD}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox as the command line says, and return the exit status."""
    options, command = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        # The command gets its own environment, so this process's stays as it is.
        azure = Sandbox(folder=options.folder, port=options.port, environ=None)
    except OSError as error:
        return _print_error(f"The sandbox cannot start: {error.strerror or error}", 1)
    try:
        with _block_signals():
            azure.start()
        try:
            if options.approve:
                azure.entra.approver = GRACE
            if options.token_lifetime is not None:
                azure.entra.token_lifetime = options.token_lifetime
            if not options.quiet:
                _print_introduction(azure)
            return _run(command, azure) if command else _serve(azure)
        finally:
            azure.stop()
    except RuntimeError as bug:
        return _print_error(str(bug), SANDBOX_BUG)


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = _parser()
    own_arguments, command = list(arguments), []
    if "--" in own_arguments:
        separator = own_arguments.index("--")
        own_arguments, command = own_arguments[:separator], own_arguments[separator + 1 :]
        if not command:
            parser.error("there is no command after --")
    options, unknown = parser.parse_known_args(own_arguments)
    if unknown:
        parser.error(f"unknown arguments: {shlex.join(unknown)} (a command goes after --)")
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
    add("--port", type=port, default=0, help="port of the proxy and page (default: a free one)")
    add("--folder", help="folder for the bytes of the stores (default: a temporary one)")
    add("--approve", action="store_true", help="let grace approve every device code at once")
    add("--token-lifetime", type=seconds, metavar="SECONDS", help="lifetime of access tokens")
    add("--quiet", action="store_true", help="write nothing to standard error")
    return parser


# Without an underscore, because argparse shows the names: "invalid port value: 'x'".


def port(text: str) -> int:
    """Read a TCP port; 0 means any free port."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port (0 to 65535)")
    return number


def seconds(text: str) -> float:
    """Read a number of seconds greater than 0."""
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds greater than 0")
    return number


def _print_introduction(azure: Sandbox) -> None:
    approves = "\n                (approves every device code)" if azure.entra.approver else ""
    sys.stderr.write(
        "Azure on this machine. No other host can be reached through it.\n"
        f"  tenant        {CONTOSO} ({CONTOSO_ID})\n"
        f"  subscription  {SUBSCRIPTION_ID}\n"
        f"  storage       {LAKE} (Gen2, resource group analytics)\n"
        f"  store         {STORE} (Gen1, resource group analytics)\n"
        f"  people        {ADA}, password {ADA_PASSWORD}\n"
        f"                {GRACE}, password {GRACE_PASSWORD}"
        f" and a second factor{approves}\n"
        f"  device login  {azure.url}{PATH}\n"
        "  browser       chromium --user-data-dir=A_NEW_FOLDER"
        f" {shlex.join(azure.browser_arguments)}\n\n"
    )
    sys.stderr.flush()


def _print_error(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status


# Running a command.


def _run(command: list[str], azure: Sandbox) -> int:
    child = _Child()
    with _handle_signals(child.receive):
        try:
            return child.run(command, os.environ | azure.environment)
        except FileNotFoundError:
            return _print_error(f"{command[0]}: command not found", NOT_FOUND)
        except OSError as error:
            return _print_error(f"{command[0]}: cannot be run: {error.strerror}", CANNOT_RUN)


class _Child:
    """The child process. It shares our terminal, and gets the signals that only we were sent."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early_signals: list[int] = []

    def run(self, command: list[str], environment: dict[str, str]) -> int:
        """Run the command to its end, and return the exit status as a shell would."""
        with (
            wakeups() as wait,
            subprocess.Popen(command, env=environment) as process,  # noqa: S603 - the user's own
        ):
            self._process = process
            for number in self._early_signals:
                process.send_signal(number)
            status = wait_for_process(process, wait)
        return status if status >= 0 else SIGNALLED - status

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Forward a signal, unless the terminal has sent it to the child as well."""
        if signal.Signals(number).name in _TERMINAL_SIGNALS and is_in_foreground():
            return
        if self._process is None:
            self._early_signals.append(number)
        else:
            self._process.send_signal(number)


# Serving without a command.


def _serve(azure: Sandbox) -> int:
    stop = threading.Event()
    with _handle_signals(lambda *_: stop.set()), wakeups() as wait:
        _export(azure.environment | {"ADLS_SANDBOX_PID": str(os.getpid())})
        while not stop.is_set():
            wait()
    return 0


def _export(environment: dict[str, str]) -> None:
    for name, value in environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    # Close standard output, so that a shell that reads it, as in eval "$(...)", goes on.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


@contextmanager
def _handle_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals that would end us, except those that we were started to ignore."""
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
def _block_signals() -> Iterator[None]:
    """Block all signals in the threads that start meanwhile, so that only this thread gets them.

    Python handles signals in the main thread only. While that thread has a signal to handle,
    the kernel delivers the next one to any thread that accepts it, and then nothing interrupts
    what the main thread waits for (Linux, kernel/signal.c, complete_signal; Python's
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

"""Run a program so that its exit status, its signals and its terminal are its own.

The program stays in our process group, as under ``env``, ``timeout --foreground`` and ``sudo``, so
that a pipeline in which we stand keeps its terminal. What the terminal sends to that group (Ctrl-C,
Ctrl-Z, a closed window) reaches the program without us. We hold all signals back while it runs:
one that somebody sent to us alone is passed on, and a signal that stops or ends the program stops
or ends us in the same way, because the shell looks at how we ended (POSIX, Shell Command Language,
2.8.2; a shell script ends at Ctrl-C only if its command died of it).
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from ..errors import EndUserError
from ..interaction.terminal import is_in_foreground

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

# The exit statuses of a shell for a program that it cannot run (POSIX, 2.8.2).
_CANNOT_RUN, _NOT_FOUND, _SIGNALLED = 126, 127, 128


def _named(*names: str) -> set[int]:
    """Return the signals of these names that the system has."""
    return {getattr(signal, name) for name in names if hasattr(signal, name)}


_STOPS = _named("SIGTSTP", "SIGTTIN", "SIGTTOU")
_KEYS = _STOPS | _named("SIGINT", "SIGQUIT", "SIGWINCH")
_OTHERS = _named("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGCHLD")
_SIGNALS = _KEYS | _OTHERS


class CannotRun(EndUserError):
    """The program cannot be run; ``status`` is the exit status of a shell for that."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class SignalsHeld:
    """Hold signals back inside of the ``with``: also in the threads that are started there."""

    def __enter__(self) -> Self:
        if sys.platform != "win32":
            # If SIGCHLD were ignored, the program's status would be lost (POSIX, wait).
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if sys.platform != "win32":
            # What came after the program's end was meant for the program.
            for number in signal.sigpending() & _SIGNALS:
                signal.sigwait({number})
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def run(self, command: list[str], environment: Mapping[str, str]) -> int:
        """Run a program to its end, and return its status: -N if signal N ended it.

        Raises CannotRun.
        """
        path = find_program(command[0], environment.get("PATH", os.defpath))
        try:
            if sys.platform == "win32":
                return subprocess.call([path, *command[1:]], env=environment)  # noqa: S603
            return _wait(self._start(path, command, environment))
        except OSError as error:
            status = _NOT_FOUND if error.errno == errno.ENOENT else _CANNOT_RUN
            raise CannotRun(f"{command[0]} cannot be run: {error.strerror}.", status) from None

    if sys.platform != "win32":

        def _start(self, path: str, command: list[str], environment: Mapping[str, str]) -> int:
            try:
                return self._spawn(path, command, environment)
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
            # A script without "#!" (POSIX, execvp).
            return self._spawn("/bin/sh", ["sh", path, *command[1:]], environment)

        def _spawn(self, path: str, command: list[str], environment: Mapping[str, str]) -> int:
            # Not subprocess, which closes descriptors that others have left open for the program,
            # such as make's. Python itself ignores these two signals (its own pythonlifecycle.c).
            ignored = [signal.SIGPIPE, signal.SIGXFSZ]
            return os.posix_spawn(
                path, command, environment, setsigmask=self._before, setsigdef=ignored
            )


def find_program(name: str, path: str) -> str:
    """Return the file of a program, as a shell finds it. Raises CannotRun."""
    folders = [""] if os.path.dirname(name) else path.split(os.pathsep)
    files = [os.path.join(folder, name) for folder in folders]
    found = [file for file in files if os.path.exists(file)]
    for file in found:
        if os.path.isfile(file) and os.access(file, os.X_OK):
            return file if os.path.dirname(file) else os.path.join(os.curdir, file)
    if sys.platform == "win32":
        import shutil

        with_extension = shutil.which(name, path=path)  # .exe, .cmd
        if with_extension:
            return with_extension
    if found:
        raise CannotRun(f"{name} cannot be run: it is not a program.", _CANNOT_RUN)
    raise CannotRun(f"{name}: command not found.", _NOT_FOUND)


if sys.platform != "win32":

    def _wait(process: int) -> int:
        """Pass signals on until the program ends; return its status."""
        while True:
            number, by_terminal = _next_signal()
            if number == signal.SIGCHLD:
                ended, status = os.waitpid(process, os.WNOHANG | os.WUNTRACED)
                if ended and os.WIFSTOPPED(status):
                    _stop_by(os.WSTOPSIG(status))
                elif ended:
                    return os.waitstatus_to_exitcode(status)
            elif not by_terminal:
                os.kill(process, number)

    def _next_signal() -> tuple[int, bool]:
        """Wait for a signal; return it, and whether the terminal sent it to the program as well."""
        if sys.platform == "linux":
            info = signal.sigwaitinfo(_SIGNALS)
            number, by_kernel = info.si_signo, info.si_code > 0  # SI_USER and its kin: 0 or less
        else:
            number = signal.sigwait(_SIGNALS)
            by_kernel = number in _KEYS and is_in_foreground()
        # A closed window: the terminal tells only the leader of its session.
        return number, by_kernel and number in _KEYS

    def _stop_by(number: int) -> None:
        """Stop as the program has stopped, so that the shell sees its job stop; then go on.

        Not for SIGSTOP: that was sent to the program alone, and nobody would wake us.
        """
        if number not in _STOPS:
            return
        # Sent while it is held back: with the terminal's own of the same number it is one.
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})


def end_as(status: int) -> int:
    """Return the status of a program; if a signal ended it, end by the same signal.

    As ``timeout`` and ``sudo`` do. 128 + N would hide from a shell script that Ctrl-C ended its
    command.
    """
    return status if status >= 0 else end_by(-status)


def end_by(number: int) -> int:
    """End this process by a signal; return 128 + its number where that is not possible."""
    if sys.platform != "win32":
        import resource

        # The program has left its own core file, if it may.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return _SIGNALLED + number  # the first process of a container survives its own signals

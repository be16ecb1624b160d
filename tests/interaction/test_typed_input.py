"""What a person types at a real terminal: checked as the options are, and asked for again."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..constants import TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = f"ada@{CONTOSO}"
PROGRAM = """
import traceback
from adls_enduser import EndUserError, management_credentials
try:
    made = management_credentials("password", OPTIONS)
    print("signed in:", made.whoami().username)
except EndUserError as error:
    print(type(error).__name__, error, "::", error.__context__)
    from rich.console import Console
    Console(width=1000).print_exception(show_locals=True)
print("the end")
"""


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, for programs in other processes, with the user Ada."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(ADA, password=PASSWORD)
        yield azure


def _spawn(azure: Sandbox, options: str = "", *, first: str = "", **more: str) -> Any:
    program = first + PROGRAM.replace("OPTIONS", options)
    return pexpect.spawn(
        sys.executable,
        ["-W", "always::UserWarning", "-c", program],
        env=os.environ | azure.environment | {"TERM": "dumb"} | more,
        encoding="utf-8",
        codec_errors="replace",  # what the terminal echoes of other encodings
        timeout=30,
        dimensions=(24, 1000),
    )


class TestUserName:
    """A user name that is none is asked for again."""

    @pytest.mark.parametrize(
        "typed", ["", "   ", "\t", "\u00a0", "\u200b", f"\u200b{ADA}", f"\ufeff{ADA}", "\u202e"]
    )
    def test_it_is_asked_for_again(self, live: Sandbox, typed: str) -> None:
        """What the option would refuse, and an empty line."""
        child = _spawn(live)
        child.expect_exact("User name: ")
        child.sendline(typed)
        child.expect_exact(
            "That is not a user name, such as ada@contoso.onmicrosoft.com. User name: "
        )
        child.sendline(ADA)
        child.expect_exact(f"Password for {ADA}: ")
        child.sendline(PASSWORD)
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    @pytest.mark.parametrize("typed", ["", "\u200b"])
    def test_it_is_asked_for_three_times(self, live: Sandbox, typed: str) -> None:
        """Then the sign-in has been cancelled, and nothing was sent."""
        child = _spawn(live)
        for _ in range(3):
            child.expect_exact("User name: ")
            child.sendline(typed)
        child.expect_exact("SignInCancelled The person entered no username")
        child.expect_exact("username=")
        child.expect(pexpect.EOF)
        assert len(live.log) == 0

    def test_ctrl_d_cancels(self, live: Sandbox) -> None:
        """An empty user name is not sent to anybody."""
        child = _spawn(live)
        child.expect_exact("User name: ")
        child.sendeof()
        child.expect_exact("\r\n")  # the next output begins on its own line
        child.expect_exact("SignInCancelled The person entered no username: the input ended")
        child.expect(pexpect.EOF)
        assert len(live.log) == 0

    @pytest.mark.parametrize(
        "typed", [f"  {ADA} ", f"\x1b[200~{ADA}\x1b[201~", f"\x1b[200~ {ADA}", f"{ADA}\x1b[201~"]
    )
    def test_blanks_and_the_marks_of_a_paste_are_left_out(self, live: Sandbox, typed: str) -> None:
        """A program before this one may have left the terminal's bracketed paste on."""
        child = _spawn(live, f"password={PASSWORD!r}")
        child.expect_exact("User name: ")
        child.sendline(typed)
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)

    def test_bytes_that_are_no_text_are_asked_for_again(self, live: Sandbox) -> None:
        """A terminal in Latin-1, and a program in UTF-8."""
        child = _spawn(live, f"password={PASSWORD!r}", PYTHONIOENCODING="utf-8:strict")
        child.expect_exact("User name: ")
        os.write(child.child_fd, "ad\u00e4@contoso.com\n".encode("latin-1"))
        child.expect_exact("That is not a user name")
        child.sendline(ADA)
        child.expect_exact(f"signed in: {ADA}")
        child.close()


class TestPassword:
    """A password that cannot be one is never sent, since refusals are counted."""

    @pytest.mark.parametrize(
        ("typed", "why"),
        [
            ("", "The password is empty."),
            ("   ", "The password has no visible character."),
            ("\u200b\u200d", "The password has no visible character."),
            (f"{PASSWORD}\x1b[D", "The password has a control character"),
            ("\x1b[201~", "The password is empty."),
        ],
    )
    def test_it_is_asked_for_again(self, live: Sandbox, typed: str, why: str) -> None:
        """With the reason, and nothing of what was typed is shown."""
        child = _spawn(live, f"username={ADA!r}")
        child.expect_exact(f"Password for {ADA}: ")
        child.sendline(typed)
        child.expect_exact(why)
        child.expect_exact(f"Password for {ADA}: ")
        child.sendline(f"\x1b[200~{PASSWORD}\x1b[201~")
        child.expect_exact(f"signed in: {ADA}")
        child.expect(pexpect.EOF)
        assert len(live.log.to(TOKEN_PATH)) == 1

    def test_it_is_asked_for_three_times(self, live: Sandbox) -> None:
        """No traceback, with locals too, holds what was typed."""
        child = _spawn(live, f"username={ADA!r}")
        for _ in range(3):
            child.expect_exact(f"Password for {ADA}: ")
            child.sendline("planted-secret\x1b[D")
        child.expect_exact("SignInCancelled The person entered no password")
        child.expect_exact("the end")
        assert "planted-secret" not in child.before
        child.expect(pexpect.EOF)
        assert len(live.log) == 0

    def test_ctrl_d_cancels(self, live: Sandbox) -> None:
        """Nothing is sent."""
        child = _spawn(live, f"username={ADA!r}")
        child.expect_exact(f"Password for {ADA}: ")
        child.sendeof()
        child.expect_exact("SignInCancelled The person entered no password: the input ended")
        child.expect_exact(":: None")
        child.expect(pexpect.EOF)
        assert len(live.log) == 0

    def test_bytes_that_are_no_text_are_asked_for_again(self, live: Sandbox) -> None:
        """The decoder's error would hold the password."""
        child = _spawn(live, f"username={ADA!r}", PYTHONUTF8="1")
        for _ in range(3):
            child.expect_exact(f"Password for {ADA}: ")
            os.write(child.child_fd, b"planted-secret\xe4\n")
        child.expect_exact("SignInCancelled")
        child.expect_exact("the end")
        assert "planted-secret" not in child.before

    def test_it_is_never_shown_by_a_window_that_only_pretends(self, live: Sandbox) -> None:
        """IDLE's standard input says that it is a terminal, and cannot hide what is typed."""
        first = """
import io, sys
class Shell(io.StringIO):
    def isatty(self): return True
sys.stdin = Shell("typed\\n")
"""
        child = _spawn(live, f"username={ADA!r}", first=first)
        child.expect_exact("SignInRequired")
        child.expect(pexpect.EOF)
        assert "Warning" not in child.before

"""Prompts in real IPython kernels, with front ends that have HTML or only text, and with input."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel

from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADA = f"ada@{CONTOSO}"
WARNING = "Only continue if you started this sign-in yourself."
ASK_FOR_BOTH = """
from adls_enduser import management_credentials
credentials = management_credentials("password", OPTIONS)
print("signed in:", credentials.whoami().username)
"""


@pytest.fixture
def live() -> Iterator[Sandbox]:
    """A sandbox in real time, for kernels; Ada approves every code at once."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(ADA, password=PASSWORD, approves_device_codes=True)
        yield azure


class Kernel:
    """A kernel, and a front end that collects what the kernel sends."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.asked: list[dict[str, Any]] = []

    def run(self, code: str, *typed: str) -> list[dict[str, Any]]:
        """Run a cell, and return the messages; without ``typed`` nobody can type."""
        answers, messages = iter(typed), []

        def answer(message: dict[str, Any]) -> None:
            self.asked.append(message["content"])
            self._client.input(next(answers))

        self._client.execute_interactive(
            code,
            allow_stdin=bool(typed),
            stdin_hook=answer,
            output_hook=messages.append,
            timeout=60,
        )
        return messages


@contextmanager
def _kernel(azure: Sandbox, **more: str) -> Iterator[Kernel]:
    environment = os.environ | azure.environment | more
    manager, client = start_new_kernel(kernel_name="python3", env=environment)
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(live: Sandbox) -> Iterator[Kernel]:
    """A kernel whose programs talk to the sandbox."""
    with _kernel(live) as started:
        yield started


def _displayed(messages: list[dict[str, Any]]) -> dict[str, str]:
    """Return the forms of the one thing that was displayed."""
    (shown,) = [one["content"]["data"] for one in messages if one["msg_type"] == "display_data"]
    return dict(shown)


def _stream(messages: list[dict[str, Any]], name: str) -> str:
    contents = [one["content"] for one in messages if one["msg_type"] == "stream"]
    return "".join(one["text"] for one in contents if one["name"] == name)


def _error(messages: list[dict[str, Any]]) -> str:
    errors = [one["content"] for one in messages if one["msg_type"] == "error"]
    return " ".join(f"{one['ename']}: {one['evalue']}" for one in errors)


class TestShowing:
    """A front end shows the best form that it can, and jupyter console only text/plain."""

    def test_a_device_code_is_shown_as_text_too(self, live: Sandbox, kernel: Kernel) -> None:
        """The whole sentence: the address, the code, the time and the warning."""
        messages = kernel.run(
            "from adls_enduser import management_credentials\n"
            f"made = management_credentials('device_code', tenant='{CONTOSO}')"
        )
        assert _error(messages) == ""
        shown = _displayed(messages)
        assert re.fullmatch(
            rf"To sign in, open {re.escape(live.url)}/devicelogin in a browser and enter the code"
            rf" \w+\nThe code expires in 15 minutes\. {re.escape(WARNING)}",
            shown["text/plain"],
        )
        assert f'href="{live.url}/devicelogin"' in shown["text/html"]
        assert _stream(messages, "stderr") == ""

    def test_the_page_is_shown_as_text_too(self, kernel: Kernel) -> None:
        """The address stands there in full, in the form that has no links."""
        messages = kernel.run(
            "from adls_enduser import management_credentials, EndUserError\n"
            "try:\n"
            f"    management_credentials('browser', tenant='{CONTOSO}', timeout=2,"
            " open_browser=False)\n"
            "except EndUserError as error:\n"
            "    print(type(error).__name__)"
        )
        assert _stream(messages, "stdout") == "SignInTimedOut\n"
        shown = _displayed(messages)
        url = re.search(r"https://login\.microsoftonline\.com/\S+", shown["text/plain"])
        assert url is not None
        assert "redirect_uri=" in url[0]
        assert "The program waits 2 seconds for your sign-in." in shown["text/plain"]
        assert "The program waits 2 seconds for your sign-in." in shown["text/html"]

    def test_a_timeout_is_shown_in_every_form(self, live: Sandbox, kernel: Kernel) -> None:
        """The code would last longer than the program waits."""
        messages = kernel.run(
            "from adls_enduser import management_credentials\n"
            f"made = management_credentials('device_code', tenant='{CONTOSO}', timeout=240)"
        )
        for form in ("text/plain", "text/html"):
            assert "The program waits 4 minutes for your sign-in." in _displayed(messages)[form]
            assert "15 minutes" not in _displayed(messages)[form]

    def test_a_display_that_fails_leaves_standard_error(self, kernel: Kernel) -> None:
        """Some kernels have a display of their own."""
        messages = kernel.run(
            "def fail(*arguments, **more): raise RuntimeError\n"
            "import IPython.display; IPython.display.display = fail\n"
            "from adls_enduser import management_credentials\n"
            f"made = management_credentials('device_code', tenant='{CONTOSO}')"
        )
        assert _error(messages) == ""
        assert "To sign in, open" in _stream(messages, "stderr")


class TestTyping:
    """User name and password are asked for by the kernel's own input."""

    def test_both_are_asked_for(self, kernel: Kernel) -> None:
        """The front end hides the password; nobody is warned of anything."""
        code = "import warnings; warnings.simplefilter('always')" + ASK_FOR_BOTH
        messages = kernel.run(code.replace("OPTIONS", ""), f" {ADA}\u2003", PASSWORD)
        assert _stream(messages, "stdout") == f"signed in: {ADA}\n"
        assert _stream(messages, "stderr") == ""
        assert kernel.asked == [
            {"prompt": "User name: ", "password": False},
            {"prompt": f"Password for {ADA}: ", "password": True},
        ]
        assert "staple" not in json.dumps(messages, default=str)

    def test_what_cannot_be_sent_is_asked_for_again(self, live: Sandbox, kernel: Kernel) -> None:
        """With the reason in the prompt, where the person looks."""
        code = ASK_FOR_BOTH.replace("OPTIONS", "")
        messages = kernel.run(code, "", f"\u200b{ADA}", ADA, "", PASSWORD)
        assert _stream(messages, "stdout") == f"signed in: {ADA}\n"
        prompts = [one["prompt"] for one in kernel.asked]
        assert [one.endswith("User name: ") for one in prompts] == [True] * 3 + [False] * 2
        assert "not a user name" in prompts[2]
        assert "The password is empty." in prompts[4]

    def test_the_end_of_the_input_cancels(self, live: Sandbox, kernel: Kernel) -> None:
        """A console sends Ctrl-D as the character 4 (ipykernel, _input_request)."""
        messages = kernel.run(ASK_FOR_BOTH.replace("OPTIONS", ""), "\x04")
        assert _error(messages).startswith("SignInCancelled: The person entered no username")
        assert len(live.log) == 0

    @pytest.mark.parametrize(
        ("options", "named"),
        [("", "username="), (f"username='{ADA}'", "password="), ("password='x'", "username=")],
    )
    def test_without_input_the_option_is_named(
        self, live: Sandbox, kernel: Kernel, options: str, named: str
    ) -> None:
        """As when papermill runs the notebook."""
        messages = kernel.run(ASK_FOR_BOTH.replace("OPTIONS", options))
        assert _error(messages).startswith("SignInRequired: ")
        assert f"Set {named}" in _error(messages)
        assert len(live.log) == 0

    def test_a_thread_of_a_running_cell_may_ask(self, kernel: Kernel) -> None:
        """As sign_in_async does."""
        code = (
            "from adls_enduser import management_credentials, sign_in_async\n"
            "made = await sign_in_async(management_credentials, 'password')\n"
            "print('signed in:', made.whoami().username)"
        )
        messages = kernel.run(code, ADA, PASSWORD)
        assert _stream(messages, "stdout") == f"signed in: {ADA}\n"
        assert _stream(messages, "stderr") == ""

    def test_between_cells_nobody_is_asked(self, kernel: Kernel, tmp_path: Path) -> None:
        """A thread that outlives its cell must not read the kernel's own standard input."""
        program = f"""
import pathlib, threading, time
from adls_enduser import Password
folder = pathlib.Path({str(tmp_path)!r})
def work():
    while not (folder / "go").exists():
        time.sleep(0.01)
    try:
        Password().sign_in("https://management.core.windows.net/")
    except BaseException as error:
        outcome = repr(error)
    (folder / "new").write_text(outcome)
    (folder / "new").rename(folder / "outcome")
threading.Thread(target=work, daemon=True).start()
"""
        kernel.run(program, "never typed")
        (tmp_path / "go").touch()
        wait_until((tmp_path / "outcome").exists)
        assert (tmp_path / "outcome").read_text().startswith("SignInRequired")
        assert kernel.asked == []

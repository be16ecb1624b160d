"""``python -m adls_enduser.sandbox.demo`` runs all steps, and fails if a result is wrong."""

from __future__ import annotations

import importlib.metadata
import io
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.sandbox.demo.console import Console, Progress
from adls_enduser.sandbox.demo.gen2 import missing_tool

from .chromium import start

if TYPE_CHECKING:
    from pathlib import Path

DEMO = ["-m", "adls_enduser.sandbox.demo"]


@pytest.fixture(scope="module")
def output() -> str:
    """Return the demo's output to a pipe, with exit status 0."""
    done = subprocess.run(
        [sys.executable, *DEMO],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return re.sub(r"\s+", " ", done.stdout)


@pytest.mark.parametrize("package", ["azure-datalake-store", "azure-mgmt-datalake-store", "adal"])
def test_names_the_packages_it_found(output: str, package: str) -> None:
    """The output names the installed versions."""
    assert f"{package} {importlib.metadata.version(package)}" in output


@pytest.mark.parametrize(
    "fact",
    [
        'management_credentials(mode="password"',
        'filesystem_token(mode="password"',
        'management_credentials(mode="device_code"',
        'filesystem_token(mode="device_code"',
        "/hello.txt was written and reads: Hello from Ada",
        "/hello.txt was written and reads: Hello from Grace",
        "MfaRequired: ",
        "AADSTS50076",
        'sign in with mode="device_code"',
        "strategy = Browser(tenant=...)",
        "/hello.txt was written and reads: Hello from the browser",
        "Both are signed in, and Grace was prompted once.",
        "Created demostore in eastus2.",
        "The subscription's accounts: demostore, mystore.",
        "Deleted demostore.",
        "Uploading: 48.0 of 48.0 MB (100 %)",
        "Downloading: 48.0 of 48.0 MB (100 %)",
        "Prompts: 4,",
        "Nothing left this machine",
        "All steps succeeded",
    ],
)
def test_output_contains_each_result(output: str, fact: str) -> None:
    """The output of each step contains its result."""
    assert fact in output


def test_output_counts_the_token_requests(output: str) -> None:
    """Azure Storage is one more by refresh, where its tools are installed."""
    by_refresh = 2 if missing_tool() else 3
    kinds = f"3 by password, 3 by device code, 1 by browser, {by_refresh} silently, by refresh"
    assert f"Token requests: {7 + by_refresh} ({kinds}" in output


def test_installed_browser_is_used(output: str, tmp_path: Path) -> None:
    """Grace signs in on the page in a real Chromium, which then shows the program's own page."""
    start(tmp_path, ()).quit()  # skipped, or failed, where there is none
    assert re.search(r"Chromium [0-9.]+ is used, without a window", output)
    assert "The last page is the program's: Your sign-in was received." in output


@pytest.mark.any_sdk
def test_without_a_browser_a_script_signs_in(tmp_path: Path) -> None:
    """Without a browser a script signs in, and the output says why."""
    done = subprocess.run(
        [sys.executable, *DEMO],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    output = re.sub(r"\s+", " ", done.stdout)
    assert "No browser can be used (chromium is not installed), so a script signs in." in output
    assert "/hello.txt was written and reads: Hello from the browser" in output
    assert "for its vendor's hosts" not in output


WITHOUT_PANDAS = """
import runpy, sys
sys.modules["pandas"] = None
runpy.run_module("adls_enduser.sandbox.demo", run_name="__main__")
"""


@pytest.mark.any_sdk
def test_without_pandas_a_step_is_left_out() -> None:
    """The output says why, and what to install; all other steps run."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    output = re.sub(r"\s+", " ", done.stdout)
    assert "This step is left out, because pandas is not installed" in output
    assert "run pip install pandas polars adlfs pyarrow," in output
    assert "polars connects by itself" not in output
    assert "All steps succeeded" in output


def test_every_checksum_is_the_same(output: str) -> None:
    """Five files are compared."""
    assert len(re.findall(r"SHA-256 [0-9a-f]{16}\.\.\. is the same on both sides", output)) == 5


def test_piped_text_is_plain(output: str) -> None:
    """A pipe gets no escape sequences and no carriage returns."""
    assert not set(output) & set("\033\r")


@pytest.mark.any_sdk
def test_terminal_gets_a_bar() -> None:
    """A terminal gets a progress bar, and bold headings."""
    colourful = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment = colourful | {"TERM": "xterm"}
    child = pexpect.spawn(sys.executable, DEMO, encoding="utf-8", timeout=60, env=environment)
    child.str_last_chars = 10_000  # should it fail: why
    child.expect_exact("\033[1mAzure, on this machine\033[0m")
    child.expect_exact(f"Uploading   [{'#' * 30}]  48.0 of 48.0 MB (100 %)")
    child.expect_exact(f"Downloading [{'#' * 30}]  48.0 of 48.0 MB (100 %)")
    child.expect_exact("All steps succeeded")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_progress_line_at_each_quarter_and_no_more() -> None:
    """Without a terminal, a hundred callbacks write five lines."""
    stream = io.StringIO()
    progress = Progress(Console(stream), "Uploading")
    for done in range(101):
        progress(done * 2**20, 100 * 2**20)
    shown = re.findall(r"\((\d+) %\)", stream.getvalue())
    assert shown == ["0", "25", "50", "75", "100"]
    assert (progress.done, progress.total) == (100 * 2**20, 100 * 2**20)


def test_progress_never_goes_back() -> None:
    """A lower count from a late thread changes nothing."""
    stream = io.StringIO()
    progress = Progress(Console(stream), "Uploading")
    for done in (0, 60, 100, 60):
        progress(done, 100)
    assert progress.done == 100
    assert re.findall(r"\((\d+) %\)", stream.getvalue()) == ["0", "60", "100"]


MONITOR = """
import socket
from adls_enduser.sandbox.demo.network_watch import ConnectionMonitor
monitor = ConnectionMonitor()
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print(sorted(monitor.other_hosts))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
    other.connect(("192.0.2.1", 9))
print(sorted(monitor.other_hosts))
"""


def test_monitor_reports_other_hosts() -> None:
    """The monitor ignores loopback and reports any other host."""
    done = subprocess.run(
        [sys.executable, "-c", MONITOR], capture_output=True, text=True, timeout=60
    )
    # Connecting a datagram socket sends nothing (192.0.2.0/24 is RFC 5737's).
    assert done.stdout.splitlines()[:1] == ["[]"]
    assert done.stdout.splitlines()[1:] == ["['192.0.2.1']"] or "unreachable" in done.stderr


SPOILED = """
import sys
from adls_enduser.sandbox import Answer, Sandbox
from adls_enduser.sandbox.demo.__main__ import run_demo
from adls_enduser.sandbox.demo.console import Console

class SpoilingConsole(Console):
    def paragraph(self, text):
        super().paragraph(text)
        if text.startswith({cue!r}):
            {spoil}

with Sandbox() as azure:
    sys.exit(run_demo(azure, SpoilingConsole(sys.stdout)))
"""
ACCOUNT = ("Found: ", 'azure.resource_manager.add_account("surprise")')
BYTES = (
    "Done, ",
    'for file in azure.stores.folder.glob("mystore/*"): file.open("r+b").write(b"0" * 9)',
)
FORBIDDEN = (
    "Found: ",
    'azure.faults.add(Answer(403, "{}"), host="management.azure.com", times=99)',
)


def run_spoiled(cue: str, spoil: str) -> subprocess.CompletedProcess[str]:
    """Run the demo, and spoil something after the paragraph that starts with the cue."""
    code = SPOILED.format(cue=cue, spoil=spoil)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.any_sdk
@pytest.mark.parametrize(
    ("spoil", "noticed"),
    [(ACCOUNT, "['mystore', 'surprise']"), (BYTES, "has another checksum after the download")],
    ids=["account", "bytes"],
)
def test_wrong_result_fails_the_demo(spoil: tuple[str, str], noticed: str) -> None:
    """An unexpected account, or a changed byte, is reported with exit status 1."""
    done = run_spoiled(*spoil)
    assert (done.returncode, done.stderr) == (1, "")
    last = done.stdout.splitlines()[-1]
    assert last.startswith("The demo failed: ")
    assert noticed in last


@pytest.mark.any_sdk
def test_an_unexpected_exception_is_no_success() -> None:
    """An unexpected exception ends the demo with a traceback and a status other than 0."""
    done = run_spoiled(*FORBIDDEN)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "All steps succeeded" not in done.stdout

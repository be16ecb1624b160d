"""The demo's step on Gen2, where its tools are: pandas writes, and polars reads."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys

import pytest

from adls_enduser.sandbox.demo.gen2 import TOOLS


@pytest.fixture(scope="module")
def output() -> str:
    """Return the demo's output, with exit status 0 and nothing on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "adls_enduser.sandbox.demo"],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return re.sub(r"\s+", " ", done.stdout)


def test_every_column_is_the_same(output: str) -> None:
    """Two columns, by their bytes."""
    found = re.findall(r"Column (\w+) SHA-256 [0-9a-f]{16}\.\.\. is the same", output)
    assert found == ["sale", "amount"]


@pytest.mark.parametrize("tool", TOOLS)
def test_names_the_tools_it_found(output: str, tool: str) -> None:
    """With their versions."""
    assert f"{tool} {importlib.metadata.version(tool)}" in output


@pytest.mark.parametrize(
    "fact",
    [
        "credential = storage_credential(mode=strategy)",
        "Grace was not prompted again.",
        "Prompts: 4,",
        "3 silently, by refresh token",
        "requests for mylake.blob.core.windows.net",
        "Nothing left this machine",
        "polars connects by itself",
        "All steps succeeded",
    ],
)
def test_output_contains_each_result(output: str, fact: str) -> None:
    """One more token, and no prompt."""
    assert fact in output

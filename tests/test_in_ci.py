"""Whether a missing tool is a failure: the flag of the machine, without its effect on us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = "from tests.conftest import IN_CI; import os; print(IN_CI, 'CI' in os.environ)"
START = f"import subprocess, sys, tests.conftest; subprocess.run([sys.executable, '-c', {ASK!r}])"


@pytest.mark.parametrize(
    ("flag", "told"), [("true", "True False"), ("false", "False False"), ("", "False False")]
)
def test_workers_know_it_too(flag: str, told: str) -> None:
    """A worker, which a process with the flag hidden starts, still fails for what is missing."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("TEST_CI")}
    command = [sys.executable, "-c", START]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=root, env=env | {"CI": flag}, check=True
    )
    assert done.stdout.strip() == told

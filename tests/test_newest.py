"""The tables of ``make newest``: which versions and which tests differ."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from . import newest

SCRIPT = Path(newest.__file__)
PASSED = '<testcase classname="tests.a" name="{}"/>'
FAILED = '<testcase classname="tests.a" name="{}"><failure message="x">y</failure></testcase>'
SKIPPED = '<testcase classname="tests.a" name="{}"><skipped/></testcase>'


def _run(folder: Path, packages: dict[str, str], *cases: str) -> str:
    folder.mkdir()
    found = [{"name": name, "version": version} for name, version in packages.items()]
    (folder / "suite.json").write_text(json.dumps(found))
    inside = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    (folder / "suite.xml").write_text(inside)
    return str(folder)


@pytest.mark.parametrize(("case", "status"), [(FAILED, 1), (SKIPPED, 0), (PASSED, 0)])
def test_what_differs_is_printed(tmp_path: Path, case: str, status: int) -> None:
    """A version, a test that ends in another way; the status tells whether it fails now."""
    before = _run(tmp_path / "before", {"msal": "1.39.0", "idna": "3.0"}, PASSED.format("one"))
    after = _run(tmp_path / "after", {"msal": "1.40.0", "idna": "3.9"}, case.format("one"))
    command = [sys.executable, str(SCRIPT), before, after]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert "| msal | 1.39.0 | 1.40.0 |" in done.stdout
    assert "idna" not in done.stdout, "nothing here asks for it"
    word = {FAILED: "failed", SKIPPED: "skipped"}.get(case)
    row = f"| tests.a::one | passed | {word} |" if word else "No test differs."
    assert row in done.stdout


def test_an_old_failure_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Nor is a test that is gone."""
    before = _run(tmp_path / "before", {}, FAILED.format("one"), PASSED.format("two"))
    after = _run(tmp_path / "after", {}, FAILED.format("one"))
    assert newest.main(before, after) == 0


def test_dependencies_and_tools_are_watched() -> None:
    """Every package that the code or a client of the store is pinned to."""
    assert newest.packages() >= {
        *("azure-identity", "msal", "azure-core", "adlfs", "keyring", "filelock"),
        *("requests", "cryptography", "azure-storage-blob", "polars", "adal"),
    }

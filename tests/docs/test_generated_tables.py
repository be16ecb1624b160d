"""The tables of docs/ that come from the code, and the class table that a person writes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adls_enduser import EndUserError

DOCS = Path(__file__).parents[2] / "docs"


def _generate(docs: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(docs / "generate.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=DOCS.parent)


def test_a_stale_page_is_named_and_then_written(tmp_path: Path) -> None:
    """``--check`` exits with 1 and changes nothing; without it the page is up to date again."""
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    page = docs / "errors.md"
    current = page.read_text("utf-8")
    stale = current.replace("| 50053 |", "| 1 |")
    assert stale != current
    page.write_text(stale, "utf-8")
    check = _generate(docs, "--check")
    assert check.returncode == 1
    assert f"{page} is out of date. Run: make docs" in check.stderr
    assert page.read_text("utf-8") == stale
    assert _generate(docs).returncode == 0
    assert page.read_text("utf-8") == current


def _classes(kind: type[EndUserError]) -> list[str]:
    ours = [child for child in kind.__subclasses__() if child.__module__ == kind.__module__]
    return [kind.__name__, *(name for child in ours for name in _classes(child))]


@pytest.mark.parametrize("name", sorted(set(_classes(EndUserError))))
def test_every_class_of_error_is_explained(name: str) -> None:
    """docs/errors.md has a row for it."""
    assert f"| `{name}` |" in (DOCS / "errors.md").read_text("utf-8")

"""The notebook of docs/ runs from top to bottom, in a real kernel, on the sandbox."""

from __future__ import annotations

import os
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from .blocks import ROOT
from .test_blocks import COMPLETE

PATH = ROOT / "docs" / "first-steps.ipynb"


def test_it_runs_from_top_to_bottom() -> None:
    """It shows who signed in, twice, and the table that came back."""
    if not COMPLETE:
        for package in ("pandas", "adlfs"):
            pytest.importorskip(package, reason="make clients has it, and runs this")
    notebook: Any = nbformat.read(PATH, as_version=4)
    NotebookClient(notebook, timeout=120).execute(env=dict(os.environ))
    shown = "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    assert shown.count("'grace@contoso.onmicrosoft.com'") == 2
    assert "Oslo" in shown
    assert "SignInRequired" in shown


def test_it_is_kept_without_outputs() -> None:
    """Outputs would go stale."""
    notebook: Any = nbformat.read(PATH, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)

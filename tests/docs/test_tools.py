"""docs/tools.md names the versions that the programs ran with, and programs that there are."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tools.md"
HEAD = ["tool", "version tried", "the line to write", "renews", "what to mind", "run by"]
# The reference is no tool.
NOT_LISTED = {"azurite"}


def rows() -> list[list[str]]:
    """Return the cells of every row of the page's tables."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    return [cells for cells in found if cells != HEAD and not cells[0].startswith("---")]


def pins() -> set[tuple[str, str]]:
    """Return the packages and versions that the sessions of ``make clients`` install."""
    requirements = ROOT / "tests" / "clients" / "gen2" / "requirements.txt"
    found = [line for line in requirements.read_text().splitlines() if not line.startswith("#")]
    for node in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("ENDPOINT"):
            found += ast.literal_eval(node.value)
    pairs = {
        (re.sub(r"\[.*\]", "", one.partition("==")[0]), one.partition("==")[2]) for one in found
    }
    for path in ROOT.glob("tests/clients/*/node/package.json"):
        pairs |= set(json.loads(path.read_text())["dependencies"].items())
    return pairs


def test_versions_are_those_that_ran() -> None:
    """Each version of the page is one that a session installs, and each tool has its row."""
    named = {tuple(pair.rsplit(" ", 1)) for cells in rows() for pair in cells[1].split(", ")}
    assert named - pins() == set()
    assert {name for name, _ in pins() - named} - NOT_LISTED == set()


def test_rows_are_whole() -> None:
    """Each says whether it renews, and leads to a program that there is."""
    assert len(rows()) > 20
    for cells in rows():
        assert len(cells) == len(HEAD), cells[0]
        assert cells[3], cells[0]
        link = re.fullmatch(r"\[program\]\((\S+)\)", cells[5])
        assert link, cells[0]
        assert (PAGE.parent / link[1]).is_file(), link[1]


def test_every_program_has_a_row() -> None:
    """No tool that is run is missing from the page."""
    linked = {Path(cells[5][10:-1]).name for cells in rows()}
    programs = ROOT.glob("tests/clients/gen2/programs/*_*.py")
    assert {path.name for path in programs if path.stem != "__init__"} - linked == set()

"""Print where two runs of the tests differ: ``python tests/newest.py BEFORE AFTER``.

Each is a folder with ``NAME.json``, what ``uv pip list --format json`` says of an environment,
and ``NAME.xml``, what pytest's ``--junitxml`` says of a run in it. The session ``newest`` of
noxfile.py makes both. The status is 1 if a test fails after that did not fail before.
"""

from __future__ import annotations

import configparser
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
_TOOLS = ROOT / "tests" / "clients" / "gen2" / "requirements.txt"

Row = tuple[str, str, str]


def main(before: str, after: str) -> int:
    """Print two tables, and return whether a test fails that did not."""
    versions = different(_versions(Path(before)), _versions(Path(after)))
    tests = different(_outcomes(Path(before)), _outcomes(Path(after)))
    watched = packages()
    print(table("package", [row for row in versions if row[0] in watched]))  # noqa: T201
    print(table("test", tests))  # noqa: T201
    return int(any(is_worse(row) for row in tests))


def packages() -> set[str]:
    """Return the names of the packages that setup.cfg and the tools' requirements name."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lists = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    lines = "\n".join([*lists, _TOOLS.read_text(encoding="utf-8")]).splitlines()
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines)
    return {one[0].lower() for one in found if one}


def different(before: dict[str, str], after: dict[str, str]) -> list[Row]:
    """Return a row for each name whose value is not the same; "-" where it is missing."""
    rows = [(name, before.get(name, "-"), after.get(name, "-")) for name in before | after]
    return sorted(row for row in rows if row[1] != row[2])


def is_worse(row: Row) -> bool:
    """Return whether a test fails that passed, was skipped or was not there."""
    return row[2] == "failed" != row[1]


def table(what: str, rows: list[Row]) -> str:
    """Return the rows as a table of Markdown, or a sentence if there are none."""
    if not rows:
        return f"No {what} differs.\n"
    lines = [(what, "before", "newest"), ("---", "---", "---"), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _versions(folder: Path) -> dict[str, str]:
    """Return the packages of a folder's environments; of two versions the higher file wins."""
    lists = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return {one["name"].lower(): one["version"] for found in lists for one in found}


def _outcomes(folder: Path) -> dict[str, str]:
    """Return how each test of a folder's runs ended."""
    cases = [
        case
        for path in sorted(folder.glob("*.xml"))
        for case in ElementTree.parse(path).iter("testcase")
    ]
    return {_name(case): outcome(case) for case in cases}


def _name(case: ElementTree.Element) -> str:
    # A module that was skipped as a whole has no class name.
    return "::".join(filter(None, (case.get("classname"), case.get("name"))))


def outcome(case: ElementTree.Element) -> str:
    """Return how one test ended, as junit's schema has it."""
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

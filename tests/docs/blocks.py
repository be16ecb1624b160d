"""The code blocks of the pages that users read, and what the pages say about each.

A block runs as it stands, unless an HTML comment before it says more. Parts are separated by
semicolons:

- ``<!-- test: continues -->``: the blocks before it on the page run first, in the same program;
- ``<!-- test: given NAME = VALUE -->``: Python that runs first, for what the reader has;
- ``<!-- test: raises CLASS -->``: the program ends with this error;
- ``<!-- test: by test_name -->``: a test, or all those of a file, run it;
- ``<!-- test: not run, because ... -->``: nothing runs it.

``<!-- test page: by ... -->`` says so of every block of a page that has no marker of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_BLOCK = re.compile(
    r"(?:^<!-- test: (?P<marker>.*?) -->\n\n?)?"
    r"^(?P<indent> *)```(?P<language>\S*)(?: [^\n]*)?\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_PAGE = re.compile(r"^<!-- test page: (.*?) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: where it stands, what it is written in, and what its marker says."""

    page: str
    line: int
    language: str
    code: str
    given: str = ""
    raises: str = ""
    run_by: str = ""
    not_run: str = ""
    continues: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page; one that continues has the code of those before it."""
    text, found, before = page.read_text(encoding="utf-8"), [], ""
    usual = next(iter(_PAGE.findall(text)), "")
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        code = re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
        block = Block(page.name, line, match["language"], code)
        block = replace(block, **_said(block, match["marker"] or usual))
        if block.language == "python" and not block.not_run:
            own = f"{block.given}\n{block.code}"
            before = f"{before}\n{own}" if block.continues else own
            block = replace(block, code=before)
        found.append(block)
    return found


def all_blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return [block for page in PAGES for block in blocks(page)]


def _said(block: Block, marker: str) -> dict[str, str | bool]:
    said: dict[str, str | bool] = {}
    for part in filter(None, marker.split("; ")):
        word, _, rest = part.partition(" ")
        if word == "continues":
            said["continues"] = True
        elif word == "given":
            said["given"] = f"{said.get('given', '')}{rest}\n"
        elif word in ("raises", "by") and rest:
            said["raises" if word == "raises" else "run_by"] = rest
        elif part.startswith("not run, because "):
            said["not_run"] = part
        else:
            raise ValueError(f"{block}: a marker that nothing reads: {part!r}")
    return said

"""The site's own checks: links are followed, and every page is in the navigation."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from .blocks import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_LISTED = re.compile(r"^([\w-]+)$", re.MULTILINE)
CHECK = ROOT / "docs" / "check_links.py"


def _check(site: Path) -> str:
    done = subprocess.run([sys.executable, str(CHECK), str(site)], capture_output=True, text=True)
    assert (done.returncode == 0) == (not done.stderr)
    return done.stderr


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """A missing page, a missing anchor, and what a browser would fetch from another host."""
    page = tmp_path / "index.html"
    page.write_text('<h1 id="top">x</h1><a href="#top">up</a><a href="https://x.example">out</a>')
    assert _check(tmp_path) == ""
    page.write_text('<a href="gone.html">1</a><a href="#gone">2</a>')
    assert _check(tmp_path).count("leads nowhere") == 2
    page.write_text('<script src="https://cdn.example/x.js"></script>')
    assert "fetches https://cdn.example/x.js" in _check(tmp_path)


def test_every_page_is_in_the_navigation() -> None:
    """A new page has a line in a list of docs/learn.md, how-to.md, reference.md ..."""
    pages = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
    listed = {name for text in pages.values() for name in _LISTED.findall(text)}
    assert pages.keys() - listed == {"index"}

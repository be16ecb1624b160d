"""The site's own checks: links are followed, and every page is in the navigation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .blocks import ROOT

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
    """A new page has a line in docs/index.md."""
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    listed = set(re.findall(r"^([\w-]+)$", index, re.MULTILINE))
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages - listed == set()

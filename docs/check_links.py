"""Follow every link inside the built site: ``python docs/check_links.py FOLDER``.

No network is used. A link must lead to a file and an anchor that exist. Scripts, styles, fonts and
pictures must come from the site itself, so that it can be read offline, and tells no other host
who reads it.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Of these a browser fetches the address without being asked.
_FETCHED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
# What a link element only tells.
_TOLD = {"canonical", "author", "license"}


class Page(HTMLParser):
    """A page: its anchors, the links of its text, and what a browser fetches for it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag names."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in _FETCHED and values.get(_FETCHED[tag]) and values.get("rel") not in _TOLD:
            self.fetched.append(values[_FETCHED[tag]])


def problems(site: Path) -> list[str]:
    """Return a line for each link that leads nowhere, and for each thing that is fetched."""
    pages = {path: Page(path) for path in sorted(site.glob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site)
        found += [f"{name}: fetches {one}" for one in page.fetched if urlsplit(one).netloc]
        links = [one for one in page.links + page.fetched if not _is_outside(one)]
        found += [f"{name}: {one} leads nowhere" for one in links if not _leads(path, one, pages)]
    for path in site.rglob("*.css"):
        fetched = re.findall(r"(?:@import|url\()\s*['\"]?(https?://[^'\")\s]+)", path.read_text())
        found += [f"{path.relative_to(site)}: fetches {one}" for one in fetched]
    return found


def _is_outside(link: str) -> bool:
    parts = urlsplit(link)
    return bool(parts.scheme or parts.netloc)


def _leads(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return False
    # An empty fragment is the top of the page.
    known = pages[target].anchors if target in pages else {parts.fragment}
    return not parts.fragment or unquote(parts.fragment) in known


def main() -> str | None:
    """Check the site; return what is wrong."""
    return "\n".join(problems(Path(sys.argv[1]).resolve())) or None


if __name__ == "__main__":
    sys.exit(main())

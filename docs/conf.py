"""The site, built by Sphinx: ``make docs``. Every warning is an error there.

Sphinx, because it had a release within a month of the choice (9.2, October 2026), makes an API
reference from docstrings, and brings a search that needs no server; azure-identity's and polars'
references are made with it too. MkDocs, which httpx and pydantic use, had its last release in 2024.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.util import logging

import adls_enduser

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/adls-enduser/adls-enduser"

project = "adls_enduser"
author = "The authors of adls_enduser"
project_copyright = author
version = release = adls_enduser.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "separated"
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = f"adls_enduser {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 5,
    "icon_links": [],
    # Relative, so that each version finds the list beside it; the build asks no network.
    "switcher": {"json_url": "_static/versions.json", "version_match": version},
    "check_switcher": False,
    "show_version_warning_banner": False,
}
# $ and > of a shell or of Python are not copied.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

# Files beside docs/ that are pages of the site too.
_PAGES = {"security": "SECURITY.md", "changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
_LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
_logger = logging.getLogger(__name__)


def setup(app: Any) -> None:
    """Let Sphinx read each page through ``_read``."""
    app.connect("source-read", _read)


def _read(app: Any, name: str, source: list[str]) -> None:
    """Take a page from its file beside docs/, and lead links out of docs/ to the repository."""
    folder = Path(app.srcdir)
    if name in _PAGES:
        folder = ROOT
        source[0] = (ROOT / _PAGES[name]).read_text("utf-8")

    def target(link: re.Match[str]) -> str:
        return _target(folder, name, *link.groups(default=""))

    if app.env.doc2path(name).suffix == ".ipynb":
        source[0] = _page_of_notebook(source[0])
    source[0] = _LINK.sub(target, _with_pictures(folder, source[0]))


def _with_pictures(folder: Path, text: str) -> str:
    """Name a picture that could not be taken."""

    def picture(image: re.Match[str]) -> str:
        there = (folder / image[2]).exists()
        return (
            image[0] if there else f"*({image[1]}: `make docs` takes this picture with Chromium.)*"
        )

    return re.sub(r"!\[([^\]]*)\]\((pictures/[\w-]+\.png)\)", picture, text)


def _page_of_notebook(text: str) -> str:
    """Return a notebook as a page: its texts, and its cells of code as blocks."""
    cells = json.loads(text)["cells"]
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    parts = [f"```python\n{one}\n```" if kind == "code" else one for kind, one in sources]
    return "\n\n".join(parts)


def _target(folder: Path, page: str, link: str, anchor: str) -> str:
    path = (folder / link).resolve()
    if not path.exists():
        _logger.warning("There is no %s.", link, location=page)
        return link
    inside = {file: f"{one}.md" for one, file in _PAGES.items()}
    relative = path.relative_to(ROOT).as_posix()
    if relative in inside:
        return inside[relative] + anchor
    if relative.startswith("docs/") and path.suffix in (".md", ".ipynb", ".svg", ".png"):
        return relative.removeprefix("docs/") + anchor
    kind = "tree" if path.is_dir() else "blob"
    return f"{REPOSITORY}/{kind}/main/{relative}{anchor}"

"""Pages: plain HTML that needs no script and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template

from ...http import Response

INVALID = ' aria-invalid="true" aria-describedby="error"'

_HERE = files(__package__)
_STYLE = (_HERE / "page.css").read_text("utf-8")
_TEMPLATES = {
    name: Template((_HERE / f"{name}.html").read_text("utf-8"))
    for name in (
        *("layout", "code", "signin", "verify", "approved", "ended"),
        *("accounts", "consent", "form_post"),
    )
}
# The one script there is sends a form to the program that waits for it.
SUBMIT = "document.forms[0].submit()"


def hidden(fields: dict[str, str]) -> str:
    """Write hidden fields of a form."""
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def page(
    name: str,
    title: str,
    words: dict[str, str],
    *,
    error: str = "",
    note: str = "",
    markup: dict[str, str] | None = None,
    status: int = 200,
    leads_to: str = "",
) -> Response:
    """Fill a template; every word is escaped, ``markup`` alone is not.

    ``leads_to`` is where else than to this site its form may lead, also by a redirect.
    """
    alert = f'<p class="error" id="error" role="alert">{escape(error)}</p>' if error else ""
    content = _TEMPLATES[name].substitute(
        {key: escape(word) for key, word in words.items()},
        error=alert,
        invalid=INVALID if error else "",
        **(markup or {}),
    )
    body = _TEMPLATES["layout"].substitute(
        title=escape(f"Error: {title}" if error else title),
        style=_STYLE,
        content=content,
        note=escape(note),
    )
    headers = security_headers(leads_to, script=SUBMIT if name == "form_post" else "")
    return Response(body, status, headers, content_type="text/html; charset=utf-8")


def ended(heading: str, message: str, *, link: str = "", status: int = 200) -> Response:
    """Show that it is over; ``link`` is markup that leads on."""
    words = {"heading": heading, "message": message}
    return page("ended", heading, words, markup={"link": link}, status=status)


def security_headers(leads_to: str = "", script: str = "") -> dict[str, str]:
    """Give the headers of every page.

    "same-origin", because with "no-referrer" a browser sends "Origin: null" with the page's
    own forms (Fetch standard, "append a request Origin header") and the check of the
    origin would refuse them. Nothing is told to any other site either way.
    """
    targets = f"'self' {leads_to}".strip()
    scripts = f" script-src 'sha256-{_sha256(script)}';" if script else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_sha256(_STYLE)}';{scripts}"
            f" form-action {targets};"
            " base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

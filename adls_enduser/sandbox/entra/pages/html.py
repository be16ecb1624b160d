"""Pages: plain HTML that needs no script and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template

from ...http import Response

INVALID = ' aria-invalid="true" aria-describedby="error"'

_HERE = files(__name__.rpartition(".")[0])
_STYLE = (_HERE / "page.css").read_text("utf-8")
_TEMPLATES = {
    name: Template((_HERE / f"{name}.html").read_text("utf-8"))
    for name in (
        *("layout", "code", "signin", "verify", "approved", "ended"),
        *("accounts", "consent", "form_post"),
    )
}
# The only script: it sends a form to the program that waits for it.
SUBMIT = "document.forms[0].submit()"


def hidden(fields: dict[str, str]) -> str:
    """Return hidden fields of a form."""
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def page(
    name: str,
    title: str,
    values: dict[str, str],
    *,
    error: str = "",
    note: str = "",
    markup: dict[str, str] | None = None,
    status: int = 200,
    form_action: str = "",
) -> Response:
    """Fill a template; every value is escaped, ``markup`` is not.

    ``form_action`` is another origin that the form may lead to, also by a redirect.
    """
    alert = f'<p class="error" id="error" role="alert">{escape(error)}</p>' if error else ""
    content = _TEMPLATES[name].substitute(
        {key: escape(value) for key, value in values.items()},
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
    headers = security_headers(form_action, script=SUBMIT if name == "form_post" else "")
    return Response(body, status, headers, content_type="text/html; charset=utf-8")


def final_page(heading: str, message: str, *, link: str = "", status: int = 200) -> Response:
    """Return a page without a form; ``link`` is markup with a link to go on."""
    values = {"heading": heading, "message": message}
    return page("ended", heading, values, markup={"link": link}, status=status)


def security_headers(form_action: str = "", script: str = "") -> dict[str, str]:
    """Return the headers of every page.

    The referrer policy is "same-origin", because with "no-referrer" a browser sends "Origin:
    null" with the page's own forms (Fetch standard, "append a request Origin header") and the
    check of the origin would refuse them. Other sites get no referrer with either policy.
    """
    targets = f"'self' {form_action}".strip()
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

"""Bodies in XML, read and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ...http import Response
from ..errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# No body that a client sends has a document type, with which entities begin (XML bombs).
_DOCTYPE = re.compile(rb"<!doctype", re.IGNORECASE)


def parse(body: bytes) -> Element:
    """Read a body; raise StorageError if it is not XML, or has a document type."""
    if _DOCTYPE.search(body):
        raise StorageError("InvalidXmlDocument")
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - without a document type
    except ElementTree.ParseError:
        raise StorageError("InvalidXmlDocument") from None


def add(parent: Element, values: Mapping[str, str | None]) -> Element:
    """Add an element with text for each value that is not None, and return the parent."""
    for name, value in values.items():
        if value is not None:
            SubElement(parent, name).text = value
    return parent


def response(root: Element, headers: dict[str, str] | None = None) -> Response:
    """Return a response with an XML document, which begins with a byte order mark."""
    body = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    text = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{body}'
    return Response(text, 200, headers, content_type="application/xml")

"""Paths inside a store: tuples of names; the root is the empty tuple."""

from __future__ import annotations

import re

from . import errors

StorePath = tuple[str, ...]

_CONTROL = re.compile("[\x00-\x1f\x7f]")


def parse(text: str) -> StorePath:
    """Split a decoded path, absolute or relative to the root.

    Empty names and ``.`` are ignored, as in HDFS. A name ``..`` and control characters are
    refused with 400: no client of the service sends them on purpose.
    """
    names = tuple(name for name in text.split("/") if name not in ("", "."))
    if any(name == ".." or _CONTROL.search(name) for name in names):
        raise errors.illegal(f"Invalid path: {text!r}")
    return names


def show(path: StorePath) -> str:
    """Return a path as text, with its leading slash."""
    return "/" + "/".join(path)


def is_below(path: StorePath, folder: StorePath) -> bool:
    """Tell whether a path is in a folder, or is that folder."""
    return path[: len(folder)] == folder

"""The query of a request, read as WebHDFS reads it: names and values in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict


class Parameters:
    """What came after the question mark."""

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, values in arguments.lists():
            self._values.setdefault(name.lower(), []).extend(values)

    def all(self, name: str) -> list[str]:
        """Give every value of a parameter."""
        return self._values.get(name.lower(), [])

    def text(self, name: str, default: str = "") -> str:
        """Give a parameter's (last) value."""
        return [default, *self.all(name)][-1]

    def required(self, name: str) -> str:
        """Give a value that must be there; StoreError if it is not."""
        value = self.text(name)
        if not value:
            raise errors.bad_parameter(name, "it is missing")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Give ``true`` or ``false``; StoreError if it is neither."""
        value = self.text(name, str(default)).lower()
        if value not in ("true", "false"):
            raise errors.bad_parameter(name, f"{value!r} is neither true nor false")
        return value == "true"

    def number(self, name: str) -> int | None:
        """Give a whole number of zero or more, or None; StoreError if it is no such number."""
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise errors.bad_parameter(name, f"{value!r} is no such number")
        return int(value)

    def one_of(self, name: str, *choices: str, default: str = "") -> str:
        """Give one of some words, in their own spelling; StoreError if it is none."""
        value = self.text(name, default)
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise errors.bad_parameter(name, f"{value!r} is none of {', '.join(choices)}")

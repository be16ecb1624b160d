"""The query of a request, read as WebHDFS reads it: names and values in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict


class Parameters:
    """The query parameters of a request."""

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, values in arguments.lists():
            self._values.setdefault(name.lower(), []).extend(values)

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return self._values.get(name.lower(), [])

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter's (last) value."""
        return [default, *self.all(name)][-1]

    def required(self, name: str) -> str:
        """Return a required value; raise StoreError if it is missing."""
        value = self.text(name)
        if not value:
            raise errors.bad_parameter(name, "it is missing")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a Boolean value; raise StoreError if it is neither true nor false."""
        value = self.text(name, str(default)).lower()
        if value not in ("true", "false"):
            raise errors.bad_parameter(name, f"{value!r} is neither true nor false")
        return value == "true"

    def number(self, name: str) -> int | None:
        """Return a whole number of zero or more, or None; raise StoreError for any other value."""
        value = self.text(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise errors.bad_parameter(name, f"{value!r} is no such number")
        return int(value)

    def one_of(self, name: str, *choices: str, default: str = "") -> str:
        """Return one of the choices, in its own spelling; raise StoreError for any other value."""
        value = self.text(name, default)
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise errors.bad_parameter(name, f"{value!r} is none of {', '.join(choices)}")

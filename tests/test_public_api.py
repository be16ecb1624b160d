"""The public names, signatures and options stay what they were before the rooms were moved.

``public_api.json`` was written by this module, run as a program, on the last commit before
that. A name, an option, or a parameter with a default may be added; then the record need not
be written again. Nothing may go, and nothing else of a signature may change.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

import adls_enduser
import adls_enduser.sandbox
from adls_enduser import ConfigurationError

RECORD = Path(__file__).with_name("public_api.json")
PACKAGES = (adls_enduser, adls_enduser.sandbox)
# Each takes options of its own, after these arguments.
STRATEGIES: dict[str, tuple[object, ...]] = {
    "Password": (),
    "DeviceCode": (),
    "Browser": (),
    "AzureCli": (),
    "AzureCredential": (object(),),
    "StaticToken": ("a-token",),
}

# Methods by which the rooms speak to a strategy. No document names them to users.
INTERNAL = {"after_fork", "elsewhere", "living", "reject"}
INTERNAL |= {"SignInCache.account", "SignInCache.check", "SignInCache.open"}


def public_api() -> dict[str, Any]:
    """Describe every public name, and the options of every strategy."""
    found: dict[str, Any] = {"options": {name: _options(name) for name in STRATEGIES}}
    for package in PACKAGES:
        found[package.__name__] = {
            name: _described(getattr(package, name)) for name in sorted(package.__all__)
        }
    return found


def _options(strategy: str) -> list[str]:
    """Ask a strategy for its options, which it lists when it is given an unknown one."""
    with pytest.raises(ConfigurationError) as refused:
        getattr(adls_enduser, strategy)(*STRATEGIES[strategy], no_such_option=1)
    listed = refused.value.remedy.removeprefix("It takes ").removesuffix(".")
    return listed.split(", ")


def _described(thing: object) -> Any:
    if inspect.isclass(thing):
        return {
            "bases": [one.__name__ for one in thing.__mro__[1:] if one is not object],
            "call": _signature(thing),
            "attributes": {
                name: _signature(value) if callable(value) else type(value).__name__
                for name, value in sorted(_members(thing).items())
                if not name.startswith("_")
                and not {name, f"{thing.__name__}.{name}"} & INTERNAL
                and not hasattr(Exception, name)
            },
        }
    return _signature(thing) if callable(thing) else type(thing).__name__


def _members(thing: type) -> dict[str, object]:
    return {name: value for one in reversed(thing.__mro__) for name, value in vars(one).items()}


def _signature(thing: Any) -> Any:
    if isinstance(thing, classmethod | staticmethod):
        thing = thing.__func__
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return "callable"
    return [[one.name, one.kind.name, _default(one.default)] for one in parameters]


def _default(value: object) -> str | None:
    if value is inspect.Parameter.empty:
        return None
    plain = isinstance(value, str | int | float | tuple | type(None))
    return repr(value) if plain else type(value).__name__


def _missing(before: Any, now: Any, where: str) -> list[str]:
    """List what stood in ``before`` and does not stand in ``now``."""
    if where.endswith(".bases") or where.startswith(".options."):
        return [f"{where}: {one} is gone" for one in before if one not in now]
    if not (isinstance(before, dict) and isinstance(now, dict)):
        same = before == now or _takes_as_much(before, now)
        return [] if same else [f"{where}: {before} is now {now}"]
    return [
        line
        for name, value in before.items()
        for line in (
            _missing(value, now[name], f"{where}.{name}")
            if name in now
            else [f"{where}.{name} is gone"]
        )
    ]


def _takes_as_much(before: Any, now: Any) -> bool:
    """Tell whether a signature only has more parameters now, at its end, with defaults."""
    if not (isinstance(before, list) and isinstance(now, list)):
        return False
    more = now[len(before) :]
    return now[: len(before)] == before and all(default is not None for _, _, default in more)


def test_no_public_name_signature_or_option_has_changed() -> None:
    """Everything that a program could import, call or give is still there."""
    assert _missing(json.loads(RECORD.read_text()), public_api(), "") == []


if __name__ == "__main__":
    RECORD.write_text(json.dumps(public_api(), indent=1) + "\n")

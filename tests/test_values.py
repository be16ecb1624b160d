"""The frozen classes of ``values``, which other code takes for dataclasses."""

from __future__ import annotations

import copy
import sys
from traceback import TracebackException
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import Account, Cloud, SignInCache, Token
from adls_enduser.clouds import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is new in Python 3.13")
def test_copy_replace() -> None:
    """It takes them, as it takes each dataclass."""
    replaced = copy.replace(Account("ada@contoso.com"), tenant="t")  # type: ignore[attr-defined]
    assert replaced == Account("ada@contoso.com", "t")


def test_a_copy_by_the_method_of_copy_replace() -> None:
    """Which each version of Python has here."""
    changed = PUBLIC.__replace__(name="mine")  # type: ignore[attr-defined]
    assert (changed.name, changed.authority) == ("mine", PUBLIC.authority)


def _called(kind: Callable[..., Any], *values: object, **named: object) -> TracebackException:
    """Call a class wrongly, and return the traceback with the locals of all frames but this."""
    try:
        kind(*values, **named)
    except (TypeError, ValueError) as error:
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        return TracebackException(type(error), error, inner, capture_locals=True)
    raise AssertionError


@pytest.mark.parametrize("kind", [Account, Cloud, Token, SignInCache])
def test_the_traceback_of_a_wrong_call_shows_locals(kind: Callable[..., Any]) -> None:
    """It repeats no value, and the repr of a half-made object raises nothing."""
    for shown in (
        _called(kind, wrong="hush-" + "hush"),
        _called(Token, "hush-" + "hush", wrong="x"),
    ):
        assert "wrong" in str(shown)
        frames = [frame.locals for frame in shown.stack if frame.name != "called"]
        assert "hush-hush" not in str(frames)

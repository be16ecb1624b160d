"""How a program notes that it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(call: Callable[..., object], *arguments: Any, **options: Any) -> tuple[Any, ...]:
    """Return the status and the error code of a call that is refused; () if it is not."""
    try:
        call(*arguments, **options)
    except HttpResponseError as error:
        return told(error)
    return ()


def told(error: HttpResponseError) -> tuple[Any, ...]:
    """Return the status and the error code of an error of an Azure SDK."""
    code = getattr(error, "error_code", None)
    return error.status_code, str(getattr(code, "value", code))


def raised(call: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """Return the name of the exception that a call raises; "" if it raises none."""
    try:
        call(*arguments, **options)
    except Exception as error:  # which one is what the caller wants to know
        return type(error).__name__
    return ""

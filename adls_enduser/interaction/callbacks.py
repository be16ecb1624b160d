"""Callables that the caller gives as an option: refused if their code would never run, and called.

What one of them raises does not leave the package as it is (``CallerCode``).
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import TYPE_CHECKING, TypeVar

from ..errors import ConfigurationError, EndUserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

_Result = TypeVar("_Result")

# The flags CO_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE and CO_ASYNC_GENERATOR (inspect,
# "Code Objects Bit Flags").
_RUNS_LATER = 0x20 | 0x80 | 0x100 | 0x200
_VARARGS = 0x04


def refuse_async(option: str, function: object) -> None:
    """Refuse an async function, a generator, an object whose ``__call__`` is one, or a partial."""
    if _is_plain(function):
        return
    import inspect

    # A call of one of these only makes an object; nobody here would await it or iterate over it.
    run_later = (
        inspect.iscoroutinefunction,
        inspect.isasyncgenfunction,
        inspect.isgeneratorfunction,
    )
    while isinstance(function, functools.partial):
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004 - not to test for it
    if any(is_one(one) for is_one in run_later for one in (function, call)):
        raise _async(option, "is")


def check_arguments(option: str, function: Callable[..., object], argument: str) -> None:
    """Refuse a function that cannot be called as it will be.

    ``argument`` describes the one argument; "" if there is none.
    """
    if _is_plain(function) and _takes(function, 1 if argument else 0):
        return
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions in C have none
        return
    try:
        signature.bind(*([None] if argument else []))
    except TypeError as error:
        raise ConfigurationError(
            f"{option}= is a callable of another form: {error}.",
            remedy=f"It is called with {argument or 'no argument'}.",
        ) from None


class CallerCode:
    """The ``with`` block in which a function that the caller gave as an option runs.

    An exception of the function's own leaves it as the cause of a ConfigurationError that names
    the option. Its text, which may hold a secret, is not repeated.
    """

    def __init__(self, option: str) -> None:
        self._option = option

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        # An EndUserError, such as SignInCancelled, ends the sign-in.
        if isinstance(error, Exception) and not isinstance(error, EndUserError):
            raise ConfigurationError(
                f"The callable given as {self._option}= raised {type(error).__name__}.",
                remedy="Fix that callable: what it raised is this error's __cause__.",
            ) from error


def refuse_async_result(option: str, result: _Result) -> _Result:
    """Return what a function of the caller's returned; ConfigurationError for a coroutine.

    A function such as ``lambda prompt: send(prompt)`` does not say before that it returns one.
    """
    if result is None or isinstance(result, str):
        return result
    import inspect

    not_run = (inspect.iscoroutine, inspect.isasyncgen, inspect.isgenerator)
    if any(is_one(result) for is_one in not_run):
        if inspect.iscoroutine(result):
            result.close()  # or Python would warn that it was never awaited
        raise _async(option, "returned the result of")
    return result


def _is_plain(function: object) -> TypeGuard[FunctionType]:
    """Return whether this is a function that takes nothing but arguments by position.

    inspect would say the same, and takes longer to load than a token from the cache.
    """
    if not isinstance(function, FunctionType) or vars(function):
        return False
    code, defaults = function.__code__, function.__defaults__
    return not (code.co_flags & _RUNS_LATER or code.co_kwonlyargcount or defaults)


def _takes(function: FunctionType, number: int) -> bool:
    """Return whether a plain function can be called with so many arguments by position."""
    code = function.__code__
    named = code.co_argcount
    return named == number or bool(named < number and code.co_flags & _VARARGS)


def _async(option: str, verb: str) -> ConfigurationError:
    return ConfigurationError(
        f"{option}= {verb} an async function or a generator, whose code would never run: it is"
        " called, and not awaited.",
        remedy="Use an ordinary function. In it, asyncio.run_coroutine_threadsafe(coroutine, loop)"
        " reaches an event loop of another thread.",
    )

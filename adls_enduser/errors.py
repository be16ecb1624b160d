"""Every error that leaves this package.

::

    EndUserError                    .remedy .code .correlation_id .timestamp .error .suberror
    ├── ConfigurationError          (ValueError)   fix the call
    │   ├── UnsupportedByCloud
    │   └── MissingDependency       (ImportError)  names what to install
    ├── SignInError                 talk to the person
    │   ├── InvalidCredentials      wrong user or password, expired, disabled, locked
    │   ├── MfaRequired             password mode cannot; says which mode can
    │   ├── ConsentRequired         .consent_url
    │   ├── BlockedByPolicy         Conditional Access and similar policies
    │   ├── WrongAccount            another person, or another tenant, than asked for
    │   ├── SignInExpired           the refresh token no longer works; sign in again
    │   ├── SignInDeclined
    │   │   └── ConsentDeclined     also a ConsentRequired: the person said no to the application
    │   ├── SignInTimedOut
    │   ├── SignInCancelled
    │   └── SignInRequired          no person may or can be prompted here
    ├── TransportError              .retry_after   no usable response; try again
    ├── ProtocolError               a response that cannot be read
    └── CacheError                  repair the disk

The branches answer one question: what can the caller do next. No error derives from
``TypeError``, a ``requests``, adal or azure-core exception, because the SDKs catch
those and retry or rewrite them (msrest's ``RequestsCredentialsPolicy.send`` calls a
credential twice after a TypeError; azure-core's RetryPolicy calls it four times after
most of its own errors).
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from .values import WrongCall, dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class ErrorDetails:
    """The fields of an error response of Entra ID, apart from its message.

    ``code`` is the number of the error (``"AADSTS50076"``). With ``correlation_id`` and
    ``timestamp`` an administrator finds the attempt in the sign-in log. ``error`` and
    ``suberror`` are the OAuth fields (RFC 6749 section 5.2) that a program may branch on.
    """

    code: str | None = None
    correlation_id: str | None = None
    timestamp: str | None = None
    error: str | None = None
    suberror: str | None = None


class EndUserError(Exception):
    """What happened, what to do next (``remedy``), and how to find it in the sign-in log.

    ``code``, ``correlation_id``, ``timestamp``, ``error`` and ``suberror`` are None unless
    the service sent an error response.
    """

    def __init__(
        self, message: str, *, remedy: str = "", particulars: ErrorDetails | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.particulars = particulars or ErrorDetails()

    @property
    def code(self) -> str | None:
        """The service's number for the error, such as ``"AADSTS50076"``."""
        return self.particulars.code

    @property
    def correlation_id(self) -> str | None:
        """The id with which an administrator finds the attempt in the sign-in log."""
        return self.particulars.correlation_id

    @property
    def timestamp(self) -> str | None:
        """When the service sent the error response, in the service's own format."""
        return self.particulars.timestamp

    @property
    def error(self) -> str | None:
        """The OAuth error code (RFC 6749 section 5.2), such as ``"invalid_grant"``."""
        return self.particulars.error

    @property
    def suberror(self) -> str | None:
        """Entra ID's more exact reason, such as ``"basic_action"``."""
        return self.particulars.suberror

    def __str__(self) -> str:
        fields = (
            ("code", self.code),
            ("correlation id", self.correlation_id),
            ("at", self.timestamp),
        )
        details = ", ".join(f"{name} {value}" for name, value in fields if value)
        parts = (self.message, self.remedy, f"({details})" if details else "")
        return " ".join(part for part in parts if part)

    def __repr__(self) -> str:
        # azure-datalake-store's read and upload loops keep only an error's repr.
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own way of pickling calls the class with ``args`` only, and would lose
        # the keyword arguments. Worker pools pickle exceptions.
        return _rebuild, (type(self), self.__dict__.copy(), self.args)

    def __copy__(self) -> Self:
        # Without this, copy.copy asks copyreg, and tblib, which distributed imports, registers
        # there that a copy keeps the traceback, and with it all frames (tblib.pickling_support).
        return cast("Self", _rebuild(type(self), self.__dict__.copy(), self.args))


def _rebuild(
    kind: type[EndUserError], state: dict[str, object], args: tuple[object, ...]
) -> EndUserError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    error.args = args
    return error


class ConfigurationError(EndUserError, ValueError):
    """The call or the application's registration must be changed."""


class UnsupportedByCloud(ConfigurationError):
    """This cloud does not have the service."""


class MissingDependency(ConfigurationError, ImportError):
    """A package is not installed, or cannot be imported; the message names what to install."""


def clear_call(
    example: str,
) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Replace Python's TypeError for a call with wrong arguments by a ConfigurationError.

    ``example`` is a call that is right.
    """

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        @functools.wraps(function)
        def called(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
            try:
                return function(*arguments, **options)
            except TypeError as error:
                # With a second frame, the function was called, and has raised it itself.
                was_called = error.__traceback__ and error.__traceback__.tb_next
                if was_called and not isinstance(error, WrongCall):
                    raise
                del arguments, options  # which a traceback would show
                problem = str(error).replace(".__init__()", "")
                raise ConfigurationError(
                    f"{problem}.", remedy=f"Write for example {example}."
                ) from None

        return called

    return decorate


def import_failed(error: Exception, user: str, requirement: str) -> ConfigurationError:
    """Return the error for a module that ``user`` needs: a package's, or one of our own.

    ``error`` is what the import raised: of a broken package it may be of any class.
    ``requirement`` is what pip installs. A program that was frozen without one of our modules
    is not helped by that.
    """
    module = (error.name or "") if isinstance(error, ImportError) else ""
    if module.partition(".")[0] == __name__.partition(".")[0]:
        return ConfigurationError(
            f"This program has only a part of adls_enduser: {error}.",
            remedy="Install adls-enduser again. If the program is frozen, build it again with all"
            " modules of adls_enduser (PyInstaller: --collect-submodules adls_enduser).",
        )
    if isinstance(error, ModuleNotFoundError):
        message = f"{user} needs {module}, which is not installed."
    else:
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        message = f"{user} needs a package that cannot be imported: {kind}{error}."
    again = ", and build this program again" if hasattr(sys, "frozen") else ""
    return MissingDependency(message, remedy=f"Run: pip install {requirement}{again}")


class SignInError(EndUserError):
    """The person was not signed in."""


class InvalidCredentials(SignInError):
    """The user name or password is wrong, or the account is expired, disabled or locked."""


class MfaRequired(SignInError):
    """A second factor is required, which a password alone cannot give."""


class ConsentRequired(SignInError):
    """Nobody has yet allowed the application to act for this person.

    ``consent_url`` is the page on which an administrator can allow it, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        particulars: ErrorDetails | None = None,
        consent_url: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, particulars=particulars)
        self.consent_url = consent_url


class BlockedByPolicy(SignInError):
    """A policy of the organisation forbids this way of signing in."""


class WrongAccount(SignInError):
    """Another person or another tenant signed in than was asked for."""


class SignInExpired(SignInError):
    """The earlier sign-in can no longer be renewed; the person must sign in again."""


class SignInDeclined(SignInError):
    """The person declined to sign in."""


class ConsentDeclined(SignInDeclined, ConsentRequired):
    """The person did not allow the application to act for them.

    An administrator can allow it for everybody, at ``consent_url``.
    """


class SignInTimedOut(SignInError):
    """The person did not finish the sign-in in time."""


class SignInCancelled(SignInError):
    """The program stopped waiting for the person."""


class SignInRequired(SignInError):
    """A person must sign in, and no person may or can be prompted here."""


class TransportError(EndUserError):
    """No usable response arrived; the same call may succeed later.

    ``retry_after`` is how many seconds the service asked callers to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        particulars: ErrorDetails | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, particulars=particulars)
        self.retry_after = retry_after


class ProtocolError(EndUserError):
    """A response that cannot be read."""


class CacheError(EndUserError):
    """A sign-in on disk could not be read or written."""

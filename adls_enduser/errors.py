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
    │   ├── BlockedByPolicy         Conditional Access and its kin
    │   ├── WrongAccount            another person, or another tenant, than asked for
    │   ├── SignInExpired           the refresh token is dead; sign in again
    │   ├── SignInDeclined
    │   │   └── ConsentDeclined     also a ConsentRequired: the person said no to the application
    │   ├── SignInTimedOut
    │   ├── SignInCancelled
    │   └── SignInRequired          nobody may or can be asked here
    ├── TransportError              .retry_after   no usable answer; try again
    ├── ProtocolError               an answer nobody can read
    └── CacheError                  repair the disk

The branches answer one question: what can the caller do next. No error derives from
``TypeError``, a ``requests``, adal or azure-core exception, because the SDKs catch
those and retry or rewrite them (msrest's ``RequestsCredentialsPolicy.send`` calls a
credential twice after a TypeError; azure-core's RetryPolicy calls it four times after
most of its own errors).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorDetails:
    """What Entra ID says of a refusal, besides its sentence.

    ``code`` is its number (``"AADSTS50076"``), ``correlation_id`` and ``timestamp``
    are what an administrator needs to find the attempt in the sign-in log, ``error``
    and ``suberror`` are the OAuth fields (RFC 6749 section 5.2) that a program may
    branch on.
    """

    code: str | None = None
    correlation_id: str | None = None
    timestamp: str | None = None
    error: str | None = None
    suberror: str | None = None


class EndUserError(Exception):
    """What happened, what to do next (``remedy``), and how to look it up.

    ``code``, ``correlation_id``, ``timestamp``, ``error`` and ``suberror`` are None
    unless the service refused something.
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
        """The service's number for the refusal, such as ``"AADSTS50076"``."""
        return self.particulars.code

    @property
    def correlation_id(self) -> str | None:
        """The id under which an administrator finds the attempt in the sign-in log."""
        return self.particulars.correlation_id

    @property
    def timestamp(self) -> str | None:
        """When the service refused, in its own words."""
        return self.particulars.timestamp

    @property
    def error(self) -> str | None:
        """The OAuth error code (RFC 6749 section 5.2), such as ``"invalid_grant"``."""
        return self.particulars.error

    @property
    def suberror(self) -> str | None:
        """Entra ID's finer reason, such as ``"basic_action"``."""
        return self.particulars.suberror

    def __str__(self) -> str:
        named = (
            ("code", self.code),
            ("correlation id", self.correlation_id),
            ("at", self.timestamp),
        )
        particulars = ", ".join(f"{name} {value}" for name, value in named if value)
        parts = (self.message, self.remedy, f"({particulars})" if particulars else "")
        return " ".join(part for part in parts if part)

    def __repr__(self) -> str:
        # azure-datalake-store's read and upload loops keep an error's repr and nothing else.
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own way of pickling calls the class with args alone and would
        # lose what is keyword-only; worker pools pickle exceptions.
        return _rebuild, (type(self), self.__dict__.copy(), self.args)


def _rebuild(
    kind: type[EndUserError], state: dict[str, object], args: tuple[object, ...]
) -> EndUserError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    error.args = args
    return error


class ConfigurationError(EndUserError, ValueError):
    """The call, or the application's registration, must be changed."""


class UnsupportedByCloud(ConfigurationError):
    """This cloud has no such service."""


class MissingDependency(ConfigurationError, ImportError):
    """A package is not installed; the message names what to install."""


class SignInError(EndUserError):
    """The person was not signed in."""


class InvalidCredentials(SignInError):
    """Wrong user name or password, or the account is expired, disabled or locked."""


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
    """Another person, or another tenant, than was asked for."""


class SignInExpired(SignInError):
    """The earlier sign-in can no longer be renewed; the person must sign in again."""


class SignInDeclined(SignInError):
    """The person said no."""


class ConsentDeclined(SignInDeclined, ConsentRequired):
    """The person said no where the application asked to act for them.

    An administrator can allow it for everybody, at ``consent_url``.
    """


class SignInTimedOut(SignInError):
    """The person did not answer in time."""


class SignInCancelled(SignInError):
    """The program stopped waiting for the person."""


class SignInRequired(SignInError):
    """A person is needed, and nobody may or can be asked here."""


class TransportError(EndUserError):
    """No usable answer arrived; the same call may succeed later.

    ``retry_after`` is how many seconds the service asked to be left alone, or None.
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
    """An answer that nobody can read."""


class CacheError(EndUserError):
    """A sign-in kept on disk could not be read or written."""

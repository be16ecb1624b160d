"""Password: a user name and a password, in tenants that still allow it."""

from __future__ import annotations

import threading
from copy import copy
from typing import TYPE_CHECKING, cast

from ..errors import (
    ConfigurationError,
    EndUserError,
    ProtocolError,
    SignInError,
    SignInExpired,
    SignInRequired,
    TransportError,
)
from ..log import logger
from ..options import CommonOptions, account_settings, options_by_name, refuse_unknown, settings
from ..tokens import Secret
from .entra_strategy import EntraStrategy

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ..entra.backend import Grant
    from ..tokens import Token


# What str.splitlines takes for the end of a line. Nobody can type one at a sign-in page.
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_WITH_LINE_END = (
    "begins or ends with a line end, as a line of a file or the output of a command does."
)
_BYTE_ORDER_MARK = "\ufeff"
_DECODED = "Decode it as it was encoded: a file that has a byte order mark, with 'utf-8-sig'."
_FOR_EXAMPLE = "For example password=getpass.getpass, which asks for it when it is needed."


class PasswordOptions(CommonOptions, total=False):
    """Options of Password: ``password``, a str or a callable that returns one."""

    password: str | Callable[[], str] | None


class Password(EntraStrategy):
    """Sign in with a user name and a password (RFC 6749 section 4.3).

    Takes the options of PasswordOptions; ConfigurationError, before any network, for
    one that is wrong. A password given as a str is forgotten once it has been accepted,
    since the refresh token is enough from then on; a callable is called whenever a password
    is needed. Neither is sent again after a refusal (lock-out policies count attempts).
    """

    prompt = None

    @options_by_name("Password(username=..., password=...)")
    def __init__(self, **options: Unpack[PasswordOptions]) -> None:
        refuse_unknown(options, PasswordOptions.__annotations__, "Password")
        own = settings(options, "password")
        self._password = _password(options.get("password"))
        self._was_given = self._password is not None
        self._username = _username(own.username)
        self._refused: tuple[Secret, EndUserError] | None = None
        self._last_refusal = threading.local()  # of silent(), for sign_in()
        super().__init__(own)

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return a token by the refresh token, or by the password if it needs no prompt.

        Raises SignInExpired if the refresh token was refused and there is no such password,
        and what ``sign_in`` raises if the password is sent.
        """
        self._last_refusal.value = None
        try:
            token = self._session.acquire_silent(resource, self._username, claims)
        except SignInExpired:
            if not self._needs_no_prompt():
                raise
            token = None
        if token is not None:
            return token
        if self._needs_no_prompt():
            return self._start_silently(resource, claims)
        return None

    def _start_silently(self, resource: str, claims: str | None) -> Token:
        try:
            return self._start(resource, claims, self._send_known_password)
        except SignInError as refused:
            self._last_refusal.value = (resource, claims, copy(refused))
            raise

    def _send_known_password(self, resource: str, claims: str | None) -> Grant:
        if not self._needs_no_prompt():  # another thread's sign-in has just used it
            raise self._forgotten()
        return self._obtain_grant(resource, claims)

    def _needs_no_prompt(self) -> bool:
        return self._password is not None and self._username is not None

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask at the terminal or in the notebook for what is missing, and sign in.

        Raises InvalidCredentials, MfaRequired or another SignInError with the reason why
        Entra ID refused the sign-in; SignInRequired if nobody can type, SignInCancelled if the
        person enters nothing that can be sent.
        """
        self._session.check_claims(claims)
        self._raise_if_refused(resource, claims)
        if self._was_given and self._password is None:
            raise self._forgotten()
        if not _can_ask():
            raise _no_terminal()
        return self._start(resource, claims, self._obtain_grant)

    def _raise_if_refused(self, resource: str, claims: str | None) -> None:
        # silent() has just sent the same password. A callable is not called twice for one
        # refusal: it may be a dialogue.
        refusal = getattr(self._last_refusal, "value", None)
        self._last_refusal.value = None
        if refusal is not None and refusal[:2] == (resource, claims):
            raise refusal[2]

    def _ask_username(self) -> str:
        if self.settings.cache is not None:
            self.settings.cache.check()  # the session checks it too, but after this prompt
        from ..interaction.typed_input import ask_username

        return ask_username(_problem_of_username)

    def _start(
        self,
        resource: str,
        claims: str | None,
        obtain_grant: Callable[[str, str | None], Grant],
    ) -> Token:
        session = self._session
        session.check_claims(claims)
        return session.prompt_lock.exclusive(self._acquire, resource, obtain_grant, claims)

    def _acquire(
        self,
        resource: str,
        obtain_grant: Callable[[str, str | None], Grant],
        claims: str | None,
    ) -> Token:
        self._username = self._username or self._ask_username()
        return self._session.acquire_interactive(resource, obtain_grant, self._username, claims)

    def _obtain_grant(self, resource: str, claims: str | None) -> Grant:
        username, password = self._username or "", self._next_password()
        if self._refused is not None and self._refused[0] == password:
            raise copy(self._refused[1])
        try:
            grant = self._session.backend.password(resource, username, password, claims)
        except (TransportError, ProtocolError):
            raise  # the password was not refused, so it may be sent again
        except EndUserError as refused:
            # Without a service's error the password was not sent, for example by a bad proxy.
            if refused.error is not None or not isinstance(refused, ConfigurationError):
                self._refused = (password, copy(refused))  # a copy keeps no frames alive
            raise
        if isinstance(self._password, Secret) and grant.refresh_token is not None:
            self._password = None
        return grant

    def _next_password(self) -> Secret:
        if isinstance(self._password, Secret):
            return self._password
        if self._password is None:
            from ..interaction.typed_input import ask_password

            logger(__name__).info("A person is prompted for a password.")
            return ask_password(self._username or "", _problem_of_password)
        from ..interaction.callbacks import CallerCode, refuse_async_result

        with CallerCode("password"):
            password = self._password()
        return _checked(refuse_async_result("password", password))

    def _forgotten(self) -> SignInExpired:
        refusal = self._session.refusal
        return SignInExpired(
            "The sign-in has ended, and its password was forgotten after it was accepted.",
            remedy="Call the factory again with the password, or set password= to a callable.",
            particulars=refusal.particulars if refusal else None,
        )

    def __repr__(self) -> str:
        if "_session" not in vars(self):  # in the traceback of a constructor
            return "<Password>"
        return f"<Password of {self._username} at {self.settings.authority}>"


def _password(password: object) -> Secret | Callable[[], str] | None:
    if password is not None and not callable(password):
        return _checked(password)
    if callable(password):
        from ..interaction.callbacks import check_arguments, refuse_async

        refuse_async("password", password)
        check_arguments("password", password, "")
    return cast("Callable[[], str] | None", password)


def _checked(password: object) -> Secret:
    secret = password if isinstance(password, Secret) else Secret(cast("str", password))
    del password  # so that no traceback shows it
    problem = _problem(secret.reveal())
    if problem:
        raise ConfigurationError(f"password {problem[0]}", remedy=problem[1])
    return secret


def _problem(password: object) -> tuple[str, str] | None:
    """Return what is wrong with a password, and what to do; a wrong one is counted when sent."""
    import unicodedata

    if not isinstance(password, str):
        kind = type(password).__name__
        return f"must be a str, or a callable that returns one, not {kind}.", _FOR_EXAMPLE
    if not password:
        return "is empty.", "Leave it out to type it at the terminal."
    if not any(letter.isprintable() and not letter.isspace() for letter in password):
        return "has no visible character.", "Leave it out to type it at the terminal."
    if any("\ud800" <= letter <= "\udfff" for letter in password):
        return "has characters that cannot be sent: unpaired surrogates.", _DECODED
    if password != password.strip(_LINE_ENDS):
        return f"{_WITH_LINE_END} It was not sent.", "Remove it: ''.join(password.splitlines())."
    if password[0] == _BYTE_ORDER_MARK:
        return "begins with a byte order mark. It was not sent.", _DECODED
    if any(unicodedata.category(letter) == "Cc" for letter in password):
        return "has a control character in it. It was not sent.", "Remove what cannot be typed."
    return None


def _username(username: str | None) -> str | None:
    if username is None and not _can_ask():
        raise ConfigurationError(
            "username is missing, and there is no terminal or notebook to ask for it.",
            remedy="Set username=, for example 'ada@contoso.onmicrosoft.com'.",
        )
    return username


def _can_ask() -> bool:
    from ..interaction.typed_input import can_ask

    return can_ask()


def _problem_of_username(typed: Secret) -> str:
    try:
        account_settings({"username": typed.reveal().strip()})
    except ConfigurationError:
        return "That is not a user name, such as ada@contoso.onmicrosoft.com."
    return ""


def _problem_of_password(typed: Secret) -> str:
    problem = _problem(typed.reveal())
    return f"The password {problem[0]}" if problem else ""


def _no_terminal() -> SignInRequired:
    return SignInRequired(
        "The password is missing, and there is no terminal or notebook to ask for it.",
        remedy="Set password= to a str or a callable.",
    )

"""Password: a user name and a password, where the tenant still allows that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn, cast

from ..concurrency import reset_after_fork
from ..entra.backend import load_backend
from ..errors import (
    ConfigurationError,
    EndUserError,
    ProtocolError,
    SignInExpired,
    SignInRequired,
    TransportError,
)
from ..interaction.prompts import ask_password, ask_username, at_terminal, in_notebook
from ..options import CommonOptions, refuse_unknown, settings
from ..tokens import Secret
from .cached import refuse_pickle, stand_in
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ..entra.backend import Grant
    from ..tokens import Account, Token
    from .cached import CachedStrategy


class Password:
    """Sign in with a user name and a password (RFC 6749 section 4.3).

    Takes the options of PasswordOptions; ConfigurationError, before any network, for
    one that is wrong. A password given as a str is forgotten once it has served, since
    the refresh token does from there; a callable is called whenever a password is
    needed. Neither is sent again after a refusal (lock-out policies count attempts).
    """

    def __init__(self, **options: Unpack[PasswordOptions]) -> None:
        refuse_unknown(options, PasswordOptions, "Password")
        self.settings = settings(options, "password")
        self._source = _password(options.get("password"))
        self._given = self._source is not None
        self._username = _username(self.settings.username)
        self._refused: tuple[Secret, EndUserError] | None = None
        self.after_fork()
        reset_after_fork(self)
        self._sign_in = Session(self.settings, load_backend(self.settings))

    def after_fork(self) -> None:
        """Take a new lock."""
        self._lock = threading.RLock()

    @property
    def account(self) -> Account | None:
        """Who signed in, or None as long as nobody has."""
        return self._sign_in.account

    @property
    def answers_claims(self) -> bool:
        """Whether claims are sent on, or refused."""
        return self._sign_in.backend.answers_claims

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token by the refresh token, or by a password that is at hand.

        Raises SignInExpired where the one was refused and the other is not there, and what
        ``sign_in`` raises where the password is sent.
        """
        try:
            token = self._sign_in.renew(resource, self._username, claims)
        except SignInExpired:
            if not self._is_at_hand():
                raise
            token = None
        if token is not None or not self._is_at_hand():
            return token
        with self._lock:  # not sooner: sign_in holds it while a person types
            return self._begin(resource, claims) if self._is_at_hand() else None

    def _is_at_hand(self) -> bool:
        return self._source is not None and self._username is not None

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Ask for what is missing on the terminal, and sign in.

        Raises InvalidCredentials, MfaRequired or what else Entra ID refuses the
        sign-in with; SignInRequired where there is no terminal.
        """
        self._sign_in.backend.check_claims(claims)
        with self._lock:
            if self._given and self._source is None:
                raise _spent()
            if not (at_terminal() or in_notebook()):
                raise _no_terminal()
            self._username = self._username or self._asked_username()
            return self._begin(resource, claims)

    def _asked_username(self) -> str:
        if self.settings.cache is not None:
            self.settings.cache.check()  # Session.begin does, but that comes later
        return ask_username()

    def _begin(self, resource: str, claims: str | None) -> Token:
        def ask() -> Grant:
            return self._send(resource, claims)

        return self._sign_in.begin(resource, ask, self._username, claims)

    def _send(self, resource: str, claims: str | None) -> Grant:
        username, password = self._username or "", self._next_password()
        if self._refused is not None and self._refused[0] == password:
            raise self._refused[1].with_traceback(None)
        try:
            grant = self._sign_in.backend.password(resource, username, password, claims)
        except (TransportError, ProtocolError):
            raise  # nobody has said no, so it may be tried again
        except EndUserError as refused:
            self._refused = (password, refused)
            raise
        if isinstance(self._source, Secret) and grant.refresh_token is not None:
            self._source = None
        return grant

    def _next_password(self) -> Secret:
        if isinstance(self._source, Secret):
            return self._source
        ask = self._source or (lambda: ask_password(self._username or ""))
        return _checked(ask())

    def elsewhere(self) -> CachedStrategy | None:
        """Give what another process gets instead of this: the cache, if there is one."""
        return stand_in(self.settings, self.account)

    def living(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token that is held and lives, however soon it ends."""
        return self._sign_in.living(resource, claims)

    def reject(self, token: Token) -> None:
        """Never give this token again."""
        self._sign_in.reject(token)

    def __copy__(self) -> Password:
        return self  # as a copy of a lock is the same lock

    def __deepcopy__(self, memo: object) -> Password:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("Password")

    def __repr__(self) -> str:
        if "_sign_in" not in vars(self):  # in the traceback of a constructor
            return "<Password>"
        return f"<Password of {self._username} at {self.settings.authority}>"


def _password(password: object) -> Secret | Callable[[], str] | None:
    if password is None or callable(password):
        return password
    return _checked(password)


def _checked(password: object) -> Secret:
    secret = password if isinstance(password, Secret) else Secret(cast("str", password))
    del password  # out of the traceback of what follows
    wrong = _wrong(secret.reveal())
    if wrong:
        raise ConfigurationError(wrong)
    return secret


def _wrong(password: object) -> str:
    if not isinstance(password, str):
        kind = type(password).__name__
        return f"password must be a str, or a callable that gives one, not {kind}."
    if not password:
        return "password is empty. Leave it out to be asked for it on the terminal."
    if any("\ud800" <= letter <= "\udfff" for letter in password):
        return "password has characters that cannot be sent: halves of surrogate pairs."
    return ""


def _username(username: str | None) -> str | None:
    if username is None and not (at_terminal() or in_notebook()):
        raise ConfigurationError(
            "username is missing, and there is no terminal to ask for it.",
            remedy="Give username='ada@contoso.onmicrosoft.com' for example.",
        )
    return username


def _spent() -> SignInExpired:
    return SignInExpired(
        "The sign-in has ended, and its password was forgotten when it had served.",
        remedy="Call the factory again with the password, or give password= as a callable.",
    )


def _no_terminal() -> SignInRequired:
    return SignInRequired(
        "A password is needed, and there is no terminal to ask for it.",
        remedy="Give password= as a str or a callable.",
    )


class PasswordOptions(CommonOptions, total=False):
    """What Password takes as well: ``password``, a str or a callable that gives one."""

    password: str | Callable[[], str] | None

"""Password: a user name and a password, where the tenant still allows that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn

from ..entra.choice import backend
from ..entra.signin import SignIn
from ..errors import ConfigurationError, EndUserError, SignInExpired, SignInRequired, TransportError
from ..locks import survive_fork
from ..options import PasswordOptions, refuse_unknown, settings
from ..prompts import ask_password, ask_username, at_terminal, in_notebook
from ..tokens import Secret
from .from_cache import refuse_pickle, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from ..entra.backend import Grant
    from ..tokens import Account, Token
    from .from_cache import FromCache


class Password:
    """Sign in with a user name and a password (RFC 6749 section 4.3).

    Takes the options of PasswordOptions; ConfigurationError, before any network, for
    one that is wrong. A password given as a str is forgotten once it has served, since
    the refresh token does from there; a callable is called whenever a password is
    needed. Neither is sent again after a refusal (lock-out policies count attempts).
    """

    def __init__(self, **options: Unpack[PasswordOptions]) -> None:
        refuse_unknown(options, PasswordOptions, "Password")
        self.settings = settings(options)
        self._source = _password(options.get("password"))
        self._given = self._source is not None
        self._username = _username(self.settings.username)
        self._refused: tuple[Secret, EndUserError] | None = None
        self.after_fork()
        survive_fork(self)
        self._sign_in = SignIn(self.settings, backend(self.settings))

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
        """Give a token by the refresh token, or by a password that is at hand."""
        with self._lock:
            try:
                token = self._sign_in.renew(resource, self._username, claims)
            except SignInExpired:
                if self._source is None or self._username is None:
                    raise
                token = None
            if token is None and self._source is not None and self._username is not None:
                return self._begin(resource, claims)
            return token

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
            self._username = self._username or ask_username()
            return self._begin(resource, claims)

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
        except TransportError:
            raise  # nobody judged it, so it may be tried again
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

    def elsewhere(self) -> FromCache | None:
        """Give what another process gets instead of this: the cache, if there is one."""
        return stand_in(self.settings, self.account)

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
        return f"<Password of {self._username} at {self.settings.authority}>"


def _password(password: object) -> Secret | Callable[[], str] | None:
    if password is None:
        return None
    if callable(password):
        return password
    return _checked(password)


def _checked(password: object) -> Secret:
    if not isinstance(password, str):
        kind = type(password).__name__
        raise ConfigurationError(
            f"password must be a str, or a callable that gives one, not {kind}."
        )
    if not password:
        raise ConfigurationError(
            "password is empty.", remedy="Leave it out to be asked for it on the terminal."
        )
    return Secret(password)


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

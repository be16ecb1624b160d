"""AuthStrategy: the protocol of every way of signing in, and what a strategy may also have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..clouds import PUBLIC, Cloud
from ..options import AccountSettings
from ..tokens import Account

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from ..tokens import Token


@runtime_checkable
class AuthStrategy(Protocol):
    """A way of signing a person in: once with a prompt, afterwards silently.

    Any object with these two methods is a strategy, also one that is not from this package.
    ``resource`` is the audience in its canonical spelling (``https://datalake.azure.net/``);
    ``claims`` is the JSON of a claims challenge, for strategies that can send one.
    """

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return a token without a prompt, or None when only a person can help.

        Raises SignInExpired or another SignInError when an earlier sign-in was refused
        and only a person can help, TransportError when no response came.
        """
        ...

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Prompt the person and return a token. Blocks; raises an EndUserError."""
        ...


@runtime_checkable
class ExtendedStrategy(AuthStrategy, Protocol):
    """What a strategy may also have: each member is optional.

    ``extended`` supplies a default for each member that a strategy lacks.
    """

    @property
    def settings(self) -> AccountSettings:
        """The options of the strategy, validated. Default: those of ``cloud``, if it has that."""
        ...

    @property
    def account(self) -> Account | None:
        """The account that signed in. Default: None, not known."""
        ...

    @property
    def prompt(self) -> object:
        """The caller's own prompt. It lets a person be asked where there is no terminal.

        Default: None.
        """
        ...

    @property
    def answers_claims(self) -> bool:
        """Whether ``claims`` are sent to the authority. Default: False.

        A strategy that sends them is also asked for tokens with the capability CP1
        (``claims.CP1``), for callers that want continuous access evaluation.
        """
        ...

    def cached_token(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Return an unexpired token from memory, however soon it ends; uses no network.

        A second credential of the same strategy takes it while the authority is down.
        Default: None.
        """
        ...

    def invalidate(self, token: Token) -> None:
        """Never return this token again: a service or the caller rejected it. Default: no-op."""
        ...

    def for_other_process(self) -> AuthStrategy | None:
        """Return what is pickled in place of this strategy: it prompts nobody, holds no secret.

        Default: None; the credential then lives in the other process until its token ends.
        """
        ...


def is_strategy(value: object) -> TypeIs[AuthStrategy]:
    """Return whether a value is a strategy, and not a class of strategies."""
    return isinstance(value, AuthStrategy) and not isinstance(value, type)


def kind_of(value: object) -> str:
    """Return what a value is, for an error; its repr could show a token."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def strategy_remedy(value: object, argument: str = "") -> str:
    """Return what to write instead of a value that is not a strategy.

    ``argument`` comes before it, such as ``mode=``.
    """
    import inspect

    call, example = "Write", "credential"
    if isinstance(value, type):
        call, example = "Call it, and write", f"{value.__name__}(...)"
    get_token = getattr(value, "get_token", None) or getattr(value, "get_token_info", None)
    if isinstance(value, AuthStrategy):
        return f"{call} {argument}{example}."
    if inspect.iscoroutinefunction(get_token):
        return (
            f"{call} {argument}AzureCredential({example}), with the synchronous class of"
            " azure.identity and not that of azure.identity.aio."
        )
    if callable(get_token):
        return f"{call} {argument}AzureCredential({example})."
    if hasattr(value, "token") and hasattr(value, "expires_on"):
        return f"Write {argument}StaticToken(token.token, token.expires_on)."
    return "Use an object with the methods silent and sign_in, such as DeviceCode(tenant=...)."


def extended(strategy: AuthStrategy) -> ExtendedStrategy:
    """Return the strategy with a default for each member of ExtendedStrategy that it lacks."""
    return strategy if isinstance(strategy, ExtendedStrategy) else _WithDefaults(strategy)


def declared_cloud(strategy: AuthStrategy) -> Cloud | None:
    """Return the cloud that a strategy says it is for; None if it does not say."""
    # Somebody else's class may use these names for something else.
    settings = getattr(strategy, "settings", None)
    cloud = settings.cloud if isinstance(settings, AccountSettings) else None
    cloud = cloud or getattr(strategy, "cloud", None)
    return cloud if isinstance(cloud, Cloud) else None


class _WithDefaults:
    """A strategy, and a default for each member that it lacks."""

    def __init__(self, strategy: AuthStrategy) -> None:
        self._strategy = strategy

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        return self._strategy.silent(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        return self._strategy.sign_in(resource, claims=claims)

    @property
    def settings(self) -> AccountSettings:
        own = getattr(self._strategy, "settings", None)
        if isinstance(own, AccountSettings):
            return own
        return AccountSettings(cloud=declared_cloud(self._strategy) or PUBLIC)

    @property
    def account(self) -> Account | None:
        own = getattr(self._strategy, "account", None)
        return own if isinstance(own, Account) else None

    @property
    def prompt(self) -> object:
        return getattr(self._strategy, "prompt", None)

    @property
    def answers_claims(self) -> bool:
        return getattr(self._strategy, "answers_claims", False) is True

    def cached_token(self, resource: str, *, claims: str | None = None) -> Token | None:
        own = getattr(self._strategy, "cached_token", None)
        token: Token | None = own(resource, claims=claims) if own else None
        return token

    def invalidate(self, token: Token) -> None:
        own = getattr(self._strategy, "invalidate", None)
        if own:
            own(token)

    def for_other_process(self) -> AuthStrategy | None:
        own = getattr(self._strategy, "for_other_process", None)
        other: AuthStrategy | None = own() if own else None
        return other

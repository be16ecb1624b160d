"""What a ``mode`` stands for: a strategy by its name, a strategy object, or several in turn.

A strategy's module, and the packages that it needs, load when its name is used. ``explain``
tells which strategy a mode is here, and why, without signing in.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, cast, overload

from .errors import CacheError, ConfigurationError, import_failed
from .interaction.redirect_uri import LOOPBACK, check_redirect_uri
from .options import Settings, check_flag, options_by_name, refuse_unknown
from .strategies.protocol import (
    AuthStrategy,
    extended,
    is_strategy,
    kind_of,
    strategy_remedy,
)
from .values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from typing_extensions import Unpack

    from .credentials.protocol import Credentials
    from .interaction.prompts import PagePrompt, Prompt
    from .strategies.azure_cli import AzureCliOptions
    from .strategies.browser import BrowserOptions, PageOptions
    from .strategies.device_code import DeviceCodeOptions
    from .strategies.password import PasswordOptions

    class AutoOptions(PageOptions, total=False):
        """Options of mode ``"auto"``: those of Browser and of DeviceCode."""

        prompt: Prompt | PagePrompt | None

    class AnyOptions(PasswordOptions, AutoOptions, total=False):
        """Options of all modes."""


ModeName = Literal["password", "device_code", "mfa", "browser", "auto", "azure_cli"]
Mode: TypeAlias = ModeName | AuthStrategy

# The class of each mode, in a module of strategies/. Its options are the class beside it,
# named ...Options.
_STRATEGIES = {
    "password": ("password", "Password"),
    "device_code": ("device_code", "DeviceCode"),
    "mfa": ("device_code", "DeviceCode"),
    "browser": ("browser", "Browser"),
    "azure_cli": ("azure_cli", "AzureCli"),
}
AUTO: Final = "auto"

_Options: TypeAlias = Mapping[str, object]

# ``help(management_credentials)`` ends with it. A test compares it with the options.
OPTIONS_HELP = """\
Options, for a mode by name; with ``fallback`` each mode gets those that it takes:

tenant           the tenant's id (a GUID) or a verified domain
client_id        the application id (a GUID) of a public client; of an AD FS, any text
username         the person who must sign in
cloud            "public", "china", "us_government", or a Cloud
cache            a SignInCache, to keep the sign-in for the next process
library          "adal" or "msal": the library that calls Entra ID
proxies          as in requests
ca_bundle        path of a PEM file with certificate authorities
request_timeout  seconds for one request, from connecting to its last byte
clock            a Clock, for tests
password         password: a str, or a callable that returns one
prompt           device_code, browser, auto: called to show the prompt
timeout          device_code, browser, auto: seconds to wait for the person
cancel           device_code, browser, auto: a threading.Event that stops the wait
open_browser     browser, auto: whether to open a browser here
redirect_uri     browser, auto: where the browser goes in the end
"""


class Factory(Protocol):
    """A factory to a type checker and an editor: each mode with the options that it takes."""

    @overload
    def __call__(
        self,
        mode: Literal["password"],
        *,
        interactive: bool | None = None,
        **options: Unpack[PasswordOptions],
    ) -> Credentials: ...

    @overload
    def __call__(
        self,
        mode: Literal["device_code", "mfa"] = "device_code",
        *,
        interactive: bool | None = None,
        **options: Unpack[DeviceCodeOptions],
    ) -> Credentials: ...

    @overload
    def __call__(
        self,
        mode: Literal["browser"],
        *,
        interactive: bool | None = None,
        **options: Unpack[BrowserOptions],
    ) -> Credentials: ...

    @overload
    def __call__(
        self,
        mode: Literal["auto"],
        *,
        interactive: bool | None = None,
        **options: Unpack[AutoOptions],
    ) -> Credentials: ...

    @overload
    def __call__(
        self,
        mode: Literal["azure_cli"],
        *,
        interactive: bool | None = None,
        **options: Unpack[AzureCliOptions],
    ) -> Credentials: ...

    @overload
    def __call__(self, mode: AuthStrategy, *, interactive: bool | None = None) -> Credentials: ...

    @overload
    def __call__(
        self,
        mode: Mode = "device_code",
        *,
        interactive: bool | None = None,
        fallback: Mode | Sequence[Mode],
        **options: Unpack[AnyOptions],
    ) -> Credentials: ...


def strategy_for(
    mode: object, fallback: object, options: _Options, factory_name: str
) -> AuthStrategy:
    """Return the strategy by which a factory signs in.

    ConfigurationError for a mode that is not one, and for an option that no mode takes.
    """
    others = _as_tuple(fallback)
    for argument, one in (("mode", mode), *(("fallback", other) for other in others)):
        _check_mode(argument, one)
    modes: tuple[Any, ...] = (mode, *others)
    if len(modes) == 1:
        return _strategy(modes[0], options, factory_name)
    shares = [options_for(one, options) for one in modes]
    for name in options:
        if not any(name in share for share in shares):
            raise _not_taken(name, modes, factory_name)
    strategies = [
        _strategy(one, share, factory_name) for one, share in zip(modes, shares, strict=True)
    ]
    return cast("AuthStrategy", _load("fallback", "Fallback")(*strategies))


def _as_tuple(fallback: object) -> tuple[object, ...]:
    if isinstance(fallback, Sequence) and not isinstance(fallback, str | bytes | bytearray):
        return tuple(fallback)
    return () if fallback is None else (fallback,)


def _check_mode(argument: str, mode: object) -> None:
    names = (*_STRATEGIES, AUTO)
    listed = ", ".join(map(repr, names))
    if isinstance(mode, str):
        if mode not in names:
            from .suggestions import mode_hint

            # A token may stand here by mistake, and would be shown.
            shown = repr(mode) if re.fullmatch(r"(?!ey)[\w@.\\ -]{0,64}", mode) else "..."
            raise ConfigurationError(
                f"{argument}={shown} is not known.",
                remedy=f"{mode_hint(mode, names)} The modes are {listed}.".lstrip(),
            )
    elif not is_strategy(mode):
        raise ConfigurationError(
            f"{argument}= must be a mode's name or an AuthStrategy, not {kind_of(mode)}.",
            remedy=f"{strategy_remedy(mode, f'{argument}=')} The modes are {listed}.",
        )


def _strategy(mode: Mode, options: _Options, factory_name: str) -> AuthStrategy:
    if mode == AUTO:
        _check_auto(options)
        mode, _ = choose(options)
        options = options_for(mode, options)
    if isinstance(mode, str):
        return cast("AuthStrategy", _load(*_STRATEGIES[mode])(**options))
    for name in options:
        raise _not_beside_object(name, mode, factory_name)
    return mode


def options_for(mode: Mode, options: _Options) -> dict[str, object]:
    """Return those of the options that a mode takes; a strategy object takes none."""
    if not isinstance(mode, str):
        return {}
    names = option_names(mode)
    return {name: value for name, value in options.items() if name in names}


def option_names(mode: str) -> AbstractSet[str]:
    """Return the names of the options that a mode takes."""
    if mode == AUTO:
        return option_names("browser") | option_names("device_code")
    module, name = _STRATEGIES[mode]
    names: AbstractSet[str] = _load(module, f"{name}Options").__annotations__.keys()
    return names


def _check_auto(options: _Options) -> None:
    """Refuse options that mode ``"auto"`` does not take, and wrong options of the browser.

    If it chose the device code here, nobody would read the browser's options, and a mistake
    in them would show on another machine only.
    """
    refuse_unknown(options, option_names(AUTO), "Mode 'auto'")
    check_flag("open_browser", options.get("open_browser"))
    check_redirect_uri(options.get("redirect_uri", LOOPBACK))


def _not_beside_object(name: str, mode: AuthStrategy, factory_name: str) -> ConfigurationError:
    from .suggestions import option_hint

    known = option_names("password") | option_names(AUTO)
    hint = "" if name in known else option_hint(name, known)
    example = f"Pass it to the strategy: {type(mode).__name__}({name}=...)."
    return ConfigurationError(
        f"{factory_name} does not take the option {name!r} with a strategy object.",
        remedy=f"{hint} Options belong to the strategy." if hint else example,
    )


def _not_taken(name: str, modes: tuple[Mode, ...], factory_name: str) -> ConfigurationError:
    from .suggestions import option_hint

    known = {option for mode in modes if isinstance(mode, str) for option in option_names(mode)}
    return ConfigurationError(
        f"{factory_name} does not take the option {name!r} with the modes {_names(modes)}.",
        remedy=option_hint(name, known) or "Leave it out, or pass it to a strategy object.",
    )


def choose(options: _Options) -> tuple[ModeName, str]:
    """Return the mode that ``"auto"`` stands for here, and the reason."""
    open_browser = options.get("open_browser")
    if open_browser is not None:
        return ("browser" if open_browser else "device_code"), f"open_browser={open_browser!r}"
    from .interaction.browser_launcher import why_no_browser

    reason = why_no_browser()
    if reason:
        return "device_code", f"no browser can open here: {reason}"
    return "browser", "a browser can open here, in front of the person"


def _load(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(f".strategies.{module}", __package__), name)
    except ImportError as error:
        raise import_failed(error, name, "adls-enduser") from error


@dataclass(frozen=True)
class Explanation:
    """The mode that would sign the person in, the reason, and what was found on the way.

    ``str`` of it is a few lines for a person. ``found`` are sentences: whose sign-ins the
    cache keeps, or why it cannot be read.
    """

    mode: str
    why: str
    found: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"mode={self.mode!r}, because {self.why}.", *self.found))


@options_by_name('explain("auto", tenant=...)')
def explain(
    mode: Mode = "device_code",
    *,
    interactive: bool | None = None,
    fallback: Mode | Sequence[Mode] = (),
    **options: Unpack[AnyOptions],
) -> Explanation:
    """Return what a factory would do with this mode and these options.

    Takes the arguments and options of the factories. Uses no network and prompts nobody; raises
    the ConfigurationError that the factory would. The same call in the same surroundings
    returns the same.
    """
    check_flag("interactive", interactive)
    strategy = strategy_for(mode, fallback, options, "explain")
    chosen, why = choose(options) if mode == AUTO else (mode, _why(mode))
    found = (*_found(strategy), *_limits(_names(_as_tuple(fallback)), interactive))
    return Explanation(cast("str", chosen), why, found)


def _limits(fallback: str, interactive: object) -> Iterator[str]:
    if fallback:
        yield f"If it needs a second factor or is blocked by policy, next is: {fallback}."
    if interactive is False:
        yield "Nobody may be prompted (interactive=False): SignInRequired if a person is needed."


def _why(mode: Mode) -> str:
    return "it is the default" if mode == "device_code" else "it was asked for by name"


def _names(modes: tuple[object, ...]) -> str:
    return ", ".join(repr(mode) if isinstance(mode, str) else type(mode).__name__ for mode in modes)


def _found(strategy: AuthStrategy) -> tuple[str, ...]:
    own = extended(strategy).settings
    if not isinstance(own, Settings) or own.cache is None:
        return ()
    from .cache import CacheKey

    key = CacheKey(own.cloud.authority, own.client_id, own.tenant, own.username)
    try:
        account = own.cache.account(key)
    except CacheError as error:
        return (str(error),)
    if account is None:
        return (f"{own.cache!r} keeps no such sign-in: the person will be prompted once.",)
    name = account.username or "somebody"
    return (f"{own.cache!r} keeps the sign-in of {name}: nobody is prompted while it is valid.",)

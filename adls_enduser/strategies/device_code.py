"""DeviceCode: the person signs in, second factor and all, in a browser anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..entra.backend import load_backend
from ..entra.device_flow import poll_for_token
from ..interaction.prompts import show
from ..interaction.waiting import Deadline, InterruptibleCall
from ..options import WaitingOptions, check_prompt, refuse_unknown, settings, wait_options
from .cached import refuse_pickle, stand_in
from .session import Session

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..entra.backend import Grant
    from ..interaction.prompts import Prompt
    from ..tokens import Account, Token
    from .cached import CachedStrategy


class DeviceCode:
    """Sign in with a code that the person enters in a browser (RFC 8628).

    Takes the options of DeviceCodeOptions; ConfigurationError, before any network, for
    one that is wrong.
    """

    def __init__(self, **options: Unpack[DeviceCodeOptions]) -> None:
        refuse_unknown(options, DeviceCodeOptions, "DeviceCode")
        self.settings = settings(options)
        self.prompt = options.get("prompt")
        check_prompt(self.prompt, "DeviceCodePrompt: url, code, expires_on, message")
        self._wait_options = wait_options(options)
        self._sign_in = Session(self.settings, load_backend(self.settings))

    @property
    def account(self) -> Account | None:
        """Who signed in, or None as long as nobody has."""
        return self._sign_in.account

    @property
    def answers_claims(self) -> bool:
        """Whether claims are sent on, or refused."""
        return self._sign_in.backend.answers_claims

    def silent(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token by the refresh token; None where nobody has signed in yet."""
        return self._sign_in.renew(resource, claims=claims)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        """Show a code and wait for the person.

        Raises SignInTimedOut, SignInCancelled, SignInDeclined, WrongAccount or what
        else Entra ID refuses the sign-in with.
        """
        return self._sign_in.begin(resource, lambda: self._ask(resource, claims), claims=claims)

    def _ask(self, resource: str, claims: str | None) -> Grant:
        entra, clock = self._sign_in.backend, self.settings.clock
        begin = Deadline(self._wait_options, clock, again="a code will be shown")
        begin.check_cancel()
        flow = InterruptibleCall(lambda: entra.start_device_code(resource, claims)).result(
            begin.check_cancel
        )
        (self.prompt or show)(flow.prompt)
        return poll_for_token(entra, flow, self._wait_options, clock)

    def elsewhere(self) -> CachedStrategy | None:
        """Give what another process gets instead of this: the cache, if there is one."""
        return stand_in(self.settings, self.account)

    def living(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token that is held and lives, however soon it ends."""
        return self._sign_in.living(resource, claims)

    def reject(self, token: Token) -> None:
        """Never give this token again."""
        self._sign_in.reject(token)

    def __copy__(self) -> DeviceCode:
        return self  # as a copy of a lock is the same lock

    def __deepcopy__(self, memo: object) -> DeviceCode:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("DeviceCode")

    def __repr__(self) -> str:
        if "_sign_in" not in vars(self):  # in the traceback of a constructor
            return "<DeviceCode>"
        return f"<DeviceCode at {self.settings.authority}>"


class DeviceCodeOptions(WaitingOptions, total=False):
    """What DeviceCode takes as well.

    ``prompt``: called with a DeviceCodePrompt; None shows it on standard error or in
    the notebook. ``timeout``: how many seconds to wait for the person; None for as long
    as the code lives. ``cancel``: an event that stops the wait.
    """

    prompt: Prompt | None

"""Browser: the person signs in in the browser of the machine that the program runs on."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

from ..browsers import can_open, open_page
from ..entra.choice import backend
from ..entra.loopback import Loopback
from ..entra.patience import Call, Deadline, patience
from ..entra.redirect import Inbox
from ..entra.signin import SignIn
from ..errors import SignInRequired
from ..options import (
    LOOPBACK,
    BrowserOptions,
    check_flag,
    check_prompt,
    check_redirect_uri,
    is_loopback,
    refuse_unknown,
    settings,
)
from ..pasting import Pasting, can_paste
from ..prompts import BrowserPrompt, show_page, tell
from .from_cache import refuse_pickle, stand_in

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..entra.backend import AuthorizationFlow, Grant
    from ..tokens import Account, Secret, Token
    from .from_cache import FromCache

# What azure-identity's InteractiveBrowserCredential waits for, too.
_TIMEOUT = 300.0


class Browser:
    """Sign in in a browser: authorization code with PKCE (RFC 6749, RFC 7636, RFC 8252).

    Takes the options of BrowserOptions; ConfigurationError, before any network, for one
    that is wrong.
    """

    def __init__(self, **options: Unpack[BrowserOptions]) -> None:
        refuse_unknown(options, BrowserOptions, "Browser")
        self.settings = settings(options)
        self.prompt = options.get("prompt")
        check_prompt(self.prompt, "BrowserPrompt: url, expires_on, message")
        self._open_browser = options.get("open_browser")
        check_flag("open_browser", self._open_browser)
        self._redirect_uri = check_redirect_uri(options.get("redirect_uri", LOOPBACK))
        timeout = options.get("timeout")
        self._patience = patience(_TIMEOUT if timeout is None else timeout, options.get("cancel"))
        self._sign_in = SignIn(self.settings, backend(self.settings))

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
        """Open the page, or show its address, and wait for the person.

        Raises SignInTimedOut, also where the person closed the window; SignInCancelled,
        SignInDeclined, ConsentRequired, WrongAccount or what else Entra ID refuses the
        sign-in with; SignInRequired where the answer could not come back.
        """
        return self._sign_in.begin(resource, lambda: self._ask(resource, claims), claims=claims)

    def _ask(self, resource: str, claims: str | None) -> Grant:
        entra = self._sign_in.backend
        deadline = Deadline(
            self._patience, self.settings.clock, again="the page will be opened again"
        )
        deadline.check_cancel()
        flow, code = self._answered(resource, claims, deadline)
        return Call(lambda: entra.redeem_code(flow, code)).result(deadline.check_cancel)

    def _answered(
        self, resource: str, claims: str | None, deadline: Deadline
    ) -> tuple[AuthorizationFlow, Secret]:
        """Listen, show the page, and give the code that the browser brings."""
        opens = self._opens()
        with ExitStack() as stack:
            listener = self._listener(stack)
            pasting = self._pasting(stack, needed=listener is None, opens=opens)
            redirect_uri = listener.redirect_uri if listener else self._redirect_uri
            flow = self._sign_in.backend.start_authorization(resource, redirect_uri, claims)
            inbox = Inbox(flow)
            if listener:
                listener.serve(inbox.offer)
            message = _message(opens=opens, listens=bool(listener), pastes=bool(pasting))
            (self.prompt or show_page)(BrowserPrompt(flow.url, deadline.end, message))
            if opens:
                open_page(flow.url)
            while not deadline.glance(inbox.arrived):
                _take(pasting, inbox)
            return flow, inbox.code()

    def _opens(self) -> bool:
        if self._open_browser is None:
            return self.prompt is None and can_open()
        return self._open_browser

    def _listener(self, stack: ExitStack) -> Loopback | None:
        if not is_loopback(self._redirect_uri):
            return None
        return stack.enter_context(Loopback(self._redirect_uri))

    def _pasting(self, stack: ExitStack, *, needed: bool, opens: bool) -> Pasting | None:
        if needed and not can_paste():
            raise _no_terminal(self._redirect_uri)
        if needed or (can_paste() and not (opens or self.prompt)):
            return stack.enter_context(Pasting())
        return None

    def elsewhere(self) -> FromCache | None:
        """Give what another process gets instead of this: the cache, if there is one."""
        return stand_in(self.settings, self.account)

    def reject(self, token: Token) -> None:
        """Never give this token again."""
        self._sign_in.reject(token)

    def __copy__(self) -> Browser:
        return self  # as a copy of a lock is the same lock

    def __deepcopy__(self, memo: object) -> Browser:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_pickle("Browser")

    def __repr__(self) -> str:
        return f"<Browser at {self.settings.authority}>"


def _take(pasting: Pasting | None, inbox: Inbox) -> None:
    """Hand on what the person has pasted, and say what is wrong with it."""
    for line in pasting.lines() if pasting else ():
        reply = inbox.offer(line.partition("?")[2])
        tell(f"{reply.title}. {reply.text}\n" if reply.status >= 400 else f"{reply.title}.\n")


def _message(*, opens: bool, listens: bool, pastes: bool) -> str:
    if opens:
        message = "A browser window opens for you to sign in. If none does, open this page."
    elif listens:
        message = "To sign in, open this page in a browser on this machine."
    else:
        message = "To sign in, open this page in a browser."
    if pastes:
        message += " With a browser elsewhere, paste" if listens else " Then paste"
        message += " here the address at which it ends, though there may be an error shown there,"
        message += " and press Enter. What you paste is not shown."
    return message


def _no_terminal(redirect_uri: str) -> SignInRequired:
    return SignInRequired(
        f"The browser goes to {redirect_uri} in the end, and there is no terminal to paste the"
        " address into that it arrives at.",
        remedy="Give a redirect_uri= on loopback, such as 'http://localhost', or run the"
        " program in a terminal.",
    )

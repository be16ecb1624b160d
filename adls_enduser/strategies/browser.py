"""Browser: the person signs in in the browser of the machine that the program runs on."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

from ..entra.authorization_response import ResponseReceiver
from ..entra.backend import load_backend
from ..errors import SignInRequired
from ..interaction.browser_launcher import can_open, open_page
from ..interaction.prompts import BrowserPrompt, show_page, tell
from ..interaction.redirect_listener import RedirectListener
from ..interaction.redirect_uri import LOOPBACK, check_redirect_uri, is_loopback
from ..interaction.terminal import TerminalLineReader, can_paste
from ..interaction.waiting import Deadline, InterruptibleCall
from ..options import (
    WaitingOptions,
    check_flag,
    check_prompt,
    refuse_unknown,
    settings,
    wait_options,
)
from .cached import refuse_pickle, stand_in
from .session import Session

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..entra.backend import Grant
    from ..interaction.prompts import PagePrompt
    from ..tokens import Account, Secret, Token
    from .cached import CachedStrategy


# What azure-identity's InteractiveBrowserCredential waits for, too.
_TIMEOUT = 300.0


class Browser:
    """Sign in in a browser: authorization code with PKCE (RFC 6749, RFC 7636, RFC 8252).

    Takes the options of BrowserOptions; ConfigurationError, before any network, for one
    that is wrong.
    """

    def __init__(self, **options: Unpack[BrowserOptions]) -> None:
        refuse_unknown(options, BrowserOptions, "Browser")
        self.settings = settings(options, "browser")
        self.prompt = options.get("prompt")
        check_prompt(self.prompt, "BrowserPrompt: url, expires_on, message")
        self._open_browser = options.get("open_browser")
        check_flag("open_browser", self._open_browser)
        self._redirect_uri = check_redirect_uri(options.get("redirect_uri", LOOPBACK))
        self._wait_options = wait_options(options, timeout=_TIMEOUT)
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
        """Open the page, or show its address, and wait for the person.

        Raises SignInTimedOut, also where the person closed the window; SignInCancelled,
        SignInDeclined, ConsentRequired, WrongAccount or what else Entra ID refuses the
        sign-in with; SignInRequired where the answer could not come back.
        """
        return self._sign_in.begin(resource, lambda: self._ask(resource, claims), claims=claims)

    def _ask(self, resource: str, claims: str | None) -> Grant:
        entra, again = self._sign_in.backend, "the page will be opened again"
        deadline = Deadline(self._wait_options, self.settings.clock, again=again)
        deadline.check_cancel()
        with ExitStack() as stack:
            way = self._way_back(stack)
            start = InterruptibleCall(
                lambda: entra.start_authorization(resource, way.redirect_uri, claims)
            )
            flow = start.result(deadline.check)
            inbox = ResponseReceiver(flow)
            way.open(inbox)
            self._show(flow.url, deadline, way)
            code = way.wait(inbox, deadline)
        return InterruptibleCall(lambda: entra.redeem_code(flow, code)).result(
            deadline.check_cancel
        )

    def _way_back(self, stack: ExitStack) -> RedirectReceiver:
        """Listen, and have the terminal, before anybody is asked."""
        opens, redirect_uri = self._opens(), self._redirect_uri
        listener = pasting = None
        if is_loopback(redirect_uri):
            listener = stack.enter_context(RedirectListener(redirect_uri))
        elif not can_paste():
            raise _no_terminal(redirect_uri)
        if not listener or (can_paste() and not (opens or self.prompt)):
            pasting = stack.enter_context(TerminalLineReader())
        return RedirectReceiver(
            opens=opens, listener=listener, pasting=pasting, redirect_uri=redirect_uri
        )

    def _opens(self) -> bool:
        if self._open_browser is None:
            return self.prompt is None and can_open()
        return self._open_browser

    def _show(self, url: str, deadline: Deadline, way: RedirectReceiver) -> None:
        (self.prompt or show_page)(BrowserPrompt(url, deadline.end, way.message))
        if way.opens:
            open_page(url)

    def elsewhere(self) -> CachedStrategy | None:
        """Give what another process gets instead of this: the cache, if there is one."""
        return stand_in(self.settings, self.account)

    def living(self, resource: str, *, claims: str | None = None) -> Token | None:
        """Give a token that is held and lives, however soon it ends."""
        return self._sign_in.living(resource, claims)

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
        if "_sign_in" not in vars(self):  # in the traceback of a constructor
            return "<Browser>"
        return f"<Browser at {self.settings.authority}>"


class RedirectReceiver:
    """How an answer comes from the browser: to the listener or by the terminal, or either."""

    def __init__(
        self,
        *,
        opens: bool,
        listener: RedirectListener | None,
        pasting: TerminalLineReader | None,
        redirect_uri: str,
    ) -> None:
        self.opens = opens
        self.redirect_uri = listener.redirect_uri if listener else redirect_uri
        self._listener = listener
        self._pasting = pasting

    @property
    def message(self) -> str:
        """What the person is to do, before the address of the page."""
        if self.opens:
            told = "A browser window opens for you to sign in. If none does, open this page."
        else:
            here = " on this machine" if self._listener else ""
            told = f"To sign in, open this page in a browser{here}."
        if self._pasting:
            told += " With a browser elsewhere, paste" if self._listener else " Then paste"
            told += " here the address at which it ends, though there may be an error shown there,"
            told += " and press Enter. What you paste is not shown."
        return told

    def open(self, inbox: ResponseReceiver) -> None:
        """Take answers from now on."""
        if self._listener:
            self._listener.serve(inbox.receive)

    def wait(self, inbox: ResponseReceiver, deadline: Deadline) -> Secret:
        """Give the code, or raise what came in its place."""
        while not deadline.poll(inbox.arrived):
            for line in self._pasting.lines() if self._pasting else ():
                reply = inbox.receive(line.partition("?")[2])
                tell(f"{reply.title}. {reply.text if reply.status >= 400 else ''}".rstrip() + "\n")
        return inbox.code()


def _no_terminal(redirect_uri: str) -> SignInRequired:
    return SignInRequired(
        f"The browser goes to {redirect_uri} in the end, and there is no terminal to paste the"
        " address into that it arrives at.",
        remedy="Give a redirect_uri= on loopback, such as 'http://localhost', or run the"
        " program in a terminal.",
    )


class PageOptions(WaitingOptions, total=False):
    """How the browser gets to the page and back.

    ``open_browser``: True and False decide; None: if it was not given a ``prompt``, and a
    browser that opens here is in front of the person. ``redirect_uri``: where the browser
    goes in the end, as the application is registered; an address on loopback without a
    port gets a free one, and for one that is not on loopback the person pastes at the
    terminal where the browser went.
    """

    open_browser: bool | None
    redirect_uri: str


class BrowserOptions(PageOptions, total=False):
    """What Browser takes as well.

    ``prompt``: called with a BrowserPrompt; None shows it on standard error or in the
    notebook. ``open_browser``, ``redirect_uri``: see ``PageOptions``. ``timeout``: how
    many seconds to wait for the person; None for 300. ``cancel``: an event that stops the
    wait.
    """

    prompt: PagePrompt | None

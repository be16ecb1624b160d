"""Browser: the person signs in in a browser on the machine that the program runs on."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext, suppress
from typing import TYPE_CHECKING

from ..concurrency import PromptCall
from ..entra.authorization_response import ResponseReceiver
from ..errors import SignInRequired
from ..interaction.browser_launcher import can_open, open_page, why_unusable
from ..interaction.callbacks import CallerCode, refuse_async_result
from ..interaction.prompts import BrowserPrompt, show_page, tell
from ..interaction.redirect_listener import RedirectListener, Reply
from ..interaction.redirect_uri import (
    LOOPBACK,
    check_redirect_uri,
    is_loopback,
    pasted_query,
)
from ..interaction.terminal import TerminalLineReader, can_paste
from ..interaction.waiting import Deadline, InterruptibleCall
from ..log import logger
from ..options import (
    WaitingOptions,
    check_flag,
    check_prompt,
    options_by_name,
    refuse_unknown,
    settings,
    wait_options,
)
from .entra_strategy import EntraStrategy

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..entra.backend import Grant
    from ..interaction.prompts import PagePrompt
    from ..tokens import Secret


# azure-identity's InteractiveBrowserCredential waits as long, in seconds.
_TIMEOUT = 300.0
_MAX_PASTED = 64 * 1024  # characters


class PageOptions(WaitingOptions, total=False):
    """How the browser opens the sign-in page, and how the response comes back.

    ``open_browser``: True or False decides; None: open one if no ``prompt`` was given and
    the browser that opens here is in front of the person. ``redirect_uri``: the address to
    which the browser goes in the end, as the application is registered. A loopback address
    without a port gets a free port. If it is not on loopback, the person pastes the browser's
    last address at the terminal.
    """

    open_browser: bool | None
    redirect_uri: str


class BrowserOptions(PageOptions, total=False):
    """Options of Browser.

    ``prompt``: called with a BrowserPrompt; None shows it on standard error or in the
    notebook. ``open_browser``, ``redirect_uri``: see ``PageOptions``. ``timeout``: how
    many seconds to wait for the person; None: 300. ``cancel``: an event that stops the wait.
    """

    prompt: PagePrompt | None


class Browser(EntraStrategy):
    """Sign in in a browser: authorization code with PKCE (RFC 6749, RFC 7636, RFC 8252).

    Takes the options of BrowserOptions; ConfigurationError, before any network, for one
    that is wrong. ``sign_in`` opens the page, or shows its address, and waits for the person.
    It raises SignInTimedOut (also if the person closed the window), SignInCancelled,
    SignInDeclined, ConsentRequired, WrongAccount, or another SignInError with the reason why
    Entra ID refused the sign-in; SignInRequired if the address cannot be shown, or if the
    response could not come back here.
    """

    @options_by_name("Browser(tenant=...)")
    def __init__(self, **options: Unpack[BrowserOptions]) -> None:
        refuse_unknown(options, BrowserOptions.__annotations__, "Browser")
        self.prompt: PagePrompt | None = options.get("prompt")
        check_prompt(self.prompt, "BrowserPrompt: url, expires_on, message")
        self._open_browser = options.get("open_browser")
        check_flag("open_browser", self._open_browser)
        self._redirect_uri = check_redirect_uri(options.get("redirect_uri", LOOPBACK))
        self._wait_options = wait_options(options, timeout=_TIMEOUT)
        super().__init__(settings(options, "browser"), self._wait_options)

    def _obtain_grant(self, resource: str, claims: str | None) -> Grant:
        backend, again = self._session.backend, "the page will be opened again"
        deadline = Deadline(self._wait_options, self.settings.clock, again=again)
        deadline.check_cancel()
        with ExitStack() as stack:
            redirect = self._redirect_receiver(stack)
            start = InterruptibleCall(
                backend.start_authorization, resource, redirect.redirect_uri, claims
            )
            flow = start.result(deadline.check)
            receiver = ResponseReceiver(flow, self.settings)
            redirect.start(receiver)
            how = "a browser opens" if redirect.opens else "the address is shown"
            logger(__name__).info("A person is prompted to sign in in a browser (%s).", how)
            self._show(flow.url, deadline, redirect)
            code = redirect.wait(receiver, deadline)
        return InterruptibleCall(backend.redeem_code, flow, code).result(deadline.check)

    def _redirect_receiver(self, stack: ExitStack) -> RedirectReceiver:
        """Open the port, and take the terminal, before the person is prompted."""
        why_not = self._why_browser_unusable()
        opens, redirect_uri = not why_not and self._opens(), self._redirect_uri
        listener = terminal = None
        if is_loopback(redirect_uri):
            listener = stack.enter_context(RedirectListener(redirect_uri))
        elif not can_paste():
            raise _no_terminal(redirect_uri)
        if not listener or (can_paste() and not (opens or self.prompt)):
            terminal = stack.enter_context(TerminalLineReader())
        return RedirectReceiver(
            opens=opens,
            why_not=why_not,
            listener=listener,
            terminal=terminal,
            redirect_uri=redirect_uri,
        )

    def _why_browser_unusable(self) -> str:
        """Return what is wrong with ``BROWSER``, if a browser would open here without that."""
        wanted = self.prompt is None if self._open_browser is None else self._open_browser
        return why_unusable() if wanted else ""

    def _opens(self) -> bool:
        if self._open_browser is None:
            return self.prompt is None and can_open()
        return self._open_browser

    def _show(self, url: str, deadline: Deadline, redirect: RedirectReceiver) -> None:
        prompt = BrowserPrompt(url, deadline.end, redirect.message)
        with PromptCall(self.settings.clock).lock:
            if self.prompt is not None:
                with CallerCode("prompt"):
                    shown = self.prompt(prompt)
                refuse_async_result("prompt", shown)
            else:
                # While a browser opens, the address is only a notice.
                with suppress(SignInRequired) if redirect.opens else nullcontext():
                    show_page(prompt, deadline)
        if redirect.opens:
            open_page(url)


class RedirectReceiver:
    """How the response comes back from the browser: by the listener, the terminal, or both."""

    def __init__(
        self,
        *,
        opens: bool,
        why_not: str,
        listener: RedirectListener | None,
        terminal: TerminalLineReader | None,
        redirect_uri: str,
    ) -> None:
        self.opens = opens
        self._why_not = why_not
        self.redirect_uri = listener.redirect_uri if listener else redirect_uri
        self._listener = listener
        self._terminal = terminal
        self._pasted = ""  # what has been pasted so far and is no response

    @property
    def message(self) -> str:
        """What the person must do; the address of the page follows it."""
        if self.opens:
            message = "A browser window opens for you to sign in. If none opens, open this page."
        else:
            here = " on this machine" if self._listener else ""
            message = f"To sign in, open this page in a browser{here}."
            message += f" None opens by itself: {self._why_not}." if self._why_not else ""
        if self._terminal:
            message += (
                " If the browser is on another machine, paste" if self._listener else " Then paste"
            )
            message += (
                " here the address that the browser shows at the end (the page may show an"
                " error), and press Enter. What you paste is not shown."
            )
        return message

    def start(self, receiver: ResponseReceiver) -> None:
        """Accept responses from now on."""
        if self._listener:
            self._listener.serve(receiver.receive)

    def wait(self, receiver: ResponseReceiver, deadline: Deadline) -> Secret:
        """Return the authorization code, or raise the error that came in its place."""
        while not deadline.poll(receiver.arrived):
            lines = self._terminal.lines() if self._terminal else []
            if lines:
                reply = self._receive_pasted(receiver, lines)
                tell(f"{reply.title}. {reply.text if reply.status >= 400 else ''}".rstrip() + "\n")
        return receiver.code()

    def _receive_pasted(self, receiver: ResponseReceiver, lines: list[str]) -> Reply:
        """Take the response in what was pasted: an address may be broken into several lines."""
        whole = "".join(lines)
        reply = receiver.receive(pasted_query(self._pasted + whole))
        for text in (whole, *lines):
            if receiver.arrived.is_set():
                return reply
            reply = receiver.receive(pasted_query(text))
        self._pasted = (self._pasted + whole)[-_MAX_PASTED:]
        return reply


def _no_terminal(redirect_uri: str) -> SignInRequired:
    return SignInRequired(
        f"The browser will end at {redirect_uri}, and there is no terminal here to paste that"
        " address into.",
        remedy="Use a redirect_uri= on loopback, such as 'http://localhost', or run the program"
        " in a terminal.",
    )

"""TokenSource: turn a strategy and a resource into a token that is valid now.

A token passes through three windows. While it is fresh, it comes from memory without a lock.
In the *advisory* window a background thread renews it, and no caller waits. In the
*mandatory* window, and after it has expired, callers wait for one renewal that they share;
if that fails, the token is used until it expires. A person is prompted only if there is no
unexpired token and nothing silent helps. After botocore's ``tokens.DeferredRefreshableToken``.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from ..clocks import SYSTEM_CLOCK, Clock
from ..concurrency import Run, Runs, SharedByCopies, reset_after_fork, still_running
from ..entra.claims import declares_cp1, with_cp1
from ..environment.caller_warnings import in_context_of_caller
from ..errors import EndUserError, ProtocolError, SignInError, SignInRequired, TransportError
from ..log import logger
from ..options import Settings, format_call
from ..tokens import Account, Token
from .pickled_tokens import is_newer, register, share
from .sign_in_id import number_of, sign_in_id
from .strategy_caller import StrategyCaller
from .token_formats import TokenFormats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..strategies.protocol import AuthStrategy


# Back off 20 to 40 s after a failed renewal (jittered, so that the processes of a cluster do
# not all come back at once), or 5 to 10 % of the token's lifetime if that is shorter.
_BACK_OFF, _BACK_OFF_SHARE = 40.0, 0.1

# The longest Retry-After that is obeyed, in seconds.
_LONGEST_RETRY_AFTER = 3600.0

# How many seconds a caller waits for another thread's renewal while the token is unexpired.
_LONGEST_WAIT = 30.0


class _Moment(NamedTuple):
    """A moment by the wall clock and by the monotonic clock (seconds).

    It has passed when either clock says so: a wall clock that was set back would make an
    expired token look valid, and a monotonic clock may stop while a laptop sleeps.
    """

    wall: float
    monotonic: float


_PASSED = _Moment(0.0, 0.0)
_NOBODY = Account()
_NOT_FRESH: Any = (None, 0.0, 0.0)  # no clock shows an earlier moment


class _HeldToken(NamedTuple):
    """A token, and when each of its windows begins.

    ``ahead`` is how many seconds the monotonic clock was ahead of the wall clock when the token was
    taken, so that the moments need not be kept.
    """

    token: Token
    ahead: float

    @property
    def advisory(self) -> _Moment:
        """When a thread in the background renews it."""
        return self._before_expiry(self.token.advisory_margin)

    @property
    def mandatory(self) -> _Moment:
        """From when callers wait for its renewal."""
        return self._before_expiry(self.token.mandatory_margin)

    @property
    def expiry(self) -> _Moment:
        """When it expires."""
        return self._before_expiry(0.0)

    def _before_expiry(self, seconds: float) -> _Moment:
        wall = self.token.expires_on - seconds
        return _Moment(wall, wall + self.ahead)


class _Refresh(Run):
    """A renewal, or a reply to a claims challenge: its outcome, for the threads that wait."""

    def __init__(self, challenge: str | None, *, silent: bool = False) -> None:
        super().__init__()
        self.challenge = challenge
        self.silent = silent
        self.token: Token | None = None
        self.error: EndUserError | None = None


class TokenSource(SharedByCopies):
    """Return a valid token for one resource, with as few requests as possible.

    ``interactive`` says whether a person may be prompted; None: if the strategy has a prompt
    of the caller's own, or a terminal or notebook is there. ``factory_name`` is the function
    that made this source, for errors. ``claims`` go with every request. ``number`` is that of
    the sign-in (see ``sign_in_id``); None: the strategy's.
    """

    def __init__(
        self,
        strategy: AuthStrategy,
        resource: str,
        *,
        interactive: bool | None = None,
        clock: Clock = SYSTEM_CLOCK,
        factory_name: str = "management_credentials",
        claims: str | None = None,
        number: str | None = None,
    ) -> None:
        self.strategy, self.resource, self.claims = strategy, resource, claims
        self.interactive, self.factory_name = interactive, factory_name
        self.clock = clock
        self._caller = StrategyCaller(strategy, resource, clock)
        self._time, self._monotonic = clock.time, clock.monotonic
        self._held: _HeldToken | None = None
        # The token in memory, and until when it is fresh by either clock.
        self.fresh: tuple[TokenFormats, float, float] = _NOT_FRESH
        self._back_off_until = self._retry_after_until = _PASSED
        self._last_error: EndUserError | None = None
        self._refusal: SignInError | None = None  # since the last token
        self._why_not_interactive = "interactive=False"
        self.is_forked = False
        self.number = number or number_of(strategy)
        # What pickles of this sign-in have brought for other resources, or with other claims.
        self.brought: dict[tuple[str, str | None], Token] = {}
        self._forget_refreshes()
        reset_after_fork(self)
        register(self)

    @property
    def held(self) -> Token | None:
        """The token in memory, fresh or not; uses no network."""
        return self._held.token if self._held else None

    @property
    def account(self) -> Account:
        """The account of the token in memory, else of the strategy; uses no network."""
        return self._held.token.account if self._held else self._caller.strategy.account or _NOBODY

    @property
    def sign_in_id(self) -> str:
        """What tells this sign-in from every other one; see the module ``sign_in_id``."""
        return sign_in_id(self.number, self.account)

    def token(self) -> Token:
        """Return a token that is valid for minutes, or at worst now.

        Raises an EndUserError if there is no unexpired token and none can be obtained.
        """
        # The hot path: SDKs ask before every request. One read of one attribute, so that a
        # renewal by another thread is seen completely or not at all.
        formats, wall, monotonic = self.fresh
        if self._time() < wall and self._monotonic() < monotonic:
            return formats.token
        held = self._held or self._take_cached()
        if held is None or self._has_passed(held.expiry):
            logger(__name__).debug("There is no unexpired token for %s in memory.", self.resource)
            self._raise_if_retry_after()
            return self._refresh()
        if not self._has_passed(held.advisory):
            return held.token  # another credential of the sign-in has just obtained it
        if self._is_backing_off():
            logger(__name__).debug(
                "The token for %s is from memory; its renewal pauses.", self.resource
            )
            return held.token
        if self._has_passed(held.mandatory):
            logger(__name__).debug("The token for %s is in its mandatory window.", self.resource)
            return self._refresh()
        logger(__name__).debug("The token for %s is in its advisory window.", self.resource)
        self._refresh_in_background(held)
        return held.token

    def formats(self) -> TokenFormats:
        """Return what ``token`` returns, in the formats of SDKs."""
        formats, wall, monotonic = self.fresh
        if self._time() < wall and self._monotonic() < monotonic:
            return formats
        return self.formats_of(self.token())

    def formats_of(self, token: Token) -> TokenFormats:
        """Return the formats of a token that this source has returned."""
        held: TokenFormats | None = self.fresh[0]  # those of the token in memory
        return held if held is not None and held.token is token else TokenFormats(token)

    def renew(self, stale: Token | None = None) -> Token:
        """Return another token than ``stale`` (None: than the one in memory).

        Nobody is prompted while the token is unexpired. If it cannot be renewed but is
        unexpired, it is returned again; without a request if the last one has just failed.
        """
        held = self._held
        if held is not None and stale is not None and held.token is not stale:
            return self.token()
        if not self._is_unexpired():
            self._raise_if_retry_after()
        elif held is not None and self._is_backing_off():
            return held.token
        if held is not None:
            self._caller.strategy.invalidate(held.token)
        return self._refresh()

    def reply_to_challenge(self, claims: str) -> Token:
        """Return a token that meets a claims challenge (its JSON), with a prompt if necessary."""
        return self._refresh(with_cp1(claims) if declares_cp1(self.claims) else claims)

    @property
    def answers_claims(self) -> bool:
        """Whether the strategy sends claims to the authority."""
        return self._caller.strategy.answers_claims

    def sibling(self, resource: str, claims: str | None = None) -> TokenSource:
        """Return a source for another resource of the same sign-in, or with other claims."""
        new = TokenSource(
            self.strategy,
            resource,
            interactive=self.interactive,
            clock=self.clock,
            factory_name=self.factory_name,
            claims=claims,
            number=self.number,
        )
        new._why_not_interactive = self._why_not_interactive
        new.is_forked = self.is_forked
        new.brought = self.brought
        return new

    def after_fork(self) -> None:
        """Forget a renewal that runs in the parent process.

        A forked child may renew but prompts nobody: the parent prompts, or has already, and
        each child would prompt the person once more.
        """
        self._forget_refreshes()
        self.is_forked = True
        self.interactive = False
        self._why_not_interactive = "this process was forked from the one that signed in"

    def _forget_refreshes(self) -> None:
        self._refreshes: Runs[_Refresh] = Runs()
        self._background: threading.Thread | None = None

    @property
    def is_refreshing(self) -> bool:
        """Whether a thread renews the token, or replies to a claims challenge."""
        return len(self._refreshes) > 0

    @property
    def returns_at_once(self) -> bool:
        """Whether ``token`` returns without waiting for the network or for a person."""
        _, wall, monotonic = self.fresh
        if self._time() < wall and self._monotonic() < monotonic:
            return True
        held = self._held
        return held is not None and not self._has_passed(held.mandatory)

    # The windows of a token.

    def _take_cached(self) -> _HeldToken | None:
        """Hold the token that the strategy or a pickle has for another credential."""
        token = self._caller.cached_token(self.claims) or self._brought_token()
        if token is not None and self._held is None:
            self._hold(token)
        return self._held

    def _brought_token(self) -> Token | None:
        token = self.brought.get((self.resource, self.claims))
        if token is None or token.expires_on <= self.clock.time():
            return None
        # Another person may have signed in by the same strategy object since then.
        same = sign_in_id(self.number, token.account) == self.sign_in_id
        return token if same else None

    def _has_passed(self, moment: _Moment) -> bool:
        return self.clock.time() >= moment.wall or self.clock.monotonic() >= moment.monotonic

    def _is_backing_off(self) -> bool:
        return not self._has_passed(self._back_off_until)

    def _is_unexpired(self) -> bool:
        return self._held is not None and not self._has_passed(self._held.expiry)

    def _raise_if_retry_after(self) -> None:
        error = self._last_error
        if error is not None and not self._has_passed(self._retry_after_until):
            raise copy(error)

    # One refresh for all threads that want it.

    def _refresh_in_background(self, held: _HeldToken) -> None:
        if self._refreshes.has(None) or _lives(self._background):
            return
        renew = in_context_of_caller(self._renew_once)
        thread = threading.Thread(
            target=renew, args=(held,), name="adls_enduser-renewal", daemon=True
        )
        try:
            # Before it starts: start() waits for the thread, and others come by meanwhile.
            self._background = thread
            thread.start()
        except RuntimeError:  # the interpreter is shutting down, or has no thread left
            self._background = None
        except BaseException:  # Ctrl-C
            self._background = None
            raise

    def _renew_once(self, held: _HeldToken) -> None:
        # The refresh is registered here, by the thread that runs it. Before this thread runs,
        # another one may have renewed the token.
        if self._held is held:
            with suppress(EndUserError):
                self._run_or_join(_Refresh(None))

    def _refresh(self, challenge: str | None = None) -> Token:
        while True:
            refresh = _Refresh(challenge)
            running = self._run_or_join(refresh)
            if running is not refresh and not self._wait_for(running):
                held = self._held
                if held is not None and challenge is None and self._is_unexpired():
                    return held.token
                raise self._own_token() if running.is_mine else still_running(running)
            if running.token is not None:
                return running.token
            if running.error is not None:
                raise copy(running.error)

    def _run_or_join(self, refresh: _Refresh) -> _Refresh:
        """Run a refresh, unless another one with its challenge runs; return the one that runs.

        Raises the EndUserError in which it ends, unless it is ``silent``.
        """
        try:
            with refresh.lock:
                running = self._refreshes.join(refresh.challenge, refresh)
                if running is refresh:
                    self._run(refresh)
                return running
        finally:
            self._refreshes.end(refresh.challenge, refresh)
            refresh.wake()

    def _wait_for(self, refresh: _Refresh) -> bool:
        """Wait for another thread's refresh, a limited time; return whether it has ended."""
        if refresh.is_mine:
            return False
        if refresh.challenge is not None or not self._is_unexpired():
            return refresh.wait(self.clock)
        ended = refresh.wait(self.clock, _LONGEST_WAIT)
        if not ended:  # so that the next callers need not wait as well
            self._back_off_until = self._in_seconds(_back_off_seconds(self.held))
        return ended

    def _run(self, refresh: _Refresh) -> None:
        no_prompt = refresh.challenge is None and self._is_unexpired()
        try:
            refresh.token = self._hold(self._obtain(refresh))
        except EndUserError as error:
            refresh.token = self._unexpired_after(error, refresh)
            # The token may have expired while its renewal, which prompts nobody, was running.
            # Without token and error (or after Ctrl-C) a waiting thread runs the next refresh.
            may_prompt_now = no_prompt and isinstance(error, SignInError) and self._may_prompt()
            if refresh.token is None and not (refresh.silent or may_prompt_now):
                refresh.error = copy(error)  # a copy keeps no frames alive
                raise

    def _own_token(self) -> ProtocolError:
        return ProtocolError(
            f"{self._caller.name} asked its own credential for the token that it must return.",
            remedy="A strategy must not use the credential that is made from it. A signal handler"
            " or __del__ that ran during the sign-in can call again when it has finished.",
        )

    def _unexpired_after(self, error: EndUserError, refresh: _Refresh) -> Token | None:
        """Back off after a failed renewal; return the token that serves meanwhile, if any."""
        if refresh.challenge is not None:
            return None
        held = self._held or self._take_cached()  # another process may have cached one
        self._back_off(error)
        return held.token if held is not None and self._is_unexpired() else None

    def _obtain(self, refresh: _Refresh) -> Token:
        claims = self.claims if refresh.challenge is None else refresh.challenge
        may_prompt = not (refresh.silent or (refresh.challenge is None and self._is_unexpired()))
        reason: SignInError | None = None
        try:
            token = self._caller.silent(claims)
        except SignInError as refused:
            token, reason = None, refused
        if token is not None:
            return token
        if may_prompt and self._may_prompt():
            refresh.prompting = True
            with self._caller.only_our_errors():
                prompted: object = self.strategy.sign_in(self.resource, claims=claims)
            return self._caller.checked_sign_in(prompted)
        # A strategy may forget a sign-in that was refused, and then knows no reason any more.
        raise reason or copy(self._refusal) or self._interaction_required()

    def _back_off(self, error: EndUserError) -> None:
        retry_after = getattr(error, "retry_after", None) or 0.0
        retry_after = min(retry_after, _LONGEST_RETRY_AFTER)
        pause = max(_back_off_seconds(self.held), retry_after)
        logger(__name__).debug(
            "The next attempt for %s is in %.0f s, after %s.",
            self.resource,
            pause,
            type(error).__name__,
        )
        self._back_off_until = self._in_seconds(pause)
        self._retry_after_until = self._in_seconds(retry_after)
        self._last_error = copy(error)  # a copy keeps no frames alive
        if isinstance(error, SignInError):
            self._refusal = copy(error)

    def _in_seconds(self, seconds: float) -> _Moment:
        return _Moment(self.clock.time() + seconds, self.clock.monotonic() + seconds)

    def _hold(self, token: Token) -> Token:
        # A strategy that returns the same token again has no other yet: do not ask it again
        # at each call.
        same = token == self.held
        pause = min(_back_off_seconds(token), token.lifetime / 100) if same else 0.0
        held = self._held = _HeldToken(token, self.clock.monotonic() - self.clock.time())
        advisory = held.advisory
        self.fresh = (TokenFormats(token), advisory.wall, advisory.monotonic)
        self._back_off_until = self._in_seconds(pause) if pause else _PASSED
        self._retry_after_until = _PASSED
        self._refusal = None
        return token

    # Prompts.

    def _may_prompt(self) -> bool:
        if self.interactive is not None:
            return self.interactive
        from ..interaction.prompts import somebody_can_see

        return self._caller.strategy.prompt is not None or somebody_can_see()

    def _interaction_required(self) -> SignInRequired:
        settings = self._caller.strategy.settings
        options = settings.as_source()
        if isinstance(settings, Settings) and settings.mode == "password":
            call = format_call(self.factory_name, '"password"', {**options, "password": "..."})
            remedy = f"Call {call} with the password or a callable that returns it"
            need = "The password is missing"
        else:
            call = format_call(self.factory_name, '"device_code"', {**options, "prompt": "..."})
            remedy = f"Call {call} with a callback that reaches a person"
            need = "A person must sign in"
        why, otherwise = self._why_nobody()
        return SignInRequired(
            f"{need} for {self.resource}, and nobody can be prompted here ({why}).",
            remedy=f"{remedy}, or {otherwise}.",
        )

    def _why_nobody(self) -> tuple[str, str]:
        """Return why nobody can be prompted, and what can be done about it."""
        if self.interactive is False:
            otherwise = "leave interactive=False out where a person can be prompted"
            return self._why_not_interactive, otherwise
        from ..interaction.prompts import why_nobody_can_see

        why = why_nobody_can_see() or "no terminal or notebook"
        if "CI" in why:
            return why, "set interactive=True if a person reads this terminal"
        return why, "run the program in a terminal"

    # Another process receives the short-lived access token and no lasting secret.

    def __getstate__(self) -> Mapping[str, object]:
        self.prepare_for_pickle()
        return {
            "resource": self.resource,
            "factory_name": self.factory_name,
            "claims": self.claims,
            "token": self.held,
            "strategy": self._stand_in(),
            "number": self.number,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        TokenSource.__init__(
            self,
            state["strategy"],
            state["resource"],
            interactive=False,
            factory_name=state["factory_name"],
            claims=state["claims"],
            number=state["number"],
        )
        if state["token"] is not None:
            self._hold(state["token"])
            share(self)

    def prepare_for_pickle(self) -> None:
        """Obtain a token, without a prompt, if there is none or it is due.

        The other process may not be able to. No error is raised; after a refusal nothing is
        asked for.
        """
        held = self._held
        is_due = held is None or self._has_passed(held.advisory)
        tried = None if held else self._last_error
        refused = tried is not None and not isinstance(tried, TransportError)
        if is_due and not refused and not self._is_backing_off():
            refresh = _Refresh(None, silent=True)
            running = self._run_or_join(refresh)
            if running is not refresh:
                self._wait_for(running)

    @property
    def is_detached_by_pickling(self) -> bool:
        """Whether another process can obtain no token by itself."""
        from ..strategies.detached import DetachedStrategy

        return isinstance(self._stand_in(), DetachedStrategy)

    def _stand_in(self) -> AuthStrategy:
        from ..strategies.detached import DetachedStrategy

        strategy = self._caller.strategy
        other = strategy.for_other_process()
        if other is not None:
            return other
        takes_cache = isinstance(strategy.settings, Settings)
        return DetachedStrategy(self.resource, self.account, takes_cache=takes_cache)

    def take_if_newer(self, token: Token | None) -> None:
        """Hold a token that another source of this sign-in has, if it is newer."""
        if is_newer(token, self.held):
            self._hold(token)


def _back_off_seconds(held: Token | None) -> float:
    import random  # of the standard library, and slow to load

    longest = min(_BACK_OFF, held.lifetime * _BACK_OFF_SHARE) if held else _BACK_OFF
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing


def _lives(thread: threading.Thread | None) -> bool:
    """Return whether a thread runs, or is about to."""
    return thread is not None and (thread.ident is None or thread.is_alive())

"""TokenSource: a strategy and a resource become a token that works right now.

A token has three ages. Fresh, it comes from memory without a lock. In the *advisory*
window one thread in the background renews it, and nobody waits. In the *mandatory*
window, and when it is dead, callers wait for one renewal that they share; if that fails,
the token serves as long as it lives. A person is asked only when none lives and nothing
silent helps. After botocore's ``tokens.DeferredRefreshableToken``.
"""

from __future__ import annotations

import random
import threading
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from ..claims import declares_cp1, with_cp1
from ..clocks import SYSTEM_CLOCK, Clock
from ..concurrency import reset_after_fork
from ..errors import (
    ConfigurationError,
    EndUserError,
    ProtocolError,
    SignInError,
    SignInRequired,
    TransportError,
)
from ..interaction.prompts import somebody_can_see
from ..options import format_call
from ..strategies.detached import DetachedStrategy
from ..strategies.protocol import AnswersClaims, AuthStrategy, Rejects, Remembers, Travels
from ..tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable


# After a failed renewal the living token serves undisturbed for so many seconds, or that
# share of its life, if it is shorter, so that there is time for another attempt; and for
# half as long at least: not the same for everybody, lest all processes of a cluster come
# back at once.
_PAUSE, _PAUSE_SHARE = 40.0, 0.1

# A service that asks to be left alone for longer is asked again all the same.
_LONGEST_PAUSE = 3600.0

# A pause that is over by either clock.
_OVER = (0.0, 0.0)


class _Held(NamedTuple):
    """A token and its ages, by the clock on the wall and by the one that is never set.

    A clock set back would make a dead token look alive; a laptop that slept has a
    monotonic clock that did not notice. A token is as old as the worse of the two says.
    """

    token: Token
    advisory: tuple[float, float]
    mandatory: tuple[float, float]
    dead: tuple[float, float]


class _Refresh:
    """One renewal, or answer to a claims challenge, and those who wait for it."""

    def __init__(self, challenge: str | None) -> None:
        self.challenge = challenge
        self.leader = threading.get_ident()
        self.done = threading.Event()
        self.token: Token | None = None
        self.error: EndUserError | None = None


class TokenSource:
    """Gives a usable token for one resource, as seldom from the network as possible.

    ``interactive`` says whether a person may be asked; None: if the strategy has a
    prompt of its own, or a terminal or notebook is there. ``what`` names, in errors, the
    call that made this source. ``claims`` go along with every request.
    """

    def __init__(
        self,
        strategy: AuthStrategy,
        resource: str,
        *,
        interactive: bool | None = None,
        clock: Clock = SYSTEM_CLOCK,
        what: str = "management_credentials",
        claims: str | None = None,
    ) -> None:
        self.strategy = strategy
        self.resource = resource
        self.interactive = interactive
        self.clock = clock
        self.what = what
        self.claims = claims
        self._time, self._monotonic = clock.time, clock.monotonic
        self._held: _Held | None = None
        self.fresh: tuple[Token | None, float, float] = (None, 0.0, 0.0)
        self._quiet_until = self._told_until = _OVER
        self._last_error: EndUserError | None = None
        self._why_nobody = "interactive=False"
        self._take_new_lock()
        reset_after_fork(self)

    @property
    def held(self) -> Token | None:
        """The token in memory, fresh or not; asks nobody."""
        return self._held.token if self._held else None

    def token(self) -> Token:
        """Give a token that is good for minutes, or at worst for now.

        Raises an EndUserError when no token lives and none can be had.
        """
        # The hot path: SDKs ask before every request. One read of one attribute, so that
        # a renewal by another thread is seen wholly or not at all.
        token, wall, ticks = self.fresh
        if token is not None and self._time() < wall and self._monotonic() < ticks:
            return token
        return self._aged(self._held)

    def renew(self, stale: Token | None = None) -> Token:
        """Give another token than ``stale`` (None: than the held one); asks nobody while it lives.

        If it cannot be renewed but still lives, it is given again; without another attempt
        if the last one failed a moment ago.
        """
        held = self._held
        if held is not None and stale is not None and held.token is not stale:
            return self.token()
        if not self._lives():
            self._raise_if_told_to_wait()
        elif held is not None and self._is_quiet():
            return held.token
        if held is not None and isinstance(self.strategy, Rejects):
            self.strategy.reject(held.token)
        return self._join()

    def answer(self, claims: str) -> Token:
        """Give a token that meets a claims challenge (its JSON), by asking if need be."""
        wanted = with_cp1(claims) if declares_cp1(self.claims) else claims
        return self._share(wanted, lambda: self._hold(self._obtain(may_ask=True, claims=wanted)))

    @property
    def answers_claims(self) -> bool:
        """Whether the strategy sends claims on."""
        return isinstance(self.strategy, AnswersClaims) and self.strategy.answers_claims

    def sibling(self, resource: str, claims: str | None = None) -> TokenSource:
        """Give a source for another resource of the same sign-in, or with other claims."""
        new = TokenSource(
            self.strategy,
            resource,
            interactive=self.interactive,
            clock=self.clock,
            what=self.what,
            claims=claims,
        )
        new._why_nobody = self._why_nobody
        return new

    def after_fork(self) -> None:
        """Take a new lock, and forget a renewal that the parent carries out.

        A forked child may renew, but asks nobody: the parent does, or has already, and
        a person would be asked by each child once more.
        """
        self._take_new_lock()
        self.interactive = False
        self._why_nobody = "this process was forked from the one that signed in"

    def _take_new_lock(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str | None, _Refresh] = {}

    # How old the token is, and what follows from it.

    def _aged(self, held: _Held | None) -> Token:
        held = held or self._adopted()
        if held is None or self._past(held.dead):
            self._raise_if_told_to_wait()
            return self._join()
        if self._is_quiet():
            return held.token
        if self._past(held.mandatory):
            return self._join()
        self._renew_in_background()
        return held.token

    def _adopted(self) -> _Held | None:
        """Take the token that the strategy holds for another credential, while it lives."""
        if isinstance(self.strategy, Remembers):
            strategy = self.strategy
            token = self._checked(lambda: strategy.living(self.resource, claims=self.claims))
            with self._lock:
                if token is not None and self._held is None:
                    self._hold(token)
        return self._held

    def _past(self, age: tuple[float, float]) -> bool:
        return self.clock.time() >= age[0] or self.clock.monotonic() >= age[1]

    def _is_quiet(self) -> bool:
        return not self._past(self._quiet_until)

    def _lives(self) -> bool:
        return self._held is not None and not self._past(self._held.dead)

    def _raise_if_told_to_wait(self) -> None:
        error = self._last_error
        if error is not None and not self._past(self._told_until):
            raise copy(error)

    # One renewal for all who want it.

    def _renew_in_background(self) -> None:
        flight, leads = self._board(None)
        if not leads:
            return
        thread = threading.Thread(
            target=self._lead, args=(flight, self._fetch), name="adls_enduser-renewal", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down, or is out of threads
            self._land(flight)

    def _join(self) -> Token:
        return self._share(None, self._fetch)

    def _share(self, challenge: str | None, fetch: Callable[[], Token]) -> Token:
        while True:
            flight, leads = self._board(challenge)
            if leads:
                self._lead(flight, fetch)
            elif flight.leader == threading.get_ident():
                raise ProtocolError(
                    f"{self._name} asked for the token that it is to give.",
                    remedy="A strategy must not use the credential that is made of it.",
                )
            else:
                flight.done.wait()
            if flight.token is not None:
                return flight.token
            if flight.error is not None:
                raise flight.error if leads else copy(flight.error)

    def _board(self, challenge: str | None) -> tuple[_Refresh, bool]:
        """Give what is under way for all of one challenge, or a new one that the caller leads."""
        with self._lock:
            flight = self._flights.get(challenge)
            if flight is not None:
                return flight, False
            flight = self._flights[challenge] = _Refresh(challenge)
            return flight, True

    def _lead(
        self, flight: _Refresh, fetch: Callable[[], Token], *, silently: bool = False
    ) -> None:
        flight.leader = threading.get_ident()
        unasked = flight.challenge is None and self._lives()
        try:
            flight.token = fetch()
        except EndUserError as error:
            flight.error = None if silently or (unasked and self._may_help(error)) else error
        finally:
            # After Ctrl-C, or when a person could help those who wait but was not asked,
            # there is neither token nor error, and a waiter leads the next.
            self._land(flight)

    def _may_help(self, error: EndUserError) -> bool:
        # The token has died while its renewal was under way, which asked nobody.
        return isinstance(error, SignInError) and self._somebody_may_be_asked()

    def _land(self, flight: _Refresh) -> None:
        with self._lock:
            if self._flights.get(flight.challenge) is flight:
                del self._flights[flight.challenge]
        flight.done.set()

    def _fetch(self, *, silently: bool = False) -> Token:
        try:
            may_ask = not (silently or self._lives())
            return self._hold(self._obtain(may_ask=may_ask, claims=self.claims))
        except EndUserError as error:
            # What another process has left in the cache, perhaps.
            held = self._held or self._adopted()
            self._be_quiet(error)
            if held is not None and self._lives():
                return held.token
            raise

    def _be_quiet(self, error: EndUserError) -> None:
        told = min(getattr(error, "retry_after", None) or 0.0, _LONGEST_PAUSE)
        pause = max(_pause(self.held), told)
        self._quiet_until, self._told_until = self._in(pause), self._in(told)
        self._last_error = error.with_traceback(None)

    def _in(self, seconds: float) -> tuple[float, float]:
        return self.clock.time() + seconds, self.clock.monotonic() + seconds

    def _hold(self, token: Token) -> Token:
        wall, ticks = self.clock.time(), self.clock.monotonic()
        left = token.expires_on - wall

        def before_the_end(margin: float) -> tuple[float, float]:
            return wall + left - margin, ticks + left - margin

        # Whoever gives the same token again has no other yet, and is not asked at each call.
        again = min(_pause(token), token.lifetime / 100) if token == self.held else 0.0
        self._held = _Held(
            token,
            advisory=before_the_end(token.advisory_margin),
            mandatory=before_the_end(token.mandatory_margin),
            dead=before_the_end(0.0),
        )
        self.fresh = (token, *self._held.advisory)
        self._quiet_until, self._told_until = self._in(again), _OVER
        return token

    # Asking the strategy.

    def _obtain(self, *, may_ask: bool, claims: str | None) -> Token:
        reason: SignInError | None = None
        try:
            token = self._checked(lambda: self.strategy.silent(self.resource, claims=claims))
        except SignInError as refused:
            token, reason = None, refused
        if token is not None:
            return token
        if may_ask and self._somebody_may_be_asked():
            return self._asked(claims)
        raise reason or self._nobody()

    def _asked(self, claims: str | None) -> Token:
        token = self._checked(lambda: self.strategy.sign_in(self.resource, claims=claims))
        if token is None:
            raise ConfigurationError(f"{self._name}.sign_in returned None instead of a Token.")
        return token

    def _checked(self, act: Callable[[], object]) -> Token | None:
        failure: Exception
        try:
            token = act()
        except EndUserError:
            raise
        except Exception as error:  # a stranger's strategy may raise anything
            failure = error
        else:
            return self._valid(token)
        # msrest calls a credential twice after a TypeError, and the store's client
        # retries requests' errors for 85 seconds, so neither may get out.
        ours = TransportError if isinstance(failure, OSError) else ProtocolError
        raise ours(
            f"{self._name} failed with {type(failure).__name__}.",
            remedy="Mend what raised it, perhaps a callback of yours: see this error's __cause__.",
        ) from failure

    def _valid(self, token: object) -> Token | None:
        if token is not None and not isinstance(token, Token):
            kind = type(token).__name__
            raise ConfigurationError(f"{self._name} must give a Token, not {kind}.")
        if token is not None:
            self._check(token)
        return token

    def _check(self, token: Token) -> None:
        if not token.is_sound:
            raise ConfigurationError(
                f"{self._name} gave a Token that is none: its secret must be visible ASCII"
                " characters, its times UTC epoch seconds."
            )
        if token.expires_on <= self.clock.time():
            raise ProtocolError(
                f"{self._name} gave a token that is over already.",
                remedy="Compare this machine's clock with the time of day.",
            )

    def _somebody_may_be_asked(self) -> bool:
        if self.interactive is not None:
            return self.interactive
        return getattr(self.strategy, "prompt", None) is not None or somebody_can_see()

    def _nobody(self) -> SignInRequired:
        why = self._why_nobody if self.interactive is False else "no terminal or notebook"
        given: dict[str, str] = getattr(
            getattr(self.strategy, "settings", None), "as_source", dict
        )()
        asking = format_call(self.what, '"device_code"', {**given, "prompt": "..."})
        return SignInRequired(
            f"A person must sign in for {self.resource}, and nobody can be asked here ({why}).",
            remedy=f"Call {asking} with a callback that"
            " reaches a person, or run the program in a terminal.",
        )

    @property
    def _name(self) -> str:
        return type(self.strategy).__name__

    # A copy in this process is the same sign-in, as a copy of a lock is the same lock.

    def __copy__(self) -> TokenSource:
        return self

    def __deepcopy__(self, memo: object) -> TokenSource:
        return self

    # Another process gets the short-lived access token and nothing that lasts.

    def __getstate__(self) -> dict[str, object]:
        stand_in = self.strategy.elsewhere() if isinstance(self.strategy, Travels) else None
        token = self._to_send()
        own = {"resource": self.resource, "what": self.what, "claims": self.claims}
        return {**own, "token": token, "strategy": stand_in}

    def __setstate__(self, state: dict[str, object]) -> None:
        resource, what, token = str(state["resource"]), str(state["what"]), state["token"]
        strategy = state["strategy"]
        if not isinstance(strategy, AuthStrategy):
            strategy = DetachedStrategy(resource)
        claims: Any = state["claims"]
        TokenSource.__init__(self, strategy, resource, interactive=False, what=what, claims=claims)
        if isinstance(token, Token):
            self._hold(token)

    def _to_send(self) -> Token | None:
        """Renew, asking nobody, a token that ends soon: where it goes that is impossible."""
        held = self._held
        if held is not None and self._past(held.advisory) and not self._is_quiet():
            flight, leads = self._board(None)
            if leads:
                self._lead(flight, lambda: self._fetch(silently=True), silently=True)
            elif flight.leader != threading.get_ident():
                flight.done.wait()
        return self.held


def _pause(held: Token | None) -> float:
    longest = min(_PAUSE, held.lifetime * _PAUSE_SHARE) if held else _PAUSE
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing

"""Session: what a person's sign-in leaves behind, and how it serves the next resource."""

from __future__ import annotations

import threading
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..cache import LOCK_TIMEOUT, CachedSession, CacheKey
from ..claims import declares_cp1, is_challenge
from ..concurrency import Question, reset_after_fork
from ..errors import CacheError, SignInError, SignInExpired, WrongAccount
from ..options import is_tenant_id
from ..tokens import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..cache import Entry
    from ..clocks import Clock
    from ..entra.backend import Backend, Grant
    from ..options import AccountSettings, Settings
    from ..tokens import Secret, Token


class Session:
    """One person's sign-in at one authority, for one client; in memory, and in the cache.

    Its refresh token serves every resource (Microsoft: multi-resource refresh tokens),
    and each answer may bring a new one, so a lock keeps renewals in a row: one in this
    process, and the cache's own among processes.
    """

    def __init__(self, settings: Settings, backend: Backend) -> None:
        self.settings = settings
        self.backend = backend
        self.account: Account | None = None
        self._refresh_token: Secret | None = None
        # By resource, and whether with the capability CP1, which makes another token.
        self._tokens: dict[tuple[str, bool], _Remembered] = {}
        # The last token of each resource that was made or given here, without CP1.
        self._seen: dict[str, Token] = {}
        self._person_needed = False
        self._question = Question()
        self._in_cache = False
        # The refresh token that the cache held when it was last seen, and whether the
        # one in memory is newer and could not be written.
        self._cached: Secret | None = None
        self._unsaved = False
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Take a new lock."""
        self._lock = threading.RLock()

    def renew(
        self, resource: str, username: str | None = None, claims: str | None = None
    ) -> Token | None:
        """Give a token, by the refresh token if need be; None where nobody has signed in yet.

        The same token again, to another credential, as long as it is fresh and no
        ``claims`` challenge wants another; and once, as long as nobody need wait for a newer
        one, what another process has left in the cache. ``username`` says whose sign-in to
        look for in the cache, if the settings do not.

        Raises SignInExpired when the refresh token is refused for good (it is then
        forgotten), another SignInError when this resource wants more than it can give,
        ConfigurationError, before any network, for claims that cannot be sent.
        """
        self.backend.check_claims(claims)
        with self._lock:
            token = self._fresh(resource, claims)
            if token is not None:
                return token
            with self._entry(username) as entry:
                self._adopt(entry)
                return self._found(resource, claims) or self._refreshed(resource, entry, claims)

    def begin(
        self,
        resource: str,
        ask: Callable[[], Grant],
        username: str | None = None,
        claims: str | None = None,
    ) -> Token:
        """Sign in by ``ask``, unless another thread or process has just done so.

        Whoever waits while another thread asks shares the answer: the sign-in, or an error
        that says what the person made of it. Raises CacheError, before anybody is asked,
        where the sign-in could not be kept.
        """
        self.backend.check_claims(claims)
        with self._question.turn():
            renewed = None if self._person_needed else self.renew(resource, username, claims)
            if renewed is not None:
                return renewed
            if self.settings.cache is not None:
                self.settings.cache.check()
            grant = self._question.put(lambda: self._expected(ask()))
            return self._begun(grant, username, claims)

    def _begun(self, grant: Grant, username: str | None, claims: str | None) -> Token:
        with self._lock:
            self._tokens.clear()  # of somebody else, perhaps
            self._person_needed = self._in_cache = False
            token = self._keep(grant, claims)
            with self._entry(username) as entry:
                self._save(entry)
            return token

    def living(self, resource: str, claims: str | None = None) -> Token | None:
        """Give the token in memory, if it lives, however soon it ends."""
        held = self._tokens.get((resource, declares_cp1(claims)))
        if held is None or is_challenge(claims):
            return None
        return held.token if held.lives(self.settings.clock) else None

    def reject(self, token: Token) -> None:
        """Forget a token, so that the next one comes from the authority."""
        with self._lock:
            # The cache may hold it though it was never asked for here: in another process.
            if not self._holding(token) and self.settings.cache is None:
                return
            with self._entry(token.account.username) as entry:
                self._adopt(entry)
                rejected = self._holding(token)
                for key in rejected:
                    del self._tokens[key]
                if rejected:
                    self._save(entry)

    def _holding(self, token: Token) -> list[tuple[str, bool]]:
        return [key for key, one in self._tokens.items() if one.token == token]

    def _fresh(self, resource: str, claims: str | None) -> Token | None:
        held = self._tokens.get((resource, declares_cp1(claims)))
        if held is None or is_challenge(claims):
            return None
        return held.token if held.lasts(self.settings.clock) else None

    def _found(self, resource: str, claims: str | None) -> Token | None:
        """Give what another process has left: it serves at once, and is renewed in its turn."""
        held = None if claims is not None else self._tokens.get((resource, False))
        if held is None or held.token == self._seen.get(resource):
            return self._fresh(resource, claims)
        self._seen[resource] = held.token
        unhurried = held.token.advisory_margin - held.token.mandatory_margin
        return held.token if held.lasts(self.settings.clock, unhurried) else None

    def _refreshed(self, resource: str, entry: Entry | None, claims: str | None) -> Token | None:
        if self._refresh_token is None:
            return None
        try:
            grant = self.backend.refresh(resource, self._refresh_token, claims)
            token = self._keep(self._same(grant), claims)
        except SignInError as refused:
            self._person_needed = True
            if isinstance(refused, SignInExpired):
                self._refresh_token = None
                self._save(entry)
            raise
        self._save(entry)
        return token

    def _keep(self, grant: Grant, claims: str | None) -> Token:
        self._refresh_token = grant.refresh_token or self._refresh_token
        token = grant.token
        if token.account != Account():
            self.account = token.account
        elif self.account is not None:  # a renewal may come without an id token
            token = replace(token, account=self.account)
        self._tokens[token.resource, declares_cp1(claims)] = self._remembered(token)
        if not declares_cp1(claims):
            self._seen[token.resource] = token
        return token

    def _remembered(self, token: Token) -> _Remembered:
        # The same token again, out of the cache, is not younger than it was.
        for one in self._tokens.values():
            if one.token == token:
                return one
        clock = self.settings.clock
        left = token.expires_on - token.advisory_margin - clock.time()
        return _Remembered(token, clock.monotonic() + left)

    def _expected(self, grant: Grant) -> Grant:
        """Refuse a sign-in of somebody else than was asked for.

        A tenant given by its domain is not compared, for an answer names tenants by id: it
        is the authority, asked under that domain, that chooses the tenant, and ``_same``
        that holds it to its choice.
        """
        check_account(grant.token.account, self.settings, self._again(grant))
        return grant

    def _same(self, grant: Grant) -> Grant:
        """Refuse a renewal that is of another tenant, or another person, than the sign-in.

        User names are not compared: they change, and versions 1.0 and 2.0 spell a guest's
        differently.
        """
        before, now = self.account or Account(), grant.token.account
        if _differ(before.tenant, now.tenant):
            raise _wrong("tenant", before.tenant, now.tenant, self._again(grant))
        if _differ(before.object_id, now.object_id):
            raise _wrong("username", before.username, now.username, self._again(grant))
        return grant

    def _again(self, grant: Grant) -> str:
        return f" The next call: {self.settings.call_for(grant.token.resource)}."

    # The cache.

    @contextmanager
    def _entry(self, username: str | None) -> Iterator[Entry | None]:
        """Open the cache, if there is one; without it a sign-in in memory goes on."""
        cache = self.settings.cache
        if cache is None:
            yield None
            return
        with ExitStack() as opened:
            entry = None
            try:
                entry = opened.enter_context(cache.open(self._place(username), self._patience))
            except CacheError as error:
                if self._refresh_token is None:
                    raise
                _warn(error)
            yield entry

    @property
    def _patience(self) -> float:
        # As long as another process may need for a renewal, which it does under the lock.
        return LOCK_TIMEOUT + 2 * self.settings.request_timeout

    def _place(self, username: str | None) -> CacheKey:
        own = self.settings
        known = self.account.username if self.account else None
        wanted = known or own.username or username
        return CacheKey(own.cloud.authority, own.client_id, own.tenant, wanted)

    def _adopt(self, entry: Entry | None) -> None:
        # What stands in the cache is newer than what this process remembers: whoever
        # renewed last has written it, under the lock. Unless that was this process, and
        # it could not.
        kept = entry.session if entry is not None else None
        if kept is None or kept.refresh_token is None:
            return
        if self._unsaved and kept.refresh_token == self._cached:
            return
        before, self.account = self.account, kept.account
        self._refresh_token = self._cached = kept.refresh_token
        self._unsaved, self._in_cache = False, True
        tokens = {(name, False): self._remembered(one) for name, one in kept.tokens.items()}
        if kept.account == before:
            tokens |= {key: one for key, one in self._tokens.items() if key[1]}
        self._tokens = tokens

    def _save(self, entry: Entry | None) -> None:
        if self.settings.cache is None or self.account is None:
            return
        if entry is None:
            self._unsaved = True
            return
        if self._in_cache and entry.session is None and not entry.may_be_lost:
            return  # signed out by another process: that must not be undone here
        self._in_cache = True
        self._cached = entry.session.refresh_token if entry.session else None
        try:
            self._write(entry, self.account)
        except CacheError as error:
            self._unsaved = True
            _warn(error)  # the sign-in goes on in memory
        else:
            self._cached, self._unsaved = self._refresh_token, False

    def _write(self, entry: Entry, account: Account) -> None:
        if self._refresh_token is None:
            entry.delete()
            return
        # Those with CP1 stay here: a service may end them at any time, and it is this
        # process that hears of it.
        plain = {key[0]: one.token for key, one in self._tokens.items() if not key[1]}
        entry.save(CachedSession(account, self._refresh_token, plain))


class _Remembered(NamedTuple):
    """A token, and until when it is given again by the clock that is never set (seconds)."""

    token: Token
    until: float

    def lasts(self, clock: Clock, longer: float = 0.0) -> bool:
        """Tell whether it is not due for renewal yet, or not for so many seconds."""
        due = self.token.expires_on - self.token.advisory_margin
        return clock.time() < due + longer and clock.monotonic() < self.until + longer

    def lives(self, clock: Clock) -> bool:
        """Tell whether it is good now."""
        return self.lasts(clock, self.token.advisory_margin)


def check_account(account: Account, asked: Settings | AccountSettings, again: str = "") -> None:
    """Raise WrongAccount where another person, or another tenant, was asked for.

    ``again`` is what the remedy ends with.
    """
    if _differ(asked.username, account.username):
        raise _wrong("username", asked.username, account.username, again)
    if is_tenant_id(asked.tenant) and _differ(asked.tenant, account.tenant):
        raise _wrong("tenant", asked.tenant, account.tenant, again)


def _warn(error: CacheError) -> None:
    warnings.warn(f"The sign-in is not kept: {error}", stacklevel=2)


def _differ(asked: str | None, got: str | None) -> bool:
    return asked is not None and got is not None and asked.lower() != got.lower()


def _wrong(option: str, asked: str | None, got: str | None, again: str) -> WrongAccount:
    return WrongAccount(
        f"{asked} was to sign in, but {got} did ({option}).",
        remedy=f"Sign in with the right account, in a private browser window if another one"
        f" is signed in there, or change {option}=.{again}",
    )

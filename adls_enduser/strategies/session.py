"""Session: a person's sign-in, and how it serves the next resource."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from copy import copy
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ..concurrency import PromptLock, SharedByCopies, reset_after_fork
from ..entra.claims import declares_cp1, is_challenge
from ..entra.library import load_backend
from ..errors import (
    CacheError,
    ConfigurationError,
    SignInCancelled,
    SignInError,
    SignInExpired,
    SignInTimedOut,
    WrongAccount,
)
from ..interaction.waiting import Deadline, WaitOptions
from ..log import logger, printable, utc
from ..options import is_tenant_id
from ..tokens import Account
from ..values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..cache import CacheKey, Glance
    from ..cache.entry import Entry
    from ..clocks import Clock
    from ..entra.backend import Backend, Grant
    from ..errors import EndUserError
    from ..options import AccountSettings, Settings
    from ..tokens import Secret, Token


class HoldsSignIn(SharedByCopies):
    """Base of objects that hold a person's sign-in: copies share it, and none is pickled."""

    @property
    def sign_in_number(self) -> str:
        """The random number of this object, of which the id of its sign-in is made."""
        number: str = vars(self).setdefault("_sign_in_number", os.urandom(16).hex())
        return number

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            f"{type(self).__name__} cannot be pickled: it holds a person's sign-in.",
            remedy="Pickle what a factory returned: it carries the short-lived access token.",
        )

    if not TYPE_CHECKING:  # or no misspelt name would be an error to a type checker

        def __getattr__(self, name: str) -> NoReturn:
            """Raise ConfigurationError if an SDK takes the strategy for a credential."""
            if name in _OF_CREDENTIALS:
                raise _no_credential(type(self).__name__)
            # As object's own does: with both, Python suggests near names.
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=self)


# What Azure's SDKs ask a credential for. Not an AttributeError: azure-storage-blob asks hasattr,
# and would only say "Unsupported credential" (its StorageAccountHostsMixin._create_pipeline).
_OF_CREDENTIALS = ("get_token", "get_token_info", "signed_session", "refresh_session")


def _no_credential(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is a strategy, and not a credential that an SDK can use.",
        remedy="Give the SDK what a factory returns: management_credentials(mode=strategy),"
        " storage_credential(mode=strategy) for Azure Storage, or"
        " filesystem_token(mode=strategy) for AzureDLFileSystem.",
    )


class Session:
    """One person's sign-in at one authority, for one client id; in memory, and in the cache.

    Its refresh token serves every resource (Microsoft: multi-resource refresh tokens), and
    each response may bring a new one. So renewals run one after the other: under a lock in
    this process, and under the cache's lock among processes.
    """

    def __init__(self, settings: Settings, wait_options: WaitOptions | None = None) -> None:
        self.settings = settings
        self._backend: Backend | None = None
        self._wait_options = wait_options or WaitOptions()
        self.account: Account | None = None
        self._refresh_token: Secret | None = None
        # By resource, and by whether the capability CP1 was declared: that makes another token.
        self._tokens: dict[tuple[str, bool], _HeldToken] = {}
        # The last token of each resource that was obtained or returned here, without CP1.
        self._last_returned: dict[str, Token] = {}
        self._person_needed = False
        self.prompt_lock = PromptLock(settings.clock)
        self._in_cache = False
        self._requested_username = settings.username
        # Of discovery, from the cache.
        self._documents: Mapping[str, tuple[str, float]] = {}
        # The refresh token that the cache had when it was last read, and whether the one in
        # memory is newer and could not be written.
        self._cached_refresh_token: Secret | None = None
        self._unsaved = False
        self.after_fork()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Make new locks; forget a refusal, because the parent process may be prompting."""
        # Of the refresh token that was forgotten.
        self.refusal: SignInExpired | None = None
        self._lock = threading.RLock()
        self._cache_in_use = threading.Lock()

    @property
    def backend(self) -> Backend:
        """The backend of the library that the settings name; the first request loads it."""
        if self._backend is None:
            self._backend = load_backend(self.settings)
        return self._backend

    def check_claims(self, claims: str | None) -> None:
        """Raise ConfigurationError for claims that cannot be sent; makes no request."""
        if claims is not None:
            self.backend.check_claims(claims)

    def acquire_silent(
        self, resource: str, username: str | None = None, claims: str | None = None
    ) -> Token | None:
        """Return a token without a prompt; None if nobody has signed in yet.

        Returns the token in memory if it is fresh and no ``claims`` challenge asks for
        another; else the token that another process cached, once, if it is not due yet;
        else a new one by the refresh token. ``username`` says whose sign-in to look for in
        the cache, if the settings do not.

        Raises SignInExpired when the refresh token is refused for good (it is then
        forgotten; the same error is raised until the person signs in again), another
        SignInError when this resource needs more than a refresh token,
        ConfigurationError, before any network, for claims that cannot be sent.
        """
        self.check_claims(claims)
        with self._lock:
            token = self._fresh(resource, claims)
            if token is not None:
                return token
            with self._glance(username) as glance:
                token = self._from_cache(glance, resource, claims)
                if token is not None:
                    return token
                with self._entry(glance) as entry:
                    token = self._from_cache(entry, resource, claims)
                    return token or self._refreshed(resource, entry, claims)

    def acquire_interactive(
        self,
        resource: str,
        obtain_grant: Callable[[str, str | None], Grant],
        username: str | None,
        claims: str | None,
    ) -> Token:
        """Sign in by ``obtain_grant``, unless another thread or process has just done so.

        Call it by ``prompt_lock.exclusive``. Raises CacheError, before the person is prompted,
        if the sign-in could not be kept.
        """
        if not self._person_needed:
            token = self.acquire_silent(resource, username, claims)
            if token is not None:
                return token
        if self.settings.cache is not None:
            self.settings.cache.check(self._keyring_check())
        grant = obtain_grant(resource, claims)
        self._check_account(grant)
        self._requested_username = self.settings.username or username
        return self._start(grant, username, claims)

    def unexpired(self, resource: str, claims: str | None = None) -> Token | None:
        """Return the token in memory if it has not expired, however soon it will."""
        held = self._tokens.get((resource, declares_cp1(claims)))
        if held is None or is_challenge(claims):
            return None
        return held.token if held.is_unexpired(self.settings.clock) else None

    def invalidate(self, token: Token) -> None:
        """Forget a token, so that the next one comes from the authority."""
        with self._lock:
            # Another process may have cached it, though nobody asked for it here.
            if not self._keys_of(token) and self.settings.cache is None:
                return
            with self._cache_entry(token.account.username) as entry:
                self._load(entry)
                keys = self._keys_of(token)
                for key in keys:
                    del self._tokens[key]
                if keys:
                    self._save(entry)

    def _start(self, grant: Grant, username: str | None, claims: str | None) -> Token:
        with self._lock:
            self._tokens.clear()  # they may be another person's
            self._person_needed = self._in_cache = False
            # The account of before may be another person's.
            known = self.account if grant.token.account == Account() else None
            token = self._store(grant, claims, known)
            with self._cache_entry(username, saves=True) as entry:
                self._save(entry)
            logger(__name__).info(
                "%s signed in at %s for %s, until %s.",
                printable(token.account.username or "A person"),
                self.settings.authority,
                token.resource,
                utc(token.expires_on),
            )
            return token

    def _keys_of(self, token: Token) -> list[tuple[str, bool]]:
        return [key for key, held in self._tokens.items() if held.token == token]

    def _fresh(self, resource: str, claims: str | None) -> Token | None:
        held = self._tokens.get((resource, declares_cp1(claims)))
        if held is None or is_challenge(claims):
            return None
        return held.token if held.is_fresh(self.settings.clock) else None

    def _from_other_process(self, resource: str, claims: str | None) -> Token | None:
        """Return what another process cached, once: after that it is renewed when due."""
        held = None if claims is not None else self._tokens.get((resource, False))
        if held is None or held.token == self._last_returned.get(resource):
            return self._fresh(resource, claims)
        self._last_returned[resource] = held.token
        logger(__name__).debug("The token for %s is from the cache.", resource)
        until_mandatory = held.token.advisory_margin - held.token.mandatory_margin
        return held.token if held.is_fresh(self.settings.clock, until_mandatory) else None

    def _refreshed(self, resource: str, entry: Entry | None, claims: str | None) -> Token | None:
        if self._refresh_token is None:
            if self.refusal is not None:
                raise copy(self.refusal)
            return None
        try:
            self._keep_documents()
            grant = self.backend.refresh(resource, self._refresh_token, claims)
            self._check_same_account(grant)
            token = self._store(grant, claims, self.account)
        except SignInError as refused:
            _log_refused_renewal(resource, refused)
            self._person_needed = True
            if isinstance(refused, SignInExpired):
                self.refusal = copy(refused)  # a copy keeps no frames alive
                self._refresh_token = None
                self._save(entry)
            raise
        self._save(entry)
        logger(__name__).info(
            "The token for %s was renewed, until %s.", resource, utc(token.expires_on)
        )
        return token

    def _store(self, grant: Grant, claims: str | None, known: Account | None) -> Token:
        self._refresh_token = grant.refresh_token or self._refresh_token
        self.refusal = None
        # A renewal may come without an id token, or with one that says less.
        account = _completed(grant.token.account, known)
        token = replace(grant.token, account=account)
        self.account = account if account != Account() else None
        self._tokens[token.resource, declares_cp1(claims)] = self._held(token)
        if not declares_cp1(claims):
            self._last_returned[token.resource] = token
        return token

    def _held(self, token: Token) -> _HeldToken:
        # The same token, read from the cache again, is not younger than it was.
        for held in self._tokens.values():
            if held.token == token:
                return held
        clock = self.settings.clock
        left = token.expires_on - token.advisory_margin - clock.time()
        return _HeldToken(token, clock.monotonic() + left)

    def _check_account(self, grant: Grant) -> None:
        """Raise WrongAccount if another person, or another tenant, was asked for.

        A password proves whose it is. Its user name may be one that no claim has: an alias, an
        alternate login id, the name with a Windows domain at an AD FS.
        """
        asked: AccountSettings = self.settings
        if self.settings.mode == "password":
            asked = replace(asked, username=None)
        check_account(grant.token.account, asked, grant.names, self._next_call(grant))

    def _check_same_account(self, grant: Grant) -> None:
        """Refuse a renewal for another tenant, or another person, than the sign-in.

        User names are not compared: they change, and versions 1.0 and 2.0 spell a guest's
        differently.
        """
        before, now = self.account or Account(), grant.token.account
        if _differ(before.tenant, now.tenant):
            raise _wrong_account("tenant", before.tenant, now.tenant, self._next_call(grant))
        if _differ(before.object_id, now.object_id):
            raise _wrong_account("username", before.username, now.username, self._next_call(grant))

    def _next_call(self, grant: Grant) -> str:
        return f" The next call: {self.settings.call_for(grant.token.resource)}."

    def _keep_documents(self) -> None:
        """Spare this process the requests for what another one has learnt about the authority."""
        if self._documents:
            from ..entra.discovery import keep_cached_documents

            keep_cached_documents(self.settings, self._documents)

    def _known_documents(self) -> Mapping[str, tuple[str, float]]:
        if self._backend is None:  # and so requests need not be loaded
            return self._documents
        from ..entra.discovery import known_documents

        return known_documents(self.settings)

    # The cache.

    @contextmanager
    def _cache_entry(self, username: str | None, *, saves: bool = False) -> Iterator[Entry | None]:
        """Lock the cache, if there is one, and return the entry of this sign-in."""
        with self._glance(username, saves=saves) as glance, self._entry(glance) as entry:
            yield entry

    @contextmanager
    def _glance(self, username: str | None, *, saves: bool = False) -> Iterator[Glance | None]:
        """Read the cache without its lock, which another process may hold while it renews."""
        cache = self.settings.cache
        # In use: by this thread, which holds self._lock, and which a signal handler or __del__
        # has interrupted. That call does without the cache, and the interrupted one writes it.
        if cache is None or self._cache_in_use.locked():
            yield None
            return
        with self._cache_in_use:
            glance = None
            with self._unless_in_memory():
                key, check = self._key(username), self._keyring_check()
                glance = cache.glance(key, check=check, saves=saves)
            yield glance

    @contextmanager
    def _entry(self, glance: Glance | None) -> Iterator[Entry | None]:
        """Lock the cache that was read; None if there is none, or if it failed."""
        with ExitStack() as locked:
            entry = None
            if glance is not None:
                from ..cache import LOCK_TIMEOUT

                # Another process renews under the lock: two requests.
                timeout = 2 * self.settings.request_timeout
                with self._unless_in_memory():
                    entry = locked.enter_context(glance.locked(LOCK_TIMEOUT + timeout))
            yield entry

    @contextmanager
    def _unless_in_memory(self) -> Iterator[None]:
        """Let the cache fail: an error only if the sign-in is not in memory as well."""
        try:
            yield
        except (CacheError, SignInCancelled, SignInTimedOut) as error:
            if self._refresh_token is None:
                raise
            _warn(error)

    def _keyring_check(self) -> Callable[[], None]:
        """Return a function that ends the wait for a keyring which asks the person.

        It raises like the wait for the person; without ``timeout=``, CacheError after a minute.
        """
        from ..cache import time_limit

        again = "unlock the system's keyring before that, because it has not responded"
        deadline = Deadline(self._wait_options, self.settings.clock, again=again)
        limit = time_limit() if self._wait_options.timeout is None else deadline.check

        def check() -> None:
            deadline.check()
            limit()

        return check

    def _key(self, username: str | None) -> CacheKey:
        from ..cache import CacheKey

        own = self.settings
        known = self.account.username if self.account else None
        wanted = known or own.username or username
        return CacheKey(own.cloud.authority, own.client_id, own.tenant, wanted)

    def _from_cache(
        self, found: Glance | Entry | None, resource: str, claims: str | None
    ) -> Token | None:
        self._load(found)
        return self._from_other_process(resource, claims)

    def _load(self, found: Glance | Entry | None) -> None:
        # The cache is newer than this process's memory: the process that renewed last has
        # written it, under the lock. Unless this process renewed last and could not write.
        cached = found.session if found is not None else None
        if cached is None or cached.refresh_token is None:
            return
        if self._unsaved and cached.refresh_token == self._cached_refresh_token:
            return
        before, self.account = self.account, cached.account
        self._refresh_token = self._cached_refresh_token = cached.refresh_token
        self._documents = cached.documents
        self._unsaved, self._in_cache = False, True
        tokens = {(name, False): self._held(token) for name, token in cached.tokens.items()}
        if cached.account == before:
            tokens |= {key: held for key, held in self._tokens.items() if key[1]}
        self._tokens = tokens

    def _save(self, entry: Entry | None) -> None:
        if self.settings.cache is None or self.account is None:
            return
        if entry is None:
            self._unsaved = True
            return
        if self._in_cache and entry.session is None and not entry.may_be_lost:
            return  # another process signed out: that must not be undone here
        self._in_cache = True
        self._cached_refresh_token = entry.session.refresh_token if entry.session else None
        try:
            self._write(entry, self.account)
        except CacheError as error:
            self._unsaved = True
            _warn(error)  # the sign-in goes on in memory
        else:
            self._cached_refresh_token, self._unsaved = self._refresh_token, False

    def _write(self, entry: Entry, account: Account) -> None:
        if self._refresh_token is None:
            entry.delete()
            return
        # Tokens with CP1 stay in this process: a service may revoke one at any time, and
        # only this process learns of it.
        tokens = {key[0]: held.token for key, held in self._tokens.items() if not key[1]}
        from ..cache import CachedSession

        session = CachedSession(account, self._refresh_token, tokens, self._known_documents())
        # Which may be an alias, by which the next process looks for the sign-in.
        entry.save(session, requested_username=self._requested_username)


class _HeldToken(NamedTuple):
    """A token, and when it is due for renewal by the clock that is never set (seconds)."""

    token: Token
    due: float

    def is_fresh(self, clock: Clock, longer: float = 0.0) -> bool:
        """Return whether it is not due for renewal yet, or not due for ``longer`` seconds."""
        due = self.token.expires_on - self.token.advisory_margin
        return clock.time() < due + longer and clock.monotonic() < self.due + longer

    def is_unexpired(self, clock: Clock) -> bool:
        """Return whether it can be used now."""
        return self.is_fresh(clock, self.token.advisory_margin)


def check_account(
    account: Account, asked: AccountSettings, names: tuple[str, ...] = (), next_call: str = ""
) -> None:
    """Raise WrongAccount if another person, or another tenant, was asked for.

    ``names`` are all user names of the account, of which any will do; none: ``account`` has the
    only one. A tenant given by its domain is not compared, because tokens name tenants by id:
    the authority, asked under that domain, chooses the tenant. ``next_call`` ends the remedy.
    """
    from ..entra.token_claims import is_named

    names = names or tuple(filter(None, [account.username]))
    if asked.username is not None and names and not is_named(asked.username, names):
        raise _wrong_account("username", asked.username, account.username, next_call)
    if is_tenant_id(asked.tenant) and _differ(asked.tenant, account.tenant):
        raise _wrong_account("tenant", asked.tenant, account.tenant, next_call)


def _completed(account: Account, known: Account | None) -> Account:
    """Return the account with the fields that it lacks, as they were known before."""
    before = known or Account()
    return Account(
        account.username or before.username,
        account.tenant or before.tenant,
        account.object_id or before.object_id,
    )


def _log_refused_renewal(resource: str, refused: SignInError) -> None:
    logger(__name__).warning(
        "The renewal for %s was refused: %s %s, correlation id %s, %s.",
        resource,
        type(refused).__name__,
        refused.code or "without a number",
        refused.correlation_id or "unknown",
        refused.timestamp or "time unknown",
    )


def _warn(error: EndUserError) -> None:
    from ..environment.caller_warnings import warn_caller

    logger(__name__).warning("The sign-in is not kept: %s", printable(error, 1000))
    warn_caller(f"The sign-in is not kept: {error}")


def _differ(asked: str | None, got: str | None) -> bool:
    return asked is not None and got is not None and asked.lower() != got.lower()


def _wrong_account(option: str, asked: str | None, got: str | None, next_call: str) -> WrongAccount:
    return WrongAccount(
        f"{option}={asked!r} was asked for, but {got!r} signed in.",
        remedy="Sign in with the right account (use a private browser window if another account"
        f" is signed in there), or change {option}=.{next_call}",
    )

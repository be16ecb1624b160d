"""The id of a sign-in: in each repr, in each pickle, and in what Dask makes names from."""

from __future__ import annotations

import gc
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import pytest
from dask.base import tokenize

from adls_enduser import (
    Account,
    AzureCredential,
    DeviceCode,
    Fallback,
    Password,
    SignInCache,
    SignInRequired,
    StaticToken,
    Token,
    filesystem_token,
    management_credentials,
    storage_credential,
)
from adls_enduser.interop import fsspec_options, obstore_provider, polars_provider
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

ROOT = Path(__file__).parents[2]
FACTORIES = [management_credentials, filesystem_token, storage_credential]


@pytest.fixture(params=FACTORIES)
def factory(request: pytest.FixtureRequest) -> Any:
    """Each of the three."""
    return request.param


@pytest.fixture
def strategy(azure: Sandbox, ada: Person, clock: SandboxClock, library: Any) -> Password:
    """Ada's sign-in."""
    return Password(
        username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock, library=library
    )


def _id(credential: Any) -> str:
    (found,) = re.findall(r"sign-in ([0-9a-f-]{36})>", repr(credential))
    return str(found)


def _unpickled(credential: Any) -> Any:
    return pickle.loads(pickle.dumps(credential))


def _token(credential: Any, resource: str = STORAGE) -> str:
    return str(credential.get_token(f"{resource}.default").token)


class TestWhoseItIs:
    """Two sign-ins have two ids, and one sign-in has one."""

    def test_two_people_with_opaque_tokens_of_one_second(
        self, factory: Any, clock: SandboxClock
    ) -> None:
        """Nothing else tells them apart."""
        end = clock.time() + 600
        first, second = (factory(StaticToken(one, end, clock=clock)) for one in ("a", "b"))
        assert repr(first) != repr(second)
        assert repr(first.aio()) != repr(second.aio())
        assert repr(first.aio()) != repr(first)

    def test_one_person_twice(self, factory: Any, strategy: Password, ada: Person) -> None:
        """Another sign-in of the same person is another one."""
        again = Password(username=ada.username, password=PASSWORD, tenant=CONTOSO)
        assert _id(factory(strategy)) != _id(factory(again))

    def test_one_strategy_object(self, factory: Any, strategy: Password) -> None:
        """Two credentials of one sign-in for one audience are equal to fsspec."""
        first = repr(factory(strategy))
        gc.collect()
        assert repr(factory(strategy)) == first
        assert len({_id(one(strategy)) for one in FACTORIES}) == 1

    def test_another_person_by_the_same_object(
        self, azure: Sandbox, grace: Person, clock: SandboxClock, library: Any
    ) -> None:
        """Who signs in when the first sign-in has ended is not taken for the first person."""
        ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
        people = [ada, grace]

        def approve(prompt: Any) -> None:
            azure.entra.approve(prompt.code, by=people.pop(0))

        strategy = DeviceCode(tenant=CONTOSO, prompt=approve, clock=clock, library=library)
        credential = storage_credential(strategy)
        adas, raw = repr(credential), pickle.dumps(credential)
        theirs = pickle.loads(raw)
        azure.entra.revoke_refresh_tokens(ada)
        clock.advance(3601)
        graces = _token(credential)
        assert repr(credential) != adas
        assert _id(credential) not in adas
        later = _unpickled(credential)
        assert _token(later) == graces
        assert repr(theirs) == repr(pickle.loads(raw)) == adas
        assert theirs.token_source.held.secret != graces

    def test_no_moment_is_named(self, factory: Any, strategy: Password) -> None:
        """Neither a date nor a time."""
        assert not re.search(r"\d\d:\d\d|\d{4}-\d\d-\d\d|until", repr(factory(strategy)))

    def test_fallback_and_azure_credential(
        self, strategy: Password, ada: Person, clock: SandboxClock
    ) -> None:
        """Each way of signing in has an id of its own, which stays."""
        fallback = Fallback(strategy, DeviceCode(tenant=CONTOSO, clock=clock))
        for one in (fallback, AzureCredential(storage_credential(strategy), clock=clock)):
            credential = storage_credential(one)
            before = repr(credential)
            clock.advance(3601)
            assert _token(credential)
            assert repr(credential) == before == repr(storage_credential(one))


@dataclass(frozen=True)
class Equal:
    """A stranger's strategy: equal to every other one with the same token."""

    secret: str = "opaque"

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        return Token(self.secret, 4e9, 1e9, resource)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        return self.silent(resource)


@dataclass
class Unhashable(Equal.__mro__[1]):  # type: ignore[misc]
    """One that cannot be a key."""

    def silent(self, resource: str, *, claims: str | None = None) -> Token:
        return Token("opaque", 4e9, 1e9, resource)

    def sign_in(self, resource: str, *, claims: str | None = None) -> Token:
        return self.silent(resource)


class Slots:
    """One to which nothing can refer weakly."""

    __slots__ = ()

    silent, sign_in = Unhashable.silent, Unhashable.sign_in


@pytest.mark.parametrize("kind", [Equal, Unhashable, Slots])
def test_a_strangers_strategy(kind: Any) -> None:
    """Equal objects are two sign-ins; the id outlives no object, and is never used again."""
    first, second = kind(), kind()
    one, two = storage_credential(first), storage_credential(second)
    assert _id(one) != _id(two)
    if kind is not Slots:
        assert _id(storage_credential(first)) == _id(one)
    seen = {_id(one), _id(two)}
    for _ in range(50):  # objects at the same addresses
        seen.add(_id(storage_credential(kind())))
    assert len(seen) == 52


class TestPickles:
    """The same sign-in everywhere, and its newest token."""

    def test_the_id_goes_along(self, factory: Any, strategy: Password) -> None:
        """Also over several processes, and into the async view."""
        credential = factory(strategy)
        twice = _unpickled(_unpickled(credential))
        assert repr(twice) == repr(credential)
        assert repr(_unpickled(credential.aio())) == repr(credential.aio())
        program = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=pickle.dumps(credential),
            capture_output=True,
            check=True,
            cwd=ROOT,
        )
        assert done.stdout.decode().strip() == repr(credential)

    def test_a_newer_pickle_is_heard(
        self, factory: Any, strategy: Password, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """By every object that older ones have made, though nobody keeps the new one."""
        credential = factory(strategy)
        resource = credential.token_source.resource
        raw = pickle.dumps(credential)
        there, view, provider = pickle.loads(raw), pickle.loads(raw).aio(), None
        if resource == STORAGE:
            provider = _unpickled(polars_provider(credential))
        clock.advance(10)
        credential.refresh_session()
        newest = _token(credential, resource)
        assert _token(there, resource) != newest
        pickle.loads(pickle.dumps(credential))
        azure.log.clear()
        assert _token(there, resource) == newest
        assert _token(view._credential, resource) == newest
        assert _token(pickle.loads(raw), resource) == newest, "an old pickle, unpickled late"
        if provider is not None:
            assert provider()[0] == {"bearer_token": newest}
        assert there.signed_session().headers["Authorization"] == f"Bearer {newest}"
        assert len(azure.log) == 0

    def test_the_original_hears_as_well(
        self, strategy: Password, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """A worker that renewed sends its token back: all credentials of the sign-in have it."""
        credential, other = storage_credential(strategy), management_credentials(strategy)
        _token(other)
        there = _unpickled(credential)
        newer = Token("newer", clock.time() + 3600, clock.time() + 1, STORAGE, credential.whoami())
        there.token_source.take_if_newer(newer)
        _unpickled(there)
        azure.log.clear()
        assert _token(credential) == _token(other) == "newer"
        assert len(azure.log) == 0

    def test_another_sign_in_does_not_hear(self, clock: SandboxClock) -> None:
        """Not even one whose tokens say the same about the person."""
        mine, other = (
            storage_credential(StaticToken(one, clock.time() + 600, clock=clock)) for one in "ab"
        )
        there = _unpickled(mine)
        clock.advance(10)
        _unpickled(storage_credential(StaticToken("c", clock.time() + 600, clock=clock)))
        _unpickled(other)
        assert _token(there) == "a"

    def test_an_audience_that_came_later(
        self, strategy: Password, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """An old object has it, though the object that brought it is gone."""
        credential = storage_credential(strategy)
        there = _unpickled(credential)
        with pytest.raises(SignInRequired, match="another process"):
            _token(there, MANAGEMENT)
        brought = _token(credential, MANAGEMENT)
        pickle.loads(pickle.dumps(credential))
        gc.collect()
        azure.log.clear()
        assert _token(there, MANAGEMENT) == brought
        assert len(azure.log) == 0

    def test_an_older_pickle_takes_nothing_away(
        self, strategy: Password, clock: SandboxClock
    ) -> None:
        """Pickles may arrive in any order."""
        credential = storage_credential(strategy)
        old = pickle.dumps(credential)
        clock.advance(10)
        credential.refresh_session()
        there = _unpickled(credential)
        pickle.loads(old)
        assert _token(there) == _token(credential)


@pytest.fixture
def deterministic() -> Any:
    """Let Dask refuse what it cannot name in the same way twice."""
    with dask.config.set({"tokenize.ensure-deterministic": True}):
        yield


@pytest.mark.usefixtures("deterministic")
class TestDask:
    """What Dask makes the names of its tasks from."""

    @staticmethod
    def _things(credential: Any) -> list[Any]:
        return [
            credential,
            credential.aio(),
            fsspec_options(credential, "mylake"),
            polars_provider(credential),
            obstore_provider(credential),
        ]

    def test_the_names_stay(
        self, factory: Any, strategy: Password, azure: Sandbox, clock: SandboxClock
    ) -> None:
        """Across renewals, and wherever the objects are unpickled; no request is made."""
        credential = factory(strategy)
        things = self._things(credential)
        names = [tokenize(one) for one in things]
        clock.advance(3601)
        assert _token(credential, credential.token_source.resource)
        azure.log.clear()
        assert [tokenize(one) for one in things] == names
        assert [tokenize(one) for one in self._things(factory(strategy))] == names
        assert azure.log.to(TOKEN_PATH) == []
        assert [tokenize(_unpickled(one)) for one in things] == names
        assert len(set(names)) == len(names)

    def test_no_token_is_in_them(self, factory: Any, strategy: Password) -> None:
        """Nor a moment."""
        credential = factory(strategy)
        told = repr((credential.__dask_tokenize__(), credential.aio().__dask_tokenize__()))
        assert _token(credential, credential.token_source.resource) not in told
        assert _id(credential) in told

    def test_two_sign_ins_have_two_names(self, factory: Any, clock: SandboxClock) -> None:
        """As they have two reprs."""
        end = clock.time() + 600
        first, second = (factory(StaticToken(one, end, clock=clock)) for one in ("a", "b"))
        for one, two in zip(self._things(first), self._things(second), strict=True):
            assert tokenize(one) != tokenize(two)

    def test_a_cache_and_an_account(self, tmp_path: Path) -> None:
        """What else of ours may be in a graph."""
        for make in (
            lambda: SignInCache(tmp_path / "x", allow_unencrypted=True),
            lambda: Account("ada", "t", "o"),
        ):
            assert tokenize(make()) == tokenize(make())

"""fsspec's own instance cache, with the options of two people and of one."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from adls_enduser import Password, StaticToken, storage_credential
from adls_enduser.interop import fsspec_options
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock


class Lake(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """What adlfs is to fsspec: a file system that keeps the credential it was made with."""

    protocol = "abfs-test"

    def __init__(self, account_name: str, credential: Any, **more: Any) -> None:
        super().__init__(account_name=account_name, credential=credential, **more)
        self.credential = credential

    @property
    def secret(self) -> str:
        """The token that it would send now."""
        return str(self.credential._credential.storage_token().secret)


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    """Begin and end with no instance."""
    Lake.clear_instance_cache()
    yield
    Lake.clear_instance_cache()


@pytest.fixture
def credential(azure: Sandbox, ada: Person, clock: SandboxClock, library: Any) -> Any:
    """Ada's."""
    return storage_credential(
        Password(
            username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=clock, library=library
        )
    )


def test_two_people_have_two_file_systems(clock: SandboxClock) -> None:
    """Also with opaque tokens that end in the same second."""
    end = clock.time() + 600
    first, second = (
        Lake(**fsspec_options(storage_credential(StaticToken(one, end, clock=clock)), "mylake"))
        for one in ("adas", "graces")
    )
    assert first is not second
    assert (first.secret, second.secret) == ("adas", "graces")


def test_one_person_has_one(credential: Any, clock: SandboxClock) -> None:
    """Before and after a renewal, and so its listings and its connections stay."""
    store = Lake(**fsspec_options(credential, "mylake"))
    before = store.secret
    clock.advance(3601)
    again = Lake(**fsspec_options(credential, "mylake"))
    assert again is store
    assert again.secret != before
    assert Lake(**fsspec_options(credential, "other")) is not store


def test_a_worker_that_has_an_older_one(credential: Any, clock: SandboxClock) -> None:
    """The tool drops the new credential, and the old one has its token all the same."""
    raw = pickle.dumps(Lake(**fsspec_options(credential, "mylake")))
    Lake.clear_instance_cache()  # the worker is another process
    there = pickle.loads(raw)
    clock.advance(10)
    credential.refresh_session()
    raw = pickle.dumps(Lake(**fsspec_options(credential, "mylake"), skip_instance_cache=True))
    assert pickle.loads(raw) is there
    assert there.secret == credential.storage_token().secret


def test_dasks_names_stay(credential: Any, clock: SandboxClock) -> None:
    """A file system in a graph is named by fsspec, from the repr."""
    from dask.base import tokenize

    store = Lake(**fsspec_options(credential, "mylake"))
    before = tokenize(store)
    clock.advance(3601)
    store.secret  # noqa: B018 - renews
    assert tokenize(store) == before
    assert tokenize(pickle.loads(pickle.dumps(store))) == before

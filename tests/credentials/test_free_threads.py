"""Many threads and one credential: the hot path, the single flight and the cache.

They run on every Python, and are meant for free-threaded builds, where threads run at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import jwt
import keyring
import pytest
from keyring.backends import fail

from adls_enduser import Password, SignInCache, management_credentials
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox

THREADS, CALLS = 16, 400
SCOPE = f"{MANAGEMENT}.default"


def _at_once(work: Callable[[int], object]) -> list[BaseException]:
    """Run ``work`` in many threads that begin together; return what they raise."""
    barrier, errors = threading.Barrier(THREADS), []

    def run(number: int) -> None:
        barrier.wait(60)
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    return errors


@pytest.fixture
def without_keyring() -> Iterator[None]:
    """Take the keyring away, so that the cache holds plain text."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


def _options(azure: Sandbox, ada: Person, library: Any) -> dict[str, Any]:
    own = {"username": ada.username, "password": PASSWORD, "tenant": CONTOSO}
    return {**own, "clock": azure.clock, "library": library}


def test_all_threads_read_whole_tokens_while_they_are_renewed(
    azure: Sandbox, ada: Person, library: Any
) -> None:
    """Each token is one that the service issued, and its expiry is that token's own."""
    credential = management_credentials("password", **_options(azure, ada, library))
    seen: list[set[tuple[str, int]]] = [set() for _ in range(THREADS)]

    def read(number: int) -> None:
        for call in range(CALLS):
            if number == 0 and call % 100 == 99:
                azure.clock.advance(3700)
            token = credential.get_token(SCOPE)
            seen[number].add((token.token, token.expires_on))

    assert _at_once(read) == []
    tokens = set.union(*seen)
    assert len(tokens) == 1 + CALLS // 100
    for secret, expires_on in tokens:
        claims = jwt.decode(secret, options={"verify_signature": False})
        assert (claims["exp"], claims["upn"]) == (expires_on, ada.username)


@pytest.mark.parametrize("audience", [MANAGEMENT, DATA_LAKE, STORAGE])
def test_one_renewal_serves_all_threads(
    azure: Sandbox, ada: Person, library: Any, audience: str
) -> None:
    """However many threads find the token expired at once."""
    credential = management_credentials("password", **_options(azure, ada, library))
    for _ in range(5):
        azure.clock.advance(3700)
        azure.log.clear()
        scope = f"{audience}{'/' if not audience.endswith('/') else ''}.default"
        assert _at_once(lambda number: credential.get_token(scope)) == []  # noqa: B023
        assert len(azure.log.to(TOKEN_PATH)) == 1


@pytest.mark.usefixtures("without_keyring")
@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
def test_threads_share_one_cache(azure: Sandbox, ada: Person, library: Any, tmp_path: Path) -> None:
    """Each with objects of its own: no sign-in is lost or damaged, and one account is kept."""
    options = _options(azure, ada, library)

    def sign_in(number: int) -> None:
        cache = SignInCache(tmp_path / "kept", allow_unencrypted=True)
        strategy = Password(**options, cache=cache)
        for audience in (MANAGEMENT, DATA_LAKE, STORAGE):
            assert strategy.silent(audience) is not None

    assert _at_once(sign_in) == []
    cache = SignInCache(tmp_path / "kept", allow_unencrypted=True)
    assert [one.username for one in cache.accounts()] == [ada.username]

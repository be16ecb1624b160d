"""What a sign-in leaves behind, where two processes, a full disk or a clock interfere."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import DeviceCode, SignInCache, SignInExpired
from adls_enduser.cache import CacheKey
from adls_enduser.clouds import PUBLIC
from adls_enduser.credentials.token_source import TokenSource
from adls_enduser.options import AZURE_CLI_CLIENT_ID
from adls_enduser.sandbox import CONTOSO

from ..constants import DATA_LAKE, MANAGEMENT, STORAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox, SandboxClock

GRACE = f"grace@{CONTOSO}"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the cache's own, on a machine without a keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "kept" / "sign-ins.json"


@pytest.fixture
def cache(path: Path) -> SignInCache:
    """A cache on disk."""
    return SignInCache(path, allow_unencrypted=True)


@pytest.fixture
def grace_signs_in(azure: Sandbox, grace: Person) -> Callable[..., DeviceCode]:
    """Make strategies, each as in a process of its own, whose codes Grace approves."""

    def make(**more: Any) -> DeviceCode:
        def show(prompt: Any) -> None:
            azure.entra.approve(prompt.code, by=grace)

        return DeviceCode(**{"tenant": CONTOSO, "clock": azure.clock, "prompt": show} | more)

    return make


@contextmanager
def obstructed(file: Path, make: Callable[[Path], None], remove: Callable[[Path], None]) -> Any:
    """Put something where a file should be, so that it can be neither read nor written."""
    aside = file.with_name("aside")
    if file.exists():
        file.rename(aside)
    make(file)
    yield
    remove(file)
    if aside.exists():
        aside.rename(file)


LOCKED = (".lock", Path.mkdir, Path.rmdir)
UNREADABLE = ("", os.mkfifo, Path.unlink)


def kept(cache: SignInCache) -> str | None:
    """Return the refresh token that stands in the cache."""
    with cache.open(CacheKey(PUBLIC.authority, AZURE_CLI_CLIENT_ID, CONTOSO, None)) as entry:
        secret = entry.session.refresh_token if entry.session else None
    return secret.reveal() if secret else None


@pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption")
class TestWithCache:
    """Several processes, or a disk that has its moments."""

    def test_a_rejected_token_does_not_undo_anothers_renewal(
        self, azure: Sandbox, cache: SignInCache, grace_signs_in: Any
    ) -> None:
        """What another process has written since stays, and both go on renewing."""
        azure.entra.reuse_is_refused = True
        here, there = grace_signs_in(cache=cache), grace_signs_in(cache=cache)
        token = here.sign_in(MANAGEMENT)
        there.silent(DATA_LAKE)
        newer = kept(cache)
        here.invalidate(token)
        assert kept(cache) == newer
        again = here.silent(MANAGEMENT)
        assert again not in (None, token)
        assert there.silent(STORAGE) is not None

    def test_a_rejected_token_is_gone_from_the_cache_too(
        self, cache: SignInCache, grace_signs_in: Any
    ) -> None:
        """The next process does not get it either."""
        here = grace_signs_in(cache=cache)
        token = here.sign_in(MANAGEMENT)
        here.invalidate(token)
        assert grace_signs_in(cache=cache).silent(MANAGEMENT) not in (None, token)

    @pytest.mark.filterwarnings("ignore:The sign-in is not kept")
    @pytest.mark.parametrize("how", [LOCKED, UNREADABLE], ids=["lock", "data"])
    def test_a_sign_in_that_could_not_be_written_is_not_lost(
        self,
        azure: Sandbox,
        clock: SandboxClock,
        cache: SignInCache,
        path: Path,
        grace_signs_in: Any,
        how: Any,
    ) -> None:
        """It goes on in memory, however old what stands in the cache, and is written later."""
        azure.entra.reuse_is_refused = True
        here = grace_signs_in(cache=cache)
        here.sign_in(MANAGEMENT)
        stale = kept(cache)
        clock.advance(3700)
        ending, make, remove = how
        with obstructed(path.with_name(path.name + ending), make, remove):
            assert here.silent(MANAGEMENT) is not None
        assert kept(cache) == stale
        clock.advance(3700)
        assert here.silent(MANAGEMENT) is not None, "by the newer refresh token"
        assert kept(cache) not in (None, stale)

    @pytest.mark.filterwarnings("ignore:The sign-in cache")
    def test_damage_is_no_sign_out(
        self, clock: SandboxClock, cache: SignInCache, path: Path, grace_signs_in: Any
    ) -> None:
        """A process that runs while the file is damaged writes its sign-in again."""
        here = grace_signs_in(cache=cache)
        here.sign_in(MANAGEMENT)
        path.write_bytes(path.read_bytes()[:40])
        clock.advance(3700)
        assert here.silent(MANAGEMENT) is not None
        assert kept(cache)

    def test_a_sign_out_is_not_undone(
        self, clock: SandboxClock, cache: SignInCache, grace_signs_in: Any
    ) -> None:
        """A process that runs on keeps its sign-in to itself."""
        here = grace_signs_in(cache=cache)
        here.sign_in(MANAGEMENT)
        cache.sign_out()
        clock.advance(3700)
        assert here.silent(MANAGEMENT) is not None
        assert kept(cache) is None

    def test_a_kept_token_is_not_younger_for_being_kept(
        self, azure: Sandbox, clock: SandboxClock, cache: SignInCache, grace_signs_in: Any
    ) -> None:
        """Read again after the clock was set back, it is as old as it was in memory."""
        here = grace_signs_in(cache=cache)
        first = here.sign_in(MANAGEMENT)
        clock.advance(3700)
        clock.jump(-3700)
        assert here.silent(MANAGEMENT) not in (None, first)


def test_a_clock_that_was_set_back_revives_no_token(
    azure: Sandbox, clock: SandboxClock, grace_signs_in: Any
) -> None:
    """A token that has ended is renewed, whatever the clock on the wall says since."""
    source = TokenSource(grace_signs_in(), DATA_LAKE, clock=clock)
    first = source.token()
    clock.advance(3700)
    clock.jump(-3700)
    assert source.token() is not first


def test_a_living_token_does_not_wait_for_a_person(
    azure: Sandbox, grace: Person, clock: SandboxClock, grace_signs_in: Any
) -> None:
    """While somebody is asked about one resource, the others renew, or serve what they have."""
    asked, answered = threading.Event(), threading.Event()

    def slowly(prompt: Any) -> None:
        asked.set()
        answered.wait(30)
        azure.entra.approve(prompt.code, by=grace)

    strategy = grace_signs_in()
    source = TokenSource(strategy, DATA_LAKE, clock=clock)
    first = source.token()
    azure.entra.revoke_refresh_tokens(grace)
    clock.advance(3600 - 200)
    strategy.prompt = slowly
    with pytest.raises(SignInExpired):
        strategy.silent(MANAGEMENT)
    thread = threading.Thread(target=strategy.sign_in, args=(MANAGEMENT,))
    thread.start()
    try:
        assert asked.wait(30)
        assert source.token() is first
    finally:
        answered.set()
        thread.join(30)
    assert not thread.is_alive()

"""Tokens that end while a tool reads and writes, that are revoked, and people without access."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from .lake import Lake
from .test_programs import PROGRAMS

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

# How long each response takes, in seconds, so that a program outlives several tokens. A dask worker
# has the tokens that came with its task, and no other without a cache or an identity endpoint:
# tests/end_to_end/test_dask.py.
SECONDS = {
    "dfs_azure_storage_file_datalake": 0.4,
    "dfs_pyarrow": 0.5,
    "on_ray": 0.0,  # it takes its time by itself
    "with_adlfs": 0.3,
    "with_azure_storage_blob": 0.25,
    "with_azure_storage_blob_aio": 2.2,
    "with_deltalake": 0.7,
    "with_duckdb": 0.45,
    "with_obstore": 0.75,
    "with_pandas": 1.2,
    "with_polars": 1.6,
    "with_pyarrow": 0.9,
}
# Their Rust client (object_store) uses a token until its end, whatever the service responds.
SHOW_401 = {"with_deltalake", "with_obstore", "with_polars"}
# polars and obstore use a token until the moment that they are told, which is some seconds before
# its end if it lives that long (adls_enduser/interop/expiry.py).
LIFETIME = 11.0


def test_tokens_end(azure: Sandbox) -> None:
    """A scan or an upload that outlives several tokens sees nothing of it."""
    azure.entra.token_lifetime = LIFETIME
    lakes = {}
    for number, (name, seconds) in enumerate(SECONDS.items()):
        azure.storage.create(f"lake{number}")
        lakes[name] = Lake(azure, azure.storage, account=f"lake{number}")
        lakes[name].recorder.seconds = seconds
    with ThreadPoolExecutor(len(lakes)) as pool:
        running = {name: pool.submit(lake.run, name) for name, lake in lakes.items()}
    for name, seen in running.items():
        assert "error" not in seen.result(), name
    tokens = {name: len(lake.recorder.tokens()) for name, lake in lakes.items()}
    assert {name: number for name, number in tokens.items() if number < 3} == {}


@pytest.mark.parametrize("name", PROGRAMS)
def test_token_is_revoked(gen2: Lake, name: str) -> None:
    """The tool goes on with another one, or its error shows that the service refused it.

    After a new sign-in all is well again.
    """

    def revoke(number: int) -> None:
        if number == 12:
            gen2.azure.world.identity.revoke_issued_tokens(gen2.person)

    gen2.recorder.restart(before=revoke)
    seen = gen2.run(name)
    assert ("error" in seen) is (name in SHOW_401), seen
    assert 401 in {one.response.status_code for one in gen2.recorder.exchanges}
    assert "error" not in gen2.again().run(name)


@pytest.mark.parametrize("name", PROGRAMS)
def test_person_without_access(gen2: Lake, name: str) -> None:
    """The service says 403, and the tool's error shows its code."""
    bob = gen2.outsider()
    gen2.azure.storage.create(gen2.account, gen2.box)
    seen: dict[str, Any] = gen2.run(name, username=bob)
    assert "AuthorizationPermissionMismatch" in seen["message"]
    assert {one.response.status_code for one in gen2.recorder.exchanges} == {403}

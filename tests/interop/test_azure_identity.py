"""The real azure-identity in a process that has no credential but the endpoint's variables."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from adls_enduser import storage_credential
from adls_enduser.interop import identity_endpoint
from adls_enduser.sandbox import CONTOSO, Sandbox
from adls_enduser.strategies.jwt import decode_unverified

from ..conftest import PASSWORD
from ..constants import STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

LIFETIME = 4

# Ask until three lifetimes have passed; print each different token.
PROGRAM = """
import sys, time
from azure import identity

credential, lifetime, seen = getattr(identity, sys.argv[1])(), float(sys.argv[2]), []
end = time.time() + 3 * lifetime + 1
while time.time() < end:
    token = credential.get_token("https://storage.azure.com/.default")
    assert token.expires_on > time.time() - 1
    if token.token not in seen:
        seen.append(token.token)
        print(token.token, flush=True)
    time.sleep(0.2)
"""


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the other process has."""
    with Sandbox() as azure:
        yield azure


@pytest.mark.parametrize("kind", ["ManagedIdentityCredential", "DefaultAzureCredential"])
def test_across_three_expiries(azure: Sandbox, library: str, kind: str) -> None:
    """Each token is Ada's, for Azure Storage."""
    pytest.importorskip("azure.identity")
    ada = azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD)
    azure.entra.token_lifetime = LIFETIME
    credential = storage_credential(
        "password", tenant=CONTOSO, username=ada.username, password=PASSWORD, library=library
    )
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with identity_endpoint(credential) as environment:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, kind, str(LIFETIME)],
            env={**plain, **azure.environment, **environment},
            capture_output=True,
            text=True,
            timeout=150,
        )
    assert done.returncode == 0, done.stderr
    tokens = done.stdout.split()
    assert len(tokens) >= 4
    claims = [decode_unverified(token) for token in tokens]
    assert {one.account.username for one in claims} == {ada.username}
    assert {one.audiences for one in claims} == {frozenset({STORAGE})}

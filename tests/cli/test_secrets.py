"""Secrets are planted, every command is run, and everything that it writes is searched."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.sandbox import Answer, Reset

from ..conftest import PASSWORD
from .conftest import ADA
from .test_accounts import cache_file

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

    from .conftest import Shell

QUIET = (
    *("login", "login --json", "accounts", "accounts --json", "explain", "explain --json"),
    *("doctor", "doctor --json", "token --for gen3", "run -- true", "run --with-az -- true"),
    *("run -- no-such-program", "logout --username nobody@x.example"),
)


def found(texts: list[str]) -> set[str]:
    """Return which secrets stand in texts."""
    everything = "\n".join(texts)
    secrets = {"a token": r"eyJ[\w-]{20}", "the password": re.escape(PASSWORD)}
    planted = {"the proxy's": "planted", "a refresh token": r"\b[01]\.A[\w-]{40}"}
    return {name for name, pattern in (secrets | planted).items() if re.search(pattern, everything)}


def sign_in_with_a_password(shell: Shell) -> None:
    """Type it on a terminal."""
    child = shell.terminal(f"adls-enduser login password --username {ADA}")
    child.expect("Password for")
    child.sendline(PASSWORD)
    child.expect(pexpect.EOF)
    shell.written.append(child.before)


@pytest.mark.parametrize("trouble", ["", "revoked", "refused", "reset", "damaged"])
def test_no_secret_is_written(shell: Shell, azure: Sandbox, trouble: str) -> None:
    """Whatever fails; with a proxy's password in the environment."""
    sign_in_with_a_password(shell)
    refused = {"error": "invalid_grant", "error_description": "AADSTS50034: Nobody."}
    if trouble == "revoked":
        azure.entra.revoke_refresh_tokens(ADA)
    elif trouble == "refused":
        azure.faults.add(Answer(400, json.dumps(refused)), times=99)
    elif trouble == "reset":
        azure.faults.add(Reset(), times=99)
    elif trouble == "damaged":
        path = cache_file(shell)
        path.write_text(path.read_text().replace('"body": "', '"body": "eyJ'))
    for words in QUIET:
        shell.run(*words.split(), ALL_PROXY="http://user:planted@proxy.invalid:1")
    shell.run("token", "--for", "management")
    texts = [one for one in shell.written if not one.startswith("eyJ")]
    for text in texts:
        assert found([text]) == set(), text
    assert len(texts) > len(QUIET)


def test_the_search_finds_what_it_is_for(signed_in: Shell) -> None:
    """A token that is asked for."""
    assert found([signed_in.run("token").stdout, PASSWORD]) == {"a token", "the password"}

"""General clients of OAuth 2.0 (Authlib, requests-oauthlib) and curl, on the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adls_enduser import AZURE_CLI_CLIENT_ID
from adls_enduser.sandbox import CONTOSO, Sandbox

from ..conftest import PASSWORD
from ..constants import DATA_LAKE
from ..sandbox.chromium import missing
from .conftest import ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).parent / "python" / "oauth.py"
ADA = f"ada@{CONTOSO}"
AUTHORITY = f"https://login.microsoftonline.com/{CONTOSO}"
SCOPE = f"{DATA_LAKE}/.default openid profile offline_access"
CLIENTS = ("authlib", "requests-oauthlib")
SECONDS = 60.0


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the programs have."""
    with Sandbox(environ=None) as azure:
        azure.entra.person(ADA, password=PASSWORD)
        yield azure


def _start(azure: Sandbox, *command: str, **environ: str) -> subprocess.Popen[str]:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, env=plain | azure.environment | environ, text=True, **pipes)


def _program(azure: Sandbox, client: str, *words: str, **environ: str) -> subprocess.Popen[str]:
    python = Path(ALONE) / "oauth" / "bin" / "python"
    way, *person = words
    more = (way, AUTHORITY, SCOPE, AZURE_CLI_CLIENT_ID, *person)
    return _start(azure, str(python), str(PROGRAM), client, *more, **environ)


def _check(azure: Sandbox, said: str, error: str) -> None:
    assert said, error
    for token in json.loads(said):
        assert azure.world.identity.check(f"Bearer {token}", [DATA_LAKE])["upn"] == ADA


@pytest.mark.parametrize("client", CLIENTS)
def test_by_password(azure: Sandbox, client: str) -> None:
    """A token, and a renewed one; a wrong password gets Entra ID's number."""
    _check(azure, *_program(azure, client, "password", ADA, PASSWORD).communicate(timeout=SECONDS))
    said, error = _program(azure, client, "password", ADA, "no").communicate(timeout=SECONDS)
    assert (said, "AADSTS50126" in error) == ("", True), error


@pytest.mark.parametrize("client", CLIENTS)
def test_by_browser(azure: Sandbox, client: str) -> None:
    """The authorization code with PKCE."""
    with _program(azure, client, "browser") as running:
        assert running.stdin is not None
        assert running.stderr is not None
        address = azure.entra.authorize(running.stderr.readline().strip(), ADA)
        _check(azure, *running.communicate(f"{address}\n", timeout=SECONDS))


def test_a_public_client_in_http_basic(azure: Sandbox) -> None:
    """Authlib can send the client's id in a header instead of the body."""
    running = _program(azure, "authlib", "password", ADA, PASSWORD, METHOD="client_secret_basic")
    _check(azure, *running.communicate(timeout=SECONDS))
    sent = [one.request for one in azure.log.to("/token")]
    assert all(one and one.headers["Authorization"].startswith("Basic ") for one in sent)


def _curl(azure: Sandbox, *words: str) -> Any:
    if shutil.which("curl") is None:
        missing("curl is not installed")
    running = _start(azure, "curl", "--silent", "--show-error", "--max-time", "30", *words)
    said, error = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, error
    return said


def test_curl(azure: Sandbox) -> None:
    """The calls of Microsoft's REST articles: ``-F`` for the token, then files."""
    resource = "https://management.core.windows.net/"
    fields = {"grant_type": "password", "resource": resource, "client_id": AZURE_CLI_CLIENT_ID}
    fields |= {"username": ADA, "password": PASSWORD}
    # --form-string: the password may begin with a character that -F reads as a command.
    form = [word for item in fields.items() for word in ("--form-string", "=".join(item))]
    token = json.loads(_curl(azure, "-X", "POST", f"{AUTHORITY}/oauth2/token", *form))
    header = ("-H", f"Authorization: Bearer {token['access_token']}")
    files = "https://mystore.azuredatalakestore.net/webhdfs/v1"
    made = _curl(azure, "-X", "PUT", *header, "-d", "", f"{files}/mytempdir/?op=MKDIRS")
    assert json.loads(made) == {"boolean": True}
    # The article's upload and download follow the redirect of WebHDFS by themselves (-L).
    upload = ("-L", "-X", "PUT", "--data-binary", "hello", f"{files}/mytempdir/a?op=CREATE")
    assert _curl(azure, *header, *upload) == ""
    assert _curl(azure, "-L", *header, f"{files}/mytempdir/a?op=OPEN") == "hello"
    account = "https://management.azure.com/subscriptions?api-version=2020-01-01"
    head = _curl(azure, "-i", *header, account)
    assert "HTTP/1.1 200 OK" in head


def test_curl_and_a_store_that_does_not_exist(azure: Sandbox) -> None:
    """The proxy says what a proxy says that cannot resolve a name."""
    url = "https://nostore.azuredatalakestore.net/webhdfs/v1/?op=LISTSTATUS"
    with _start(azure, "curl", "--silent", "--show-error", url) as running:
        _, error = running.communicate(timeout=SECONDS)
    assert running.returncode == 56  # CURLE_RECV_ERROR: a refused CONNECT
    assert "502" in error

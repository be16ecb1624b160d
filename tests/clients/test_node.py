"""Node's real @azure/identity, and @azure/core-rest-pipeline with it, on the sandbox."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core

from adls_enduser import filesystem_token
from adls_enduser.sandbox import CONTOSO, CONTOSO_ID, Sandbox
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT
from ..sandbox.chromium import missing
from .conftest import NODE_MODULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adls_enduser.sandbox import Person

PROGRAMS = Path(__file__).parent / "node"
ACCOUNTS = (
    f"https://management.azure.com/subscriptions/{SUBSCRIPTION_ID}"
    "/providers/Microsoft.DataLakeStore/accounts?api-version=2016-11-01"
)
SCOPE = f"{MANAGEMENT}/.default"
BOTH = f"{SCOPE},{DATA_LAKE}/.default"
SECONDS = 60.0


class Program:
    """A Node program that runs, and nothing of this machine but the sandbox around it."""

    def __init__(self, name: str, *words: str, env: dict[str, str]) -> None:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = ["node", str(PROGRAMS / name), *words]
        self._process = subprocess.Popen(command, **pipes, env=env, text=True)
        self._deadline = threading.Timer(SECONDS, self._process.kill)
        self._deadline.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._deadline.cancel()
        self._process.communicate()

    def answer(self) -> dict[str, Any]:
        """Wait for the next line of JSON."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended, or was ended: {self._process.communicate()[1]}"
        said: dict[str, Any] = json.loads(line)
        return said

    def ask(self, line: str) -> dict[str, Any]:
        """Write a line to it, and wait for what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.answer()

    def shown(self, pattern: str) -> str:
        """Wait until the person is shown something, and give its first group."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"nothing like {pattern} was shown")


@pytest.fixture
def ada(azure: Sandbox) -> Person:
    """Somebody who needs a password only, and approves every device code at once."""
    return azure.entra.person(f"ada@{CONTOSO}", password=PASSWORD, approves_device_codes=True)


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """Return the file that holds the address that the browser, a script, was opened with."""
    return tmp_path / "opened"


@pytest.fixture
def node(azure: Sandbox, tmp_path: Path, opened: Path) -> Iterator[Callable[..., Program]]:
    """Start a program of ``node/``."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            missing(f"{tool} is not installed")
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!/bin/sh\nprintf %s \"$1\" > '{opened}.part'\nmv '{opened}.part' '{opened}'\n"
    )
    browser.chmod(0o755)
    env = azure.environment | {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "NODE_PATH": NODE_MODULES,
        "BROWSER": str(browser),
    }
    with ExitStack() as running:
        yield lambda *words: running.enter_context(Program(*words, env=env))


def until(true: Callable[[], object]) -> None:
    """Wait for what another process does."""
    waiting = threading.Event()
    for _ in range(int(SECONDS / 0.02)):
        if true():
            return
        waiting.wait(0.02)
    pytest.fail("waited in vain")


def grants(azure: Sandbox) -> list[str]:
    """Return the grants that were asked for since the log was cleared."""
    return [one.request.form["grant_type"] for one in azure.log.to("/token") if one.request]


def check(azure: Sandbox, tokens: list[str], person: Person) -> None:
    """See that there is a good token for each plane, of this person."""
    for token, resource in zip(tokens, (MANAGEMENT, DATA_LAKE), strict=True):
        claims = azure.world.identity.check(f"Bearer {token}", [resource])
        assert claims["upn"] == person.username


# @azure/identity.


@pytest.mark.parametrize("tenant", [[CONTOSO], []], ids=["tenant", "organizations"])
def test_device_code(azure: Sandbox, node: Callable[..., Program], tenant: list[str]) -> None:
    """Node waits while the person has not approved; one code is enough for both planes."""
    grace = azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True)
    program = node("tokens.cjs", BOTH, "device_code", *tenant)
    code = program.shown(r"enter the code (\w+) to authenticate")
    until(lambda: [one.status for one in azure.log.to("/token")] == [400])
    azure.entra.approve(code, grace)
    check(azure, program.answer()["tokens"], grace)
    assert [one.status for one in azure.log.to("/token")] == [400, 200, 200]
    assert grants(azure)[-1] == "refresh_token"
    assert len(azure.log.to("/devicecode")) == 1


def test_declined_device_code(azure: Sandbox, node: Callable[..., Program], ada: Person) -> None:
    """Somebody who says no ends the wait."""
    azure.entra.approver = None
    program = node("tokens.cjs", BOTH, "device_code", CONTOSO)
    azure.entra.decline(program.shown(r"enter the code (\w+) to authenticate"))
    assert "authorization_declined" in program.answer()["message"]


def test_authority_that_is_vouched_for(
    azure: Sandbox, node: Callable[..., Program], ada: Person
) -> None:
    """Node asks about a host that it does not know, and reads there how to sign in."""
    azure.entra.add_authority("login.mine.example")
    words = ("device_code", CONTOSO, "https://login.mine.example")
    check(azure, node("tokens.cjs", BOTH, *words).answer()["tokens"], ada)
    [asked, *rest] = azure.log
    assert (asked.host, asked.path) == ("login.microsoftonline.com", "/common/discovery/instance")
    assert {one.host for one in rest} == {"login.mine.example"}


def test_authority_that_nobody_knows(
    azure: Sandbox, node: Callable[..., Program], ada: Person
) -> None:
    """Node sends nothing to a host that Entra ID does not vouch for."""
    azure.entra.add_authority("login.mine.example", known=False)
    words = ("device_code", CONTOSO, "https://login.mine.example")
    said = node("tokens.cjs", BOTH, *words).answer()
    assert "endpoints_resolution_error" in said["message"]
    [asked] = azure.log
    assert (asked.host, asked.status) == ("login.microsoftonline.com", 400)


def test_adfs(azure: Sandbox, node: Callable[..., Program], ada: Person) -> None:
    """Node signs in at an AD FS, and asks Entra ID nothing."""
    azure.entra.add_adfs("adfs.mine.example", [MANAGEMENT, DATA_LAKE])
    words = ("device_code", "adfs", "https://adfs.mine.example")
    check(azure, node("tokens.cjs", BOTH, *words).answer()["tokens"], ada)
    assert {one.host for one in azure.log} == {"adfs.mine.example"}


def test_password(azure: Sandbox, node: Callable[..., Program], ada: Person) -> None:
    """The password is sent once; the second plane is silent, and the first needs nothing again."""
    words = ("password", CONTOSO, ada.username, PASSWORD)
    *tokens, again = node("tokens.cjs", f"{BOTH},{SCOPE}", *words).answer()["tokens"]
    check(azure, tokens, ada)
    assert again == tokens[0]
    assert grants(azure) == ["password", "refresh_token"]


@pytest.mark.parametrize("number", [50126, 50076, 53003, 50057])
def test_refusals(azure: Sandbox, node: Callable[..., Program], ada: Person, number: int) -> None:
    """A wrong password, a missing second factor and what else is refused come with their number."""
    ada.refused_with = None if number == 50126 else number
    password = "wrong" if number == 50126 else PASSWORD
    said = node("tokens.cjs", BOTH, "password", CONTOSO, ada.username, password).answer()
    assert said["error"] == "AuthenticationRequiredError"
    assert f"AADSTS{number}: " in said["message"]
    assert grants(azure) == ["password"]


linux = pytest.mark.skipif(sys.platform != "linux", reason="xdg-open, which heeds BROWSER")


@linux
def test_browser(azure: Sandbox, node: Callable[..., Program], ada: Person, opened: Path) -> None:
    """The browser is opened once for both planes, and tells the person that they may go."""
    program = node("tokens.cjs", BOTH, "browser", CONTOSO)
    until(opened.exists)
    url = opened.read_text()
    assert "code_challenge_method=S256" in url
    assert "You can close this window now" in azure.entra.browse(url, ada)
    check(azure, program.answer()["tokens"], ada)
    assert grants(azure) == ["authorization_code", "refresh_token"]


@linux
def test_cancelled_browser(
    azure: Sandbox, node: Callable[..., Program], ada: Person, opened: Path
) -> None:
    """Somebody who cancels on the page ends the wait."""
    program = node("tokens.cjs", BOTH, "browser", CONTOSO)
    until(opened.exists)
    azure.entra.browse(opened.read_text(), ada, accepts=False)
    assert "access_denied" in program.answer()["message"]


# @azure/core-rest-pipeline.


@pytest.fixture(params=["declared", "undeclared"])
def pipeline(request: pytest.FixtureRequest, node: Callable[..., Program], ada: Person) -> Program:
    """Start a pipeline to Resource Manager that says, or not, that it follows challenges."""
    return node("get.cjs", str(request.param), SCOPE, "device_code", CONTOSO)


def accounts(pipeline: Program) -> list[str]:
    """List the Data Lake Store accounts."""
    answer = pipeline.ask(ACCOUNTS)
    assert answer.get("status") == 200, answer
    return [one["name"] for one in json.loads(answer["body"])["value"]]


def test_accounts(azure: Sandbox, pipeline: Program) -> None:
    """Resource Manager lists them; the second time with the same token."""
    assert accounts(pipeline) == ["mystore"]
    assert accounts(pipeline) == ["mystore"]
    assert grants(azure) == ["device_code"]


def test_revoked_access_is_renewed_silently(azure: Sandbox, pipeline: Program, ada: Person) -> None:
    """The claims challenge after a revocation is followed with a refresh token."""
    accounts(pipeline)
    azure.log.clear()
    azure.entra.revoke_access_tokens(ada)
    assert accounts(pipeline) == ["mystore"]
    assert [one.status for one in azure.log.to("/accounts")] == [401, 200]
    assert grants(azure) == ["refresh_token"]


def test_revoked_sign_in_asks_the_person(azure: Sandbox, pipeline: Program, ada: Person) -> None:
    """Where the refresh tokens are revoked as well, the person signs in again."""
    accounts(pipeline)
    azure.log.clear()
    azure.entra.revoke_access_tokens(ada)
    azure.entra.revoke_refresh_tokens(ada)
    assert accounts(pipeline) == ["mystore"]
    assert grants(azure) == ["refresh_token", "device_code"]


def test_step_up_asks_the_person_once(azure: Sandbox, pipeline: Program, ada: Person) -> None:
    """A wanted second factor makes one more device code, and none after that."""
    accounts(pipeline)
    azure.entra.require_claims(ada)
    assert accounts(pipeline) == ["mystore"]
    assert accounts(pipeline) == ["mystore"]
    assert len(azure.log.to("/devicecode")) == 2
    last = azure.log.to("/accounts")[-1].request
    assert last is not None
    payload = last.headers["Authorization"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert (claims["acrs"], claims["amr"]) == (["p1"], ["pwd", "mfa"])


def test_file(azure: Sandbox, node: Callable[..., Program], ada: Person) -> None:
    """Node reads over WebHDFS what Python has written, and hears what is not there."""
    token = filesystem_token("password", username=ada.username, password=PASSWORD)
    with core.AzureDLFileSystem(token, store_name="mystore").open("/a b", "wb") as file:
        file.write(b"hello")
    pipeline = node("get.cjs", "declared", f"{DATA_LAKE}/.default", "device_code", CONTOSO)
    files = "https://mystore.azuredatalakestore.net/webhdfs/v1"
    listed = json.loads(pipeline.ask(f"{files}/?op=LISTSTATUS")["body"])
    assert [one["pathSuffix"] for one in listed["FileStatuses"]["FileStatus"]] == ["a b"]
    assert pipeline.ask(f"{files}/a%20b?op=OPEN&read=true") == {"status": 200, "body": "hello"}
    assert pipeline.ask(f"{files}/b?op=OPEN&read=true")["status"] == 404


# Other clients of Entra ID and of Resource Manager.

OAUTH = [("msal-node", CONTOSO), ("adal-node", CONTOSO), ("openid-client", CONTOSO_ID)]


def wanted(client: str) -> str:
    """Return what a client asks for: a scope of version 2.0, or adal's resource."""
    return f"{MANAGEMENT}/" if client == "adal-node" else SCOPE


@pytest.mark.parametrize(("client", "tenant"), OAUTH)
def test_other_clients_by_device_code(
    azure: Sandbox, node: Callable[..., Program], client: str, tenant: str
) -> None:
    """Each waits for the person, and the token is good."""
    grace = azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True)
    program = node("oauth.cjs", client, "device_code", tenant, wanted(client))
    azure.entra.approve(program.shown(r"enter the code (\w+) to authenticate"), grace)
    said = program.answer()
    assert "tokens" in said, said
    for token in said["tokens"]:
        assert azure.world.identity.check(f"Bearer {token}", [MANAGEMENT])["upn"] == grace.username


@pytest.mark.parametrize(("client", "tenant"), OAUTH)
def test_other_clients_by_password(
    azure: Sandbox, node: Callable[..., Program], ada: Person, client: str, tenant: str
) -> None:
    """A right password gives a token, a wrong one Entra ID's number."""
    words = ("oauth.cjs", client, "password", tenant, wanted(client), ada.username)
    said = node(*words, PASSWORD).answer()
    assert "tokens" in said, said
    for token in said["tokens"]:
        assert azure.world.identity.check(f"Bearer {token}", [MANAGEMENT])["upn"] == ada.username
    assert "AADSTS50126" in node(*words, "wrong").answer()["message"]


def test_arm_resources(azure: Sandbox, node: Callable[..., Program], ada: Person) -> None:
    """@azure/arm-resources changes the tags of a group, and lists it with them."""
    scope = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/analytics"
    words = ("password", CONTOSO, ada.username, PASSWORD)
    said = node("resources.cjs", SUBSCRIPTION_ID, scope, *words).answer()
    assert said == {"tags": {"team": "lake"}, "groups": [["analytics", {"team": "lake"}]]}


def test_axios_0_through_the_proxy(
    azure: Sandbox, node: Callable[..., Program], ada: Person
) -> None:
    """Axios 0.x sends ``GET https://...`` to the proxy itself; the answer is the service's."""
    token = azure.world.identity.access_token(ada, MANAGEMENT, client_id="test", lifetime=3600)
    said = node("axios.cjs", ACCOUNTS, token).answer()
    assert (said["status"], said["statusText"]) == (200, "OK")
    assert [one["name"] for one in said["data"]["value"]] == ["mystore"]
    assert node("axios.cjs", ACCOUNTS).answer()["statusText"] == "Unauthorized"
    elsewhere = node("axios.cjs", "https://pypi.example.org/").answer()
    assert elsewhere["status"] == 403

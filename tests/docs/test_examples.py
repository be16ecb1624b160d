"""Each example, unchanged, at a terminal, against the sandbox."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
import requests

from adls_enduser.sandbox import CONTOSO, Answer, Sandbox
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from ..conftest import PASSWORD
from ..strategies.test_azure_cli import FakeAz

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adls_enduser.sandbox import Person

FOLDER = Path(__file__).parents[2] / "examples"
ADA, GRACE = f"ada@{CONTOSO}", f"grace@{CONTOSO}"
HELLO = b"Hello from Python\n"

Terminal = Any  # pexpect has no types


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time; this process itself stays outside."""
    with Sandbox(environ=None) as sandbox:
        sandbox.entra.device_code_interval = 1.0
        yield sandbox


@pytest.fixture
def approving(azure: Sandbox) -> Person:
    """Grace, who approves every device code at once."""
    return azure.entra.person(GRACE, password=PASSWORD, mfa=True, approves_device_codes=True)


@pytest.fixture
def at_terminal(azure: Sandbox, tmp_path: Path) -> Callable[[str], Terminal]:
    """Start an example as a person at a terminal would."""

    def start(name: str) -> Terminal:
        # Python 3.13 colours a traceback on a terminal.
        # It is nobody's desktop here.
        plain = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
        environment = plain | azure.environment | {"PYTHON_COLORS": "0"}
        return pexpect.spawn(
            sys.executable,
            [str(FOLDER / name)],
            env=environment,  # tests/conftest.py has taken CI out
            cwd=tmp_path,
            encoding="utf-8",
            timeout=60,
        )

    return start


def output(terminal: Terminal, *, status: int = 0) -> str:
    """Return all that is still to come, once the program has ended with this status."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    text = str(terminal.before).replace("\r\n", "\n")
    assert (terminal.exitstatus, terminal.signalstatus) == (status, None), text
    return text


def type_password(terminal: Terminal, password: str = PASSWORD) -> None:
    """Answer the prompt for Ada's password."""
    terminal.expect_exact(f"Password for {ADA}: ")
    terminal.sendline(password)


def shown_code(terminal: Terminal) -> str:
    """Return the device code that the terminal shows, once the whole prompt is there."""
    terminal.expect(r"enter the code (\w+)")
    code = str(terminal.match.group(1))
    terminal.expect_exact("Only continue if you started this sign-in yourself.")
    return code


def grants(azure: Sandbox) -> list[str]:
    """Return the grants that led to tokens, in order."""
    asked = azure.log.to("/oauth2/token", method="POST")
    return [one.request.form["grant_type"] for one in asked if one.request and one.status == 200]


def operations(azure: Sandbox) -> list[str]:
    """Return the WebHDFS operations that the store has performed."""
    asked = azure.log.to("/webhdfs", host="mystore.azuredatalakestore.net")
    done = [one.request.args for one in asked if one.request and one.status in (200, 201)]
    return [arguments.get("op", arguments.get("OP", "")).upper() for arguments in done]


def on_disk(azure: Sandbox) -> list[bytes]:
    """Return what the files of the store hold."""
    return [file.read_bytes() for file in (azure.stores.folder / "mystore").iterdir()]


# The article's four recipes.


@pytest.mark.usefixtures("approving")
def test_password_account_management(
    azure: Sandbox, at_terminal: Callable[[str], Terminal]
) -> None:
    """Ada types her password, which is not shown, and the accounts are listed."""
    azure.entra.person(ADA, password=PASSWORD)
    terminal = at_terminal("password_account_management.py")
    type_password(terminal)
    assert output(terminal).strip() == f"Signed in as {ADA}\nmystore in eastus2"
    assert grants(azure) == ["password"]


def test_password_filesystem(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """Ada types her password, and a file is written and read."""
    azure.entra.person(ADA, password=PASSWORD)
    terminal = at_terminal("password_filesystem.py")
    type_password(terminal)
    assert output(terminal).strip() == "Hello from Python\n['hello.txt']"
    assert on_disk(azure) == [HELLO]
    assert grants(azure) == ["password"]


@pytest.mark.parametrize("name", ["password_account_management.py", "password_filesystem.py"])
def test_wrong_password(azure: Sandbox, at_terminal: Callable[[str], Terminal], name: str) -> None:
    """A wrong password is sent once, ends the program, and the error says which it was."""
    azure.entra.person(ADA, password=PASSWORD)
    terminal = at_terminal(name)
    type_password(terminal, "not my password")
    text = output(terminal, status=1)
    assert "adls_enduser.errors.InvalidCredentials: " in text
    assert "AADSTS50126" in text
    assert "not my password" not in text
    assert len(azure.log.to("/oauth2/token")) == 1
    assert on_disk(azure) == []


def test_device_code_account_management(
    azure: Sandbox, at_terminal: Callable[[str], Terminal]
) -> None:
    """Grace enters the code that the terminal shows, and the accounts are listed."""
    azure.entra.person(ADA, password=PASSWORD)
    grace = azure.entra.person(GRACE, password=PASSWORD, mfa=True)
    terminal = at_terminal("device_code_account_management.py")
    azure.entra.approve(shown_code(terminal), by=grace)
    assert output(terminal).strip() == f"Signed in as {GRACE}\nmystore in eastus2"
    assert grants(azure) == ["device_code"]


@pytest.mark.usefixtures("approving")
def test_device_code_filesystem(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """Grace has entered the code, and a file is written and read."""
    terminal = at_terminal("device_code_filesystem.py")
    assert shown_code(terminal)
    assert output(terminal).strip() == "Hello from Python\n['hello.txt']"
    assert on_disk(azure) == [HELLO]
    assert grants(azure) == ["device_code"]


def test_declined(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """If Grace declines, the program ends and says so."""
    azure.entra.person(GRACE, password=PASSWORD, mfa=True)
    terminal = at_terminal("device_code_filesystem.py")
    azure.entra.decline(shown_code(terminal))
    assert "adls_enduser.errors.SignInDeclined: " in output(terminal, status=1)
    assert grants(azure) == []


def test_without_a_terminal(azure: Sandbox) -> None:
    """Where nobody can see a code, the program ends at once and asks Entra ID for nothing."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "device_code_filesystem.py")],
        env=os.environ | azure.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "adls_enduser.errors.SignInRequired: " in done.stderr
    assert azure.log.to("devicecode") == []


# What goes beyond the article.


@pytest.mark.usefixtures("approving")
def test_async_sign_in(at_terminal: Callable[[str], Terminal]) -> None:
    """The sign-in is awaited, then a token."""
    terminal = at_terminal("async_sign_in.py")
    shown_code(terminal)
    assert "The token ends at" in output(terminal)


@pytest.mark.usefixtures("approving")
def test_one_sign_in(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """One code serves both planes: the second resource is a silent renewal."""
    terminal = at_terminal("one_sign_in.py")
    assert shown_code(terminal)
    assert output(terminal).strip() == "mystore has 0 entries"
    assert grants(azure) == ["device_code", "refresh_token"]


@pytest.mark.usefixtures("approving")
@pytest.mark.parametrize("way", ["the browser comes back", "the address is pasted"])
def test_browser_one_sign_in(
    azure: Sandbox, at_terminal: Callable[[str], Terminal], way: str
) -> None:
    """One page serves both planes, whether the browser is here or elsewhere."""
    terminal = at_terminal("browser_one_sign_in.py")
    terminal.expect(r"(https://login\.microsoftonline\.com/\S+)")
    url = str(terminal.match.group(1))
    terminal.expect_exact("Only continue if you started this sign-in yourself.")
    arrived = azure.entra.authorize(url, by=GRACE)
    if way == "the address is pasted":
        terminal.sendline(arrived)
        terminal.expect_exact("Your sign-in was received.")
    else:
        with requests.Session() as browser:
            browser.trust_env = False
            assert browser.get(arrived, timeout=10).status_code == 200
    assert output(terminal).strip() == f"Signed in as {GRACE}\nmystore has 0 entries"
    assert grants(azure) == ["authorization_code", "refresh_token"]


@pytest.mark.usefixtures("approving")
def test_account_operations(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """An account is made, listed and deleted, and it is gone afterwards."""
    terminal = at_terminal("account_operations.py")
    assert shown_code(terminal)
    assert output(terminal).strip().splitlines() == [
        "Created anotherstore in eastus2",
        "There are: anotherstore mystore",
        "Deleted anotherstore",
        "There are: mystore",
    ]
    asked = azure.log.to("/accounts/anotherstore")
    changed = [(one.method, one.status) for one in asked if one.method != "GET"]
    assert changed == [("PUT", 201), ("DELETE", 202)]
    assert {path.name for path in azure.stores.folder.iterdir()} == {"mystore"}


@pytest.mark.usefixtures("approving")
def test_data_operations(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """Nine megabytes go up and come back unchanged; in the end everything is deleted."""
    terminal = at_terminal("data_operations.py")
    assert shown_code(terminal)
    assert output(terminal).strip().splitlines() == [
        "Uploaded 9426413 bytes",
        "['sample/numbers.csv']",
        "Came back unchanged: True",
        "Left: []",
    ]
    assert {"MKDIRS", "CREATE", "APPEND", "LISTSTATUS", "OPEN", "DELETE"} <= set(operations(azure))
    assert on_disk(azure) == []


@pytest.mark.usefixtures("approving")
def test_strangers_strategy(azure: Sandbox, at_terminal: Callable[[str], Terminal]) -> None:
    """An object of no special class signs in, and was asked to ask once."""
    terminal = at_terminal("strangers_strategy.py")
    assert shown_code(terminal)
    text = output(terminal).strip()
    resource = re.escape("https://datalake.azure.net/")
    assert re.fullmatch(rf"\[\]\n{re.escape(GRACE)} took \d+ s for {resource}", text)
    assert "LISTSTATUS" in operations(azure)
    assert grants(azure) == ["device_code"]


def test_azure_cli(
    azure: Sandbox,
    at_terminal: Callable[[str], Terminal],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What az (here the fake of it) has signed in serves both planes, and nobody is asked."""
    fake = FakeAz(tmp_path)
    fake.login(azure.entra.person(ADA, password=PASSWORD))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("FAKE_AZ", str(fake.path))
    terminal = at_terminal("azure_cli.py")
    assert output(terminal).strip() == f"Signed in as {ADA}\nmystore\n[]"
    assert [call[-3] for call in fake.calls] == [
        "https://management.core.windows.net/",
        "https://datalake.azure.net/",
    ]
    assert azure.log.to("devicecode") == []


# A web service.


class Visitor:
    """Somebody's browser, at the service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def press(self, button: str) -> str:
        """Send the form of a page, and return the next page."""
        return self.session.post(f"{self.url}/{button}", timeout=30).text

    def see(self) -> tuple[int, str]:
        """Return the status and the page."""
        response = self.session.get(self.url, timeout=30)
        return response.status_code, response.text

    def sign_in(self, azure: Sandbox, username: str) -> None:
        """Sign in on the page that the service names, and go on."""
        found = re.search(r"enter the code (\w+)", self.press("sign-in"))
        assert found is not None
        assert self.see()[0] == 401  # at once
        azure.entra.approve(found[1], by=username)
        self.wait_for(200, f"{username}: mystore")

    def wait_for(self, status: int, text: str) -> None:
        """Look again until the page is this one.

        A token that expires on its way to the service is the SDK's error: no page then.
        """
        seen = (0, "")
        for _ in range(300):
            with suppress(requests.ConnectionError):
                seen = self.see()
            if seen[0] == status:
                break
            time.sleep(0.1)
        assert seen[0] == status
        assert text in seen[1]


@pytest.fixture
def service(azure: Sandbox, tmp_path: Path) -> Iterator[str]:
    """Start the service, which nobody sits in front of, and return its address."""
    running = subprocess.Popen(
        [sys.executable, str(FOLDER / "web_service.py")],
        env=os.environ | azure.environment | {"PORT": "0"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with running:
        assert running.stdout is not None
        yield running.stdout.readline().removeprefix("Open ").strip()
        running.kill()


def test_web_service(azure: Sandbox, service: str) -> None:
    """Two people stay apart, one signs out, and the other's dead sign-in blocks no request."""
    ada, grace = Visitor(service), Visitor(service)
    assert ada.see()[0] == 401
    ada.sign_in(azure, ADA)
    azure.entra.token_lifetime = 3
    grace.sign_in(azure, GRACE)
    assert f"{ADA}: mystore" in ada.see()[1]
    asked = len(azure.log.to("/devicecode"))
    azure.entra.revoke_refresh_tokens(GRACE)
    grace.wait_for(401, "AADSTS50173")
    assert len(azure.log.to("/devicecode")) == asked == 2
    assert ada.see()[0] == 200
    azure.entra.token_lifetime = 3600
    grace.sign_in(azure, GRACE)
    ada.press("sign-out")
    assert ada.see()[0] == 401
    assert grace.see()[0] == 200


def test_web_service_without_network(azure: Sandbox, service: str) -> None:
    """Whoever cannot sign in is told so, and nobody else is kept waiting."""
    azure.faults.add(Answer(503), times=20, path="/devicecode")
    assert "503" in Visitor(service).press("sign-in")
    assert Visitor(service).see()[0] == 401


# All of them.

# Those of Gen2 need tools that are not here: tests/clients/gen2/test_examples.py runs them.
EXAMPLES = sorted(set(FOLDER.glob("*.py")) - set(FOLDER.glob("gen2_*.py")))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_has_a_test(path: Path) -> None:
    """Each example has a test of its name here, a docstring, and fewer than 40 lines.

    A web service needs twice as many.
    """
    assert f"test_{path.stem}" in globals()
    lines = path.read_text().splitlines()
    assert lines[0].startswith('"""')
    assert len(lines) < (80 if path.stem == "web_service" else 40)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_constants_at_the_top_are_the_sandboxes(path: Path) -> None:
    """What a reader must change stands at the top; there is no password and no option else."""
    text = path.read_text()
    constants = dict(re.findall(r'^([A-Z_]+) = "(.*)"$', text, re.MULTILINE))
    assert constants["TENANT"] == CONTOSO
    assert constants.get("SUBSCRIPTION_ID", SUBSCRIPTION_ID) == SUBSCRIPTION_ID
    assert constants.get("STORE", "mystore") == "mystore"
    assert "password=" not in text


def test_there_are_the_four_recipes_and_eight_more() -> None:
    """No example gets lost."""
    assert [path.stem for path in EXAMPLES] == [
        "account_operations",
        "async_sign_in",
        "azure_cli",
        "browser_one_sign_in",
        "data_operations",
        "device_code_account_management",
        "device_code_filesystem",
        "one_sign_in",
        "password_account_management",
        "password_filesystem",
        "strangers_strategy",
        "web_service",
    ]

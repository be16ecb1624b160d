"""The whole story in under a minute: ``python -m adls_enduser.sandbox.demo``.

Real SDKs sign in, manage an account and move files, against a sandbox in this process.
Exits with 0 only if everything was as it should be.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stderr
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import Browser, DeviceCode, MfaRequired, filesystem_token, management_credentials
from ...interaction.prompts import show
from ..directory import CONTOSO
from ..resource_manager import SUBSCRIPTION_ID
from ..sandbox import Sandbox
from .browser import NoBrowser, opened, sign_in
from .console import Progress, Teller
from .network_watch import Connections

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from ... import BrowserPrompt, Credentials, DeviceCodePrompt

ADA, GRACE = f"ada@{CONTOSO}", f"grace@{CONTOSO}"
STORE, NEW_STORE, GROUP = "mystore", "demostore", "analytics"

# Several files, each in one piece. azure-datalake-store 1.x tells of an upload's progress
# when a file is through, whatever its chunksize= says; and a download in pieces hangs for
# ever, now and then, in every version: when the last two pieces of a file end at once,
# both threads rename it (its transfer.ADLTransferClient._update).
_MEGABYTES = {"large.bin": 16, "north.bin": 8, "east.bin": 8, "south.bin": 8, "west.bin": 8}
_PIECE = 2**20 * max(_MEGABYTES.values())

_PACKAGES = ("azure-datalake-store", "azure-mgmt-datalake-store", "adal", "msrestazure")
_GRANTS = {
    "password": "by password",
    "device_code": "by device code",
    "authorization_code": "by browser",
    "refresh_token": "silently, by refresh token",
}


class NotAsItShouldBe(Exception):
    """A step of the demo went wrong."""


def main() -> int:
    """Tell the story; give the exit status."""
    with Sandbox() as azure:
        return tell(azure, Teller(sys.stdout))


def tell(azure: Sandbox, teller: Teller) -> int:
    """Tell the story of a fresh sandbox; give the exit status."""
    began = time.monotonic()
    try:
        Demo(azure, teller, Connections()).run()
    except NotAsItShouldBe as wrong:
        teller.heading(f"This is not as it should be: {wrong}")
        return 1
    teller.heading(f"All is as it should be, after {time.monotonic() - began:.0f} seconds.")
    return 0


class Demo:
    """The story, one method a step. ``prompts`` counts how often somebody was asked."""

    def __init__(self, azure: Sandbox, teller: Teller, watch: Connections) -> None:
        self.azure = azure
        self.tell = teller
        self.watch = watch
        self.prompts = 0
        azure.entra.person(ADA, password="ada-password")
        self.grace = azure.entra.person(GRACE, password="grace-password", mfa=True)
        self.chrome: Chrome | None = None

    def run(self) -> None:
        """Go through all steps."""
        self.introduce()
        self.password_account_management()
        self.password_filesystem()
        self.password_refused()
        self.device_code_account_management()
        self.device_code_filesystem()
        self.browser()
        credentials, token = self.one_sign_in()
        self.account_operations(credentials)
        self.data_operations(token)
        self.sum_up()

    def introduce(self) -> None:
        """Say where we are."""
        self.tell.heading("Azure, on this machine")
        found = [f"{name} {version(name)}" for name in _PACKAGES]
        self.tell.say(f"Found: {', '.join(found)}, on Python {platform.python_version()}.")
        self.tell.say(
            "These packages are the real ones. They believe that they talk to Azure: the"
            " sandbox answers in its place, under its host names, on 127.0.0.1."
        )
        self.tell.say(
            f"Two people exist: {ADA} signs in with a password, {GRACE} needs a second factor."
        )

    def password_account_management(self) -> None:
        """Recipe 1 of Microsoft's article."""
        self.tell.step("A password, for account management")
        self.tell.code(
            'credentials = management_credentials(mode="password", tenant=..., username=...)'
        )
        credentials = management_credentials(
            mode="password", tenant=CONTOSO, username=ADA, password="ada-password"
        )
        self.expect_person(credentials, ADA)
        self.tell.say("Ada is signed in; in a program of yours she would have typed her password.")
        self.show_accounts(credentials)

    def password_filesystem(self) -> None:
        """Recipe 2."""
        self.tell.step("A password, for the file system")
        self.tell.code('token = filesystem_token(mode="password", tenant=..., username=...)')
        token = filesystem_token(
            mode="password", tenant=CONTOSO, username=ADA, password="ada-password"
        )
        self.expect_person(token, ADA)
        self.write_and_read(token, b"Hello from Ada")

    def password_refused(self) -> None:
        """Show what a refusal looks like."""
        self.tell.step("A refusal, and what to do about it")
        self.tell.say("Grace tries the same. A password alone is not enough for her account:")
        try:
            management_credentials(
                mode="password", tenant=CONTOSO, username=GRACE, password="grace-password"
            )
        except MfaRequired as refused:
            self.tell.quote(f"{type(refused).__name__}: {refused}")
        else:
            raise NotAsItShouldBe("a password was enough for somebody with a second factor")
        self.tell.say("An error says what happened, what to do next, and how to look it up.")

    def device_code_account_management(self) -> None:
        """Recipe 3."""
        self.tell.step("A second factor, for account management")
        self.tell.code('credentials = management_credentials(mode="device_code", tenant=...)')
        credentials = management_credentials(
            mode="device_code", tenant=CONTOSO, prompt=self.ask_grace
        )
        self.expect_person(credentials, GRACE)
        self.show_accounts(credentials)

    def device_code_filesystem(self) -> None:
        """Recipe 4."""
        self.tell.step("A second factor, for the file system")
        self.tell.code('token = filesystem_token(mode="device_code", tenant=...)')
        token = filesystem_token(mode="device_code", tenant=CONTOSO, prompt=self.ask_grace)
        self.expect_person(token, GRACE)
        self.write_and_read(token, b"Hello from Grace")

    def browser(self) -> None:
        """Show the way in for tenants that allow neither a password nor a device code."""
        self.tell.step("A browser, where device codes are blocked")
        self.tell.code(
            "strategy = Browser(tenant=...)",
            "credentials = management_credentials(mode=strategy)",
            "token = filesystem_token(mode=strategy)",
        )
        try:
            with opened(self.azure) as self.chrome:
                number = self.chrome.capabilities["browserVersion"]
                self.tell.say(f"A real one is here, Chromium {number}; it opens no window.")
                self.browser_sign_in()
        except NoBrowser as reason:
            self.tell.say(f"None that the demo can drive is here ({reason}): a script plays it.")
            self.browser_sign_in()

    def browser_sign_in(self) -> None:
        """Sign Grace in on the page, and use what comes back on both planes."""
        strategy = Browser(tenant=CONTOSO, prompt=self.browse_as_grace)
        credentials = management_credentials(mode=strategy)
        self.expect_person(credentials, GRACE)
        self.show_accounts(credentials)
        self.write_and_read(filesystem_token(mode=strategy), b"Hello from the browser")

    def one_sign_in(self) -> tuple[Credentials, Credentials]:
        """Serve both planes with one prompt."""
        self.tell.step("One sign-in for both")
        self.tell.say("Twice the same question is once too often. So keep the strategy:")
        self.tell.code(
            "strategy = DeviceCode(tenant=...)",
            "credentials = management_credentials(mode=strategy)  # asks here ...",
            "token = filesystem_token(mode=strategy)              # ... and not again",
        )
        before = self.prompts
        strategy = DeviceCode(tenant=CONTOSO, prompt=self.ask_grace)
        credentials = management_credentials(mode=strategy)
        token = filesystem_token(mode=strategy)
        self.expect_person(credentials, GRACE)
        self.expect_person(token, GRACE)
        self.expect(self.prompts == before + 1, "one sign-in asked more than once")
        self.tell.say("Both are signed in, and Grace was asked once.")
        return credentials, token

    def account_operations(self, credentials: Credentials) -> None:
        """Create, list and delete an account."""
        from azure.mgmt.datalake.store.models import CreateDataLakeStoreAccountParameters

        self.tell.step("Create, list and delete an account")
        accounts = _client(credentials).accounts
        # azure-mgmt-datalake-store 0.5.0 says create and delete.
        create = getattr(accounts, "begin_create", None) or accounts.create
        delete = getattr(accounts, "begin_delete", None) or accounts.delete
        parameters = CreateDataLakeStoreAccountParameters(location="eastus2")
        made = create(GROUP, NEW_STORE, parameters).result()
        self.tell.say(f"Created {made.name} in {made.location}.")
        self.expect_accounts(accounts, {STORE, NEW_STORE})
        delete(GROUP, NEW_STORE).result()
        self.tell.say(f"Deleted {NEW_STORE}.")
        self.expect_accounts(accounts, {STORE})

    def data_operations(self, token: Credentials) -> None:
        """Upload and download, and compare."""
        self.tell.step("Upload and download")
        filesystem = _filesystem(token)
        with tempfile.TemporaryDirectory(prefix="adls-enduser-demo-") as folder:
            here, back = Path(folder, "here"), Path(folder, "back")
            _fill(here)
            self.tell.say(
                f"{len(_MEGABYTES)} files of random bytes, the largest of"
                f" {max(_MEGABYTES.values())} MB, go up and come back in several threads."
            )
            self.transfer(filesystem, here, back)
            self.compare(here, back)
        filesystem.rm("/demo", recursive=True)
        self.expect(filesystem.ls("/") == ["hello.txt"], "the folder was not deleted")
        self.tell.say("The folder in the store is deleted again.")

    def transfer(self, filesystem: Any, here: Path, back: Path) -> None:
        """Send a folder up and down, with a progress display."""
        from azure.datalake.store import multithread

        ways = {
            "Uploading": (multithread.ADLUploader, here),
            "Downloading": (multithread.ADLDownloader, back),
        }
        for label, (way, local) in ways.items():
            began, progress = time.monotonic(), Progress(self.tell, label)
            options = {"nthreads": 4, "chunksize": _PIECE, "progress_callback": progress}
            transfer = way(filesystem, rpath="/demo", lpath=str(local), **options)
            self.expect(transfer.successful(), f"{label} failed")
            self.expect(progress.done == progress.total > 0, f"{label} told of no progress")
            speed = progress.total / 2**20 / (time.monotonic() - began)
            self.tell.say(f"Done, at {speed:.0f} MB a second.")

    def compare(self, here: Path, back: Path) -> None:
        """Compare the checksums of what went and what came."""
        for name in _MEGABYTES:
            sent, received = _checksum(here / name), _checksum(back / name)
            self.expect(sent == received, f"{name} came back with another checksum")
            self.tell.say(f"{name:<10} SHA-256 {sent[:16]}... is the same on both sides")

    def sum_up(self) -> None:
        """Count."""
        self.tell.heading("What happened")
        log = self.azure.log
        tokens = [one for one in log.to("/oauth2/token", method="POST") if one.request]
        refused = sum(one.status != 200 for one in tokens)
        grants = Counter(one.request.form["grant_type"] for one in tokens if one.request)
        ways = ", ".join(f"{number} {_GRANTS.get(way, way)}" for way, number in grants.items())
        self.tell.say(f"Prompts: {self.prompts}, each of them for Grace.")
        self.tell.say(f"Token requests: {len(tokens)} ({ways}); {refused} was refused.")
        hosts = Counter(one.host for one in log if one.request)
        for host, number in hosts.most_common():
            self.tell.say(f"{number:>5} requests for {host}")
        strangers = sum(one.request is None for one in log)
        self.expect(not (strangers and self.chrome is None), "something asked for another host")
        if strangers:
            self.tell.say(
                f"{strangers:>5} of the browser's own, for its maker's hosts: the sandbox let"
                " none through."
            )
        elsewhere = self.watch.elsewhere
        self.expect(not elsewhere, f"something went to {', '.join(sorted(elsewhere))}")
        self.tell.say("What left this machine: nothing. Every connection was to 127.0.0.1.")
        self.expect(self.prompts == 4, f"there were {self.prompts} prompts instead of 4")
        self.expect(refused == 1, f"{refused} token requests were refused instead of 1")

    # What the steps share.

    def ask_grace(self, prompt: DeviceCodePrompt) -> None:
        """Show the prompt as the library does, then be Grace."""
        self.prompts += 1
        with redirect_stderr(io.StringIO()) as shown:
            show(prompt)
        self.tell.say("Grace sees this:")
        self.tell.quote(shown.getvalue())
        self.azure.entra.approve(prompt.code, by=GRACE)
        self.tell.say(
            "She would open that page, enter the code and pass her second factor. The demo"
            " does it for her."
        )

    def browse_as_grace(self, prompt: BrowserPrompt) -> None:
        """Be Grace at the page that the program opened."""
        self.prompts += 1
        self.tell.say(f"The page that opens: {prompt.url.partition('?')[0]}")
        if self.chrome is None:
            self.azure.entra.browse(prompt.url, by=GRACE)
            return
        last = sign_in(self.chrome, prompt.url, self.azure, self.grace, "grace-password")
        self.tell.say(
            "Grace types her name and password and the code of her second factor, and lands"
            f" on a page of the program's own: {last}."
        )

    def show_accounts(self, credentials: Credentials) -> None:
        """List the accounts with the management SDK."""
        self.tell.code("client = DataLakeStoreAccountManagementClient(credentials, ...)")
        self.expect_accounts(_client(credentials).accounts, {STORE})

    def write_and_read(self, token: Credentials, content: bytes) -> None:
        """Write a file with the file system SDK, and read it back."""
        self.tell.code(f'store = core.AzureDLFileSystem(token, store_name="{STORE}")')
        filesystem = _filesystem(token)
        with filesystem.open("/hello.txt", "wb") as file:
            file.write(content)
        read = filesystem.cat("/hello.txt")
        self.expect(read == content, f"wrote {content!r}, and read {read!r}")
        self.tell.say(f"/hello.txt was written and reads: {read.decode()}")

    def expect_accounts(self, accounts: Any, names: set[str]) -> None:
        """List the accounts, and check them."""
        there = {one.name for one in accounts.list()}
        self.expect(there == names, f"the accounts are {sorted(there)}, not {sorted(names)}")
        self.tell.say(f"The subscription's accounts: {', '.join(sorted(there))}.")

    def expect_person(self, credentials: Credentials, username: str) -> None:
        """Check who signed in."""
        who = credentials.whoami().username
        self.expect(who == username, f"{who} signed in instead of {username}")

    def expect(self, condition: bool, otherwise: str) -> None:  # noqa: FBT001 - as assert
        """Give up if a condition does not hold."""
        if not condition:
            raise NotAsItShouldBe(otherwise)


def _client(credentials: Credentials) -> Any:
    from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

    return DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)


def _filesystem(token: Credentials) -> Any:
    from azure.datalake.store import core

    return core.AzureDLFileSystem(token, store_name=STORE)


def _fill(folder: Path) -> None:
    folder.mkdir()
    for name, megabytes in _MEGABYTES.items():
        (folder / name).write_bytes(os.urandom(megabytes * 2**20))


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

"""The main job in under a minute: ``python -m adls_enduser.sandbox.demo``.

Real SDKs sign in, manage an account and move files, against a sandbox in this process.
The exit status is 0 only if every step succeeded.
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
from ..directory import ADA, ADA_PASSWORD, CONTOSO, GRACE, GRACE_PASSWORD
from ..resource_manager import SUBSCRIPTION_ID
from ..sandbox import Sandbox
from . import gen2
from .browser import NoBrowser, open_chromium, sign_in
from .console import Console, Progress
from .network_watch import ConnectionMonitor

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from ... import AuthStrategy, BrowserPrompt, Credentials, DeviceCodePrompt

STORE, NEW_STORE, GROUP = "mystore", "demostore", "analytics"

# Several files, each in one chunk. azure-datalake-store 1.x reports the progress of an upload
# only when a file is complete, whatever its chunksize= says. And a download in chunks sometimes
# hangs for ever, in every version: when the last two chunks of a file end at the same time,
# both threads rename the file (its transfer.ADLTransferClient._update).
_MEGABYTES = {"large.bin": 16, "north.bin": 8, "east.bin": 8, "south.bin": 8, "west.bin": 8}
_CHUNK = 2**20 * max(_MEGABYTES.values())

_PACKAGES = ("azure-datalake-store", "azure-mgmt-datalake-store", "adal", "msrestazure")
_GRANTS = {
    "password": "by password",
    "device_code": "by device code",
    "authorization_code": "by browser",
    "refresh_token": "silently, by refresh token",
}


class DemoFailed(Exception):
    """A step of the demo did not give the expected result."""


def main() -> int:
    """Run the demo on a fresh sandbox, and return the exit status."""
    with Sandbox() as azure:
        return run_demo(azure, Console(sys.stdout))


def run_demo(azure: Sandbox, console: Console) -> int:
    """Run all steps, and return the exit status."""
    began = time.monotonic()
    try:
        Demo(azure, console, ConnectionMonitor()).run()
    except DemoFailed as error:
        console.heading(f"The demo failed: {error}")
        return 1
    console.heading(f"All steps succeeded, after {time.monotonic() - began:.0f} seconds.")
    return 0


class Demo:
    """The demo, one method per step. ``prompts`` counts how often a person was prompted."""

    def __init__(self, azure: Sandbox, console: Console, monitor: ConnectionMonitor) -> None:
        self.azure = azure
        self.console = console
        self.monitor = monitor
        self.prompts = 0
        self.requests_of_polars = 0
        self.chrome: Chrome | None = None

    def run(self) -> None:
        """Run all steps."""
        self.introduce()
        self.password_account_management()
        self.password_filesystem()
        self.password_not_enough()
        self.device_code_account_management()
        self.device_code_filesystem()
        self.browser()
        strategy, credentials, token = self.one_sign_in()
        self.account_operations(credentials)
        self.data_operations(token)
        self.gen2(strategy)
        self.summarize()

    def introduce(self) -> None:
        """Print what runs where, and which persons exist."""
        self.console.heading("Azure, on this machine")
        found = [f"{name} {version(name)}" for name in _PACKAGES]
        self.console.paragraph(f"Found: {', '.join(found)}, on Python {platform.python_version()}.")
        self.console.paragraph(
            "These packages are the real ones. They connect to Azure's host names; the sandbox"
            " responds under these names, on 127.0.0.1."
        )
        self.console.paragraph(
            f"Two people exist: {ADA} signs in with a password, {GRACE} needs a second factor."
        )

    def password_account_management(self) -> None:
        """Recipe 1 of Microsoft's article."""
        self.console.step("A password, for account management")
        self.console.code(
            'credentials = management_credentials(mode="password", tenant=..., username=...)'
        )
        credentials = management_credentials(
            mode="password", tenant=CONTOSO, username=ADA, password=ADA_PASSWORD
        )
        self.expect_person(credentials, ADA)
        self.console.paragraph("Ada is signed in. In your program she types her password.")
        self.show_accounts(credentials)

    def password_filesystem(self) -> None:
        """Recipe 2."""
        self.console.step("A password, for the file system")
        self.console.code('token = filesystem_token(mode="password", tenant=..., username=...)')
        token = filesystem_token(
            mode="password", tenant=CONTOSO, username=ADA, password=ADA_PASSWORD
        )
        self.expect_person(token, ADA)
        self.write_and_read(token, b"Hello from Ada")

    def password_not_enough(self) -> None:
        """Show a sign-in error."""
        self.console.step("An error, and what to do about it")
        self.console.paragraph("Grace tries the same. A password is not enough for her account:")
        try:
            management_credentials(
                mode="password", tenant=CONTOSO, username=GRACE, password=GRACE_PASSWORD
            )
        except MfaRequired as error:
            self.console.quote(f"{type(error).__name__}: {error}")
        else:
            raise DemoFailed("a password was enough for a person who needs a second factor")
        self.console.paragraph(
            "The error says what happened, what to do next, and which number to look up."
        )

    def device_code_account_management(self) -> None:
        """Recipe 3."""
        self.console.step("A second factor, for account management")
        self.console.code('credentials = management_credentials(mode="device_code", tenant=...)')
        credentials = management_credentials(
            mode="device_code", tenant=CONTOSO, prompt=self.prompt_grace
        )
        self.expect_person(credentials, GRACE)
        self.show_accounts(credentials)

    def device_code_filesystem(self) -> None:
        """Recipe 4."""
        self.console.step("A second factor, for the file system")
        self.console.code('token = filesystem_token(mode="device_code", tenant=...)')
        token = filesystem_token(mode="device_code", tenant=CONTOSO, prompt=self.prompt_grace)
        self.expect_person(token, GRACE)
        self.write_and_read(token, b"Hello from Grace")

    def browser(self) -> None:
        """Sign in with a browser, for tenants that allow neither a password nor a device code."""
        self.console.step("A browser, where device codes are blocked")
        self.console.code(
            "strategy = Browser(tenant=...)",
            "credentials = management_credentials(mode=strategy)",
            "token = filesystem_token(mode=strategy)",
        )
        try:
            with open_chromium(self.azure) as self.chrome:
                number = self.chrome.capabilities["browserVersion"]
                self.console.paragraph(f"Chromium {number} is used, without a window.")
                self.browser_sign_in()
        except NoBrowser as reason:
            self.console.paragraph(f"No browser can be used ({reason}), so a script signs in.")
            self.browser_sign_in()

    def browser_sign_in(self) -> None:
        """Sign Grace in on the page, and use the result for both audiences."""
        strategy = Browser(tenant=CONTOSO, prompt=self.browse_as_grace)
        credentials = management_credentials(mode=strategy)
        self.expect_person(credentials, GRACE)
        self.show_accounts(credentials)
        self.write_and_read(filesystem_token(mode=strategy), b"Hello from the browser")

    def one_sign_in(self) -> tuple[AuthStrategy, Credentials, Credentials]:
        """Get the credentials of both audiences with one prompt, and the strategy for more."""
        self.console.step("One sign-in for both")
        self.console.paragraph("One prompt is enough for both. Keep the strategy:")
        self.console.code(
            "strategy = DeviceCode(tenant=...)",
            "credentials = management_credentials(mode=strategy)  # prompts here ...",
            "token = filesystem_token(mode=strategy)              # ... and not again",
        )
        before = self.prompts
        strategy = DeviceCode(tenant=CONTOSO, prompt=self.prompt_grace)
        credentials = management_credentials(mode=strategy)
        token = filesystem_token(mode=strategy)
        self.expect_person(credentials, GRACE)
        self.expect_person(token, GRACE)
        self.expect(self.prompts == before + 1, "one sign-in prompted more than once")
        self.console.paragraph("Both are signed in, and Grace was prompted once.")
        return strategy, credentials, token

    def account_operations(self, credentials: Credentials) -> None:
        """Create, list and delete an account."""
        from azure.mgmt.datalake.store.models import CreateDataLakeStoreAccountParameters

        self.console.step("Create, list and delete an account")
        accounts = _client(credentials).accounts
        # azure-mgmt-datalake-store 0.5.0 calls them create and delete.
        create = getattr(accounts, "begin_create", None) or accounts.create
        delete = getattr(accounts, "begin_delete", None) or accounts.delete
        parameters = CreateDataLakeStoreAccountParameters(location="eastus2")
        created = create(GROUP, NEW_STORE, parameters).result()
        self.console.paragraph(f"Created {created.name} in {created.location}.")
        self.expect_accounts(accounts, {STORE, NEW_STORE})
        delete(GROUP, NEW_STORE).result()
        self.console.paragraph(f"Deleted {NEW_STORE}.")
        self.expect_accounts(accounts, {STORE})

    def data_operations(self, token: Credentials) -> None:
        """Upload and download files, and compare them."""
        self.console.step("Upload and download")
        filesystem = _filesystem(token)
        with tempfile.TemporaryDirectory(prefix="adls-enduser-demo-") as folder:
            source, target = Path(folder, "source"), Path(folder, "target")
            _create_files(source)
            self.console.paragraph(
                f"{len(_MEGABYTES)} files of random bytes, the largest of"
                f" {max(_MEGABYTES.values())} MB, are uploaded and downloaded in several threads."
            )
            self.transfer(filesystem, source, target)
            self.compare(source, target)
        filesystem.rm("/demo", recursive=True)
        self.expect(filesystem.ls("/") == ["hello.txt"], "the folder was not deleted")
        self.console.paragraph("The folder in the store is deleted again.")

    def transfer(self, filesystem: Any, source: Path, target: Path) -> None:
        """Upload and download a folder, with a progress display."""
        from azure.datalake.store import multithread

        transfers = {
            "Uploading": (multithread.ADLUploader, source),
            "Downloading": (multithread.ADLDownloader, target),
        }
        for label, (transfer_class, local) in transfers.items():
            began, progress = time.monotonic(), Progress(self.console, label)
            options = {"nthreads": 4, "chunksize": _CHUNK, "progress_callback": progress}
            transfer = transfer_class(filesystem, rpath="/demo", lpath=str(local), **options)
            self.expect(transfer.successful(), f"{label} failed")
            self.expect(progress.done == progress.total > 0, f"{label} reported no progress")
            speed = progress.total / 2**20 / (time.monotonic() - began)
            self.console.paragraph(f"Done, at {speed:.0f} MB per second.")

    def compare(self, source: Path, target: Path) -> None:
        """Compare the checksums of the uploaded and the downloaded files."""
        for name in _MEGABYTES:
            sent, received = _checksum(source / name), _checksum(target / name)
            self.expect(sent == received, f"{name} has another checksum after the download")
            self.console.paragraph(f"{name:<10} SHA-256 {sent[:16]}... is the same on both sides")

    def gen2(self, strategy: AuthStrategy) -> None:
        """Write a table with pandas and read it with polars, without a further prompt."""
        self.console.step("pandas and polars, on Data Lake Storage Gen2")
        missing = gen2.missing_tool()
        if missing is not None:
            self.console.paragraph(
                f"This step is left out, because {missing} is not installed: run"
                f" pip install {' '.join(gen2.TOOLS)}, and then the demo again."
            )
            return
        gen2.introduce(self.console)
        before = self.prompts
        for name, (written, read) in gen2.write_and_read(self.azure, strategy).items():
            self.expect(written == read, f"polars read another column {name} than pandas wrote")
            self.console.paragraph(
                f"Column {name:<6} SHA-256 {written[:16]}... is the same for pandas and polars"
            )
        self.expect(self.prompts == before, "the same sign-in prompted once more for storage")
        self.console.paragraph("Grace was not prompted again.")
        self.requests_of_polars = gen2.requests_of_polars(self.azure)
        self.expect(self.requests_of_polars > 0, "polars did not read from the sandbox")

    def summarize(self) -> None:
        """Print the counts of prompts and requests, and check them."""
        self.console.heading("Summary")
        self.summarize_token_requests()
        self.summarize_hosts()
        others = self.monitor.other_hosts
        self.expect(not others, f"there were connections to {', '.join(sorted(others))}")
        self.console.paragraph("Nothing left this machine: every connection was to 127.0.0.1.")
        if self.requests_of_polars:
            self.console.paragraph(
                "polars connects by itself, which Python does not see: its requests are in the"
                f" list above ({self.requests_of_polars})."
            )

    def summarize_token_requests(self) -> None:
        """Print and check how often people were prompted, and how tokens were requested."""
        tokens = self.azure.log.to("/oauth2/token", method="POST")
        failed = sum(exchange.status != 200 for exchange in tokens)
        grants = Counter(one.request.form["grant_type"] for one in tokens if one.request)
        counts = ", ".join(f"{count} {_GRANTS.get(name, name)}" for name, count in grants.items())
        self.console.paragraph(f"Prompts: {self.prompts}, each of them for Grace.")
        self.console.paragraph(f"Token requests: {len(tokens)} ({counts}); {failed} failed.")
        self.expect(self.prompts == 4, f"there were {self.prompts} prompts instead of 4")
        self.expect(failed == 1, f"{failed} token requests failed instead of 1")

    def summarize_hosts(self) -> None:
        """Print the number of requests for each host; only the browser may try others."""
        hosts = Counter(exchange.host for exchange in self.azure.log if exchange.request)
        for host, count in hosts.most_common():
            self.console.paragraph(f"{count:>5} requests for {host}")
        refused = sum(exchange.request is None for exchange in self.azure.log)
        self.expect(not refused or self.chrome is not None, "a request was for another host")
        if refused:
            self.console.paragraph(
                f"{refused:>5} requests of Chromium itself, for its vendor's hosts: the sandbox"
                " refused them."
            )

    # Shared by the steps.

    def prompt_grace(self, prompt: DeviceCodePrompt) -> None:
        """Show the prompt as the library does, then approve the code as Grace."""
        self.prompts += 1
        with redirect_stderr(io.StringIO()) as shown:
            show(prompt)
        self.console.paragraph("Grace sees this:")
        self.console.quote(shown.getvalue())
        self.azure.entra.approve(prompt.code, by=GRACE)
        self.console.paragraph(
            "She would open that page, enter the code and pass her second factor. The demo"
            " does it for her."
        )

    def browse_as_grace(self, prompt: BrowserPrompt) -> None:
        """Sign in as Grace on the page that the program opened."""
        self.prompts += 1
        self.console.paragraph(f"The page that opens: {prompt.url.partition('?')[0]}")
        if self.chrome is None:
            self.azure.entra.browse(prompt.url, by=GRACE)
            return
        title = sign_in(self.chrome, prompt.url, self.azure, GRACE, GRACE_PASSWORD)
        self.console.paragraph(
            "Grace types her name, her password and the code of her second factor. The last"
            f" page is the program's: {title}."
        )

    def show_accounts(self, credentials: Credentials) -> None:
        """List the accounts with the management SDK."""
        self.console.code("client = DataLakeStoreAccountManagementClient(credentials, ...)")
        self.expect_accounts(_client(credentials).accounts, {STORE})

    def write_and_read(self, token: Credentials, content: bytes) -> None:
        """Write a file with the file system SDK, and read it."""
        self.console.code(f'store = core.AzureDLFileSystem(token, store_name="{STORE}")')
        filesystem = _filesystem(token)
        with filesystem.open("/hello.txt", "wb") as file:
            file.write(content)
        read = filesystem.cat("/hello.txt")
        self.expect(read == content, f"wrote {content!r}, and read {read!r}")
        self.console.paragraph(f"/hello.txt was written and reads: {read.decode()}")

    def expect_accounts(self, accounts: Any, names: set[str]) -> None:
        """List the accounts, and check their names."""
        found = {account.name for account in accounts.list()}
        self.expect(found == names, f"the accounts are {sorted(found)}, not {sorted(names)}")
        self.console.paragraph(f"The subscription's accounts: {', '.join(sorted(found))}.")

    def expect_person(self, credentials: Credentials, username: str) -> None:
        """Check who signed in."""
        actual = credentials.whoami().username
        self.expect(actual == username, f"{actual} signed in instead of {username}")

    def expect(self, condition: bool, otherwise: str) -> None:  # noqa: FBT001 - as assert
        """Raise DemoFailed if a condition does not hold."""
        if not condition:
            raise DemoFailed(otherwise)


def _client(credentials: Credentials) -> Any:
    from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

    return DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)


def _filesystem(token: Credentials) -> Any:
    from azure.datalake.store import core

    return core.AzureDLFileSystem(token, store_name=STORE)


def _create_files(folder: Path) -> None:
    folder.mkdir()
    for name, megabytes in _MEGABYTES.items():
        (folder / name).write_bytes(os.urandom(megabytes * 2**20))


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

"""mode="azure_cli", through azure-identity's real AzureCliCredential, with a fake of ``az``.

The fake is tests/programs/az.py. The real azure-cli, which is too large for every
environment, has a session of its own: tests/clients.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import (
    AzureCli,
    BlockedByPolicy,
    ConfigurationError,
    InvalidCredentials,
    MfaRequired,
    MissingDependency,
    SignInError,
    SignInExpired,
    SignInRequired,
    TransportError,
    WrongAccount,
    filesystem_token,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, Reset
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID
from adls_enduser.testing.strategies import CHALLENGE

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, KEY_VAULT, MANAGEMENT, STORAGE, TOKEN_PATH

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox

FAKE = Path(__file__).parents[1] / "programs" / "az.py"


class FakeAz:
    """The fake on the path, and what it is told to do."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fake-az.json"
        self.tell()
        program = folder / "az"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def tell(self, **told: object) -> None:
        """Say what it is to do; with nothing, nobody has signed in."""
        self.path.write_text(json.dumps({"calls": [], **told}))

    def login(self, person: Person) -> None:
        """Sign somebody in to it."""
        self.tell(username=person.username, password=PASSWORD, tenant=person.tenant_id)

    @property
    def calls(self) -> list[list[str]]:
        """Return the arguments of each call."""
        calls: list[list[str]] = json.loads(self.path.read_text())["calls"]
        return calls


@pytest.fixture
def az(tmp_path: Path, azure: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeAz:
    """Put the fake on the path, with nobody signed in."""
    fake = FakeAz(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("FAKE_AZ", str(fake.path))
    return fake


@pytest.fixture
def signed_in(az: FakeAz, ada: Person) -> FakeAz:
    """Put the fake on the path, with Ada signed in."""
    az.login(ada)
    return az


def test_an_az_login_serves_the_clients(signed_in: FakeAz, azure: Sandbox, ada: Person) -> None:
    """Both planes, by name, with nobody there to be asked."""
    credentials = management_credentials("azure_cli", interactive=False)
    client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
    assert [one.name for one in client.accounts.list()] == ["mystore"]
    token = filesystem_token("azure_cli", interactive=False)
    assert core.AzureDLFileSystem(token, store_name="mystore").ls("/") == []
    assert credentials.whoami().username == ada.username
    assert ada.username in repr(token)


def test_az_is_asked_for_the_audience_with_its_slash(signed_in: FakeAz) -> None:
    """azure-identity strips ``/.default`` of the scope, and no more; the tenant goes along."""
    AzureCli().silent(DATA_LAKE)
    AzureCli(tenant=CONTOSO).silent(MANAGEMENT)
    AzureCli().silent(STORAGE)
    command = ["account", "get-access-token", "--output", "json", "--resource"]
    assert signed_in.calls == [
        [*command, DATA_LAKE],
        [*command, MANAGEMENT, "--tenant", CONTOSO],
        [*command, "https://storage.azure.com"],
    ]


def test_a_held_token_costs_no_az(signed_in: FakeAz) -> None:
    """The program is run once for an audience."""
    credentials = management_credentials("azure_cli")
    for _ in range(3):
        assert credentials.get_token(f"{MANAGEMENT}.default").token
    assert len(signed_in.calls) == 1


@pytest.mark.parametrize("interactive", [True, False, None])
def test_nobody_signed_in(az: FakeAz, azure: Sandbox, interactive: bool | None) -> None:
    """The command that helps is named whole, with the tenant, and az is not run twice for it."""
    with pytest.raises(SignInRequired, match="not signed in") as caught:
        filesystem_token("azure_cli", tenant=CONTOSO, interactive=interactive)
    command = f"az login --tenant {CONTOSO} --scope https://datalake.azure.net//.default"
    assert caught.value.remedy == f"Run: {command}"
    assert len(azure.log) == 0


def test_signing_in_meanwhile_helps(az: FakeAz, ada: Person) -> None:
    """The same strategy works once somebody has run ``az login``."""
    strategy = AzureCli()
    with pytest.raises(SignInRequired):
        management_credentials(strategy)
    az.login(ada)
    assert management_credentials(strategy).whoami().username == ada.username


@pytest.mark.parametrize(
    ("number", "kind", "helped"),
    [
        (50173, SignInExpired, True),
        (50076, MfaRequired, True),
        (53003, BlockedByPolicy, False),
        (50057, InvalidCredentials, False),
    ],
)
def test_a_refusal_is_told(
    signed_in: FakeAz, ada: Person, number: int, kind: type[SignInError], helped: bool
) -> None:
    """With its number, and the command where a new sign-in can help."""
    ada.refused_with = number
    with pytest.raises(kind) as caught:
        management_credentials("azure_cli")
    assert caught.value.code == f"AADSTS{number}"
    assert caught.value.correlation_id is not None
    expected = "Run: az login --scope https://management.core.windows.net//.default"
    assert (caught.value.remedy == expected) == helped
    assert "az logout" not in str(caught.value)


def test_the_expired_sign_in_of_az(az: FakeAz) -> None:
    """AADSTS700082, in azure-cli's own words, is SignInExpired."""
    az.tell(
        fails="AADSTS700082: The refresh token has expired due to inactivity. The token was"
        " issued on 2026-01-01T00:00:00Z and was inactive for 90.00:00:00."
        " Trace ID: 7c1e40a1-73b0-4dd0-9b6d-25dc2d5b5e00"
        " Correlation ID: 0a5f3b51-2f9f-4d8f-8f5b-6f2d4d9b9a11 Timestamp: 2026-05-02 03:04:05Z\n"
        "Run the command below to authenticate interactively; additional arguments may be"
        " added as needed:\naz logout\naz login"
    )
    with pytest.raises(SignInExpired, match="not used for too long") as caught:
        management_credentials("azure_cli")
    assert caught.value.correlation_id == "0a5f3b51-2f9f-4d8f-8f5b-6f2d4d9b9a11"


@pytest.mark.parametrize("cloud", ["china", "us_government"])
def test_the_cloud_is_named_in_the_command(az: FakeAz, cloud: str) -> None:
    """``az`` has a cloud of its own, which must be the same."""
    with pytest.raises(SignInRequired) as caught:
        management_credentials("azure_cli", cloud=cloud)
    named = {"china": "AzureChinaCloud", "us_government": "AzureUSGovernment"}[cloud]
    assert f"az cloud set --name {named} && az login" in caught.value.remedy


def test_a_claims_challenge_names_the_command(signed_in: FakeAz) -> None:
    """``az`` can answer one only by a new sign-in; it is not run to find that out."""
    credentials = management_credentials("azure_cli", tenant=CONTOSO)
    with pytest.raises(SignInRequired) as caught:
        credentials.get_token(f"{MANAGEMENT}.default", claims=CHALLENGE)
    coded = base64.b64encode(CHALLENGE.encode()).decode()
    assert caught.value.remedy.endswith(f"--claims-challenge {coded}")
    assert f"az login --tenant {CONTOSO}" in caught.value.remedy
    assert len(signed_in.calls) == 1


def test_no_az(monkeypatch: pytest.MonkeyPatch, azure: Sandbox) -> None:
    """Where the program is missing, what to install is said."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependency, match=r"https://aka\.ms/azure-cli"):
        management_credentials("azure_cli")


def test_no_azure_identity(az: FakeAz) -> None:
    """Where the package is missing, the extra to install is named (a process of its own)."""
    program = (
        "import sys; sys.modules['azure.identity'] = None\n"
        "import adls_enduser; adls_enduser.management_credentials('azure_cli')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingDependency" in last
    assert "pip install 'adls-enduser[identity]'" in last


def test_an_az_that_hangs_is_given_up(signed_in: FakeAz, ada: Person) -> None:
    """After ``request_timeout`` seconds; that may be tried again."""
    signed_in.tell(takes=30)
    with pytest.raises(TransportError, match="AzureCliCredential got no response"):
        management_credentials("azure_cli", request_timeout=0.2)


def test_an_az_without_network(signed_in: FakeAz, azure: Sandbox) -> None:
    """``az`` prints a traceback then; the error says which host could not be reached."""
    azure.faults.add(Reset(), times=9)
    with pytest.raises(TransportError, match=r"could not reach login\.microsoftonline\.com\."):
        management_credentials("azure_cli")
    azure.faults.clear()
    assert management_credentials("azure_cli").whoami().username


@pytest.mark.parametrize("says", ["", "<html>", "{}", '{"accessToken": "secret-token"}'])
def test_an_az_that_says_nonsense(az: FakeAz, says: str) -> None:
    """Is an error of ours that shows no token; more in test_program_output.py."""
    az.tell(says=says)
    with pytest.raises(SignInError, match="is not shown") as caught:
        management_credentials("azure_cli")
    assert "secret-token" not in str(caught.value)


def test_somebody_elses_az_login(signed_in: FakeAz) -> None:
    """``username`` is compared with what the token says."""
    with pytest.raises(WrongAccount, match="grace") as caught:
        management_credentials("azure_cli", username=f"grace@{CONTOSO}")
    assert "az login" in caught.value.remedy


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"password": "x"}, "password"),
        ({"client_id": "x"}, "client_id"),
        ({"proxies": None}, "proxies"),
        ({"cache": None}, "cache"),
        ({"prompt": print}, "prompt"),
        ({"tenant": "contoso; rm -rf"}, "tenant"),
        ({"request_timeout": 0}, "request_timeout"),
        ({"cloud": "x"}, "cloud"),
    ],
)
def test_bad_options_are_refused(az: FakeAz, options: Any, named: str) -> None:
    """At the call, before ``az`` is run."""
    with pytest.raises(ConfigurationError, match=named):
        management_credentials("azure_cli", **options)
    assert az.calls == []


def test_it_does_not_travel(signed_in: FakeAz) -> None:
    """Its tokens do, in a credential's pickle."""
    strategy = AzureCli(tenant=CONTOSO)
    credentials = management_credentials(strategy)
    there = pickle.loads(pickle.dumps(credentials))
    assert there.get_token(f"{MANAGEMENT}.default").token
    with pytest.raises(SignInRequired, match="another process"):
        there.get_token(f"{KEY_VAULT}.default")
    assert copy.copy(strategy) is copy.deepcopy(strategy) is strategy
    with pytest.raises(ConfigurationError, match="cannot be pickled"):
        pickle.dumps(strategy)
    assert CONTOSO in repr(strategy)
    assert strategy.account == credentials.whoami()


def test_a_renewal_that_fails_leaves_the_token(signed_in: FakeAz, azure: Sandbox) -> None:
    """``refresh_session`` with an ``az`` that has been logged out gives the living token."""
    credentials = management_credentials("azure_cli")
    before = credentials.get_token(f"{MANAGEMENT}.default").token
    signed_in.tell()
    session = credentials.refresh_session()
    assert session.headers["Authorization"] == f"Bearer {before}"
    assert len(signed_in.calls) == 1
    assert len(azure.log.to(TOKEN_PATH)) == 1

"""What ``az`` prints: the kind of its failure is told, and nothing of it is repeated.

Through azure-identity's real credentials, with the fake of ``az`` that test_azure_cli.py has.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import logging
import os
import secrets
import stat
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import AzureError
from azure.identity import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePowerShellCredential,
    ChainedTokenCredential,
    EnvironmentCredential,
)

from adls_enduser import (
    AzureCli,
    AzureCredential,
    EndUserError,
    InvalidCredentials,
    SignInError,
    SignInExpired,
    TransportError,
    management_credentials,
)
from adls_enduser.sandbox import CONTOSO, Answer, Reset

from ..constants import MANAGEMENT
from ..end_to_end.test_secrets import Everything
from .test_azure_cli import FakeAz

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adls_enduser.sandbox import Person, Sandbox


@pytest.fixture
def az(tmp_path: Path, azure: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FakeAz:
    """Put the fake on the path, with nobody signed in."""
    fake = FakeAz(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("FAKE_AZ", str(fake.path))
    return fake


def _jwt() -> str:
    """Return a text in the form of a token, made anew so that no source has it."""
    parts = (secrets.token_bytes(24), secrets.token_bytes(300), secrets.token_bytes(90))
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts)


def _password() -> str:
    return f"Sword-{secrets.token_hex(5)}"


def _as_json(secret: str, **how: Any) -> str:
    return json.dumps({"tokenType": "Bearer", "accessToken": secret}, **how)


# Each spells a secret in another way. The last three stand where something else is taken from.
SPELLED: dict[str, Callable[[str], str]] = {
    "as az does": lambda secret: _as_json(secret, indent=2),
    "without spaces": lambda secret: _as_json(secret, separators=(",", ":")),
    "with more spaces": lambda secret: _as_json(secret, separators=(" ,\t", " :\n  ")),
    "cut": lambda secret: _as_json(secret)[:-9],
    "cut behind the key": lambda secret: f'{{"accessToken": "{secret[: len(secret) // 2]}',
    "coloured": lambda secret: _as_json("\x1b[33m".join(textwrap.wrap(secret, 9)), indent=1),
    "wrapped": lambda secret: "\n".join(textwrap.wrap(_as_json(secret), 40)),
    "wrapped and coloured": lambda secret: "\x1b[0m\n\x1b[31m".join(textwrap.wrap(secret, 17)),
    "with other names": lambda secret: f"refresh_token={secret}&client_secret={secret}",
    "as a header": lambda secret: f"DEBUG: Authorization: Bearer {secret}",
    "alone": lambda secret: secret,
    "a string of JSON": json.dumps,
    "as an option": lambda secret: f"az login --username ada --password {secret}",
    "as a list": lambda secret: json.dumps([secret]),
    "in a sentence": lambda secret: f"AADSTS50173: The grant {secret} was revoked. Trace ID: x",
    "as ids": lambda secret: f"AADSTS50173: x Correlation ID: {secret} Timestamp: {secret}",
    "as a host": lambda secret: f"HTTPSConnectionPool(host='{secret}', port=443): Max retries",
}


def _in_a_chain() -> ChainedTokenCredential:
    return ChainedTokenCredential(EnvironmentCredential(), AzureCliCredential())


STRATEGIES: dict[str, Callable[[], Any]] = {
    "the mode": AzureCli,
    "the credential": lambda: AzureCredential(AzureCliCredential()),
    "a chain": lambda: AzureCredential(_in_a_chain()),
}


def _shown(error: EndUserError) -> str:
    """Return all that can be seen of an error, on one line."""
    everything = Everything()
    everything.add_error(error)
    return "".join("".join(everything.texts).split())


@pytest.mark.parametrize("secret", [_jwt, _password])
@pytest.mark.parametrize("stream", ["says", "fails"])
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("spell", SPELLED.values(), ids=SPELLED)
def test_nothing_of_it_is_repeated(
    az: FakeAz,
    caplog: pytest.LogCaptureFixture,
    strategy: Any,
    spell: Any,
    stream: str,
    secret: Callable[[], str],
) -> None:
    """Not one part of a secret, on either stream, in the message, the chain, a frame or a log.

    A chain of azure-identity's writes a log of its own.
    """
    caplog.set_level(logging.DEBUG)
    planted = secret()
    az.tell(**{stream: spell(planted)})
    with pytest.raises(EndUserError) as caught:
        strategy().silent(MANAGEMENT)
    assert len(az.calls) == 1
    shown = _shown(caught.value)
    if strategy is not STRATEGIES["a chain"]:
        shown += "".join(caplog.text.split())
    parts = {planted[at : at + 8] for at in range(len(planted) - 7)}
    assert not [one for one in parts if one in shown]


class OfSomebody(AzureCliCredential):
    """A subclass with nothing of its own."""


class Wrapper:
    """It has the name of what it wraps, and its methods only when they are asked for."""

    def __init__(self) -> None:
        self._wrapped = AzureCliCredential()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


Wrapper.__name__ = "AzureCliCredential"


@pytest.mark.parametrize("credential", [OfSomebody, Wrapper])
def test_nothing_is_repeated_by_what_is_built_on_it(
    az: FakeAz, caplog: pytest.LogCaptureFixture, credential: Any
) -> None:
    """Nor is it in the log of azure-identity."""
    secret = _jwt()
    az.tell(says=secret)
    with pytest.raises(EndUserError) as caught:
        AzureCredential(credential()).silent(MANAGEMENT)
    assert len(az.calls) == 1
    assert secret[:20] not in _shown(caught.value) + caplog.text


def test_a_method_of_ones_own_is_called_as_it_is(az: FakeAz) -> None:
    """With its decorators, which may be what somebody made the subclass for."""

    def twice(method: Any) -> Any:
        @functools.wraps(method)
        def call(*arguments: Any, **options: Any) -> Any:
            with contextlib.suppress(AzureError):
                method(*arguments, **options)
            return method(*arguments, **options)

        return call

    names = [one for one in ("get_token", "get_token_info") if hasattr(AzureCliCredential, one)]
    own = {name: twice(getattr(AzureCliCredential, name)) for name in names}
    with pytest.raises(EndUserError):
        AzureCredential(type("AzureCliCredential", (AzureCliCredential,), own)()).silent(MANAGEMENT)
    assert len(az.calls) == 2


@pytest.mark.parametrize(
    ("program", "credential"),
    [("azd", AzureDeveloperCliCredential), ("pwsh", AzurePowerShellCredential)],
)
@pytest.mark.parametrize("printed", [_as_json, '{{"error":"x","message":"{}"}}'.format])
@pytest.mark.parametrize("status", [0, 1])
def test_nothing_of_other_programs_is_repeated(
    azure: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    program: str,
    credential: Any,
    printed: Callable[[str], str],
    status: int,
) -> None:
    """azure-identity also runs ``azd`` and PowerShell, and copies what they print."""
    secret = _password()
    (tmp_path / "printed").write_text(printed(secret))
    path = tmp_path / program
    path.write_text(f'#!/bin/sh\ncat "{tmp_path}/printed"\nexit {status}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(SignInError, match=credential.__name__) as caught:
        AzureCredential(credential()).silent(MANAGEMENT)
    assert secret not in _shown(caught.value) + caplog.text


def test_what_to_do_instead_is_said(az: FakeAz) -> None:
    """The command that shows why to the person alone, without the token."""
    az.tell(fails="Subscription 'x' not found.")
    with pytest.raises(SignInError) as caught:
        AzureCli(tenant=CONTOSO).silent(MANAGEMENT)
    command = f"az account get-access-token --tenant {CONTOSO} --scope {MANAGEMENT}/.default"
    assert caught.value.remedy.endswith(f"{command} --query expiresOn")
    assert "not shown" in caught.value.message


def test_the_words_of_azure_identity_are_kept(az: FakeAz, monkeypatch: Any) -> None:
    """What a chain says of its other members, and of a program that is missing."""
    strategy = AzureCredential(_in_a_chain())
    with pytest.raises(SignInError, match="Environment variables are not fully configured"):
        strategy.silent(MANAGEMENT)
    az.tell(fails="x")
    with pytest.raises(SignInError, match=r"not fully configured\..* is not shown"):
        strategy.silent(MANAGEMENT)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SignInError, match="Azure CLI not found on path"):
        AzureCredential(AzureCliCredential()).silent(MANAGEMENT)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(50173, SignInExpired), (50057, InvalidCredentials), (9999999, SignInError)],
)
def test_a_number_is_found_anywhere(az: FakeAz, number: int, kind: type[EndUserError]) -> None:
    """Coloured and wrapped, with the ids of the attempt; a number without a row too."""
    correlation = "0a5f3b51-2f9f-4d8f-8f5b-6f2d4d9b9a11"
    az.tell(
        fails=f"\x1b[31mAADSTS{str(number)[:2]}\x1b[0m\n{str(number)[2:]}: Words."
        f" Trace ID: {correlation} Correlation ID: {correlation} Timestamp: 2026-05-02 03:04:05Z\n"
        "Run the command below to authenticate interactively:\naz logout\naz login"
    )
    with pytest.raises(kind) as caught:
        AzureCli().silent(MANAGEMENT)
    assert type(caught.value) is kind
    assert caught.value.code == f"AADSTS{number}"
    assert caught.value.correlation_id == correlation
    assert caught.value.timestamp == "2026-05-02 03:04:05Z"


def _coloured_and_wrapped(words: str) -> str:
    return "\x1b[31m" + "\x1b[0m\n\x1b[31m".join(textwrap.wrap(words, 30))


# The network: the ends of what azure-cli 2.91.0 prints with msal 1.39, and with its older
# releases (msal before 1.26 raised requests' HTTPError), shortened in the middle.
_UNEXPECTED = "The command failed with an unexpected error. Here is the traceback:\n"
UNREACHABLE = {
    "refused": f"{_UNEXPECTED}HTTPSConnectionPool(host='login.microsoftonline.com', port=443):"
    " Max retries exceeded with url: /x (Caused by NewConnectionError('[Errno 111]'))",
    "reset": f"{_UNEXPECTED}('Connection aborted.', ConnectionResetError(104, 'reset by peer'))",
    "no response": f"{_UNEXPECTED}requests.exceptions.ConnectionError: ('Connection aborted.',"
    " RemoteDisconnected('Remote end closed connection without response'))",
    "timed out": f"{_UNEXPECTED}requests.exceptions.ReadTimeout: Read timed out.",
    "proxy": f"{_UNEXPECTED}requests.exceptions.ProxyError: Cannot connect to proxy.",
}


@pytest.mark.parametrize("words", UNREACHABLE.values(), ids=UNREACHABLE)
@pytest.mark.parametrize("dress", [str, _coloured_and_wrapped])
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_no_network_is_a_transport_error(
    az: FakeAz, words: str, dress: Callable[[str], str], strategy: Any
) -> None:
    """It says to wait a minute, and shows nothing of the traceback."""
    az.tell(fails=dress(words))
    with pytest.raises(TransportError, match="could not reach") as caught:
        strategy().silent(MANAGEMENT)
    assert "Wait a minute" in caught.value.remedy
    assert "traceback" not in str(caught.value)
    assert ("login.microsoftonline.com" in caught.value.message) == ("host='" in words)


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failed_service_is_a_transport_error(
    az: FakeAz, azure: Sandbox, ada: Person, strategy: Any, status: int
) -> None:
    """Its status is told, and how long az answers from it."""
    az.login(ada)
    azure.faults.add(Answer(status), times=9)
    with pytest.raises(TransportError, match=f"HTTP {status}") as caught:
        strategy().silent(MANAGEMENT)
    assert "Wait a minute" in caught.value.remedy
    assert caught.value.retry_after == 60
    azure.faults.clear()
    assert strategy().silent(MANAGEMENT).secret


# The ends of what azure-cli 2.91.0 prints with msal 1.39, for a body that is not JSON.
_DECODING = f"""{_UNEXPECTED}Traceback (most recent call last):
  File "/opt/az/site-packages/msal/FILE.py", line 300, in FUNCTION
    return json.loads(resp.text)
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
"""
_TOKEN = _DECODING.replace("FILE", "oauth2cli/oauth2").replace("FUNCTION", "_obtain_token")
NOT_JSON = {
    "a token": _TOKEN,
    "on Windows": _TOKEN.replace("/", "\\"),
    "discovery": _DECODING.replace("FILE", "authority").replace("FUNCTION", "tenant_discovery"),
    "discovery refused": f"{_UNEXPECTED}ValueError: OIDC Discovery failed on https://login.x/y/v2.0"
    "/.well-known/openid-configuration. HTTP status: 403, Error: <html>Blocked.",
}


@pytest.mark.parametrize("words", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("dress", [str, _coloured_and_wrapped])
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_a_response_that_az_cannot_read(
    az: FakeAz, words: str, dress: Callable[[str], str], strategy: Any
) -> None:
    """Entra ID's 429 in plain text, or a proxy's page: az prints a traceback for both."""
    az.tell(fails=dress(words))
    with pytest.raises(TransportError, match="the response was not JSON") as caught:
        strategy().silent(MANAGEMENT)
    assert "Wait a minute" in caught.value.remedy
    assert caught.value.retry_after == 60
    assert "traceback" not in str(caught.value)


def test_a_broken_file_of_az_is_no_response(az: FakeAz) -> None:
    """The same exception from az's own files: waiting would not help."""
    az.tell(
        fails=f"{_UNEXPECTED}  File '/opt/az/lib/azure/cli/core/_session.py', line 48, in load\n"
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    )
    with pytest.raises(SignInError) as caught:
        AzureCli().silent(MANAGEMENT)
    assert "az account get-access-token" in caught.value.remedy


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_no_status_that_az_did_not_print(az: FakeAz, strategy: Any) -> None:
    """Entra ID's number says that it is a pause; which status az saw is not known."""
    az.tell(fails="AADSTS90055: There are too many requests. Trace ID: x")
    with pytest.raises(TransportError, match="AADSTS90055") as caught:
        strategy().silent(MANAGEMENT)
    assert "HTTP" not in str(caught.value)


def test_a_certificate_is_not_waited_for(az: FakeAz) -> None:
    """azure-cli's own words for a proxy that inspects TLS: the remedy is a CA bundle."""
    az.tell(
        fails="HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries"
        " exceeded with url: /x (Caused by SSLError(SSLCertVerificationError(1, '[SSL:"
        " CERTIFICATE_VERIFY_FAILED] certificate verify failed')))\nCertificate verification"
        " failed. This typically happens when using Azure CLI behind a proxy"
    )
    with pytest.raises(
        TransportError, match=r"certificate of login\.microsoftonline\.com"
    ) as caught:
        AzureCli().silent(MANAGEMENT)
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy


def test_a_token_that_lives_is_used_meanwhile(az: FakeAz, azure: Sandbox, ada: Person) -> None:
    """An outage within az leaves the credential its token."""
    az.login(ada)
    credentials = management_credentials("azure_cli")
    before = credentials.get_token(f"{MANAGEMENT}.default").token
    azure.faults.add(Reset(), times=9)
    credentials.refresh_session()
    assert credentials.get_token(f"{MANAGEMENT}.default").token == before

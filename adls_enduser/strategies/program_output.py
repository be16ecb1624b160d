"""Read what a program has printed that a credential of azure-identity runs, such as ``az``.

The output is untrusted, and it may hold a token or a password in any form: cut, wrapped,
coloured. No pattern finds every one, so the output is never quoted. Only what has a form of its
own is taken from it: Entra ID's number with the ids of the attempt, and how the network failed.

Sources: azure-identity, ``_credentials/azure_cli.py`` (``_run_command``), ``azd_cli.py``,
``azure_powershell.py`` (``parse_token``) and ``chained.py`` (``_get_error_message``), which all
copy output into an error's message; azure-cli-core, ``util.py`` (``handle_exception``), which
prints a traceback for what it does not expect; msal, ``throttled_http_client.py``
(``raise_for_status``) and ``application.py`` (``default_throttle_time``).
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from ..errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable

_RUN_PROGRAMS = frozenset(
    {"AzureCliCredential", "AzureDeveloperCliCredential", "AzurePowerShellCredential"}
)
# The messages in which azure-identity repeats nothing that a program has printed.
_OWN_WORDS = re.compile(
    r"""Please run ['"][A-Za-z -]+['"] [a-z ]+\.?"""
    r"|Azure CLI not found on path|PowerShell is not installed"
    r"|Az\.Account module >= [0-9.]+ is not installed"
    r"|Execution policy prevented invoking Azure PowerShell"
    r"|Azure Developer CLI could not be found\. [A-Za-z ,.:/'-]+"
    r"|Failed to invoke (?:the )?Azure (?:Developer )?CLI|Failed to execute '[^']+'"
    r"|Failed to invoke PowerShell\.\s(?:Enable debug logging for additional information\."
    r"|To mitigate this issue, please refer to the troubleshooting guidelines here at"
    r" https:[a-z./]+)"
)
# It names the caller's own claims, and has run nothing.
_NO_CLAIMS = "This credential doesn't support claims challenges. "
# Where a program's output begins in other messages.
_BEGINS = re.compile(
    rf"\b(?:{'|'.join(sorted(_RUN_PROGRAMS))}): |\bUnexpected output from (?:Azure [A-Z]|Get-Az)"
)

# Colours, and all other control sequences of a terminal (ECMA-48).
_CONTROL_SEQUENCE = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|.)")
_NUMBER = re.compile(r"AADSTS([1-9][0-9]{3,8})(?![0-9])")
_IDS = re.compile(r"\b(?:Correlation ID|Timestamp): [0-9A-Fa-f:TZ. -]{20,36}(?!\w)")

# The words of azure-cli's traceback, without spaces, since lines may be wrapped anywhere.
_SERVER_FAILED = re.compile(
    r"(?:MsalServiceError:HTTPError|requests\.exceptions\.HTTPError):(5[0-9]{2})(?![0-9])"
)
# Entra ID's 429 is plain text (AzureAD/microsoft-authentication-library-for-dotnet, issue 2855),
# and a proxy's page is HTML. The functions of msal that expect JSON (oauth2cli/oauth2.py and
# authority.py), and the words of the second for any other status than 200.
_EXPECT_JSON = ("_obtain_token", "tenant_discovery")
_DISCOVERY_FAILED = "OIDCDiscoveryfailedon"
_BAD_CERTIFICATE = re.compile(r"CERTIFICATE_VERIFY_FAILED|Certificateverificationfailed")
_UNREACHABLE = re.compile(
    r"HTTPS?ConnectionPool\(|Maxretriesexceeded|Connectionaborted|Connectionbroken"
    r"|NameResolutionError|NewConnectionError|RemoteDisconnected"
    r"|(?:requests|urllib3)\.exceptions\.\w*(?:Connection|Proxy|Timeout|Protocol|ChunkedEncoding)"
)

# msal keeps a failure for that long in a public client, and azure-cli keeps msal's memory of
# them in a file (azure-cli-core, auth/binary_cache.py), so that each new az answers from it.
_KEPT_FOR = 60.0
_WAIT = (
    "Wait a minute, then try again: az keeps a failure, and answers from it for 60 seconds or for"
    " as long as the service asked."
)


def runs_program(name: str) -> bool:
    """Return whether this is a class of azure-identity that runs a program for its tokens."""
    return name in _RUN_PROGRAMS


def output_in(message: str, name: str, causes: Iterable[BaseException]) -> str:
    """Return the end of a message from where on it repeats a program's output; "" if it does not.

    ``name`` is the class of the credential that raised the error.
    """
    has_failed = any(isinstance(one, subprocess.CalledProcessError) for one in causes)
    if message.startswith(_NO_CLAIMS) and not has_failed:
        return ""
    if has_failed or runs_program(name):
        return "" if _OWN_WORDS.fullmatch(message.strip()) else message
    for begins in _BEGINS.finditer(message):  # of each member of a chain that runs a program
        first_line = message[begins.end() :].partition("\n")[0]
        if not _OWN_WORDS.fullmatch(first_line.strip()):
            return message[begins.start() :]
    return ""


def response_in(output: str) -> dict[str, object] | None:
    """Return Entra ID's error response as far as the output shows it; None without a number."""
    plain = _CONTROL_SEQUENCE.sub("", output)
    found = _NUMBER.search("".join(plain.split()))
    if found is None:
        return None
    ids = "".join(f" {one}" for one in _IDS.findall(plain))
    return {"error_codes": [int(found[1])], "error_description": ids}


def response_not_json(name: str, *, wait: str = "Wait a minute, then try again.") -> TransportError:
    """Return the error for a response of Entra ID that the credential cannot decode."""
    return TransportError(
        f"{name} got no token, because the response was not JSON. Entra ID sends such a response"
        " when there are too many requests, and a proxy when it refuses a request.",
        remedy=f"{wait} If that does not help, check the proxy.",
        retry_after=_KEPT_FOR,
    )


def _is_not_json(words: str) -> bool:
    """Return whether the traceback shows that msal could not decode a response."""
    decodes = any(function in words for function in _EXPECT_JSON)
    return (decodes and "JSONDecodeError:" in words) or _DISCOVERY_FAILED in words


def network_failure(output: str, name: str, host: str) -> TransportError | None:
    """Return the error for a program that got no usable response; None if that is not why.

    ``host`` is the one that the program calls. It is named only if the output names it.
    """
    words = "".join(_CONTROL_SEQUENCE.sub("", output).split())
    where = host if f"host='{host}'" in words else "the service"
    if _BAD_CERTIFICATE.search(words):
        return TransportError(
            f"{name} could not check the certificate of {where}.",
            remedy="If a proxy inspects TLS, name a file with its certificate in the environment"
            " variable REQUESTS_CA_BUNDLE, which az reads.",
        )
    failed = _SERVER_FAILED.search(words)
    if failed:
        return TransportError(
            f"{name} got no token, because the service failed (HTTP {failed[1]}).",
            remedy=_WAIT,
            retry_after=_KEPT_FOR,
        )
    if _is_not_json(words):
        return response_not_json(name, wait=_WAIT)
    if _UNREACHABLE.search(words):
        return TransportError(
            f"{name} could not reach {where}.", remedy=f"Check the network. {_WAIT}"
        )
    return None

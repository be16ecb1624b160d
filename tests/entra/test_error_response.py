"""Error responses of Entra ID become typed errors that say what to do next."""

from __future__ import annotations

import ast
import pickle
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adls_enduser.clouds import CHINA, PUBLIC, Cloud
from adls_enduser.entra.aadsts import (
    AADSTS_TABLE,
    AUTHORIZATION_PENDING,
    DEFAULT_REMEDIES,
    ENTRY_BY_NUMBER,
    AadstsEntry,
)
from adls_enduser.entra.backend import GrantKind
from adls_enduser.entra.error_response import RequestContext, error_from_response
from adls_enduser.errors import (
    BlockedByPolicy,
    ConfigurationError,
    ConsentDeclined,
    ConsentRequired,
    EndUserError,
    InvalidCredentials,
    MfaRequired,
    ProtocolError,
    SignInDeclined,
    SignInError,
    SignInExpired,
    SignInTimedOut,
    TransportError,
    WrongAccount,
)
from adls_enduser.options import CommonOptions, options_as_source, settings

TENANT = "contoso.onmicrosoft.com"
CLIENT = "c0ffee00-7e57-4c0a-9d0a-00000000000c"
CORRELATION = "aaaa0000-bb11-2222-33cc-444444dddddd"
TRACE = "0000aaaa-11bb-cccc-dd33-eeeeee333333"
STAMP = "2016-01-09 02:02:12Z"

# Written out by hand, so that the package's table cannot lose a row unnoticed. A new number need
# not be added here.
EXPECTED: dict[type[EndUserError], list[int]] = {
    InvalidCredentials: [50126, 50064, 50034, 50055, 50144, 50056, 50057, 50053],
    WrongAccount: [50020, 16000, 50014, 51004, 90072, 500208],
    MfaRequired: [50076, 50079, 50072, 50074, 50158],
    BlockedByPolicy: [
        *(50105, 53004, 53010, 50005, 50097, 50155, 50187, 53000, 53001, 53003),
        *(530032, 530035, 50131, 53011, 530034, 500021, 500022, 500212, 500213),
    ],
    ConsentRequired: [65001, 90094, 90095],
    ConsentDeclined: [65004],
    ConfigurationError: [
        *(50059, 50128, 90002, 90038, 50194, 9001023, 90130, 65002, 650057, 650056),
        *(500011, 50001, 700016, 700011, 70001, 7000112, 7000218, 700025, 50011),
        *(70011, 28002, 700022, 90014, 900144),
    ],
    SignInExpired: [50132, 50133, 50078, 700082, 70008, 70043, 50173, 70000, 50089],
    SignInError: [70018, 90119, 90120, 50134],
    SignInTimedOut: [70019, 70020],
    TransportError: [
        *(50196, 90055, 50087, 90024, 90033, 90006, 90012, 50033),
        *(80001, 80002, 80005, 80007, 80013),
    ],
}
NUMBERS = [(number, entry.error_class) for number, entry in ENTRY_BY_NUMBER.items()]

NEXT_CALL = re.compile(r"The next call(?:, after that)?: (\w+\(.*?\))\.")
OWN_CLOUD = Cloud(
    name="own",
    authority="https://login.example.org/",
    management="https://management.example.org/",
    resource_manager="https://management.example.org/",
    storage="https://storage.example.org/",
)

GRANT_KINDS: tuple[GrantKind, ...] = get_args(GrantKind)


def context(
    grant_kind: GrantKind = "password",
    *,
    tenant: str | None = TENANT,
    resource: str = PUBLIC.management,
    authority: str = PUBLIC.authority,
    mode: str = '"password"',
) -> RequestContext:
    """Describe a request, by default a password sign-in at the public cloud."""
    where = f"{authority}/{tenant or 'common'}"
    options = options_as_source(PUBLIC, tenant=tenant)
    return RequestContext(grant_kind, where, tenant, CLIENT, resource, mode, options)


def body(number: int | None, sentence: str = "No.", **fields: object) -> dict[str, object]:
    """Build an error body in Entra ID's form; a field given as None is left out."""
    prefix = "" if number is None else f"AADSTS{number}: "
    whole = {
        "error": "invalid_grant",
        "error_description": f"{prefix}{sentence}\r\nTrace ID: {TRACE}\r\n"
        f"Correlation ID: {CORRELATION}\r\nTimestamp: {STAMP}",
        "error_codes": None if number is None else [number],
        "timestamp": STAMP,
        "trace_id": TRACE,
        "correlation_id": CORRELATION,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def error_for(
    response_body: object, grant_kind: GrantKind = "password", status: int = 400
) -> EndUserError:
    """Return the error for a body that came back from the default request."""
    return error_from_response(response_body, context(grant_kind), status=status)


# The table --------------------------------------------------------------------------


def test_no_number_is_lost() -> None:
    """The table has every number that is listed here, with its class."""
    expected = {number: kind for kind, numbers in EXPECTED.items() for number in numbers}
    assert len(expected) == 94
    assert expected.items() <= dict(NUMBERS).items()
    assert AUTHORIZATION_PENDING not in ENTRY_BY_NUMBER


def test_each_number_has_one_row() -> None:
    """A number in two rows would hide one of them."""
    assert sum(len(entry.numbers) for entry in AADSTS_TABLE) == len(ENTRY_BY_NUMBER)


@pytest.mark.parametrize(("number", "kind"), NUMBERS)
def test_number_chooses_class_and_remedy(number: int, kind: type[EndUserError]) -> None:
    """The error has the number's class, its advice, the number, and all that support asks for."""
    error = error_for(body(number, "The sentence."))
    assert type(error) is kind
    assert error.remedy.startswith(ENTRY_BY_NUMBER[number].advice)
    assert error.code == f"AADSTS{number}"
    for part in ("The sentence.", error.remedy, str(number), CORRELATION, STAMP):
        assert part in str(error)


@pytest.mark.parametrize(("number", "kind"), NUMBERS)
def test_description_alone_is_enough(number: int, kind: type[EndUserError]) -> None:
    """Without error_codes and the other fields, the description's lines are read."""
    description = body(number)["error_description"]
    error = error_for({"error": "invalid_grant", "error_description": description})
    assert type(error) is kind
    assert error.code == f"AADSTS{number}"
    assert error.correlation_id == CORRELATION
    assert error.timestamp == STAMP


@pytest.mark.parametrize("entry", AADSTS_TABLE, ids=lambda entry: str(entry.numbers[0]))
def test_rows_are_sentences_that_name_only_what_exists(entry: AadstsEntry) -> None:
    """Meaning and advice are whole sentences, and name only modes that exist."""
    for text in (entry.meaning, entry.advice):
        assert text[0].isupper()
        assert text.endswith(".")
        modes = {part.split('"')[0] for part in text.split('mode="')[1:]}
        assert modes <= {"password", "device_code", "browser"}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (50126, ["lock the account", "by device code or in the browser"]),
        (50034, ["tenant=", "guest"]),
        (50055, ["change the password"]),
        (50056, ['mode="device_code" or mode="browser"']),
        (50057, ["administrator"]),
        (50053, ["Stop trying", "sign-in log"]),
        (50020, ["tenant=", "invitation"]),
        (50014, ["Accept the invitation"]),
        (500208, ["work or school account"]),
        (50105, ["Enterprise applications", "assign"]),
        (50059, ["tenant=", '"common"']),
        (90002, ["tenant=", "cloud="]),
        (90038, ['cloud="china"', 'cloud="us_government"']),
        (50194, ["tenant=", "organizations"]),
        (50076, ['mode="device_code"', 'mode="browser"']),
        (50079, ["register", 'mode="device_code"']),
        (50074, ["second factor"]),
        (50078, ['mode="device_code"']),
        (50158, ['mode="device_code"']),
        (53004, ["Register it", "administrator"]),
        (50005, ["managed machine", 'mode="browser"']),
        (50097, ["managed machine", 'mode="browser"']),
        (53000, ["Enrol", "managed machine", 'mode="browser"']),
        (53003, ["correlation id", "managed machine", 'mode="browser"']),
        (530032, ['mode="device_code"', "administrator"]),
        (53011, ["Do not try again"]),
        (500021, ["administrators"]),
        (65001, [f"{PUBLIC.authority}/{TENANT}/adminconsent?client_id={CLIENT}"]),
        (65004, ["accept"]),
        (90094, [f"{PUBLIC.authority}/{TENANT}/adminconsent?client_id={CLIENT}"]),
        (65002, ["client_id=", "Register"]),
        (650057, ["API permissions", "Azure Data Lake", "user_impersonation"]),
        (500011, ["scope", "tenant=", "Gen1"]),
        (700016, ["client_id=", "tenant=", "cloud="]),
        (70001, ["administrator"]),
        (7000218, ["Allow public client flows"]),
        (700025, ["Remove the client secret"]),
        (50011, ["http://localhost", "Mobile and desktop applications"]),
        (70011, ["/.default"]),
        (90014, ["client_id="]),
        (50132, ["Sign in again"]),
        (70008, ["Sign in again"]),
        (70043, ["workload identity"]),
        (50173, ["Sign in again"]),
        (70000, ["Sign in again", "delete"]),
        (70018, ["code exactly"]),
        (70019, ["Start again"]),
        (90120, ["Start again"]),
        (50134, ["same region"]),
        (50196, ["one credential"]),
        (90055, ["retry_after"]),
        (90033, ["Try again"]),
        (80001, ["administrator"]),
        (80013, ["clocks"]),
    ],
)
def test_remedy_names_the_next_step(number: int, words: list[str]) -> None:
    """The remedy of each row says what helps."""
    remedy = error_for(body(number)).remedy
    assert [word for word in words if word not in remedy] == []


# What to do next --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "tenant", "call"),
    [
        (
            PUBLIC.management,
            TENANT,
            f'management_credentials(mode="device_code", tenant="{TENANT}")',
        ),
        (PUBLIC.data_lake, TENANT, f'filesystem_token(mode="device_code", tenant="{TENANT}")'),
        (PUBLIC.management, None, 'management_credentials(mode="device_code")'),
    ],
)
def test_second_factor_after_password_names_the_call(
    resource: str, tenant: str | None, call: str
) -> None:
    """After a password the remedy has the exact call that can give the second factor."""
    request = context(tenant=tenant, resource=resource)
    assert call in error_from_response(body(50076), request, status=400).remedy
    unknown = body(None, error="interaction_required")
    assert call in error_from_response(unknown, request, status=400).remedy


NOT_REFUSED = (TransportError, ProtocolError)


@pytest.mark.parametrize("mode", ["password", "device_code", "browser"])
@pytest.mark.parametrize("number", [number for number, kind in NUMBERS if kind not in NOT_REFUSED])
def test_every_refusal_names_the_next_call(number: int, mode: str) -> None:
    """After every refusal the remedy has one call, and Python can parse it."""
    request = context("refresh", mode=f'"{mode}"')
    [call] = NEXT_CALL.findall(error_from_response(body(number), request, status=400).remedy)
    parsed = ast.parse(call, mode="eval").body
    assert isinstance(parsed, ast.Call)
    assert [keyword.arg for keyword in parsed.keywords][:2] == ["mode", "tenant"]


@pytest.mark.parametrize(
    ("number", "mode", "call"),
    [
        # The advice names this mode.
        (50074, "device_code", 'The next call: X(mode="device_code", tenant="T").'),
        (50074, "browser", 'The next call: X(mode="browser", tenant="T").'),
        (53003, "device_code", 'The next call: X(mode="browser", tenant="T").'),
        # The person signs in again in the same mode.
        (700082, "browser", 'The next call: X(mode="browser", tenant="T").'),
        (90120, "device_code", 'The next call: X(mode="device_code", tenant="T").'),
        # Something must be done first.
        (50126, "password", 'The next call, after that: X(mode="password", tenant="T").'),
        (50053, "password", 'The next call, after that: X(mode="password", tenant="T").'),
        (53003, "browser", 'The next call, after that: X(mode="browser", tenant="T").'),
        # An option of the call must be changed.
        (90038, "browser", 'The next call: X(mode="browser", tenant="T", cloud=...).'),
        (90002, "password", 'The next call: X(mode="password", tenant=..., cloud=...).'),
    ],
)
def test_next_call_is_the_one_that_can_succeed(number: int, mode: str, call: str) -> None:
    """In another mode where the advice names one, else in the same; with what must be changed."""
    request = context("refresh", mode=f'"{mode}"')
    expected = call.replace("X", "management_credentials").replace('"T"', f'"{TENANT}"')
    assert expected in error_from_response(body(number), request, status=400).remedy


@pytest.mark.parametrize("number", [number for number, kind in NUMBERS if kind in NOT_REFUSED])
def test_a_fault_of_the_service_names_no_call(number: int) -> None:
    """No change of the call would help."""
    assert not NEXT_CALL.search(error_for(body(number)).remedy)


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({}, 'mode="device_code"'),
        ({"cloud": "china", "tenant": TENANT}, f'mode="browser", tenant="{TENANT}", cloud="china"'),
        ({"client_id": CLIENT}, f'mode="device_code", client_id="{CLIENT}"'),
        ({"library": "msal"}, 'mode="device_code", library="msal"'),
        ({"cloud": OWN_CLOUD}, 'mode="device_code", cloud=...'),
    ],
)
def test_next_call_has_the_options_that_were_given(options: CommonOptions, source: str) -> None:
    """Cloud, tenant, application and library are those of the call that was refused."""
    own = settings(options, "browser" if "tenant" in options else "device_code")
    assert own.call_for(own.cloud.management) == f"management_credentials({source})"


@pytest.mark.parametrize("tenant", [None, "common", "Common", "organizations", "consumers"])
def test_consent_url_without_tenant(tenant: str | None) -> None:
    """Without a tenant, the consent page is that of "organizations"."""
    error = error_from_response(body(65001), context(tenant=tenant), status=400)
    assert isinstance(error, ConsentRequired)
    assert error.consent_url == (
        f"https://login.microsoftonline.com/organizations/adminconsent?client_id={CLIENT}"
    )


def test_consent_url_is_quoted() -> None:
    """Nothing in a tenant or client id can change the address."""
    request = RequestContext("password", "https://login.example/x", "a/b?c", "1&x=2 3", "r")
    error = error_from_response(body(65001), request, status=400)
    assert isinstance(error, ConsentRequired)
    assert error.consent_url == (
        "https://login.example/a%2Fb%3Fc/adminconsent?client_id=1%26x%3D2+3"
    )


@pytest.mark.parametrize(
    ("resource", "permission"),
    [
        (PUBLIC.management, "Azure Service Management: user_impersonation"),
        (CHINA.management, "Azure Service Management: user_impersonation"),
        (PUBLIC.data_lake, "Azure Data Lake: user_impersonation"),
        (PUBLIC.storage, "Azure Storage: user_impersonation"),
        ("https://vault.azure.net", "https://vault.azure.net: user_impersonation"),
    ],
)
def test_consent_names_the_permission_and_page(resource: str, permission: str) -> None:
    """The remedy for missing consent has the API permission, and the page that gives it."""
    error = error_from_response(body(65001), context(resource=resource), status=400)
    assert isinstance(error, ConsentRequired)
    assert permission in error.remedy
    assert error.consent_url is not None
    assert error.consent_url in error.remedy


def test_declined_consent_is_both_errors_and_names_the_page() -> None:
    """It is caught as either; the remedy has the page where an administrator can allow it."""
    error = error_for(body(65004, error="access_denied"), "browser")
    assert isinstance(error, SignInDeclined)
    assert isinstance(error, ConsentRequired)
    assert error.consent_url is not None
    assert error.consent_url in error.remedy


def test_consent_for_an_unknown_application_names_no_page() -> None:
    """The credential of another package does not tell which application the page would allow."""
    request = RequestContext("credential", PUBLIC.authority, None, None, PUBLIC.management)
    error = error_from_response(body(65001), request, status=400)
    assert isinstance(error, ConsentRequired)
    assert error.consent_url is None
    assert "adminconsent" not in str(error)
    assert "Azure Service Management" in error.remedy


def test_unknown_number_links_to_the_clouds_own_page() -> None:
    """The remedy for a number without a row links to the page about it at the authority's host."""
    error = error_from_response(body(59999), context(authority=CHINA.authority), status=400)
    assert type(error) is InvalidCredentials
    assert error.remedy.startswith(DEFAULT_REMEDIES[InvalidCredentials])
    assert "https://login.chinacloudapi.cn/error?code=59999" in error.remedy


# The OAuth fields -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "password", "device_code", "refresh", "credential"),
    [
        ("invalid_grant", InvalidCredentials, SignInError, SignInExpired, SignInError),
        ("login_required", MfaRequired, SignInError, SignInExpired, SignInExpired),
        ("access_denied", BlockedByPolicy, SignInDeclined, BlockedByPolicy, BlockedByPolicy),
        *(
            (error, *[kind] * 4)
            for error, kind in {
                "interaction_required": MfaRequired,
                "consent_required": ConsentRequired,
                "authorization_declined": SignInDeclined,
                "expired_token": SignInTimedOut,
                "code_expired": SignInTimedOut,
                "bad_verification_code": SignInError,
                "temporarily_unavailable": TransportError,
                "server_error": TransportError,
                "authorization_pending": TransportError,
                "slow_down": TransportError,
                "invalid_client": ConfigurationError,
                "unauthorized_client": ConfigurationError,
                "invalid_request": ConfigurationError,
                "invalid_resource": ConfigurationError,
                "invalid_scope": ConfigurationError,
                "unsupported_grant_type": ConfigurationError,
                "invalid_tenant": ConfigurationError,
                "invalid_instance": ConfigurationError,
                "never_heard_of": SignInError,
            }.items()
        ),
    ],
)
def test_error_chooses_the_class_when_the_number_is_unknown(
    error: str,
    password: type[EndUserError],
    device_code: type[EndUserError],
    refresh: type[EndUserError],
    credential: type[EndUserError],
) -> None:
    """Without a known number, the OAuth error and the grant choose the class.

    The device code and the browser have the same classes: in both a person is present.
    """
    for number in (None, 59999):
        response_body = body(number, error=error)
        expected: dict[GrantKind, type[EndUserError]] = {
            "password": password,
            "device_code": device_code,
            "browser": device_code,
            "refresh": refresh,
            "credential": credential,
        }
        found = {kind: type(error_for(response_body, kind)) for kind in expected}
        assert found == expected


@pytest.mark.parametrize(
    ("suberror", "kind"),
    [
        ("basic_action", MfaRequired),
        ("additional_action", MfaRequired),
        ("message_only", BlockedByPolicy),
        ("protection_policy_required", BlockedByPolicy),
        ("device_authentication_failed", BlockedByPolicy),
        ("consent_required", ConsentRequired),
        ("user_password_expired", InvalidCredentials),
        ("bad_token", SignInExpired),
        ("token_expired", SignInExpired),
        ("client_mismatch", SignInExpired),
    ],
)
@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required"])
def test_suberror_refines_the_error(error: str, suberror: str, kind: type[EndUserError]) -> None:
    """The suberror chooses a more exact class than the error, and both are kept."""
    found = error_for(body(None, error=error, suberror=suberror), "refresh")
    assert type(found) is kind
    assert (found.error, found.suberror) == (error, suberror)


@pytest.mark.parametrize(
    ("error", "kind"),
    [("authorization_declined", SignInDeclined), ("temporarily_unavailable", TransportError)],
)
def test_a_final_error_wins_over_the_number(error: str, kind: type[EndUserError]) -> None:
    """Numbers may change, so a final OAuth error keeps its class and its own advice."""
    found = error_for(body(50126, error=error))
    assert type(found) is kind
    assert found.remedy.startswith(DEFAULT_REMEDIES[kind])
    assert ENTRY_BY_NUMBER[50126].advice not in found.remedy


@pytest.mark.parametrize("number", [None, AUTHORIZATION_PENDING])
@pytest.mark.parametrize("error", ["authorization_pending", "slow_down", None])
def test_pending_may_be_tried_again(number: int | None, error: str | None) -> None:
    """That the person has not finished yet is never taken for a refusal."""
    found = error_for(body(number, error=error), "device_code")
    assert type(found) is (TransportError if number or error else ProtocolError)


# No usable response -----------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("response_body", [None, "<html>", {}, {"error": "never_heard_of"}])
def test_busy_or_broken_service(response_body: object, status: int) -> None:
    """A temporary fault is a TransportError that says how long to wait."""
    error = error_from_response(response_body, context(), status=status, retry_after=17.0)
    assert isinstance(error, TransportError)
    assert error.retry_after == 17.0
    assert f"HTTP {status}" in error.message


def test_refusal_with_a_5xx_status_stays_a_refusal() -> None:
    """A known refusal must not be tried again, whatever the status: that would lock accounts."""
    assert type(error_for(body(50053), status=503)) is InvalidCredentials


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404])
@pytest.mark.parametrize(
    "response_body",
    [
        None,
        "",
        "<html>",
        b"x",
        7,
        [],
        {},
        {"error": None},
        {"error": {"code": "x"}},
        {"error": "<"},
    ],
)
def test_unreadable_body(response_body: object, status: int) -> None:
    """A body that cannot be read is a ProtocolError with the status and without the body."""
    error = error_for(response_body, status=status)
    assert type(error) is ProtocolError
    assert f"HTTP {status}" in error.message
    assert "could not be read" in error.message
    assert "<" not in str(error)
    assert error.remedy


# The message ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant_kind", "start"),
    [
        ("password", "Entra ID refused the password sign-in: "),
        ("device_code", "Entra ID refused the device-code sign-in: "),
        ("browser", "Entra ID refused the browser sign-in: "),
        ("refresh", "Entra ID refused to renew the sign-in: "),
        ("credential", "Entra ID refused the credential a token: "),
    ],
)
def test_message_says_what_was_refused(grant_kind: GrantKind, start: str) -> None:
    """The message is what was refused and the description's first sentence, no more."""
    error = error_for(body(50126, "Wrong password. More about it."), grant_kind)
    assert error.message == f"{start}Wrong password."


@pytest.mark.parametrize(
    "description",
    [
        f"AADSTS50126: Wrong password\r\nTrace ID: {TRACE}\r\nCorrelation ID: {CORRELATION}",
        f"AADSTS50126: Wrong password. Trace ID: {TRACE} Correlation ID: {CORRELATION}",
        "AADSTS50126: Wrong\tpass\x1b\x9b\u202eword".replace("pass", "").replace(
            "word", "password"
        ),
        "Wrong password",
    ],
)
def test_sentence_is_cleaned(description: str) -> None:
    """Number, ids, line ends, control characters and bidi overrides are left out."""
    error = error_for(body(50126, error_description=description))
    assert error.message == "Entra ID refused the password sign-in: Wrong password."


@pytest.mark.parametrize(
    "sentence",
    [
        "You must use multi-factor authentication to access '797f4846-ba00-4fd7'.",
        "The user 'J. Doe' is unknown.",
        "A parameter, e.g. the scope, is missing.",
        "Is it?",
    ],
)
def test_the_end_of_the_sentence_is_found(sentence: str) -> None:
    """An initial or an abbreviation does not end the sentence; a quote does not hide its end."""
    error = error_for(body(50126, f"{sentence} More about it. And more."))
    assert error.message == f"Entra ID refused the password sign-in: {sentence}"


def test_sentence_is_bounded() -> None:
    """A very long description does not fill the screen."""
    error = error_for(body(50126, "word " * 100_000))
    assert len(error.message) < 400
    assert error.message.endswith("...")


def test_token_in_the_sentence_is_left_out() -> None:
    """A token or a device code that the description repeats is not shown."""
    token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0." + "Ab1_-" * 20
    error = error_for(body(70000, f"The token '{token}' is malformed."), "refresh")
    assert token[:40] not in repr(vars(error))
    assert "The token '[...]' is malformed." in error.message


def test_missing_description_falls_back_to_the_meaning() -> None:
    """Without a description a known number still says what happened."""
    error = error_for({"error": "invalid_grant", "error_codes": [50057]})
    assert error.message == "Entra ID refused the password sign-in: The account is disabled."
    bare = error_for({"error": "invalid_client"})
    assert bare.message == "Entra ID refused the password sign-in (HTTP 400, invalid_client)."


@pytest.mark.parametrize(
    "fields",
    [
        {"correlation_id": "not-a-guid"},
        {"correlation_id": f"{CORRELATION}\n"},
        {"correlation_id": 7},
        {"timestamp": "\x1b[31mnow"},
        {"timestamp": "2016-01-09 02:02:12Z" * 9},
        {"error": "in valid"},
        {"error": "x" * 65},
        {"suberror": ["basic_action"]},
        {"suberror": "\u0661"},
        {"error_codes": [True]},
        {"error_codes": [-50126]},
        {"error_codes": [10**5000]},
        {"error_codes": ["50126"]},
        {"error_codes": {"0": 50126}},
        {"error_description": 50126},
    ],
)
def test_details_of_another_form_are_left_out(fields: dict[str, object]) -> None:
    """A value without the form that it should have reaches no log and no terminal."""
    error = error_for({"error_description": "No.", **fields})
    assert set(vars(error.particulars).values()) == {None}


# Every response ---------------------------------------------------------------------

SECRET = "hunter2-correct-horse"

FIELDS = (
    *("error", "suberror", "error_description", "error_codes"),
    *("timestamp", "correlation_id", "trace_id", "error_uri"),
)
WORDS = ("invalid_grant", "interaction_required", "basic_action", "consent_required", STAMP)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([number for number, _ in NUMBERS])
    | st.floats()
    | st.text()
    | st.sampled_from(WORDS)
    | st.builds("AADSTS{}: {}".format, st.integers(), st.text())
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
known = st.dictionaries(st.sampled_from(FIELDS), values)
unknown = st.dictionaries(
    st.text().filter(lambda name: name not in FIELDS)
    | st.sampled_from(["access_token", "refresh_token", "password", "claims"]),
    st.sampled_from([SECRET, [SECRET], {"nested": SECRET}]),
)
bodies = values | st.builds(lambda one, two: {**one, **two}, known, unknown)


@given(
    response_body=bodies,
    grant_kind=st.sampled_from(GRANT_KINDS),
    status=st.integers(100, 599),
    tenant=st.sampled_from([TENANT, None]),
    retry_after=st.none() | st.floats(),
)
def test_any_body_becomes_one_of_our_errors(
    response_body: object,
    grant_kind: GrantKind,
    status: int,
    tenant: str | None,
    retry_after: float | None,
) -> None:
    """For any body the result is one of our errors, printable, without the secret."""
    request = context(grant_kind, tenant=tenant)
    error = error_from_response(response_body, request, status=status, retry_after=retry_after)
    assert isinstance(error, EndUserError)
    assert error.remedy
    shown = f"{error} {error!r} {vars(error)!r}"
    assert SECRET not in shown
    assert SECRET.encode() not in pickle.dumps(error)
    assert str(error).isprintable()
    assert len(str(error)) < 2000


@pytest.mark.parametrize("number", [numbers[0] for numbers in EXPECTED.values()])
def test_error_survives_pickling(number: int) -> None:
    """A worker process returns the whole error."""
    error = error_from_response(body(number), context(), status=400, retry_after=3.0)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)

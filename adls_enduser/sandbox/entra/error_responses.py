"""The errors of Entra ID that a person's sign-in can end with, in Entra ID's own form.

Sources: Microsoft, "Microsoft Entra authentication and authorization error codes" (the
numbers, and their messages); the fields ``error`` and ``suberror`` and the HTTP
status as recorded in public threads and recordings of the v1.0 token endpoint, among them
Azure/azure-powershell #13193 (50097: 401), Azure/azure-sdk-for-python #14241 (90033: 503)
and AzureAD/azure-activedirectory-library-for-python #110 (``code_expired``).
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from dataclasses import dataclass

from ..http import Request, Response, json_response

_ENROL = "you must enroll in multi-factor authentication to access '{resource}'."
_MFA = "you must use multi-factor authentication to access '{resource}'."
_ADMIN_CHANGED = (
    "Due to a configuration change made by your administrator, or because you moved to a new"
    " location, "
)
_NOT_IN_TENANT = (
    "User account '{username}' from identity provider 'https://sts.windows.net/{home_tenant}/'"
    " does not exist in tenant '{tenant}' and cannot access the application"
    " '{client_id}'({app}) in that tenant. The account needs to be added as an external user in"
    " the tenant first. Sign out and sign in again with a different Azure Active Directory user"
    " account."
)
_NOT_INSTALLED = (
    " This can happen if the application has not been installed by the administrator of the"
    " tenant or consented to by any user in the tenant. You may have sent your authentication"
    " request to the wrong tenant."
)


@dataclass(frozen=True)
class ErrorDefinition:
    """What a number stands for: OAuth ``error``, message, ``suberror``, HTTP status.

    The message may contain ``{username}``, ``{tenant}``, ``{client_id}`` and so on.
    """

    number: int
    error: str
    message: str
    suberror: str | None = None
    status: int = 400


_DEFINITIONS = (
    # The person's credentials.
    ErrorDefinition(
        50126,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
    ),
    ErrorDefinition(
        50034,
        "invalid_grant",
        "The user account {username} does not exist in the {tenant} directory. To sign into this"
        " application, the account must be added to the directory.",
        "bad_token",
    ),
    ErrorDefinition(50055, "invalid_grant", "The password is expired.", "user_password_expired"),
    ErrorDefinition(
        50144,
        "invalid_grant",
        "The user's Active Directory password has expired. Generate a new password for the user"
        " or have the user use the self-service reset tool to reset their password.",
        "user_password_expired",
    ),
    ErrorDefinition(
        50056,
        "invalid_grant",
        "Invalid or null password: password does not exist in the directory for this user.",
    ),
    ErrorDefinition(50057, "invalid_grant", "The user account is disabled."),
    ErrorDefinition(
        50053,
        "invalid_grant",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID"
        " or password.",
    ),
    ErrorDefinition(
        50064, "invalid_grant", "Credential validation on username or password has failed."
    ),
    ErrorDefinition(
        50132,
        "invalid_grant",
        "The session is not valid due to password expiration or recent password change.",
        "bad_token",
    ),
    ErrorDefinition(
        50133,
        "invalid_grant",
        "The session is not valid due to password expiration or recent password change.",
        "bad_token",
    ),
    # The person and the tenant.
    ErrorDefinition(50020, "invalid_grant", _NOT_IN_TENANT),
    ErrorDefinition(16000, "interaction_required", _NOT_IN_TENANT),
    ErrorDefinition(
        50014,
        "invalid_grant",
        "The user account {username} does not exist in the {tenant} directory: the invitation of"
        " this guest user has not been redeemed yet.",
    ),
    ErrorDefinition(
        51004,
        "invalid_grant",
        "The user account {username} does not exist in the {tenant} directory. To sign into this"
        " application, the account must be added to the directory.",
    ),
    ErrorDefinition(90072, "interaction_required", _NOT_IN_TENANT),
    ErrorDefinition(
        500208,
        "invalid_request",
        "The domain is not a valid login domain for the account type.",
    ),
    ErrorDefinition(
        50105,
        "invalid_grant",
        "Your administrator has configured the application {app} ('{client_id}') to block users"
        " unless they are specifically granted ('assigned') access to the application. The signed"
        " in user '{username}' is blocked because they are not a direct member of a group with"
        " access, nor had access directly assigned by an administrator.",
    ),
    ErrorDefinition(
        50059,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any"
        " provided credentials.",
    ),
    ErrorDefinition(
        50128,
        "invalid_request",
        "Invalid domain name - No tenant-identifying information found in either the request or"
        " implied by any provided credentials.",
    ),
    ErrorDefinition(
        90002,
        "invalid_tenant",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are"
        " signing into the correct cloud. Check with your subscription administrator, this may"
        " happen if there are no active subscriptions for the tenant.",
    ),
    ErrorDefinition(
        900023,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external"
        " domain.",
    ),
    ErrorDefinition(
        90038,
        "invalid_request",
        "Tenant '{tenant}' request is being redirected to the National Cloud '{cloud}'.",
    ),
    ErrorDefinition(
        50194,
        "invalid_request",
        "Application '{client_id}'({app}) is not configured as a multi-tenant application. Usage"
        " of the /common endpoint is not supported for such applications created after"
        " '10/15/2018'. Use a tenant-specific endpoint or configure the application to be"
        " multi-tenant.",
    ),
    ErrorDefinition(
        9001023,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use"
        " the /organizations or tenant-specific endpoint.",
    ),
    ErrorDefinition(
        90130,
        "invalid_request",
        "Application '{client_id}'({app}) is not supported over the /common or /consumers"
        " endpoints. Please use the /organizations or tenant-specific endpoint.",
    ),
    # A second factor.
    ErrorDefinition(50076, "interaction_required", _ADMIN_CHANGED + _MFA, "basic_action"),
    ErrorDefinition(50079, "interaction_required", _ADMIN_CHANGED + _ENROL, "basic_action"),
    ErrorDefinition(50072, "interaction_required", _ADMIN_CHANGED + _ENROL, "basic_action"),
    ErrorDefinition(
        50074,
        "interaction_required",
        "Strong Authentication is required and the user did not pass the MFA challenge.",
        "basic_action",
    ),
    ErrorDefinition(
        50078,
        "interaction_required",
        "Presented multi-factor authentication has expired due to policies configured by your"
        " administrator, you must refresh your multi-factor authentication to access"
        " '{resource}'.",
        "basic_action",
    ),
    ErrorDefinition(
        50158,
        "interaction_required",
        "External security challenge not satisfied. User will be redirected to another page or"
        " authentication provider to satisfy additional authentication challenges.",
        "basic_action",
    ),
    # Policies.
    ErrorDefinition(
        53004,
        "interaction_required",
        "Cannot configure multi-factor authentication methods because of suspicious activity.",
        "message_only",
    ),
    ErrorDefinition(
        53010,
        "interaction_required",
        "Cannot configure multi-factor authentication methods because the organization requires"
        " this information to be set from specific locations or devices.",
        "message_only",
    ),
    ErrorDefinition(
        50005,
        "interaction_required",
        "User tried to log in to a device from a platform (Unknown) that's currently not"
        " supported through Conditional Access policy.",
        "message_only",
    ),
    ErrorDefinition(50097, "invalid_grant", "Device authentication is required.", None, 401),
    ErrorDefinition(
        50155,
        "invalid_grant",
        "Device authentication failed for this user.",
        "device_authentication_failed",
    ),
    ErrorDefinition(50187, "invalid_grant", "The service failed to perform device authentication."),
    ErrorDefinition(
        53000,
        "interaction_required",
        "Device is not in required device state: compliant. Conditional Access policy requires a"
        " compliant device, and the device is not compliant. The user must enroll their device"
        " with an approved MDM provider like Intune.",
        "message_only",
    ),
    ErrorDefinition(
        53001,
        "interaction_required",
        "Device is not in required device state: domain_joined. Conditional Access policy"
        " requires a domain joined device, and the device is not domain joined.",
        "message_only",
    ),
    ErrorDefinition(
        53003,
        "interaction_required",
        "Access has been blocked by Conditional Access policies. The access policy does not"
        " allow token issuance.",
        "message_only",
    ),
    ErrorDefinition(
        530032,
        "interaction_required",
        "Blocked by security policy. The tenant admin has configured a security policy that"
        " blocks this request.",
        "message_only",
    ),
    ErrorDefinition(
        530035,
        "interaction_required",
        "Access has been blocked by security defaults. This is due to the request using legacy"
        " auth or being deemed unsafe by security defaults policies.",
        "message_only",
    ),
    ErrorDefinition(
        50131,
        "interaction_required",
        "Device is not in required device state, or the request was blocked due to suspicious"
        " activity, access policy, or security policy decisions.",
        "message_only",
    ),
    ErrorDefinition(
        53011, "interaction_required", "User blocked due to risk on home tenant.", "message_only"
    ),
    ErrorDefinition(
        530034,
        "interaction_required",
        "A delegated administrator was blocked from accessing the tenant due to account risk in"
        " their home tenant.",
        "message_only",
    ),
    ErrorDefinition(500021, "access_denied", "Access to '{tenant}' tenant is denied."),
    ErrorDefinition(500022, "access_denied", "Access to '{tenant}' tenant is denied."),
    ErrorDefinition(
        500212,
        "access_denied",
        "The user's administrator has set an outbound access policy that does not allow access"
        " to the resource tenant '{tenant}'.",
    ),
    ErrorDefinition(
        500213,
        "access_denied",
        "The resource tenant's cross-tenant access policy does not allow this user to access"
        " this tenant.",
    ),
    # The application and the resource.
    ErrorDefinition(
        65001,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID"
        " '{client_id}' named '{app}'. Send an interactive authorization request for this user"
        " and resource.",
        "consent_required",
    ),
    ErrorDefinition(65004, "access_denied", "User declined to consent to access the app."),
    ErrorDefinition(90094, "invalid_grant", "Admin consent is required.", "consent_required"),
    ErrorDefinition(
        90095,
        "invalid_grant",
        "Admin consent is required, and has been requested.",
        "consent_required",
    ),
    ErrorDefinition(
        65002,
        "invalid_grant",
        "Consent between first party application '{client_id}' and first party resource"
        " '{resource}' must be configured via preauthorization - applications owned and operated"
        " by Microsoft must get approval from the API owner before requesting tokens for that"
        " API.",
    ),
    ErrorDefinition(
        650057,
        "invalid_resource",
        "Invalid resource. The client has requested access to a resource which is not listed in"
        " the requested permissions in the client's application registration. Client app ID:"
        " {client_id}({app}). Resource value from request: {resource}.",
    ),
    ErrorDefinition(
        650056,
        "invalid_client",
        "Misconfigured application. This could be due to one of the following: the client has"
        " not listed any permissions for '{resource}' in the requested permissions in the"
        " client's application registration. Or, the admin has not consented in the tenant."
        " Client app ID: {client_id}({app}).",
    ),
    ErrorDefinition(
        500011,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}."
        + _NOT_INSTALLED,
    ),
    ErrorDefinition(50001, "invalid_resource", "The resource named {resource} was disabled."),
    ErrorDefinition(
        700016,
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'."
        + _NOT_INSTALLED,
    ),
    ErrorDefinition(
        700011,
        "unauthorized_client",
        "Application with identifier {client_id} was not found in the directory {tenant}.",
    ),
    ErrorDefinition(70001, "unauthorized_client", "The application '{client_id}' is disabled."),
    ErrorDefinition(
        7000112, "unauthorized_client", "Application '{client_id}'({app}) is disabled."
    ),
    ErrorDefinition(
        7000218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or"
        " 'client_secret'.",
        None,
        401,
    ),
    ErrorDefinition(
        700025,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        None,
        401,
    ),
    # The request.
    ErrorDefinition(
        50011,
        "invalid_request",
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect"
        " URIs configured for the application '{client_id}'.",
    ),
    ErrorDefinition(
        70011,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the"
        " input parameter 'scope' is not valid. The scope {scope} is not valid.",
    ),
    ErrorDefinition(
        28002,
        "invalid_scope",
        "Provided value for the input parameter scope is not valid when requesting an access"
        " token. Please specify a valid scope.",
    ),
    ErrorDefinition(
        28000,
        "invalid_request",
        "Provided value for the input parameter scope is not valid because it contains more than"
        " one resource. Scope {scope} is not valid.",
    ),
    ErrorDefinition(
        650053,
        "invalid_client",
        "The application '{app}' asked for scope '{permission}' that doesn't exist on the"
        " resource '{resource}'. Contact the app vendor.",
    ),
    ErrorDefinition(
        700022,
        "invalid_scope",
        "The provided value for the input parameter scope is not valid because it contains more"
        " than one resource.",
    ),
    ErrorDefinition(
        90014,
        "invalid_request",
        "The required field '{name}' is missing from the credential. Ensure that you have all"
        " the necessary parameters for the login request.",
    ),
    ErrorDefinition(
        900144,
        "invalid_request",
        "The request body must contain the following parameter: '{name}'.",
    ),
    ErrorDefinition(
        900561,
        "invalid_request",
        "The endpoint only accepts {allowed} requests. Received a {method} request.",
    ),
    ErrorDefinition(
        70003, "unsupported_grant_type", "The access grant '{grant_type}' is not supported."
    ),
    ErrorDefinition(50049, "invalid_instance", "Unknown or invalid instance."),
    ErrorDefinition(50050, "invalid_request", "The request is malformed."),
    ErrorDefinition(
        9002313, "invalid_request", "Invalid request. Request is malformed or invalid."
    ),
    ErrorDefinition(90023, "invalid_request", "Unsupported '{name}' value."),
    ErrorDefinition(900971, "invalid_request", "No reply address provided."),
    ErrorDefinition(
        700051,
        "unsupported_response_type",
        "response_type 'token' is not enabled for the application.",
    ),
    ErrorDefinition(
        700054,
        "unsupported_response_type",
        "response_type '{name}' is not enabled for the application.",
    ),
    ErrorDefinition(50147, "invalid_request", "Invalid size of the code challenge parameter."),
    ErrorDefinition(50149, "invalid_request", "Invalid Code_Challenge_method parameter."),
    ErrorDefinition(501491, "invalid_request", "Invalid size of Code_Challenge parameter."),
    ErrorDefinition(
        50058,
        "login_required",
        "A silent sign-in request was sent but no user is signed in. The cookies used to"
        " represent the user's session were not sent in the request to Azure AD.",
    ),
    # The authorization code.
    ErrorDefinition(
        54005,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or"
        " use an existing refresh token.",
    ),
    ErrorDefinition(
        500112,
        "invalid_client",
        "The reply address '{sent}' does not match the reply address '{redirect_uri}' provided"
        " when requesting Authorization code.",
        None,
        401,
    ),
    ErrorDefinition(
        50148,
        "invalid_grant",
        "The code_verifier does not match the code_challenge supplied in the authorization"
        " request for PKCE.",
    ),
    ErrorDefinition(
        501481,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization"
        " request.",
    ),
    # Expired and revoked grants.
    ErrorDefinition(
        700082,
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {issued} and"
        " was inactive for {inactive}.",
    ),
    ErrorDefinition(
        70008,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a"
        " new interactive authorization request for this user and resource.",
    ),
    ErrorDefinition(
        70043,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by"
        " conditional access. The token was issued on {issued} and the maximum allowed lifetime"
        " for this request is 43200.",
        "token_expired",
    ),
    ErrorDefinition(
        50173,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed."
        " The user might have changed or reset their password. The grant was issued on"
        " '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this"
        " user is '{valid_from}'.",
        "bad_token",
    ),
    ErrorDefinition(
        70000,
        "invalid_grant",
        "The provided value for the input parameter '{name}' is not valid.",
        "bad_token",
    ),
    ErrorDefinition(50089, "invalid_grant", "Authentication failed due to flow token expired."),
    ErrorDefinition(
        50008, "invalid_grant", "SAML assertion is missing or misconfigured in the token."
    ),
    ErrorDefinition(50013, "invalid_grant", "Assertion is not within its valid time range."),
    # The device code.
    ErrorDefinition(
        70016,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    ErrorDefinition(
        70018,
        "bad_verification_code",
        "Invalid verification code. The provided value for the input parameter 'code' is not"
        " valid.",
    ),
    ErrorDefinition(70019, "code_expired", "Verification code expired."),
    ErrorDefinition(
        70020,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code"
        " has expired.",
    ),
    ErrorDefinition(90119, "invalid_request", "The user code is null or empty."),
    ErrorDefinition(90120, "invalid_request", "The request was already authorized or declined."),
    ErrorDefinition(
        50134,
        "invalid_grant",
        "Wrong data center. To authorize a request that was initiated by an app in the OAuth 2.0"
        " device flow, the authorizing party must be in the same data center where the original"
        " request resides.",
    ),
    # The service itself.
    ErrorDefinition(
        50196,
        "invalid_grant",
        "The server terminated an operation because it encountered a client request loop. Please"
        " contact your app vendor.",
    ),
    ErrorDefinition(
        90055, "temporarily_unavailable", "There are too many incoming requests.", None, 429
    ),
    ErrorDefinition(
        50087,
        "temporarily_unavailable",
        "A transient error has occurred during strong authentication. Please try again.",
        None,
        503,
    ),
    *(
        ErrorDefinition(
            number,
            "temporarily_unavailable",
            "A transient error has occurred. Please try again.",
            None,
            503,
        )
        for number in (90024, 90033, 90012, 50033)
    ),
    ErrorDefinition(
        90006, "temporarily_unavailable", "The service is temporarily unavailable.", None, 503
    ),
    ErrorDefinition(
        80001,
        "invalid_grant",
        "The Authentication Agent is unable to connect to Active Directory.",
    ),
    ErrorDefinition(80002, "invalid_grant", "Password validation request timed out."),
    ErrorDefinition(
        80005,
        "invalid_grant",
        "An unknown error occurred while processing the response from the Authentication Agent."
        " Retry the request.",
    ),
    ErrorDefinition(
        80007, "invalid_grant", "The Authentication Agent is unable to validate user's password."
    ),
    ErrorDefinition(
        80013,
        "invalid_grant",
        "The authentication attempt could not be completed due to time skew between the machine"
        " running the authentication agent and AD.",
    ),
)

# With these errors Entra ID names the claims that would be enough: those of the policy that
# was not met. Recorded in AzureAD/microsoft-authentication-library-for-js #5491 (50076) and
# AzureAD/azure-activedirectory-library-for-nodejs #151 (50079).
_POLICY_ERRORS = {50076, 50079}
_POLICY_CLAIMS = (
    '{"access_token":{"capolids":{"essential":true,'
    '"values":["ca0ffee0-7e57-4c0a-9d0a-00000000c0de"]}}}'
)

ERRORS = {definition.number: definition for definition in _DEFINITIONS}


class EntraError(Exception):
    """An error of Entra ID; ``number`` is the AADSTS number, ``details`` complete its message.

    ``error`` replaces the table's OAuth error where one number has several.
    """

    def __init__(self, number: int, *, error: str | None = None, **details: str) -> None:
        self.definition = ERRORS[number]
        self.number = number
        self.error = error or self.definition.error
        self.details = details
        super().__init__(number)

    def add_details(self, **details: str) -> None:
        """Complete the message with values that the request need not contain."""
        self.details = {**details, **self.details}

    def message(self, values: dict[str, str]) -> str:
        """Return the message, with values of the request; an unknown value stays empty."""
        placeholders = defaultdict(str, {**values, **self.details})
        return self.definition.message.format_map(placeholders)


def correlation_id(request: Request) -> str:
    """Return the client's own request id if it is a GUID, else a new one."""
    try:
        return str(uuid.UUID(request.headers.get("client-request-id", "")))
    except ValueError:
        return str(uuid.uuid4())


def error_description(
    error: EntraError, *, now: float, values: dict[str, str], ids: tuple[str, str]
) -> str:
    """Return the message of an error, with the ids by which an administrator finds it."""
    trace, correlation = ids
    return "\r\n".join(
        (
            f"AADSTS{error.number}: {error.message(values)}",
            f"Trace ID: {trace}",
            f"Correlation ID: {correlation}",
            f"Timestamp: {_timestamp(now)}",
        )
    )


def _timestamp(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))


def error_response(
    error: EntraError, host: str, *, now: float, values: dict[str, str], ids: tuple[str, str]
) -> Response:
    """Return an error as the token endpoint does (RFC 6749 section 5.2, and Entra's own fields).

    ``ids`` are the trace id and the correlation id; ``values`` complete the message.
    """
    number, (trace, correlation) = error.number, ids
    timestamp = _timestamp(now)
    description = error_description(error, now=now, values=values, ids=ids)
    body: dict[str, object] = {
        "error": error.error,
        "error_description": description,
        "error_codes": [number],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://{host}/error?code={number}",
    }
    if error.definition.suberror:
        body["suberror"] = error.definition.suberror
    if number in _POLICY_ERRORS:
        body["claims"] = _POLICY_CLAIMS
    status = error.definition.status
    headers = {"Retry-After": "5"} if status == 429 else None
    return json_response(body, status, headers)

"""What each number of Entra ID's refusals means, and what to do next: data only.

Meanings follow Microsoft, "Microsoft Entra authentication and authorization error
codes"; the advice comes from that page and from what users of the neighbouring
libraries were told. 70020 is not on the page: Entra ID sends it, with the text "This
device code has expired", where the page has 70019.

The page warns that "apps that take a dependency on text or error code numbers will be
broken over time". So a number refines what the OAuth fields say and chooses the hint;
one that is not listed here costs only the hint (refusals.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..errors import (
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

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class AadstsEntry:
    """One row: the class of the error, what happened, and what to do next.

    ``meaning`` and ``advice`` are sentences in plain English, with their full stops.
    """

    kind: type[EndUserError]
    meaning: str
    advice: str


# "Authorization pending" (RFC 8628 section 3.5) is part of waiting and not a refusal,
# so it has no row.
AUTHORIZATION_PENDING = 70016

_MANAGED_MACHINE = (
    'Such a policy wants a browser on a managed machine: sign in there with mode="browser".'
)

_ROWS: tuple[tuple[tuple[int, ...], AadstsEntry], ...] = (
    # Wrong user or password; expired, disabled, locked.
    (
        (50126, 50064),
        AadstsEntry(
            InvalidCredentials,
            "The user name or the password is wrong.",
            "Check both before trying again: repeated wrong passwords lock the account. If"
            " the account is federated or has no password, sign in by device code or in the"
            " browser instead.",
        ),
    ),
    (
        (50034,),
        AadstsEntry(
            InvalidCredentials,
            "The tenant does not know this user.",
            "Check the user name for a typo and pass the right tenant=; if both are right,"
            " ask an administrator of the tenant to invite the account as a guest.",
        ),
    ),
    (
        (50055, 50144),
        AadstsEntry(
            InvalidCredentials,
            "The password has expired.",
            "Sign in once in a web browser, for example to the Azure portal, change the"
            " password there, and try again with the new one.",
        ),
    ),
    (
        (50056,),
        AadstsEntry(
            InvalidCredentials,
            "The account has no password in the directory.",
            "The account is federated or passwordless, so no password can work: sign in with"
            ' mode="device_code" or mode="browser".',
        ),
    ),
    (
        (50057,),
        AadstsEntry(
            InvalidCredentials,
            "The account is disabled.",
            "Ask an administrator to enable the account.",
        ),
    ),
    (
        (50053,),
        AadstsEntry(
            InvalidCredentials,
            "The account is locked after too many attempts, or the attempts come from an"
            " address that is considered malicious.",
            "Stop trying, because every further attempt prolongs the lock. Wait, or ask an"
            " administrator to look for 50053 in the sign-in log.",
        ),
    ),
    # Another person, or another tenant.
    (
        (50020, 16000),
        AadstsEntry(
            WrongAccount,
            "The account belongs to another tenant and is no guest in this one.",
            "Sign in with another account, pass the account's own tenant=, or ask an"
            " administrator of this tenant for an invitation.",
        ),
    ),
    (
        (50014, 51004, 90072),
        AadstsEntry(
            WrongAccount,
            "The account is not in the tenant's directory, or its invitation is still open.",
            "Accept the invitation that came by mail; if there is none, the tenant= is"
            " probably wrong.",
        ),
    ),
    (
        (500208,),
        AadstsEntry(
            WrongAccount,
            "The application does not take this type of account.",
            "Sign in with a work or school account; a personal Microsoft account does not fit.",
        ),
    ),
    # A second factor.
    (
        (50076,),
        AadstsEntry(
            MfaRequired,
            "A second factor is required, by a policy or because of where the person is.",
            'A password cannot give a second factor: sign in with mode="device_code" or'
            ' mode="browser".',
        ),
    ),
    (
        (50079, 50072),
        AadstsEntry(
            MfaRequired,
            "A second factor is required, and the person has not registered one.",
            "Sign in once in a web browser, for example to the Azure portal, and register a"
            ' second factor there; then sign in with mode="device_code" or mode="browser".',
        ),
    ),
    (
        (50074,),
        AadstsEntry(
            MfaRequired,
            "The second factor was not given.",
            'Sign in again with mode="device_code" or mode="browser", and finish the second'
            " factor on the page.",
        ),
    ),
    (
        (50158,),
        AadstsEntry(
            MfaRequired,
            "A check by another company's service, such as its second factor, was not passed.",
            'Sign in with mode="device_code" or mode="browser": their page can lead through'
            " that check; a password cannot.",
        ),
    ),
    # Policies of the organisation.
    (
        (50105,),
        AadstsEntry(
            BlockedByPolicy,
            "The person is not assigned to the application.",
            'Ask an administrator to assign the person under "Enterprise applications", the'
            ' application, "Users and groups".',
        ),
    ),
    (
        (53004, 53010),
        AadstsEntry(
            BlockedByPolicy,
            "A second factor may not be registered from here, or at this risk.",
            "Register it from a place or network that the organisation allows, or ask an"
            " administrator.",
        ),
    ),
    (
        (50005,),
        AadstsEntry(
            BlockedByPolicy,
            "The policy does not know the platform, which is typical of a device code.",
            f"A device code cannot say which machine it is for. {_MANAGED_MACHINE}",
        ),
    ),
    (
        (50097, 50155, 50187),
        AadstsEntry(
            BlockedByPolicy,
            "The machine itself must prove who it is, and did not.",
            f"Neither a password nor a device code can prove the machine. {_MANAGED_MACHINE}",
        ),
    ),
    (
        (53000, 53001),
        AadstsEntry(
            BlockedByPolicy,
            "The machine is not compliant, or has not joined the organisation.",
            "Enrol the machine with the organisation. Even then neither a password nor a"
            f" device code can prove the machine. {_MANAGED_MACHINE}",
        ),
    ),
    (
        (53003,),
        AadstsEntry(
            BlockedByPolicy,
            "Conditional Access blocks this sign-in.",
            "Give the correlation id to an administrator, whose sign-in log names the policy."
            f" If it blocks device codes: {_MANAGED_MACHINE[0].lower()}{_MANAGED_MACHINE[1:]}",
        ),
    ),
    (
        (530032, 530035, 50131),
        AadstsEntry(
            BlockedByPolicy,
            "The tenant's security policy, its security defaults or a condition of Conditional"
            " Access blocks this sign-in.",
            'If a password was used, sign in with mode="browser" or mode="device_code" instead;'
            " if that is blocked too, give the correlation id to an administrator.",
        ),
    ),
    (
        (53011, 530034),
        AadstsEntry(
            BlockedByPolicy,
            "The sign-in is blocked as risky by the account's home tenant.",
            "Do not try again: ask an administrator of the home tenant.",
        ),
    ),
    (
        (500021, 500022, 500212, 500213),
        AadstsEntry(
            BlockedByPolicy,
            "This network or a partner's policy forbids access to the tenant.",
            "Ask the administrators of the network and of both tenants (tenant restrictions,"
            " cross-tenant access).",
        ),
    ),
    # Consent.
    (
        (65001,),
        AadstsEntry(
            ConsentRequired,
            "Nobody has allowed the application to act for this person.",
            'Sign in once with mode="device_code" or mode="browser" and accept what the page'
            " asks, or let an administrator allow it for everybody.",
        ),
    ),
    (
        (65004,),
        AadstsEntry(
            ConsentDeclined,
            "The person declined to allow the application to act for them.",
            "Sign in again and accept, or ask an administrator to allow the application for"
            " everybody.",
        ),
    ),
    (
        (90094, 90095),
        AadstsEntry(
            ConsentRequired,
            "Only an administrator may allow this application.",
            "Send the link to an administrator.",
        ),
    ),
    # The call, or the application's registration.
    (
        (50059, 50128),
        AadstsEntry(
            ConfigurationError,
            "The request does not say which tenant is meant.",
            'Pass tenant= with the tenant\'s id (a GUID) or one of its domains, and not "common".',
        ),
    ),
    (
        (90002,),
        AadstsEntry(
            ConfigurationError,
            "There is no such tenant here.",
            "Check tenant= for a typo. If the tenant lives in another cloud, pass that too:"
            ' cloud="china" or cloud="us_government".',
        ),
    ),
    (
        (90038,),
        AadstsEntry(
            ConfigurationError,
            "The tenant lives in a national cloud.",
            'Pass cloud="china" or cloud="us_government".',
        ),
    ),
    (
        (50194, 9001023, 90130),
        AadstsEntry(
            ConfigurationError,
            'The application, or this way of signing in, is not allowed at "common" or'
            ' "consumers".',
            "Pass tenant= with the tenant's id (a GUID) or one of its domains, or"
            ' tenant="organizations".',
        ),
    ),
    (
        (65002,),
        AadstsEntry(
            ConfigurationError,
            "The client id is one of Microsoft's own, which may not call this service.",
            "Register an application of your own and pass its id as client_id=.",
        ),
    ),
    (
        (650057, 650056),
        AadstsEntry(
            ConfigurationError,
            "The service is not among the permissions of the application's registration.",
            'Add it there under "API permissions": Azure Data Lake, Azure Storage or Azure'
            " Service Management, permission user_impersonation.",
        ),
    ),
    (
        (500011, 50001),
        AadstsEntry(
            ConfigurationError,
            "The tenant does not have the service that the token is for, or has disabled it.",
            "Check the scope and tenant=. Data Lake Storage Gen1 is retired: a tenant that"
            " never used it does not know it.",
        ),
    ),
    (
        (700016, 700011),
        AadstsEntry(
            ConfigurationError,
            "The tenant does not know the application.",
            "Check client_id=, tenant= and cloud=: they must belong together.",
        ),
    ),
    (
        (70001, 7000112),
        AadstsEntry(
            ConfigurationError,
            "The application is disabled.",
            'Ask an administrator to enable it under "Enterprise applications".',
        ),
    ),
    (
        (7000218,),
        AadstsEntry(
            ConfigurationError,
            "The application is not registered as a public client, so a secret is asked for.",
            'In the application\'s registration, under "Authentication", set "Allow public'
            ' client flows" to Yes.',
        ),
    ),
    (
        (700025,),
        AadstsEntry(
            ConfigurationError,
            "A public client must not send a secret.",
            "Remove the client secret from the call; signing in a person needs none.",
        ),
    ),
    (
        (50011,),
        AadstsEntry(
            ConfigurationError,
            "The redirect URI is not among those of the application's registration.",
            'In the registration, under "Authentication", add http://localhost to "Mobile and'
            ' desktop applications".',
        ),
    ),
    (
        (70011, 28002, 700022),
        AadstsEntry(
            ConfigurationError,
            "The scope is not valid, or names several services at once.",
            'Ask for one service at a time, as its address followed by "/.default", for'
            ' example "https://storage.azure.com/.default".',
        ),
    ),
    (
        (90014, 900144),
        AadstsEntry(
            ConfigurationError,
            "The request lacks a required parameter.",
            "Check that client_id= and tenant= are given and not empty; if they are, this is a"
            " defect of the package: report it with the correlation id.",
        ),
    ),
    # The earlier sign-in is dead.
    (
        (50132, 50133),
        AadstsEntry(
            SignInExpired,
            "The sign-in ended because the password expired or was changed.",
            "Sign in again, with the new password if there is one.",
        ),
    ),
    (
        (50078,),
        AadstsEntry(
            SignInExpired,
            "The second factor was given too long ago.",
            'Sign in again with mode="device_code" or mode="browser".',
        ),
    ),
    (
        (700082, 70008),
        AadstsEntry(
            SignInExpired,
            "The sign-in expired because it was not used for too long.",
            "Sign in again.",
        ),
    ),
    (
        (70043,),
        AadstsEntry(
            SignInExpired,
            "The organisation wants a new sign-in every so many hours, and they are over.",
            "Sign in again, and expect it again after the same time. A job that must run alone"
            " needs an identity of its own (a workload identity), not a person's.",
        ),
    ),
    (
        (50173,),
        AadstsEntry(
            SignInExpired,
            "The sign-in was revoked, by a new password or by an administrator.",
            "Sign in again.",
        ),
    ),
    (
        (70000, 50089),
        AadstsEntry(
            SignInExpired,
            "The sign-in that was to be renewed is not valid, or has expired.",
            "Sign in again; if this repeats, throw away the sign-in that you kept.",
        ),
    ),
    # The device code.
    (
        (70018, 90119),
        AadstsEntry(
            SignInError,
            "The code that was typed is wrong or empty.",
            "Start again and type the new code exactly as shown.",
        ),
    ),
    (
        (70019, 70020),
        AadstsEntry(
            SignInTimedOut,
            "The code expired before anybody used it.",
            "Start again and use the new code within its lifetime, by default 15 minutes.",
        ),
    ),
    (
        (90120,),
        AadstsEntry(
            SignInError,
            "The code has already been used or declined.",
            "Start again with a new code.",
        ),
    ),
    (
        (50134,),
        AadstsEntry(
            SignInError,
            "The code was used in another region than it was made in.",
            "Start again, with the program and the browser in the same region or VPN.",
        ),
    ),
    # The service.
    (
        (50196,),
        AadstsEntry(
            TransportError,
            "The same request came too often: the service takes the program for a loop.",
            "Wait some minutes, and make one credential that all calls share instead of a new"
            " one for each.",
        ),
    ),
    (
        (90055,),
        AadstsEntry(
            TransportError,
            "The tenant sends too many requests.",
            "Wait as long as the service asks (retry_after), then try again.",
        ),
    ),
    (
        (50087, 90024, 90033, 90006, 90012, 50033),
        AadstsEntry(
            TransportError,
            "The sign-in service has a passing fault.",
            "Try again in a little while; if it lasts, it is a fault of the service and not of"
            " this program.",
        ),
    ),
    (
        (80001, 80002, 80005, 80007),
        AadstsEntry(
            TransportError,
            "The organisation's sign-in agent cannot reach its Active Directory.",
            "Tell an administrator; try again later.",
        ),
    ),
    (
        (80013,),
        AadstsEntry(
            TransportError,
            "The clocks of the organisation's sign-in agent and its Active Directory differ.",
            "Tell an administrator, who must set the clocks; then try again.",
        ),
    ),
)

#: The row of every number that is known.
REMEDIES: Mapping[int, AadstsEntry] = MappingProxyType(
    {number: remedy for numbers, remedy in _ROWS for number in numbers}
)

#: What to do when the number is unknown and only the class is clear.
DEFAULT_REMEDIES: Mapping[type[EndUserError], str] = MappingProxyType(
    {
        InvalidCredentials: "Check the user name and the password before trying again:"
        " repeated wrong passwords lock the account.",
        MfaRequired: "A password cannot answer what is asked: sign in with"
        ' mode="device_code" or mode="browser" and follow the page.',
        ConsentRequired: "The application must first be allowed to act for this person.",
        BlockedByPolicy: "Give the correlation id to an administrator, whose sign-in log names"
        " the policy.",
        SignInExpired: "Sign in again.",
        SignInDeclined: "Sign in again and approve the request.",
        SignInTimedOut: "Start again, and finish on the page in time.",
        SignInError: "Sign in again; if this repeats, give the correlation id to an administrator.",
        ConfigurationError: "Check client_id=, tenant= and cloud=, and the application's"
        " registration.",
        TransportError: "Try again later.",
        ProtocolError: "Something between this machine and Entra ID may answer in its place:"
        " check the proxy and the cloud's authority.",
    }
)

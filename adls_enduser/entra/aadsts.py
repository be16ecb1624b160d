"""The AADSTS numbers of Entra ID's errors: what each means and what to do next. Data only.

To add a number, add it to a row of ``AADSTS_TABLE`` or add a row, and run ``make docs``.

Meanings follow Microsoft, "Microsoft Entra authentication and authorization error codes".
The advice comes from that page and from what users of the neighbouring libraries were told.
70020 is not on the page: Entra ID sends it, with the text "This device code has expired",
where the page has 70019.

The page warns that "apps that take a dependency on text or error code numbers will be broken
over time". So a number only refines what the OAuth fields say, and chooses the advice. For a
number that is not in the table, the error still has its class (error_response.py).
"""

from __future__ import annotations

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
from ..values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class AadstsEntry:
    """One row: the numbers, the class of the error, what happened, and what to do next.

    ``meaning`` and ``advice`` are whole sentences. The modes and options that ``advice``
    names, spelled ``mode="browser"`` or ``tenant=``, are those of the next call in the
    error's remedy (error_response.py).
    """

    numbers: tuple[int, ...]
    error_class: type[EndUserError]
    meaning: str
    advice: str


# "Authorization pending" (RFC 8628 section 3.5) is part of waiting and not an error, so it
# has no row.
AUTHORIZATION_PENDING = 70016

_MANAGED_MACHINE = (
    'Such a policy requires a browser on a managed machine: sign in there with mode="browser".'
)

AADSTS_TABLE: tuple[AadstsEntry, ...] = (
    # Wrong user or password; expired, disabled, locked.
    AadstsEntry(
        (50126, 50064),
        InvalidCredentials,
        "The user name or the password is wrong.",
        "Check both before you try again: repeated wrong passwords lock the account. If the"
        " account is federated or has no password, sign in by device code or in the browser"
        " instead.",
    ),
    AadstsEntry(
        (50034,),
        InvalidCredentials,
        "The user does not exist in the tenant.",
        "Check the user name for a typo, and pass the right tenant=. If both are right, ask an"
        " administrator of the tenant to invite the account as a guest.",
    ),
    AadstsEntry(
        (50055, 50144),
        InvalidCredentials,
        "The password has expired.",
        "Sign in once in a web browser, for example to the Azure portal, and change the password"
        " there. Then try again with the new password.",
    ),
    AadstsEntry(
        (50056,),
        InvalidCredentials,
        "The account has no password in the directory.",
        "The account is federated or passwordless, so no password works: sign in with"
        ' mode="device_code" or mode="browser".',
    ),
    AadstsEntry(
        (50057,),
        InvalidCredentials,
        "The account is disabled.",
        "Ask an administrator to enable the account.",
    ),
    AadstsEntry(
        (50053,),
        InvalidCredentials,
        "The account is locked after too many attempts, or the attempts come from an address"
        " that is considered malicious.",
        "Stop trying: every further attempt prolongs the lock. Wait, or ask an administrator to"
        " look for 50053 in the sign-in log.",
    ),
    # Another person, or another tenant.
    AadstsEntry(
        (50020, 16000),
        WrongAccount,
        "The account belongs to another tenant and is not a guest in this one.",
        "Sign in with another account, pass the account's own tenant=, or ask an administrator"
        " of this tenant for an invitation. A personal account (outlook.com, hotmail.com) has no"
        " tenant of its own and needs the invitation.",
    ),
    AadstsEntry(
        (50014, 51004, 90072),
        WrongAccount,
        "The account is not in the tenant's directory, or its invitation is not accepted yet.",
        "Accept the invitation that came by e-mail. If there is none, the tenant= is probably"
        " wrong.",
    ),
    AadstsEntry(
        (500208,),
        WrongAccount,
        "The application does not accept this type of account.",
        "Sign in with a work or school account, not with a personal Microsoft account.",
    ),
    # A second factor.
    AadstsEntry(
        (50076,),
        MfaRequired,
        "A second factor is required, by a policy or because of the person's location.",
        'A password cannot give a second factor: sign in with mode="device_code" or'
        ' mode="browser".',
    ),
    AadstsEntry(
        (50079, 50072),
        MfaRequired,
        "A second factor is required, and the person has not registered one.",
        "Sign in once in a web browser, for example to the Azure portal, and register a second"
        ' factor there. Then sign in with mode="device_code" or mode="browser".',
    ),
    AadstsEntry(
        (50074,),
        MfaRequired,
        "The person did not complete the second factor.",
        'Sign in again with mode="device_code" or mode="browser", and complete the second factor'
        " on the page.",
    ),
    AadstsEntry(
        (50158,),
        MfaRequired,
        "A check by another company's service, such as its second factor, was not passed.",
        'Sign in with mode="device_code" or mode="browser": their page can lead through that'
        " check; a password cannot.",
    ),
    # Policies of the organisation.
    AadstsEntry(
        (50105,),
        BlockedByPolicy,
        "The person is not assigned to the application.",
        'Ask an administrator to assign the person under "Enterprise applications", the'
        ' application, "Users and groups".',
    ),
    AadstsEntry(
        (53004, 53010),
        BlockedByPolicy,
        "A second factor cannot be registered from this place or network, or because the sign-in"
        " is considered risky.",
        "Register it from a place or network that the organisation allows, or ask an"
        " administrator.",
    ),
    AadstsEntry(
        (50005,),
        BlockedByPolicy,
        "The policy does not support the platform, which is typical of a device code.",
        f"A device code cannot say which machine it is for. {_MANAGED_MACHINE}",
    ),
    AadstsEntry(
        (50097, 50155, 50187),
        BlockedByPolicy,
        "The machine itself must be authenticated, and was not.",
        f"Neither a password nor a device code can authenticate the machine. {_MANAGED_MACHINE}",
    ),
    AadstsEntry(
        (53000, 53001),
        BlockedByPolicy,
        "The machine is not compliant, or has not joined the organisation.",
        "Enrol the machine with the organisation. Even then, neither a password nor a device code"
        f" can authenticate the machine. {_MANAGED_MACHINE}",
    ),
    AadstsEntry(
        (53003,),
        BlockedByPolicy,
        "Conditional Access blocks this sign-in.",
        "Give the correlation id to an administrator, whose sign-in log names the policy. If the"
        " policy blocks device codes, it requires a browser on a managed machine: sign in there"
        ' with mode="browser".',
    ),
    AadstsEntry(
        (530032, 530035, 50131),
        BlockedByPolicy,
        "The tenant's security policy, its security defaults or a condition of Conditional"
        " Access blocks this sign-in.",
        'If a password was used, sign in with mode="browser" or mode="device_code" instead. If'
        " that is blocked too, give the correlation id to an administrator.",
    ),
    AadstsEntry(
        (53011, 530034),
        BlockedByPolicy,
        "The account's home tenant blocks the sign-in as risky.",
        "Do not try again: ask an administrator of the home tenant.",
    ),
    AadstsEntry(
        (500021, 500022, 500212, 500213),
        BlockedByPolicy,
        "This network or a partner's policy forbids access to the tenant.",
        "Ask the administrators of the network and of both tenants about tenant restrictions and"
        " cross-tenant access.",
    ),
    # Consent.
    AadstsEntry(
        (65001,),
        ConsentRequired,
        "Nobody has allowed the application to act for this person.",
        'Sign in once with mode="device_code" or mode="browser" and accept what the page asks,'
        " or let an administrator allow the application for everybody.",
    ),
    AadstsEntry(
        (65004,),
        ConsentDeclined,
        "The person declined to allow the application to act for them.",
        "Sign in again and accept, or ask an administrator to allow the application for everybody.",
    ),
    AadstsEntry(
        (90094, 90095),
        ConsentRequired,
        "Only an administrator may allow this application.",
        "Ask an administrator to allow the application.",
    ),
    # The call, or the application's registration.
    AadstsEntry(
        (50059, 50128),
        ConfigurationError,
        "The request does not say which tenant is meant.",
        'Pass tenant= with the tenant\'s id (a GUID) or one of its domains, and not "common".',
    ),
    AadstsEntry(
        (90002,),
        ConfigurationError,
        "The tenant does not exist in this cloud.",
        "Check tenant= for a typo. If the tenant is in another cloud, pass that too:"
        ' cloud="china" or cloud="us_government".',
    ),
    AadstsEntry(
        # Recorded in caddy-dns/azure #3 and microsoft/Analysis-Services #194.
        (900023,),
        ConfigurationError,
        "What stands for the tenant is neither a domain nor a tenant id.",
        "Pass tenant= with the tenant's id (a GUID) or one of its domains, such as"
        ' "contoso.onmicrosoft.com", without an address around it.',
    ),
    AadstsEntry(
        (90038,),
        ConfigurationError,
        "The tenant is in a national cloud.",
        'Pass cloud="china" or cloud="us_government".',
    ),
    AadstsEntry(
        (50194, 9001023, 90130),
        ConfigurationError,
        'The application, or this way of signing in, is not allowed at "common" or "consumers".',
        "Pass tenant= with the tenant's id (a GUID) or one of its domains, or"
        ' tenant="organizations".',
    ),
    AadstsEntry(
        (65002,),
        ConfigurationError,
        "The client id is of an application of Microsoft's that may not call this service.",
        "Register an application of your own and pass its id as client_id=.",
    ),
    AadstsEntry(
        (650057, 650056),
        ConfigurationError,
        "The service is not among the permissions of the application's registration.",
        'Add it there under "API permissions": Azure Data Lake, Azure Storage or Azure Service'
        " Management, permission user_impersonation.",
    ),
    AadstsEntry(
        (500011, 50001),
        ConfigurationError,
        "The tenant does not have the service that the token is for, or has disabled it.",
        "Check the scope and tenant=. Data Lake Storage Gen1 is retired: a tenant that never"
        " used it does not have it.",
    ),
    AadstsEntry(
        (700016, 700011),
        ConfigurationError,
        "The application does not exist in the tenant.",
        "Check client_id=, tenant= and cloud=: they must belong together.",
    ),
    AadstsEntry(
        (70001, 7000112),
        ConfigurationError,
        "The application is disabled.",
        'Ask an administrator to enable it under "Enterprise applications".',
    ),
    AadstsEntry(
        (7000218,),
        ConfigurationError,
        "The application is not registered as a public client, so a secret is required.",
        'In the application\'s registration, under "Authentication", set "Allow public client'
        ' flows" to Yes.',
    ),
    AadstsEntry(
        (700025,),
        ConfigurationError,
        "A public client must not send a secret.",
        "Remove the client secret from the call: signing in a person needs none.",
    ),
    AadstsEntry(
        (50011,),
        ConfigurationError,
        "The redirect URI is not among those of the application's registration.",
        'In the registration, under "Authentication", add http://localhost to "Mobile and'
        ' desktop applications".',
    ),
    AadstsEntry(
        (70011, 28002, 700022),
        ConfigurationError,
        "The scope is not valid, or names several services at once.",
        'Ask for one service at a time, as its address followed by "/.default", for example'
        ' "https://storage.azure.com/.default".',
    ),
    AadstsEntry(
        (90014, 900144),
        ConfigurationError,
        "The request lacks a required parameter.",
        "Check that client_id= and tenant= are given and not empty. If they are, this is a bug"
        " in this package: report it with the correlation id.",
    ),
    # The earlier sign-in has ended.
    AadstsEntry(
        (50132, 50133),
        SignInExpired,
        "The sign-in ended because the password expired or was changed.",
        "Sign in again, with the new password if there is one.",
    ),
    AadstsEntry(
        (50078,),
        SignInExpired,
        "The second factor was given too long ago.",
        'Sign in again with mode="device_code" or mode="browser".',
    ),
    AadstsEntry(
        (700082, 70008),
        SignInExpired,
        "The sign-in expired because it was not used for too long.",
        "Sign in again.",
    ),
    AadstsEntry(
        (70043,),
        SignInExpired,
        "The organisation requires a new sign-in after a set number of hours, and they are over.",
        "Sign in again, and expect to do so again after the same time. A job that must run"
        " unattended needs a workload identity and not a person's sign-in.",
    ),
    AadstsEntry(
        (50173,),
        SignInExpired,
        "The sign-in was revoked, by a new password or by an administrator.",
        "Sign in again.",
    ),
    AadstsEntry(
        (70000, 50089),
        SignInExpired,
        "The earlier sign-in, which was to be renewed, is not valid or has expired.",
        "Sign in again. If this repeats, delete the sign-in that you kept.",
    ),
    # The device code.
    AadstsEntry(
        (70018, 90119),
        SignInError,
        "The code that was typed is wrong or empty.",
        "Start again, and type the new code exactly as shown.",
    ),
    AadstsEntry(
        (70019, 70020),
        SignInTimedOut,
        "The code expired before anybody used it.",
        "Start again, and use the new code within its lifetime, by default 15 minutes.",
    ),
    AadstsEntry(
        (90120,),
        SignInError,
        "The code has already been used or declined.",
        "Start again with a new code.",
    ),
    AadstsEntry(
        (50134,),
        SignInError,
        "The code was used in another region than the one that issued it.",
        "Start again, with the program and the browser in the same region or VPN.",
    ),
    # The service.
    AadstsEntry(
        (50196,),
        TransportError,
        "The same request was sent too often, so the service takes the program for a loop.",
        "Wait some minutes. Then make one credential that all calls share, instead of a new one"
        " for each call.",
    ),
    AadstsEntry(
        (90055,),
        TransportError,
        "The tenant sends too many requests.",
        "Wait as long as the service asks (retry_after), then try again.",
    ),
    AadstsEntry(
        (50087, 90024, 90033, 90006, 90012, 50033),
        TransportError,
        "The sign-in service has a temporary fault.",
        "Try again in a few minutes. If the fault lasts, it is in the service and not in this"
        " program.",
    ),
    AadstsEntry(
        (80001, 80002, 80005, 80007),
        TransportError,
        "The organisation's authentication agent cannot reach its Active Directory.",
        "Tell an administrator, and try again later.",
    ),
    AadstsEntry(
        (80013,),
        TransportError,
        "The clocks of the organisation's authentication agent and its Active Directory differ.",
        "Tell an administrator, who must set the clocks. Then try again.",
    ),
)

#: The row of each number.
ENTRY_BY_NUMBER: Mapping[int, AadstsEntry] = MappingProxyType(
    {number: entry for entry in AADSTS_TABLE for number in entry.numbers}
)

#: What to do next where the number has no row and only the class of the error is known.
DEFAULT_REMEDIES: Mapping[type[EndUserError], str] = MappingProxyType(
    {
        InvalidCredentials: "Check the user name and the password before you try again: repeated"
        " wrong passwords lock the account.",
        MfaRequired: "A password alone is not enough: sign in with"
        ' mode="device_code" or mode="browser" and follow the page.',
        ConsentRequired: "The application must first be allowed to act for this person.",
        BlockedByPolicy: "Give the correlation id to an administrator, whose sign-in log names"
        " the policy.",
        SignInExpired: "Sign in again.",
        SignInDeclined: "Sign in again and approve the request.",
        SignInTimedOut: "Start again, and finish on the page in time.",
        SignInError: "Sign in again. If this repeats, give the correlation id to an administrator.",
        ConfigurationError: "Check client_id=, tenant= and cloud=, and the application's"
        " registration.",
        TransportError: "Try again later.",
        ProtocolError: "Check the proxy and the cloud's authority: something between this machine"
        " and Entra ID may have sent the response.",
    }
)

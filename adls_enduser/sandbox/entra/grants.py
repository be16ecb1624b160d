"""The token endpoint and the device code endpoint: one method a grant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from . import claims
from .applications import required
from .error_responses import Refused
from .tokens import Entitlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..directory import Person, Tenant
    from .accounts import Accounts
    from .applications import Application, Applications
    from .authorities import Authorities
    from .authorization_codes import AuthorizationCodes
    from .device_codes import DeviceCode, DeviceCodes
    from .federation.wstrust import FederationServers
    from .refresh_tokens import RefreshTokens
    from .token_request import Asked, Form

    Grant = Callable[["Form", "Tenant | None", str, "Version"], Entitlement]

PASSWORD = "password"
ASSERTIONS = (
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
)
# Version 1.0's name, and that of RFC 8628 section 3.4; Entra ID takes either at both.
_DEVICE_CODE = ("device_code", "urn:ietf:params:oauth:grant-type:device_code")
_BY_PASSWORD = ("pwd",)


class Version(Protocol):
    """What differs between the versions of the endpoints: how to ask, and how to answer.

    ``expired_code`` is the number of the refusal of a device code that has expired.
    """

    expired_code: int

    def check_tenant(self, grant_type: str, tenant_name: str) -> None:
        """Refuse a grant that a tenant's name does not go with."""

    def asked(self, form: Form, cloud: str) -> Asked:
        """Read what a request asks for."""

    def asked_again(self, form: Form, cloud: str, before: Asked) -> Asked:
        """Read what the holder of a grant asks for: what it was given for, if nothing else."""

    def answer(self, form: Form, entitled: Entitlement) -> dict[str, Any]:
        """Give the fields of a token answer."""

    def describe(self, code: DeviceCode, url: str, lifetime: float) -> dict[str, Any]:
        """Give the fields of a device code's answer."""


class Grants:
    """Answers ``/oauth2/token`` and ``/oauth2/devicecode``, and those of ``/oauth2/v2.0``.

    Source: adal.token_request, ``TokenRequest``, adal.oauth2_client and msal.oauth2cli.
    """

    def __init__(
        self,
        *,
        authorities: Authorities,
        applications: Applications,
        accounts: Accounts,
        device_codes: DeviceCodes,
        refresh_tokens: RefreshTokens,
        federation: FederationServers,
        codes: AuthorizationCodes,
    ) -> None:
        self._authorities = authorities
        self._applications = applications
        self._accounts = accounts
        self._device_codes = device_codes
        self._refresh_tokens = refresh_tokens
        self._federation = federation
        self._codes = codes
        self._grants: dict[str, Grant] = {
            PASSWORD: self._with_password,
            "refresh_token": self._with_refresh_token,
            "authorization_code": self._with_code,
            **dict.fromkeys(_DEVICE_CODE, self._with_device_code),
            **dict.fromkeys(ASSERTIONS, self._with_assertion),
        }

    def token(self, form: Form, tenant_name: str, cloud: str, version: Version) -> dict[str, Any]:
        """Answer a token request; Refused if there is no token."""
        tenant = self._authorities.tenant(tenant_name, cloud)
        grant_type = required(form, "grant_type")
        grant = self._grants.get(grant_type)
        if grant is None:
            raise Refused(70003, grant_type=grant_type)
        version.check_tenant(grant_type, tenant_name)
        return version.answer(form, grant(form, tenant, cloud, version))

    def device_code(self, form: Form, tenant_name: str, cloud: str, version: Version) -> DeviceCode:
        """Make a device code; Refused if this application may not have one."""
        tenant = self._authorities.tenant(tenant_name, cloud)
        application = self._applications.client(form)
        asked = version.asked(form, cloud)
        self._applications.check_resource(application, asked.resource, cloud)
        return self._device_codes.create(application, asked, tenant, cloud)

    def _with_password(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> Entitlement:
        application = self._applications.client(form)
        asked = version.asked(form, cloud)
        self._applications.check_resource(application, asked.resource, cloud)
        username, password = required(form, "username"), required(form, "password")
        person = self._accounts.with_password(username, password, tenant)
        return self._entitle(person, tenant, application, asked, cloud, _BY_PASSWORD)

    def _with_device_code(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> Entitlement:
        application = self._applications.client(form)
        # Version 1.0 calls it "code", RFC 8628 section 3.4 "device_code"; Entra ID takes both.
        value = form.get("device_code") or required(form, "code")
        code, person = self._device_codes.redeem(
            value, application, expired_code=version.expired_code
        )
        asked = code.asked
        if form.get("claims"):
            asked = replace(asked, claims=claims.read(form["claims"]))
        return self._entitle(person, tenant or code.tenant, application, asked, cloud, code.amr)

    def _with_refresh_token(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> Entitlement:
        application = self._applications.client(form)
        token = required(form, "refresh_token")
        grant = self._refresh_tokens.use(token, application, cloud)
        asked = version.asked_again(form, cloud, grant.asked)
        self._applications.check_resource(application, asked.resource, cloud)
        return self._entitle(grant.person, tenant, application, asked, cloud, grant.amr)

    def _with_code(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> Entitlement:
        application = self._applications.client(form)
        value, redirect_uri = required(form, "code"), required(form, "redirect_uri")
        verifier = form.get("code_verifier", "")
        code = self._codes.redeem(value, application, redirect_uri, verifier, cloud)
        asked = version.asked_again(form, cloud, code.request.asked)
        before = code.request.asked
        scopes = asked.openid_scopes | before.openid_scopes
        wanted = asked.claims if form.get("claims") else before.claims
        asked = replace(asked, openid_scopes=scopes, nonce=before.nonce, claims=wanted)
        self._applications.check_resource(application, asked.resource, cloud)
        tenant = tenant or code.request.tenant
        return self._entitle(code.person, tenant, application, asked, cloud, code.amr)

    def _with_assertion(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> Entitlement:
        application = self._applications.client(form)
        asked = version.asked(form, cloud)
        self._applications.check_resource(application, asked.resource, cloud)
        person = self._federation.subject(required(form, "assertion"))
        return self._entitle(person, tenant, application, asked, cloud, _BY_PASSWORD)

    def _entitle(
        self,
        person: Person,
        tenant: Tenant | None,
        application: Application,
        asked: Asked,
        cloud: str,
        amr: tuple[str, ...],
    ) -> Entitlement:
        try:
            admitted = self._accounts.admit(person, tenant, application, amr)
            self._authorities.check_cloud(admitted, cloud)
            if asked.claims.unmet(amr):
                raise Refused(50076)
        except Refused as refused:
            # A grant knows what the request does not say.
            known = {"resource": asked.resource, "username": person.username}
            refused.details = {**known, **refused.details}
            raise
        return Entitlement(person, admitted, application, asked, cloud, amr)

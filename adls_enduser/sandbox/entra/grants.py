"""The token endpoint and the device code endpoint: one method per grant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from . import claims
from .applications import required
from .error_responses import EntraError
from .tokens import GrantedAccess

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
    from .token_request import Form, RequestedAccess

    GrantHandler = Callable[["Form", "Tenant | None", str, "Version"], GrantedAccess]

PASSWORD = "password"
ASSERTIONS = (
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
)
# Version 1.0's name, and that of RFC 8628 section 3.4; Entra ID accepts either at both versions.
_DEVICE_CODE = ("device_code", "urn:ietf:params:oauth:grant-type:device_code")
_PASSWORD_AMR = ("pwd",)


class Version(Protocol):
    """What differs between the versions of the endpoints: parameters and responses.

    ``expired_device_code_error`` is the AADSTS number for a device code that has expired.
    """

    expired_device_code_error: int

    def check_tenant(self, grant_type: str, tenant_name: str) -> None:
        """Raise EntraError if a grant is not supported for this tenant name."""
        ...

    def requested_access(self, form: Form, cloud: str) -> RequestedAccess:
        """Read the access that a request asks for."""
        ...

    def access_for_grant(
        self, form: Form, cloud: str, original: RequestedAccess
    ) -> RequestedAccess:
        """Read the access that a grant is redeemed for: the original one if none is named."""
        ...

    def token_response(self, form: Form, granted: GrantedAccess) -> dict[str, Any]:
        """Return the fields of a token response."""
        ...

    def device_code_response(self, code: DeviceCode, url: str, lifetime: float) -> dict[str, Any]:
        """Return the fields of a device code response."""
        ...


class Grants:
    """Handles ``/oauth2/token`` and ``/oauth2/devicecode``, and those of ``/oauth2/v2.0``.

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
        authorization_codes: AuthorizationCodes,
    ) -> None:
        self._authorities = authorities
        self._applications = applications
        self._accounts = accounts
        self._device_codes = device_codes
        self._refresh_tokens = refresh_tokens
        self._federation = federation
        self._authorization_codes = authorization_codes
        self._grants: dict[str, GrantHandler] = {
            PASSWORD: self._with_password,
            "refresh_token": self._with_refresh_token,
            "authorization_code": self._with_authorization_code,
            **dict.fromkeys(_DEVICE_CODE, self._with_device_code),
            **dict.fromkeys(ASSERTIONS, self._with_assertion),
        }

    def token(self, form: Form, tenant_name: str, cloud: str, version: Version) -> dict[str, Any]:
        """Return the fields of a token response; raise EntraError if there is no token."""
        tenant = self._authorities.tenant(tenant_name, cloud)
        grant_type = required(form, "grant_type")
        grant = self._grants.get(grant_type)
        if grant is None:
            raise EntraError(70003, grant_type=grant_type)
        version.check_tenant(grant_type, tenant_name)
        return version.token_response(form, grant(form, tenant, cloud, version))

    def device_code(self, form: Form, tenant_name: str, cloud: str, version: Version) -> DeviceCode:
        """Create a device code; raise EntraError if this application may not have one."""
        tenant = self._authorities.tenant(tenant_name, cloud)
        application, access = self._read_request(form, cloud, version)
        return self._device_codes.create(application, access, tenant, cloud)

    def _with_password(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> GrantedAccess:
        application, access = self._read_request(form, cloud, version)
        username, password = required(form, "username"), required(form, "password")
        person = self._accounts.authenticate(username, password, tenant)
        return self._grant_access(person, tenant, application, access, cloud, _PASSWORD_AMR)

    def _with_assertion(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> GrantedAccess:
        application, access = self._read_request(form, cloud, version)
        person = self._federation.person_of(required(form, "assertion"))
        return self._grant_access(person, tenant, application, access, cloud, _PASSWORD_AMR)

    def _with_device_code(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> GrantedAccess:
        application = self._applications.authenticate(form)
        # Version 1.0 calls it "code", RFC 8628 section 3.4 "device_code"; Entra ID accepts both.
        value = form.get("device_code") or required(form, "code")
        code, person = self._device_codes.redeem(
            value, application, expired_error=version.expired_device_code_error
        )
        access, tenant = code.access, tenant or code.tenant
        if form.get("claims"):
            access = replace(access, claims=claims.read(form["claims"]))
        return self._grant_access(person, tenant, application, access, cloud, code.amr)

    def _with_refresh_token(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> GrantedAccess:
        application = self._applications.authenticate(form)
        token = required(form, "refresh_token")
        grant = self._refresh_tokens.use(token, application, cloud)
        access = version.access_for_grant(form, cloud, grant.access)
        self._applications.check_resource(application, access.resource, cloud)
        return self._grant_access(grant.person, tenant, application, access, cloud, grant.amr)

    def _with_authorization_code(
        self, form: Form, tenant: Tenant | None, cloud: str, version: Version
    ) -> GrantedAccess:
        application = self._applications.authenticate(form)
        value, redirect_uri = required(form, "code"), required(form, "redirect_uri")
        verifier = form.get("code_verifier", "")
        code = self._authorization_codes.redeem(value, application, redirect_uri, verifier, cloud)
        original = code.request.access
        access = version.access_for_grant(form, cloud, original)
        access = replace(
            access,
            openid_scopes=access.openid_scopes | original.openid_scopes,
            nonce=original.nonce,
            claims=access.claims if form.get("claims") else original.claims,
        )
        self._applications.check_resource(application, access.resource, cloud)
        tenant = tenant or code.request.tenant
        return self._grant_access(code.person, tenant, application, access, cloud, code.amr)

    def _read_request(
        self, form: Form, cloud: str, version: Version
    ) -> tuple[Application, RequestedAccess]:
        application = self._applications.authenticate(form)
        access = version.requested_access(form, cloud)
        self._applications.check_resource(application, access.resource, cloud)
        return application, access

    def _grant_access(
        self,
        person: Person,
        tenant: Tenant | None,
        application: Application,
        access: RequestedAccess,
        cloud: str,
        amr: tuple[str, ...],
    ) -> GrantedAccess:
        try:
            token_tenant = self._accounts.check_sign_in(person, tenant, application, amr)
            self._authorities.check_cloud(token_tenant, cloud)
            if access.claims.needs_second_factor(amr):
                raise EntraError(50076)
        except EntraError as error:
            error.add_details(resource=access.resource, username=person.username)
            raise
        return GrantedAccess(person, token_tenant, application, access, cloud, amr)

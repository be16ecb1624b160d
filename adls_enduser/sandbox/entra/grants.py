"""The token endpoint and the device code endpoint: one method a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .applications import required
from .refusals import Refused
from .tokens import Entitlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..people import Person, Tenant
    from .accounts import Accounts
    from .applications import Application, Applications
    from .authorities import Authorities
    from .device import DeviceCode, DeviceCodes
    from .refresh import RefreshTokens
    from .tokens import TokenAnswers
    from .wstrust import FederationServers

    Form = dict[str, str]
    Grant = Callable[[Form, Tenant | None, str], dict[str, str]]

_SAML1 = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
_SAML2 = "urn:ietf:params:oauth:grant-type:saml2-bearer"
_PASSWORD = ("pwd",)


class Grants:
    """Answers ``/oauth2/token`` and ``/oauth2/devicecode`` of version 1.0.

    Source: adal.token_request, ``TokenRequest``, and adal.oauth2_client.
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
        answers: TokenAnswers,
    ) -> None:
        self._authorities = authorities
        self._applications = applications
        self._accounts = accounts
        self._device_codes = device_codes
        self._refresh_tokens = refresh_tokens
        self._federation = federation
        self._answers = answers
        self._grants: dict[str, Grant] = {
            "password": self._with_password,
            "device_code": self._with_device_code,
            "refresh_token": self._with_refresh_token,
            _SAML1: self._with_assertion,
            _SAML2: self._with_assertion,
        }

    def token(self, form: Form, tenant_name: str, cloud: str) -> dict[str, str]:
        """Answer a token request; Refused if there is no token."""
        tenant = self._authorities.tenant(tenant_name, cloud)
        grant_type = required(form, "grant_type")
        grant = self._grants.get(grant_type)
        if grant is None:
            raise Refused(70003, grant_type=grant_type)
        return grant(form, tenant, cloud)

    def device_code(self, form: Form, tenant_name: str, cloud: str) -> DeviceCode:
        """Make a device code; Refused if this application may not have one."""
        tenant = self._authorities.tenant(tenant_name, cloud)
        application = self._applications.client(form)
        resource = required(form, "resource")
        self._applications.check_resource(application, resource, cloud)
        return self._device_codes.create(application, resource, tenant, cloud)

    def _with_password(self, form: Form, tenant: Tenant | None, cloud: str) -> dict[str, str]:
        application = self._applications.client(form)
        resource = required(form, "resource")
        self._applications.check_resource(application, resource, cloud)
        username, password = required(form, "username"), required(form, "password")
        person = self._accounts.with_password(username, password, tenant)
        entitled = self._entitle(person, tenant, application, resource, cloud, _PASSWORD)
        return self._answers.answer(entitled, id_token=_asks_for_id_token(form))

    def _with_device_code(self, form: Form, tenant: Tenant | None, cloud: str) -> dict[str, str]:
        application = self._applications.client(form)
        # Version 1.0 calls it "code", RFC 8628 section 3.4 "device_code"; Entra ID takes both.
        value = form.get("device_code") or required(form, "code")
        code, person = self._device_codes.redeem(value, application)
        return self._answers.answer(
            self._entitle(
                person, tenant or code.tenant, application, code.resource, cloud, code.amr
            )
        )

    def _with_refresh_token(self, form: Form, tenant: Tenant | None, cloud: str) -> dict[str, str]:
        application = self._applications.client(form)
        token = required(form, "refresh_token")
        grant = self._refresh_tokens.use(token, application, cloud)
        resource = form.get("resource") or grant.resource
        self._applications.check_resource(application, resource, cloud)
        return self._answers.answer(
            self._entitle(grant.person, tenant, application, resource, cloud, grant.amr)
        )

    def _with_assertion(self, form: Form, tenant: Tenant | None, cloud: str) -> dict[str, str]:
        application = self._applications.client(form)
        resource = required(form, "resource")
        self._applications.check_resource(application, resource, cloud)
        person = self._federation.subject(required(form, "assertion"))
        entitled = self._entitle(person, tenant, application, resource, cloud, _PASSWORD)
        return self._answers.answer(entitled, id_token=_asks_for_id_token(form))

    def _entitle(
        self,
        person: Person,
        tenant: Tenant | None,
        application: Application,
        resource: str,
        cloud: str,
        amr: tuple[str, ...],
    ) -> Entitlement:
        admitted = self._accounts.admit(person, tenant, application, amr)
        self._authorities.check_cloud(admitted, cloud)
        return Entitlement(person, admitted, application, resource, cloud, amr)


def _asks_for_id_token(form: Form) -> bool:
    return "openid" in form.get("scope", "").split()

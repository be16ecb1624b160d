"""Entra ID: versions 1.0 and 2.0 of the authority, and the device login page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..directory import Person
from .accounts import Accounts
from .adfs import Adfs, SharedServices
from .applications import AZURE_CLI, Application, Applications
from .authorities import HOSTS, Authorities
from .authorization_codes import AuthorizationCodes
from .authorization_request import AuthorizationRequests
from .device_codes import DeviceCode, DeviceCodes
from .endpoints import Endpoints
from .error_responses import ERRORS, EntraError
from .federation.wstrust import FederationServer, FederationServers
from .grants import Grants
from .pages.browsing import browser_request, deliver
from .pages.page import PATH, Page
from .pages.sessions import Sessions
from .pages.signin import SignIn
from .redirect_uris import PUBLIC_CLIENT
from .refresh_tokens import RefreshTokens
from .tokens import Tokens
from .version_1 import Version1
from .version_2 import Version2

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..directory import Role, Tenant
    from ..http import Request, Response
    from ..state import State

__all__ = ["AZURE_CLI", "Application", "DeviceCode", "Entra", "FederationServer"]


class Entra:
    """The authority; a script decides here who may sign in, and how it ends.

    A person is given by user name or as an object; a tenant by id, by domain or as an object.
    ``public_url`` is the address of the device login page.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.public_url = ""
        self._approver: Person | None = None
        self.authorities = Authorities(state.directory)
        self.applications = Applications()
        self.accounts = Accounts(state)
        self.device_codes = DeviceCodes(state.clock)
        self.refresh_tokens = RefreshTokens(state.clock)
        self.federation = FederationServers(state, self.accounts)
        self.authorization_codes = AuthorizationCodes(state.clock)
        self.sessions = Sessions()
        self.page = Page(self.accounts, self.device_codes)
        self._tokens = Tokens(state, self.refresh_tokens)
        self._requests = AuthorizationRequests(self.authorities, self.applications)
        self._endpoints = self._new_endpoints()
        self._adfs: dict[str, Adfs] = {}

    def _new_endpoints(self) -> Endpoints:
        version_2 = Version2(self._tokens, self._state.identity)
        return Endpoints(
            self._state,
            authorities=self.authorities,
            applications=self.applications,
            federation=self.federation,
            grants=self._new_grants(),
            sign_in=self._new_sign_in(),
            versions={"1.0": Version1(self._tokens), "2.0": version_2},
            present_code=self._present_code,
        )

    def _new_grants(self) -> Grants:
        return Grants(
            authorities=self.authorities,
            applications=self.applications,
            accounts=self.accounts,
            device_codes=self.device_codes,
            refresh_tokens=self.refresh_tokens,
            federation=self.federation,
            authorization_codes=self.authorization_codes,
        )

    def _new_sign_in(self) -> SignIn:
        return SignIn(
            clock=self._state.clock,
            authorities=self.authorities,
            accounts=self.accounts,
            requests=self._requests,
            authorization_codes=self.authorization_codes,
            sessions=self.sessions,
        )

    # For scripts: who exists, and what is registered.

    def person(
        self,
        username: str,
        *,
        password: str,
        mfa: bool = False,
        role: Role | None = "Owner",
        groups: Iterable[str] = (),
        refused_with: int | None = None,
        approves_device_codes: bool = False,
    ) -> Person:
        """Add a person, and the tenant of their domain if there is none.

        ``refused_with`` is the number of the AADSTS error that each of their sign-ins ends
        with. Raises ValueError for a user name without a domain, or an unknown number.
        """
        if refused_with is not None:
            _check_number(refused_with, "refused_with: ")
        person = Person(
            username,
            self._tenant_of(username).tenant_id,
            password,
            mfa=mfa,
            role=role,
            groups=tuple(groups),
            refused_with=refused_with,
        )
        if approves_device_codes:
            self.approver = person
        return self._state.directory.add(person)

    def _tenant_of(self, username: str) -> Tenant:
        name, at, domain = username.rpartition("@")
        if not (name and at and domain):
            raise ValueError(f"username must be name@domain, not {username!r}")
        directory = self._state.directory
        return directory.tenant(domain) or directory.add_tenant(domain)

    def tenant(self, *domains: str, tenant_id: str | None = None, cloud: str = "public") -> Tenant:
        """Add a tenant, in the ``"public"`` cloud, ``"china"`` or ``"usgovernment"``."""
        if cloud not in HOSTS:
            raise ValueError(f"cloud must be one of {', '.join(HOSTS)}, not {cloud!r}")
        return self._state.directory.add_tenant(*domains, tenant_id=tenant_id, cloud=cloud)

    def invite(self, person: Person | str, tenant: Tenant | str) -> None:
        """Make a person a guest of another tenant."""
        found = self._state.directory.tenant(tenant)
        if found is None:
            raise ValueError(f"there is no tenant {tenant!r}")
        self.accounts.invite(self._person(person), found)

    def application(
        self,
        client_id: str,
        *,
        name: str = "",
        public_client: bool = True,
        enabled: bool = True,
        consented: bool = True,
        permissions: Collection[str] | None = None,
        redirect_uris: Iterable[str] = PUBLIC_CLIENT,
    ) -> Application:
        """Register an application; ``permissions`` are its resources (None: all).

        Without ``consented`` each person must consent when they sign in in a browser.
        ``redirect_uris`` on loopback match every port.
        """
        return self.applications.register(
            Application(
                client_id,
                name or client_id,
                public_client,
                enabled,
                consented,
                None if permissions is None else frozenset(permissions),
                redirect_uris=tuple(redirect_uris),
            )
        )

    def federate(
        self,
        domain: str,
        *,
        scheme: str = "https",
        endpoint_scheme: str | None = None,
        versions: Iterable[str] = ("1.3", "2005"),
        saml: str = "1.1",
    ) -> FederationServer:
        """Let the persons of a domain sign in at ``sts.{domain}``, by WS-Trust.

        ``scheme="http"`` makes Entra ID name plain http addresses, ``endpoint_scheme``
        the server's own metadata (default: the same); a client must refuse them.
        """
        directory = self._state.directory
        if directory.tenant(domain) is None:
            directory.add_tenant(domain)
        server = FederationServer(
            domain.lower(), scheme, endpoint_scheme or scheme, tuple(versions), saml
        )
        self.federation.add(server)
        return server

    def add_authority(self, host: str, cloud: str = "public", *, known: bool = True) -> None:
        """Serve an authority under another host name.

        ``known`` is whether instance discovery lists it.
        """
        self.authorities.add(host, cloud, known=known)

    def add_adfs(
        self, host: str, resources: Iterable[str] = (), *, gives_refresh_tokens: bool = True
    ) -> None:
        """Serve an AD FS 2019 under a host name, for every person here, without second factors.

        ``resources`` are those that tokens may be requested for.
        """
        shared = SharedServices(
            applications=self.applications,
            accounts=self.accounts,
            device_codes=self.device_codes,
            refresh_tokens=self.refresh_tokens,
            tokens=self._tokens,
            token_issuer=self._state.identity,
            requests=self._requests,
            authorization_codes=self.authorization_codes,
            present_code=self._present_code,
        )
        adfs = Adfs(host.lower(), shared, gives_refresh_tokens=gives_refresh_tokens)
        self._adfs[adfs.host] = adfs
        for resource in resources:
            self.applications.add_resource(resource, adfs.cloud)

    # For scripts: what a person does.

    def approve(
        self, user_code: str, by: Person | str | None = None, *, second_factor: bool = False
    ) -> None:
        """Approve a device code as a person (default: the first one added, else Ada).

        Persons who need a second factor have passed it; others only with ``second_factor``.
        Raises ValueError if there is no such person, or no such code that is pending.
        """
        person, code = self._person(by), self._pending_code(user_code)
        mfa = second_factor or person.mfa or code.access.claims.needs_second_factor(("pwd",))
        self.device_codes.approve(code, person, ("pwd", "mfa") if mfa else ("pwd",))

    def decline(self, user_code: str) -> None:
        """Decline a device code; raise ValueError if no such code is pending."""
        self.device_codes.decline(self._pending_code(user_code))

    def authorize(self, url: str, by: Person | str | None = None, *, accepts: bool = True) -> str:
        """Go through the sign-in page as a person, and return the address that it leads to.

        ``url`` is the address that a program opens in a browser, ``by`` the person who signs
        in (default: the first one added, else Ada). ``accepts=False`` cancels: at the
        consent page, if there is one. With ``prompt=none`` ``by`` is the person who has
        signed in before (default: nobody). The address, with ``code`` or ``error``, is not
        opened. Raises ValueError where a browser would stay on the page (the redirect URI is
        not registered, or the person gets an AADSTS error); and for
        ``response_mode=form_post``, which needs ``browse``.
        """
        response = self._authorization_response(url, by, accepts=accepts)
        if "Location" not in response.headers:
            raise ValueError("response_mode=form_post has no address to return; use browse()")
        return response.headers["Location"]

    def browse(self, url: str, by: Person | str | None = None, *, accepts: bool = True) -> str:
        """Do as ``authorize`` does, send the response to the program, and return its last page.

        The program must listen on loopback: ValueError if the address is elsewhere, OSError
        if no program listens.
        """
        return deliver(self._authorization_response(url, by, accepts=accepts))

    def _authorization_response(
        self, url: str, by: Person | str | None, *, accepts: bool
    ) -> Response:
        request = browser_request(url)
        silent = request.args.get("prompt") == "none" and by is None
        person = None if silent else self._person(by)
        adfs = self._adfs.get(request.hostname)
        try:
            if adfs is not None and person is not None:
                return adfs.authorize(request, person, accepts=accepts)
            return self._endpoints.authorize(request, person=person, accepts=accepts)
        except EntraError as error:
            raise ValueError(f"the sign-in page shows AADSTS{error.number}") from None

    def pending_codes(self) -> list[str]:
        """Return the user codes that are neither approved nor declined, oldest first."""
        return [code.user_code for code in self.device_codes.pending()]

    def one_time_code(self, person: Person | str) -> str:
        """Return the six digits that the person's authenticator shows now."""
        return self.accounts.one_time_code(self._person(person))

    # For scripts: what an administrator or a policy does.

    def revoke_refresh_tokens(self, person: Person | str, code: int = 50173) -> None:
        """Reject the refresh tokens a person has now with this error (50173, 700082, 70043)."""
        _check_number(code)
        self.refresh_tokens.revoke(self._person(person), code)

    def revoke_access_tokens(self, person: Person | str) -> None:
        """Make services reject the access tokens that a person has now, though unexpired.

        That is continuous access evaluation. Resource Manager challenges clients that have
        said they understand it (``cp1``) for a token with a later ``nbf``; a refresh token
        gets such a token silently, unless it is revoked as well.
        """
        self._state.identity.revoke_issued_tokens(self._person(person))

    def require_claims(
        self, person: Person | str, context: str | None = "p1", *, writes_only: bool = False
    ) -> None:
        """Make Resource Manager require an authentication context (``acrs``) of a person.

        It challenges for the context. Entra ID issues it to persons who have shown a second
        factor, so a person without ``mfa`` must step up. ``"p1"`` is the context that Azure's
        own enforcement of multifactor authentication requires; ``writes_only`` lets GET and
        HEAD through, as that enforcement does. None ends the requirement.
        """
        person = self._person(person)
        self._state.identity.require_context(person, context, writes_only=writes_only)

    @property
    def approver(self) -> Person | None:
        """Return the person who approves every new device code at once (None: nobody)."""
        return self._approver

    @approver.setter
    def approver(self, person: Person | str | None) -> None:
        self._approver = None if person is None else self._person(person)

    @property
    def token_lifetime(self) -> float:
        """Return the lifetime (seconds) of access tokens issued from now on."""
        return self._tokens.lifetime

    @token_lifetime.setter
    def token_lifetime(self, seconds: float) -> None:
        self._tokens.lifetime = seconds

    @property
    def refresh_token_lifetime(self) -> float:
        """Return the seconds without use after which a refresh token expires."""
        return self.refresh_tokens.inactivity

    @refresh_token_lifetime.setter
    def refresh_token_lifetime(self, seconds: float) -> None:
        self.refresh_tokens.inactivity = seconds

    @property
    def reuse_is_refused(self) -> bool:
        """Tell whether a refresh token that was used once is refused."""
        return self.refresh_tokens.reuse_is_refused

    @reuse_is_refused.setter
    def reuse_is_refused(self, value: bool) -> None:
        self.refresh_tokens.reuse_is_refused = value

    @property
    def device_code_lifetime(self) -> float:
        """Return the lifetime (seconds) of device codes issued from now on."""
        return self.device_codes.lifetime

    @device_code_lifetime.setter
    def device_code_lifetime(self, seconds: float) -> None:
        self.device_codes.lifetime = seconds

    @property
    def device_code_interval(self) -> float:
        """Return the seconds that a client must wait between two polls."""
        return self.device_codes.interval

    @device_code_interval.setter
    def device_code_interval(self, seconds: float) -> None:
        self.device_codes.interval = seconds

    # The service.

    def serves(self, host: str) -> bool:
        """Tell whether a host is an authority, an AD FS or a federation server."""
        return host in self._adfs or self._endpoints.serves(host)

    def respond(self, request: Request) -> Response:
        """Respond to a request for an authority, an AD FS or a federation server."""
        adfs = self._adfs.get(request.hostname)
        if adfs is not None:
            return adfs.respond(request)
        return self._endpoints.respond(request)

    def _present_code(self, code: DeviceCode) -> tuple[str, float]:
        """Return the page of a new device code, and its lifetime (seconds)."""
        if self._approver is not None:
            self.approve(code.user_code, self._approver)
        return f"{self.public_url}{PATH}", self.device_code_lifetime

    def _person(self, by: Person | str | None) -> Person:
        directory = self._state.directory
        return directory.persons()[0] if by is None else directory.person(by)

    def _pending_code(self, user_code: str) -> DeviceCode:
        try:
            return self.device_codes.by_user_code(user_code)
        except EntraError as error:
            message = f"no device code {user_code!r} is pending (AADSTS{error.number})"
            raise ValueError(message) from None


def _check_number(number: int, prefix: str = "") -> None:
    if number not in ERRORS:
        raise ValueError(f"{prefix}AADSTS{number} is not an error that the sandbox knows")

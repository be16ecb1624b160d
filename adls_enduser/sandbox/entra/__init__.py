"""Entra ID: versions 1.0 and 2.0 of the authority, and the page for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..directory import Person
from .accounts import Accounts
from .adfs import Adfs, Parts
from .applications import AZURE_CLI, Application, Applications
from .authorities import HOSTS, Authorities
from .authorization_codes import AuthorizationCodes
from .authorization_request import AuthorizationRequests
from .device_codes import DeviceCode, DeviceCodes
from .endpoints import Endpoints
from .error_responses import REFUSALS, Refused
from .federation.wstrust import FederationServer, FederationServers
from .grants import Grants
from .pages.browsing import deliver, opened
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
    from ..state import World

__all__ = ["AZURE_CLI", "Application", "DeviceCode", "Entra", "FederationServer"]


class Entra:
    """The authority, and the script of who may sign in and how it goes.

    ``approver`` is who approves every new device code at once (None: nobody).
    ``public_url`` is where the page for the person is.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.public_url = ""
        self.approver: Person | None = None
        self.authorities = Authorities(world.directory)
        self.applications = Applications()
        self.accounts = Accounts(world)
        self.device_codes = DeviceCodes(world.clock)
        self.refresh_tokens = RefreshTokens(world.clock)
        self.federation = FederationServers(world, self.accounts)
        self.codes = AuthorizationCodes(world.clock)
        self.sessions = Sessions()
        self._tokens = Tokens(world, self.refresh_tokens)
        grants = Grants(
            authorities=self.authorities,
            applications=self.applications,
            accounts=self.accounts,
            device_codes=self.device_codes,
            refresh_tokens=self.refresh_tokens,
            federation=self.federation,
            codes=self.codes,
        )
        self._requests = AuthorizationRequests(self.authorities, self.applications)
        sign_in = SignIn(
            clock=world.clock,
            authorities=self.authorities,
            accounts=self.accounts,
            requests=self._requests,
            codes=self.codes,
            sessions=self.sessions,
        )
        self._endpoints = Endpoints(
            world,
            authorities=self.authorities,
            applications=self.applications,
            federation=self.federation,
            grants=grants,
            sign_in=sign_in,
            versions={"1.0": Version1(self._tokens), "2.0": Version2(self._tokens, world.identity)},
            show=self._show,
        )
        self.page = Page(self.accounts, self.device_codes)
        self._adfs: dict[str, Adfs] = {}

    # The script.

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
        """Let somebody exist; their domain's tenant is founded if there is none.

        ``refused_with`` is the number of the AADSTS refusal that each of their sign-ins
        meets. Raises ValueError for a user name without a domain, or an unknown number.
        """
        name, at, domain = username.rpartition("@")
        if not (name and at and domain):
            raise ValueError(f"username must be name@domain, not {username!r}")
        if refused_with is not None and refused_with not in REFUSALS:
            raise ValueError(f"refused_with: AADSTS{refused_with} is not a refusal known here")
        directory = self.world.directory
        tenant = directory.tenant(domain) or directory.add_tenant(domain)
        person = directory.add(
            Person(
                username,
                tenant.tenant_id,
                password,
                mfa=mfa,
                role=role,
                groups=tuple(groups),
                refused_with=refused_with,
            )
        )
        if approves_device_codes:
            self.approver = person
        return person

    def tenant(self, *domains: str, tenant_id: str | None = None, cloud: str = "public") -> Tenant:
        """Found an organisation, in the ``"public"`` cloud, ``"china"`` or ``"usgovernment"``."""
        if cloud not in HOSTS:
            raise ValueError(f"cloud must be one of {', '.join(HOSTS)}, not {cloud!r}")
        return self.world.directory.add_tenant(*domains, tenant_id=tenant_id, cloud=cloud)

    def invite(self, person: Person, tenant: str) -> None:
        """Make a person a guest of another tenant, given by id or domain."""
        found = self.world.directory.tenant(tenant)
        if found is None:
            raise ValueError(f"there is no tenant {tenant!r}")
        self.accounts.invite(person, found)

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

        Without ``consented`` each person is asked for consent when they sign in in a
        browser. ``redirect_uris`` on loopback stand for every port.
        """
        allowed = None if permissions is None else frozenset(permissions)
        return self.applications.register(
            Application(
                client_id,
                name or client_id,
                public_client,
                enabled,
                consented,
                allowed,
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
        directory = self.world.directory
        if directory.tenant(domain) is None:
            directory.add_tenant(domain)
        server = FederationServer(
            domain.lower(), scheme, endpoint_scheme or scheme, tuple(versions), saml
        )
        self.federation.add(server)
        return server

    def add_authority(self, host: str, cloud: str = "public", *, known: bool = True) -> None:
        """Let another host name be an authority, and answer there.

        ``known`` is whether instance discovery vouches for it.
        """
        self.authorities.add(host, cloud, known=known)

    def add_adfs(
        self, host: str, resources: Iterable[str] = (), *, gives_refresh_tokens: bool = True
    ) -> None:
        """Let an AD FS 2019 answer at a host, for everybody here, without second factors.

        ``resources`` are those that tokens may be asked for.
        """
        parts = Parts(
            applications=self.applications,
            accounts=self.accounts,
            device_codes=self.device_codes,
            refresh_tokens=self.refresh_tokens,
            tokens=self._tokens,
            identity=self.world.identity,
            requests=self._requests,
            codes=self.codes,
            show=self._show,
        )
        adfs = Adfs(host.lower(), parts, gives_refresh_tokens=gives_refresh_tokens)
        self._adfs[adfs.host] = adfs
        for resource in resources:
            self.applications.add_resource(resource, adfs.cloud)

    def approve(
        self, user_code: str, by: Person | str | None = None, *, second_factor: bool = False
    ) -> None:
        """Approve a device code as a person (default: the first one there is).

        Persons who need a second factor have passed it, and others with ``second_factor``.
        Raises ValueError if there is no such person, or no such code that still waits.
        """
        person, code = self._who(by), self._waiting(user_code)
        more = second_factor or person.mfa or code.asked.claims.unmet(("pwd",))
        self.device_codes.approve(code, person, ("pwd", "mfa") if more else ("pwd",))

    def decline(self, user_code: str) -> None:
        """Decline a device code; ValueError if no such code waits."""
        self.device_codes.decline(self._waiting(user_code))

    def authorize(self, url: str, by: Person | str | None = None, *, accepts: bool = True) -> str:
        """Do on the sign-in page what a person would do, and give where that leads.

        ``url`` is what a program opens a browser with, ``by`` who signs in (default: the
        first person there is); ``accepts=False`` for one who cancels, at the consent if they
        are asked for it. With ``prompt=none`` ``by`` is who has signed in before (default:
        nobody). The address, with ``code`` or ``error``, is not opened. Raises ValueError
        where a browser would stay on the page: a redirect URI that is not registered, a
        person who is refused; and for ``response_mode=form_post``, which is for ``browse``.
        """
        answer = self._on_the_page(url, by, accepts=accepts)
        if "Location" not in answer.headers:
            raise ValueError("response_mode=form_post leads to no address; browse() sends it")
        return answer.headers["Location"]

    def browse(self, url: str, by: Person | str | None = None, *, accepts: bool = True) -> str:
        """Do as ``authorize`` does, hand the answer to the program, and give its last page.

        The program must listen on loopback: ValueError if the way leads elsewhere, OSError
        if nobody listens.
        """
        return deliver(self._on_the_page(url, by, accepts=accepts))

    def _on_the_page(self, url: str, by: Person | str | None, *, accepts: bool) -> Response:
        request = opened(url)
        silent = request.args.get("prompt") == "none" and by is None
        person = None if silent else self._who(by)
        adfs = self._adfs.get(request.hostname)
        try:
            if adfs is not None and person is not None:
                return adfs.authorize(request, person, accepts=accepts)
            return self._endpoints.authorize(request, person=person, accepts=accepts)
        except Refused as refused:
            raise ValueError(f"the page says no (AADSTS{refused.number})") from None

    def pending_codes(self) -> list[str]:
        """Give the user codes that wait for their person, oldest first."""
        return [code.user_code for code in self.device_codes.pending()]

    def one_time_code(self, person: Person) -> str:
        """Give what the person's authenticator shows now: six digits."""
        return self.accounts.one_time_code(person)

    def revoke_refresh_tokens(self, person: Person, code: int = 50173) -> None:
        """Refuse all refresh tokens a person has now with this number (50173, 700082, 70043)."""
        if code not in REFUSALS:
            raise ValueError(f"AADSTS{code} is not a refusal known here")
        self.refresh_tokens.revoke(person, code)

    def revoke_access_tokens(self, person: Person) -> None:
        """Let services accept no access token that a person has now, though it lives on.

        That is continuous access evaluation: Resource Manager challenges clients that have
        said they understand it (``cp1``) for a token of a later ``nbf``, which a refresh
        token gets silently unless it is revoked as well.
        """
        self.world.identity.revoke_issued_tokens(person)

    def require_claims(
        self, person: Person, context: str | None = "p1", *, writes_only: bool = False
    ) -> None:
        """Let Resource Manager want an authentication context (``acrs``) of a person's tokens.

        It challenges for it, and Entra ID gives it to who has shown a second factor; so a
        person without ``mfa`` must step up. ``"p1"`` is what Azure's own enforcement of
        multifactor authentication asks for; ``writes_only`` lets GET and HEAD through, as
        that does. None lifts it.
        """
        self.world.identity.require_context(person, context, writes_only=writes_only)

    @property
    def token_lifetime(self) -> float:
        """How long access tokens made from now on live, in seconds."""
        return self._tokens.lifetime

    @token_lifetime.setter
    def token_lifetime(self, seconds: float) -> None:
        self._tokens.lifetime = seconds

    @property
    def refresh_token_lifetime(self) -> float:
        """After how many seconds without use a refresh token dies."""
        return self.refresh_tokens.inactivity

    @refresh_token_lifetime.setter
    def refresh_token_lifetime(self, seconds: float) -> None:
        self.refresh_tokens.inactivity = seconds

    @property
    def reuse_is_refused(self) -> bool:
        """Whether a refresh token that was exchanged once is refused."""
        return self.refresh_tokens.reuse_is_refused

    @reuse_is_refused.setter
    def reuse_is_refused(self, refused: bool) -> None:
        self.refresh_tokens.reuse_is_refused = refused

    @property
    def device_code_lifetime(self) -> float:
        """How long device codes made from now on live, in seconds."""
        return self.device_codes.lifetime

    @device_code_lifetime.setter
    def device_code_lifetime(self, seconds: float) -> None:
        self.device_codes.lifetime = seconds

    @property
    def device_code_interval(self) -> float:
        """How many seconds a client must wait between two polls."""
        return self.device_codes.interval

    @device_code_interval.setter
    def device_code_interval(self, seconds: float) -> None:
        self.device_codes.interval = seconds

    # The service.

    def serves(self, host: str) -> bool:
        """Tell whether a host is an authority, an AD FS or a federation server."""
        return host in self._adfs or self._endpoints.serves(host)

    def answer(self, request: Request) -> Response:
        """Answer one request to an authority, an AD FS or a federation server."""
        adfs = self._adfs.get(request.hostname)
        if adfs is not None:
            return adfs.answer(request)
        return self._endpoints.answer(request)

    def _show(self, code: DeviceCode) -> tuple[str, float]:
        """Say where a new device code is to be entered, and how long it lives (seconds)."""
        if self.approver is not None:
            self.approve(code.user_code, self.approver)
        return f"{self.public_url}{PATH}", self.device_code_lifetime

    def _who(self, by: Person | str | None) -> Person:
        if isinstance(by, Person):
            return by
        persons = self.world.directory.persons()
        if by is not None:
            persons = [one for one in persons if one.username.lower() == by.lower()]
        if not persons:
            raise ValueError(f"there is nobody to approve or sign in{f' as {by}' if by else ''}")
        return persons[0]

    def _waiting(self, user_code: str) -> DeviceCode:
        try:
            return self.device_codes.typed(user_code)
        except Refused as refused:
            raise ValueError(f"no code {user_code!r} waits (AADSTS{refused.number})") from None

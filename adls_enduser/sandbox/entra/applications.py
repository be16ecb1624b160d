"""The applications that may request tokens, and the resources that they may request them for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...clouds import CHINA, PUBLIC, US_GOVERNMENT
from ..gen2.hosts import SUFFIXES
from .error_responses import EntraError
from .redirect_uris import PUBLIC_CLIENT

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

# The resources of each cloud, without their trailing slash: those of the library's clouds, and
# the directory's own. Source: msrestazure.azure_cloud for the management endpoints, the
# services' documentation for the others.
_CLOUDS = {"public": PUBLIC, "china": CHINA, "usgovernment": US_GOVERNMENT}
_GRAPHS = {
    "public": ("https://graph.windows.net", "https://graph.microsoft.com"),
    "china": ("https://graph.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
    "usgovernment": ("https://graph.windows.net", "https://graph.microsoft.us"),
}

# An account's own address is another name of Azure Storage, for tokens that only this account
# accepts. Source: Microsoft, "Authorize with Microsoft Entra ID (REST API) - Azure Storage".
_ACCOUNT = re.compile(
    r"https://[a-z0-9]{3,24}\.(blob|dfs|file|queue|table)\.(?P<suffix>core\.[a-z.]+)"
)


def _resources(name: str) -> set[str]:
    cloud = _CLOUDS[name]
    audiences = {cloud.resource_manager, *cloud.audiences().values()}
    return {audience.rstrip("/") for audience in audiences} | set(_GRAPHS[name])


def _by_application_id(name: str) -> dict[str, str]:
    """Return the resources by their application ids, which are the same in every tenant.

    Microsoft, "Verify first-party Microsoft applications in sign-in reports". adal names Azure AD
    Graph by its id (``adal.authentication_parameters``).
    """
    cloud, (graph, microsoft_graph) = _CLOUDS[name], _GRAPHS[name]
    ids = {
        "797f4846-ba00-4fd7-ba43-dac1f8f63013": cloud.management,
        "e406a681-f3d4-42a8-90b6-c2b029497af1": cloud.storage,
        "e9f49c6b-5ce5-44c8-925d-015017e9f7ad": cloud.data_lake,
        "00000002-0000-0000-c000-000000000000": graph,
        "00000003-0000-0000-c000-000000000000": microsoft_graph,
    }
    return {one: resource.rstrip("/") for one, resource in ids.items() if resource}


_APPLICATION_IDS = {name: _by_application_id(name) for name in _CLOUDS}


@dataclass
class Application:
    """A client. ``permissions`` are the resources that it has registered; None for all.

    ``redirect_uris`` are the addresses that a browser may be sent back to, on loopback at any
    port; ``first_party`` is an application of Microsoft, whose refresh tokens belong to a family.
    """

    client_id: str
    name: str
    public_client: bool = True
    enabled: bool = True
    consented: bool = True
    permissions: frozenset[str] | None = None
    first_party: bool = False
    redirect_uris: tuple[str, ...] = PUBLIC_CLIENT


class Applications:
    """The registered applications (the Azure CLI from the beginning) and resources."""

    def __init__(self) -> None:
        cli = Application(AZURE_CLI, "Microsoft Azure CLI", first_party=True)
        self._applications = {AZURE_CLI: cli}
        self._resources = {name: _resources(name) for name in _CLOUDS}

    def register(self, application: Application) -> Application:
        """Add an application, or replace the one with the same id."""
        self._applications[application.client_id.lower()] = application
        return application

    def add_resource(self, resource: str, cloud: str = "public") -> None:
        """Let tokens be requested for another resource."""
        self._resources.setdefault(cloud, set()).add(_normalized(resource))

    def find(self, client_id: str) -> Application | None:
        """Find an application by its client id, in any case."""
        return self._applications.get(client_id.lower())

    def authenticate(self, form: dict[str, str]) -> Application:
        """Return the client of a request; raise EntraError if it authenticates wrongly."""
        application = self.find_enabled(form)
        secret = form.get("client_secret") or form.get("client_assertion")
        if application.public_client and secret:
            raise EntraError(700025)
        if not application.public_client and not secret:
            raise EntraError(7000218)
        return application

    def find_enabled(self, form: dict[str, str]) -> Application:
        """Return the client of a request, not authenticated; raise EntraError (700016, 7000112)."""
        application = self.find(required(form, "client_id"))
        if application is None:
            raise EntraError(700016)
        if not application.enabled:
            raise EntraError(7000112)
        return application

    def check_resource(self, application: Application, resource: str, cloud: str) -> None:
        """Raise EntraError for a resource that is unknown (500011) or not registered (650057)."""
        service = _service(resource, cloud)
        if service not in self._resources.get(cloud, set()):
            raise EntraError(500011, resource=resource)
        if application.permissions is not None:
            allowed = {_service(name, cloud) for name in application.permissions}
            if service not in allowed:
                raise EntraError(650057, resource=resource)


def required(form: dict[str, str], name: str) -> str:
    """Return a field of the request; raise EntraError (900144) if it is missing or empty."""
    value = form.get(name)
    if not value:
        raise EntraError(900144, name=name)
    return value


def _service(resource: str, cloud: str) -> str:
    """Return the registered name of a resource.

    Azure Storage's for an account's own address, and that of an application id.
    """
    name = _normalized(resource)
    name = _APPLICATION_IDS.get(cloud, {}).get(name, name)
    account = _ACCOUNT.fullmatch(name)
    if account and SUFFIXES.get(account["suffix"]) == cloud:
        return _normalized(_CLOUDS[cloud].storage)
    return name


def _normalized(resource: str) -> str:
    return resource.strip().lower().rstrip("/")

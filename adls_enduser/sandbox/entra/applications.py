"""The applications that may ask for tokens, and the resources that they may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from .error_responses import Refused
from .redirect_uris import PUBLIC_CLIENT

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

# The resources, without their trailing slash. Source: msrestazure.azure_cloud for the
# clouds' management endpoints, the services' documentation for the others.
_RESOURCES = {
    "public": {
        "https://management.core.windows.net",
        "https://management.azure.com",
        "https://datalake.azure.net",
        "https://storage.azure.com",
        "https://graph.windows.net",
        "https://graph.microsoft.com",
    },
    "china": {
        "https://management.core.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "https://graph.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    },
    "usgovernment": {
        "https://management.core.usgovcloudapi.net",
        "https://management.usgovcloudapi.net",
        "https://graph.windows.net",
        "https://graph.microsoft.us",
    },
}


@dataclass
class Application:
    """A client. ``permissions`` are the resources it has registered; None for all.

    ``redirect_uris`` are where its browsers may be sent back to, on loopback at any port;
    ``first_party`` is one of Microsoft's own, whose refresh tokens belong to a family.
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
        self._resources = {cloud: set(names) for cloud, names in _RESOURCES.items()}

    def register(self, application: Application) -> Application:
        """Add an application, or replace one of the same id."""
        self._applications[application.client_id.lower()] = application
        return application

    def add_resource(self, resource: str, cloud: str = "public") -> None:
        """Let tokens be asked for another resource."""
        self._resources.setdefault(cloud, set()).add(_bare(resource))

    def named(self, client_id: str) -> Application | None:
        """Find an application."""
        return self._applications.get(client_id.lower())

    def client(self, form: dict[str, str]) -> Application:
        """Give the application that asks; Refused if it may not, or authenticates wrongly."""
        application = self.present(form)
        secret = form.get("client_secret") or form.get("client_assertion")
        if application.public_client and secret:
            raise Refused(700025)
        if not application.public_client and not secret:
            raise Refused(7000218)
        return application

    def present(self, form: dict[str, str]) -> Application:
        """Find the application that asks, unproven; Refused if there is none (700016, 7000112)."""
        application = self.named(required(form, "client_id"))
        if application is None:
            raise Refused(700016)
        if not application.enabled:
            raise Refused(7000112)
        return application

    def check_resource(self, application: Application, resource: str, cloud: str) -> None:
        """Refuse a resource that is not there (500011) or not registered (650057)."""
        if _bare(resource) not in self._resources.get(cloud, set()):
            raise Refused(500011)
        allowed = application.permissions
        if allowed is not None and _bare(resource) not in {_bare(name) for name in allowed}:
            raise Refused(650057)


def required(form: dict[str, str], name: str) -> str:
    """Give a field of the request; Refused (900144) if it is missing or empty."""
    value = form.get(name)
    if not value:
        raise Refused(900144, name=name)
    return value


def _bare(resource: str) -> str:
    return resource.strip().lower().rstrip("/")

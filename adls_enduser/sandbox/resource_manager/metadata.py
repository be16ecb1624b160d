"""The public metadata of a Resource Manager's cloud: ``/metadata/endpoints``.

Sources: Microsoft, "Make API requests to Azure Stack Hub", for Azure Stack; for the public
cloud, the response of https://management.azure.com/metadata/endpoints, as it is logged by
programs that request it (version 2017-12-01 has more fields than 2015-01-01, the same
values), and azure-cli-core ``cloud.py``, ``_arm_to_cli_mapper``, for the list of later
versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import json_response
from .authentication import AUDIENCES
from .errors import missing_api_version
from .ids import HOST

if TYPE_CHECKING:
    from ..http import Request, Response

PATH = "/metadata/endpoints"
_LISTS_SINCE = "2019-05-01"


@dataclass(frozen=True)
class CloudEndpoint:
    """One Resource Manager: its host name, its authority, and the audiences of its tokens."""

    host: str
    login_endpoint: str
    audiences: tuple[str, ...]


PUBLIC = CloudEndpoint(HOST, "https://login.windows.net/", AUDIENCES)


def metadata_response(request: Request, endpoint: CloudEndpoint) -> Response:
    """Return the response to ``GET /metadata/endpoints``, which needs no token."""
    version = request.args.get("api-version", "")
    if not version:
        raise missing_api_version()
    # Azure Stack has only the first version.
    if endpoint is PUBLIC and version >= _LISTS_SINCE:
        return json_response([_metadata_2019(endpoint)])
    return json_response(_metadata_2015(endpoint))


def _metadata_2015(endpoint: CloudEndpoint) -> dict[str, object]:
    domain, gallery, port = "azure.com", "gallery", ""
    if endpoint is not PUBLIC:
        domain, gallery, port = endpoint.host.partition(".")[2], "portal", ":30015"
    return {
        "galleryEndpoint": f"https://{gallery}.{domain}{port}/",
        "graphEndpoint": "https://graph.windows.net/",
        "portalEndpoint": f"https://portal.{domain}/",
        "authentication": {
            "loginEndpoint": endpoint.login_endpoint,
            "audiences": list(endpoint.audiences),
        },
    }


def _metadata_2019(endpoint: CloudEndpoint) -> dict[str, object]:
    return {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com",
            "audiences": list(endpoint.audiences),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"https://{endpoint.host}/",
        "graphAudience": "https://graph.windows.net/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "suffixes": {
            "storage": "core.windows.net",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
        },
    }

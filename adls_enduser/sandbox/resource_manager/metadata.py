"""What a Resource Manager tells anybody of its cloud: ``/metadata/endpoints``.

Sources: Microsoft, "Make API requests to Azure Stack Hub", for Azure Stack; for the public
cloud, the answer of https://management.azure.com/metadata/endpoints, as it is logged by
programs that ask (version 2017-12-01 has more fields than 2015-01-01, the same values), and
azure-cli-core ``cloud.py``, ``_arm_to_cli_mapper``, for the list of later versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..http import json_response
from .authentication import AUDIENCES
from .errors import ArmError
from .ids import HOST

if TYPE_CHECKING:
    from ..http import Request, Response

PATH = "/metadata/endpoints"
_LISTS_SINCE = "2019-05-01"


@dataclass(frozen=True)
class Place:
    """Where one Resource Manager answers, who signs people in for it, and for what."""

    host: str
    login_endpoint: str
    audiences: tuple[str, ...]


PUBLIC = Place(HOST, "https://login.windows.net/", AUDIENCES)


def endpoints(request: Request, place: Place) -> Response:
    """Answer ``GET /metadata/endpoints``, which asks for no token."""
    version = request.args.get("api-version", "")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise ArmError(400, "MissingApiVersionParameter", message)
    # Azure Stack has only the first version.
    if place is PUBLIC and version >= _LISTS_SINCE:
        return json_response([_later(place)])
    return json_response(_first(place))


def _first(place: Place) -> dict[str, object]:
    domain = "azure.com" if place is PUBLIC else place.host.partition(".")[2]
    port = "" if place is PUBLIC else ":30015"
    return {
        "galleryEndpoint": f"https://{'gallery' if place is PUBLIC else 'portal'}.{domain}{port}/",
        "graphEndpoint": "https://graph.windows.net/",
        "portalEndpoint": f"https://portal.{domain}/",
        "authentication": {
            "loginEndpoint": place.login_endpoint,
            "audiences": list(place.audiences),
        },
    }


def _later(place: Place) -> dict[str, object]:
    return {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com",
            "audiences": list(place.audiences),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"https://{place.host}/",
        "graphAudience": "https://graph.windows.net/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "suffixes": {
            "storage": "core.windows.net",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
        },
    }

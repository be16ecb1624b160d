"""Read a Cloud from the metadata of its Resource Manager: Azure Stack above all.

Sources: Microsoft, "Make API requests to Azure Stack Hub" (the address, and the response of
``api-version=2015-01-01``); ``msrestazure.azure_cloud``, ``_populate_from_metadata_endpoint``
(the meaning of the fields); azure-cli-core ``cloud.py``, ``_arm_to_cli_mapper`` (the list of
clouds and ``activeDirectoryDataLake`` of later versions).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..clouds import CHINA, MICROSOFT_AUTHORITIES, PUBLIC, US_GOVERNMENT, Cloud, check_https
from ..errors import ConfigurationError, ProtocolError, TransportError
from ..options import settings
from ..tokens import hide_secrets
from ..values import dataclass, replace
from .http import Http

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ..options import CommonOptions
    from .exchange import Response

_PATH = "/metadata/endpoints?api-version=2015-01-01"


def cloud_from_metadata(
    resource_manager: str,
    *,
    name: str | None = None,
    proxies: Mapping[str, str] | None = None,
    ca_bundle: str | os.PathLike[str] | None = None,
    request_timeout: float = 30.0,
) -> Cloud:
    """Ask a Resource Manager for the metadata of its cloud, and return that as a Cloud.

    ``resource_manager`` is its https address, such as
    ``https://management.local.azurestack.external``; ``name`` is the cloud's name in
    messages (default: the host). ``proxies`` and ``ca_bundle`` are as in requests;
    ``request_timeout`` is how many seconds the request may take in all. The metadata needs no
    sign-in.

    You trust that address with passwords: people will sign in at whatever authority it
    names. Nobody else can vouch for an authority that Microsoft does not run, such as an AD
    FS, so the Cloud then has ``validate_authority=False``.

    Raises ConfigurationError for an address that is not a Resource Manager's, TransportError
    when no usable response came, ProtocolError for a response that describes no cloud.
    """
    check_https("resource_manager", resource_manager)
    base = resource_manager.rstrip("/")
    options: CommonOptions = {
        "proxies": proxies,
        "ca_bundle": ca_bundle,
        "request_timeout": request_timeout,
    }
    hide_secrets(options)
    del proxies  # its address may hold a password, which tracebacks with locals would show
    return fetch_cloud(Http(settings(options)), base, _cloud_name(name, base))


def fetch_cloud(http: Http, resource_manager: str, name: str) -> Cloud:
    """Request the metadata through ``http``; otherwise as ``cloud_from_metadata``."""
    response = http.get(resource_manager + _PATH, {"Accept": "application/json"})
    return parse_cloud(_parse_json(response, resource_manager), resource_manager, name)


def parse_cloud(document: object, resource_manager: str, name: str) -> Cloud:
    """Return the cloud that decoded metadata describe; ProtocolError if they describe none."""
    try:
        metadata = _Metadata.parse(_own_entry(document, resource_manager))
        host = urlsplit(metadata.authority).hostname
        known = _microsoft_cloud(metadata.audience)
        # The audiences that the metadata do not name are those of Microsoft's own cloud.
        return replace(
            known or replace(PUBLIC, data_lake=None),
            name=name,
            authority=metadata.authority,
            management=metadata.audience,
            resource_manager=f"{resource_manager}/",
            data_lake=metadata.data_lake or (known.data_lake if known else None),
            validate_authority=host in MICROSOFT_AUTHORITIES,
        )
    except ConfigurationError as error:
        # Its first word is the field. The rest quotes the value, which came from the network.
        problem = f"{error.message.split()[0]} is not a plain https address."
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        problem = f"a field is missing or is not what it should be ({type(error).__name__})."
    raise _unreadable(resource_manager, problem)


@dataclass(frozen=True)
class _Metadata:
    authority: str
    audience: str
    data_lake: str | None

    @classmethod
    def parse(cls, entry: Mapping[str, object]) -> _Metadata:
        """Read one cloud's entry; raise KeyError, TypeError or IndexError for another form."""
        authentication = entry["authentication"]
        if not isinstance(authentication, dict):
            raise TypeError("authentication")
        audiences = authentication["audiences"]
        if not isinstance(audiences, list):
            raise TypeError("audiences")
        authority, audience = _text(authentication["loginEndpoint"]), _text(audiences[0])
        return cls(authority.rstrip("/"), audience, _data_lake(entry))


def _own_entry(document: object, resource_manager: str) -> Mapping[str, object]:
    """Return the entry of the Resource Manager that was asked, if there is a list of clouds."""
    if isinstance(document, dict):
        return document
    if not isinstance(document, list):
        raise TypeError("neither a cloud nor a list of them")
    host = urlsplit(resource_manager).netloc.lower()
    for entry in document:
        if isinstance(entry, dict) and host == _host(entry.get("resourceManager")):
            return entry
    raise LookupError(host)


def _host(url: object) -> str:
    return urlsplit(url).netloc.lower() if isinstance(url, str) else ""


def _data_lake(entry: Mapping[str, object]) -> str | None:
    # Clouds without Data Lake leave it out, or have "N/A" (azure-cli-core, cloud.py).
    value = entry.get("activeDirectoryDataLake")
    return value if isinstance(value, str) and value.startswith("https://") else None


def _microsoft_cloud(audience: str) -> Cloud | None:
    """Return Microsoft's cloud with this management audience, if there is one."""
    return {cloud.management: cloud for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}.get(audience)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _parse_json(response: Response, base: str) -> object:
    if response.status >= 500 or response.status in (408, 429):
        raise TransportError(
            f"{base} could not return the metadata of its cloud (HTTP {response.status}).",
            remedy="Try again later.",
        )
    if response.status != 200:
        raise ConfigurationError(
            f"{base} does not return the metadata of a cloud (HTTP {response.status}).",
            remedy="Give the address of a Resource Manager, such as"
            " 'https://management.local.azurestack.external'.",
        )
    try:
        document: object = json.loads(response.text)
    except (ValueError, RecursionError):
        document = None
    if document is None:
        raise _unreadable(base, "it is not JSON.")
    return document


def _cloud_name(name: object, base: str) -> str:
    if name is None:
        return urlsplit(base).netloc
    if isinstance(name, str) and name.strip() and name.isprintable():
        return name
    raise ConfigurationError(
        f"name={name!r} is not a name for a cloud.",
        remedy="Leave it out to name the cloud after its host.",
    )


def _unreadable(base: str, problem: str) -> ProtocolError:
    return ProtocolError(
        f"The metadata of the cloud at {base} could not be read: {problem}",
        remedy="Check that it is the address of a Resource Manager. Or make the Cloud yourself,"
        " with dataclasses.replace(PUBLIC, ...).",
    )

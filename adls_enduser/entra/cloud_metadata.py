"""A cloud as its Resource Manager describes it: Azure Stack above all.

Sources: Microsoft, "Make API requests to Azure Stack Hub" (the address and the answer of
``api-version=2015-01-01``); ``msrestazure.azure_cloud``, ``_populate_from_metadata_endpoint``
(which field is which); azure-cli-core ``cloud.py``, ``_arm_to_cli_mapper`` (the later versions'
list of clouds and ``activeDirectoryDataLake``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..clouds import CHINA, MICROSOFT_AUTHORITIES, PUBLIC, US_GOVERNMENT, Cloud, check_https
from ..errors import ConfigurationError, ProtocolError, TransportError
from ..options import settings
from .http import Http

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from ..options import CommonOptions
    from .http import Response

_PATH = "/metadata/endpoints?api-version=2015-01-01"


def cloud_from_metadata(
    resource_manager: str,
    *,
    name: str | None = None,
    proxies: Mapping[str, str] | None = None,
    ca_bundle: str | os.PathLike[str] | None = None,
    request_timeout: float = 30.0,
) -> Cloud:
    """Ask a Resource Manager which cloud it belongs to, and give that as a Cloud.

    ``resource_manager`` is its https address, such as
    ``https://management.local.azurestack.external``; ``name`` is what the cloud is called in
    messages (default: its host). ``proxies``, ``ca_bundle`` and ``request_timeout`` (seconds)
    are as in requests. The answer needs no sign-in.

    You trust that address with passwords: people will sign in at whatever authority it
    names. One that Microsoft does not run, an AD FS among them, can be vouched for by nobody
    else, so the Cloud then has ``validate_authority=False``.

    Raises ConfigurationError for what is no address of a Resource Manager, TransportError
    when no usable answer came, ProtocolError for one that names no cloud.
    """
    check_https("resource_manager", resource_manager)
    base = resource_manager.rstrip("/")
    options: CommonOptions = {
        "proxies": proxies,
        "ca_bundle": ca_bundle,
        "request_timeout": request_timeout,
    }
    return ask(Http(settings(options)), base, _checked_name(name, base))


def ask(http: Http, resource_manager: str, name: str) -> Cloud:
    """Ask by way of ``http``; as ``cloud_from_metadata``."""
    answer = http.get(resource_manager + _PATH, {"Accept": "application/json"})
    return read_cloud(_document(answer, resource_manager), resource_manager, name)


def read_cloud(document: object, resource_manager: str, name: str) -> Cloud:
    """Build the cloud that a decoded answer describes; ProtocolError if it describes none."""
    try:
        told = _Told.of(_own_entry(document, resource_manager))
        host = urlsplit(told.authority).hostname
        return Cloud(
            name=name,
            authority=told.authority,
            management=told.audience,
            resource_manager=f"{resource_manager}/",
            storage=PUBLIC.storage,
            data_lake=told.data_lake or _known_data_lake(told.audience),
            validate_authority=host in MICROSOFT_AUTHORITIES,
        )
    except ConfigurationError as wrong:
        problem = wrong.message
    except (LookupError, TypeError, ValueError, AttributeError) as wrong:
        problem = f"a field is missing or is not what it should be ({type(wrong).__name__})."
    raise _unreadable(resource_manager, problem)


@dataclass(frozen=True)
class _Told:
    authority: str
    audience: str
    data_lake: str | None

    @classmethod
    def of(cls, entry: Mapping[str, object]) -> _Told:
        authentication = entry["authentication"]
        if not isinstance(authentication, dict):
            raise TypeError("authentication")
        audiences = authentication["audiences"]
        if not isinstance(audiences, list):
            raise TypeError("audiences")
        authority, audience = _text(authentication["loginEndpoint"]), _text(audiences[0])
        return cls(authority.rstrip("/"), audience, _data_lake(entry))


def _own_entry(document: object, resource_manager: str) -> Mapping[str, object]:
    """Choose from a list of clouds the one whose Resource Manager was asked."""
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
    # Clouds without Data Lake leave it out, or say "N/A" (azure-cli-core, cloud.py).
    value = entry.get("activeDirectoryDataLake")
    return value if isinstance(value, str) and value.startswith("https://") else None


def _known_data_lake(audience: str) -> str | None:
    """Give what the answer's version leaves out, for a cloud that is Microsoft's own."""
    known = {cloud.management: cloud.data_lake for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}
    return known.get(audience)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _document(answer: Response, base: str) -> object:
    if answer.status >= 500 or answer.status in (408, 429):
        raise TransportError(
            f"{base} could not say which cloud it is (HTTP {answer.status}).",
            remedy="Try again later.",
        )
    if answer.status != 200:
        raise ConfigurationError(
            f"{base} does not say which cloud it is (HTTP {answer.status}).",
            remedy="Give the address of a Resource Manager, such as"
            " 'https://management.local.azurestack.external'.",
        )
    try:
        document: object = json.loads(answer.text)
    except (ValueError, RecursionError):
        document = None
    if document is None:
        raise _unreadable(base, "it is not JSON.")
    return document


def _checked_name(name: object, base: str) -> str:
    if name is None:
        return urlsplit(base).netloc
    if isinstance(name, str) and name.strip() and name.isprintable():
        return name
    raise ConfigurationError(f"name={name!r} is not a name for a cloud.")


def _unreadable(base: str, problem: str) -> ProtocolError:
    return ProtocolError(
        f"What {base} says of its cloud could not be read: {problem}",
        remedy="Check that it is the address of a Resource Manager; or make the Cloud yourself,"
        " with dataclasses.replace(PUBLIC, ...).",
    )

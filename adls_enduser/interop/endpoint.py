"""identity_endpoint: tokens for programs that take no credential object.

It is a server on loopback that replies as App Service's managed identity does
(``managed_identity.py``), and a few environment variables that lead programs to it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..tokens import Secret
from .arguments import check_credential
from .managed_identity import ADDRESS, IdentityEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials


def identity_endpoint(
    credential: Credentials, *, resources: Iterable[str] | None = None
) -> AbstractContextManager[dict[str, str]]:
    """Serve tokens to other programs; return the environment variables that lead them here.

    ::

        with identity_endpoint(credential) as environment:
            subprocess.run(["azcopy", ...], env={**os.environ, **environment})

    ``resources`` are the audiences that programs may get tokens for; None: Azure Storage and
    Resource Manager. The endpoint lives as long as the ``with`` block. Meanwhile each program that
    can read the variables gets tokens. Raises ConfigurationError if it cannot listen on loopback,
    and for wrong arguments.
    """
    ours = check_credential(credential)
    _check_process(ours)
    return _serving(ours, allowed_audiences(ours, resources))


@contextmanager
def _serving(credential: Credential, audiences: Mapping[str, str]) -> Iterator[dict[str, str]]:
    secret = Secret(secrets.token_urlsafe(32))
    endpoint = IdentityEndpoint(credential, audiences, secret.reveal)
    try:
        yield _Environment(
            {
                "IDENTITY_ENDPOINT": endpoint.url,
                "IDENTITY_HEADER": secret.reveal(),
                # OpenDAL (reqsign, imds_credential.rs, get_access_token).
                "AZURE_IMDS_ENDPOINT": endpoint.url,
                "AZURE_MSI_SECRET": secret.reveal(),
                "AZCOPY_AUTO_LOGIN_TYPE": "MSI",
            }
            | without_proxy(os.environ)
        )
    finally:
        endpoint.close()


class _Environment(dict[str, str]):
    """Environment variables whose ``repr`` shows the names only."""

    def __repr__(self) -> str:
        return f"<environment with {', '.join(self)}>"


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Return NO_PROXY and no_proxy with loopback added.

    Else DuckDB, OpenDAL and Node would send the request, and its secret, to a proxy. Programs read
    one of the two names first, and not the same one, so each has all that is set.
    """
    values = {name: environment.get(name, "") for name in ("NO_PROXY", "no_proxy")}
    either = values["NO_PROXY"] or values["no_proxy"]
    return {name: _with_loopback(value or either) for name, value in values.items()}


def _with_loopback(hosts: str) -> str:
    names = [name for name in hosts.replace(",", " ").split() if name]
    # Only a lone asterisk means all hosts (curl, CURLOPT_NOPROXY; urllib.request).
    if ADDRESS in names or names == ["*"]:
        return hosts
    return ",".join([*names, ADDRESS])


def allowed_audiences(credential: Credential, resources: object) -> Mapping[str, str]:
    """Return each allowed audience under the name by which ``resource=`` is looked up."""
    cloud = credential.cloud
    if resources is None:
        resources = (cloud.storage, cloud.management)
    elif isinstance(resources, str) or not hasattr(resources, "__iter__"):
        raise ConfigurationError(
            f"resources={resources!r} must be a list of audiences.",
            remedy=f"Write a list such as [{cloud.storage!r}].",
        )
    given: list[object] = list(resources)
    wrong = [one for one in given if not (isinstance(one, str) and one.strip("/ "))]
    if wrong or not given:
        raise ConfigurationError(
            f"resources={given!r} must name at least one audience, each as a str.",
            remedy=f"Write a list such as [{cloud.storage!r}].",
        )
    audiences = [cloud.audience(str(one)) for one in given]
    return {audience.rstrip("/"): audience for audience in audiences}


def _check_process(credential: Credential) -> None:
    if credential.token_source.is_forked:
        raise ConfigurationError(
            "credential was made by the process that forked this one, and here nobody can be"
            " prompted when its sign-in ends.",
            remedy="Call identity_endpoint before the fork: its environment serves all children.",
        )

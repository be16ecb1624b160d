"""identity_endpoint: tokens for programs that take no credential object.

It is a server on loopback that replies as App Service's managed identity does
(``managed_identity.py``), and a few environment variables that lead programs to it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NoReturn

from ..errors import ConfigurationError, clear_call
from ..tokens import Secret
from .arguments import check_credential
from .managed_identity import ADDRESS, IdentityEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..clouds import Cloud
    from ..credentials.credential import Credential
    from ..credentials.protocol import Credentials
    from ..tokens import Token

# A program gets a token that has so many seconds left, or half its lifetime.
_LEAST_LEFT = 300.0

# A URI, or the id of an application (a GUID).
_AUDIENCE = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s/]|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I
)


@clear_call("identity_endpoint(credential)")
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
    return _Serving(ours, CredentialTokens(ours, resources))


class _Serving(AbstractContextManager[dict[str, str]]):
    """Serves tokens during each ``with`` block."""

    def __init__(self, credential: Credential, tokens: CredentialTokens) -> None:
        self._credential = credential
        self._tokens = tokens
        self._endpoints: list[IdentityEndpoint] = []

    def __enter__(self) -> dict[str, str]:
        _check_process(self._credential)  # it may have been forked since the call
        secret = Secret(secrets.token_urlsafe(32))
        endpoint = IdentityEndpoint(self._tokens, secret.reveal)
        self._endpoints.append(endpoint)
        return _Environment(
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

    def __exit__(self, *exception: object) -> None:
        self._endpoints.pop().close()

    def keys(self, *_: object) -> NoReturn:
        """Refuse to be taken for the environment, as in ``{**identity_endpoint(credential)}``."""
        raise ConfigurationError(
            "identity_endpoint(credential) serves tokens within a with block only.",
            remedy="Write: with identity_endpoint(credential) as environment: ...",
        )

    items = __getitem__ = __len__ = __ror__ = __or__ = keys

    def __bool__(self) -> bool:
        """Return True, as without ``__len__``."""
        return True


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


class CredentialTokens:
    """The tokens of a credential, for the audiences that ``resources`` names."""

    def __init__(self, credential: Credential, resources: object = None) -> None:
        self._credential = credential
        self._cloud = credential.cloud
        named = _audiences(self._cloud, resources)
        self.audience = named[0]
        self._allowed = {audience.rstrip("/"): audience for audience in named}

    def use(self, credential: Credential) -> None:
        """Serve the tokens of another credential of the same sign-in from now on."""
        self._credential = credential

    def allowed(self, resource: str) -> str | None:
        """Return the audience that ``resource`` names, with or without a final slash."""
        return self._allowed.get(self._cloud.audience(resource).rstrip("/"))

    def token(self, audience: str) -> Token:
        """Return a token with five minutes left, or half of a short lifetime.

        The source renews a token by itself when five minutes are left, or a fifth of a short
        lifetime. OpenDAL takes no token that has 20 seconds left. Raises an EndUserError.
        """
        source = self._credential.source_for(audience)
        token = source.token()
        left = token.expires_on - source.clock.time()
        return token if left >= min(_LEAST_LEFT, token.lifetime / 2) else source.renew(token)

    def token_ahead(self, audience: str) -> Token | None:
        """Return the token in memory, renewed if it is due; prompts nobody, and raises nothing."""
        source = self._credential.source_for(audience)
        source.prepare_for_pickle()
        return source.held

    def time(self) -> float:
        """Return the time by the credential's clock."""
        return self._credential.token_source.clock.time()


def _audiences(cloud: Cloud, resources: object) -> list[str]:
    if resources is None:
        return [cloud.storage, cloud.management]
    if isinstance(resources, str | bytes) or not isinstance(resources, Iterable):
        raise _wrong_resources(cloud, resources)
    given: list[object] = list(resources)
    if not given or not all(isinstance(one, str) and _AUDIENCE.match(one) for one in given):
        raise _wrong_resources(cloud, given)
    return [cloud.audience(str(one)) for one in given]


def _wrong_resources(cloud: Cloud, resources: object) -> ConfigurationError:
    return ConfigurationError(
        f"resources={resources!r} must be a list of audiences, each a URI or an application's id.",
        remedy=f"Write a list such as [{cloud.storage!r}], or leave it out.",
    )


def _check_process(credential: Credential) -> None:
    if credential.token_source.is_forked:
        raise ConfigurationError(
            "credential was made by the process that forked this one, and here nobody can be"
            " prompted when its sign-in ends.",
            remedy="Call identity_endpoint before the fork: its environment serves all children.",
        )

"""INVARIANT: for any bytes in a response, the result is a value of ours or an EndUserError; never another exception.

pytest runs this as a property test. To search further, with coverage as the guide:
``pip install atheris`` and ``python -m tests.entra.test_fuzz_responses`` (Ctrl-C ends it).
"""  # noqa: E501 - the invariant stands in the first line

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from adls_enduser import PUBLIC, EndUserError
from adls_enduser.entra.adal_backend import AdalBackend
from adls_enduser.entra.backend import AuthorizationPending, DeviceFlow, Grant
from adls_enduser.entra.exchange import Response
from adls_enduser.entra.http import Http
from adls_enduser.entra.msal_backend import MsalBackend
from adls_enduser.interaction.prompts import DeviceCodePrompt
from adls_enduser.options import Settings
from adls_enduser.tokens import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RESOURCE = PUBLIC.management
FLOW = DeviceFlow(DeviceCodePrompt("https://x", "X", 9e9, ""), Secret("d"), 5.0, RESOURCE)

_ENDPOINTS = ("token_endpoint", "authorization_endpoint", "device_authorization_endpoint")
CONFIGURATION = json.dumps(dict.fromkeys(_ENDPOINTS, "https://login.example/contoso/x"))

# The names that the parsers look for, so that a search gets beyond "no such field".
NAMES = [
    *("access_token", "refresh_token", "token_type", "expires_in", "expires_on", "id_token"),
    *("user_code", "device_code", "verification_url", "verification_uri", "interval"),
    *("message", "created_on", "token_endpoint", "authorization_endpoint"),
    *("error", "suberror", "error_codes", "error_description", "correlation_id", "timestamp"),
    *("account_type", "federation_protocol", "federation_metadata_url", "cloud_audience_urn"),
    *("federation_active_auth_url", "resource"),
]
WORDS = [
    *("Bearer", "Managed", "Federated", "WSTrust", "3600", "-1", "0", "9" * 400, "nan", "a.e30.c"),
    *("authorization_pending", "slow_down", "invalid_grant", "interaction_required", "\x1b[2J"),
    *("https://sts.example/adfs/services/trust/2005/usernamemixed", "AADSTS50076: x"),
]
VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text()
    | some.sampled_from(WORDS),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = some.dictionaries(some.sampled_from(NAMES), VALUES) | VALUES
BODIES = (
    some.text() | DOCUMENTS.map(json.dumps) | some.binary().map(lambda raw: raw.decode("latin-1"))
)
STATUSES = some.sampled_from([200, 201, 204, 400, 401, 403, 404, 418, 429, 500, 503, 599])
RESPONSES = some.lists(some.tuples(STATUSES, BODIES), min_size=1, max_size=3)


class Scripted(Http):
    """Return the same responses again and again, without a network.

    ``discovers``: the document with the endpoints is a valid one, because msal seldom gets
    beyond discovery otherwise.
    """

    def __init__(
        self, own: Settings, responses: list[tuple[int, str]], *, discovers: bool = True
    ) -> None:
        super().__init__(own)
        self._discovers = discovers
        self._responses = responses
        self._count = 0

    def get(self, url: str, headers: Mapping[str, str]) -> Response:
        if self._discovers and "/.well-known/" in url:
            return Response(200, CONFIGURATION, {})
        return self._next()

    def post(self, url: str, headers: Mapping[str, str], body: Any, *, retry: bool) -> Response:
        return self._next()

    def _next(self) -> Response:
        status, text = self._responses[self._count % len(self._responses)]
        self._count += 1
        return Response(status, text, {"Retry-After": text[:20]})


def _started(backend: Any) -> Any:
    return backend.start_authorization(RESOURCE, "http://localhost:1")


def _outcome(act: Callable[[], object]) -> object:
    try:
        return act()
    except EndUserError as error:
        return error


@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(RESPONSES)
def test_any_response_is_a_value_or_our_error(responses: list[tuple[int, str]]) -> None:
    """In each flow, with each library."""
    own = Settings(tenant="contoso.com")
    for act in (
        lambda backend: backend.password(RESOURCE, "ada@contoso.com", Secret("p")),
        lambda backend: backend.start_device_code(RESOURCE),
        lambda backend: backend.poll(FLOW),
        lambda backend: backend.refresh(RESOURCE, Secret("r")),
        lambda backend: backend.redeem_code(_started(backend), Secret("c")),
    ):
        for kind in (AdalBackend, MsalBackend):
            outcome = _outcome(
                lambda act=act, kind=kind: act(kind(own, Scripted(own, responses)))  # type: ignore[misc]
            )
            if isinstance(outcome, EndUserError):
                assert str(outcome).isprintable()
            else:
                assert isinstance(outcome, Grant | DeviceFlow | AuthorizationPending)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(RESPONSES)
def test_any_discovery_is_a_value_or_our_error(responses: list[tuple[int, str]]) -> None:
    """The document in which an authority names its endpoints is a response too."""
    own = Settings(tenant="contoso.com", library="msal")
    backend = MsalBackend(own, Scripted(own, responses, discovers=False))
    outcome = _outcome(lambda: backend.refresh(RESOURCE, Secret("r")))
    assert isinstance(outcome, EndUserError | Grant)


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, test_any_response_is_a_value_or_our_error.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
    atheris.Fuzz()

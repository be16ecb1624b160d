"""Every fault in every flow: it works, or ends in one typed error, in time."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
import requests

from adls_enduser import (
    PUBLIC,
    Browser,
    DeviceCode,
    EndUserError,
    Password,
    ProtocolError,
    SignInCancelled,
    SignInTimedOut,
    TransportError,
    cloud_from_metadata,
    management_credentials,
)
from adls_enduser.sandbox import (
    CONTOSO,
    HTML_502,
    Answer,
    Drip,
    Endless,
    Gzip,
    HalfBody,
    Informational,
    Reset,
    SandboxClock,
    Stall,
    redirect,
    throttled,
)
from adls_enduser.testing.strategies import wait_for_background_renewal

from ..conftest import PASSWORD
from ..constants import DATA_LAKE, MANAGEMENT, TOKEN_PATH
from ..waiting import PATIENCE, with_patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from adls_enduser.sandbox import Person, Sandbox

SCOPE = f"{MANAGEMENT}.default"
WRONG_TYPES = '{"access_token": 1, "token_type": [], "expires_in": {}, "error": 5}'

# Responses that never end, or grow without bound, or name no character set.
UNBOUNDED: dict[str, tuple[Any, type[EndUserError] | None]] = {
    "drip": (Drip(), TransportError),
    "drip in the body": (Drip(headers=False), TransportError),
    "1xx": (Informational(), TransportError),
    "endless": (Endless(), ProtocolError),
    "gzip": (Gzip(), ProtocolError),
    "charset": (
        Answer(200, "{}", {"Content-Type": "application/json; charset=undefined"}),
        ProtocolError,
    ),
}
# What the fault is, and what it is when it stays.
FAULTS: dict[str, tuple[Any, type[EndUserError] | None]] = {
    "500": (Answer(500), TransportError),
    "502 HTML": (HTML_502, TransportError),
    "503": (Answer(503), TransportError),
    "429 seconds": (throttled("2"), TransportError),
    "429 date": ("date", TransportError),
    "reset before": (Reset(), TransportError),
    "reset during": (Reset(during_answer=True), TransportError),
    "stall": (Stall(), TransportError),
    "half a document": (HalfBody(), TransportError),
    "half of JSON": (Answer(200, '{"access_token": "ey'), ProtocolError),
    "wrong types": (Answer(200, WRONG_TYPES), ProtocolError),
    "empty body": (Answer(200, b""), ProtocolError),
    "redirect": (redirect("https://evil.example.com/"), TransportError),
    **UNBOUNDED,
    "clock behind": (600.0, None),
    "clock ahead": (-600.0, None),
}


# Only the time limit of a request ends these.
ENDED_BY_TIMEOUT = (Stall, Drip, Informational, Endless)


class Bench:
    """One person, one fault, and the flows."""

    def __init__(self, azure: Sandbox, ada: Person, library: str, fault: Any) -> None:
        self.azure, self.clock, self.ada, self.fault = azure, azure.clock, ada, fault
        self.options: Any = {"tenant": CONTOSO, "clock": azure.clock, "library": library}
        self.options["request_timeout"] = PATIENCE[0]
        self.wait: float | None = None  # for the person; None: each flow's own
        self.began = self.clock.time()

    def outcome(self, flow: str) -> object:
        """Run a flow until it has met its fault, and give what it returned or raised.

        A fault that only a time limit ends gets a short one; on a busy machine, a request before
        it may need more.
        """
        run: Callable[[], object] = getattr(self, flow)
        for patience in PATIENCE if isinstance(self.fault, ENDED_BY_TIMEOUT) else PATIENCE[-1:]:
            self.begin(patience)
            try:
                outcome = run()
            except EndUserError as error:
                outcome = error
            wait_for_background_renewal()
            if self.was_met():
                return outcome
        pytest.fail("the fault was never met")

    def begin(self, patience: float) -> None:
        """Begin a flow, or begin again."""
        self.azure.faults.clear()
        self.options["request_timeout"] = patience
        self.began = self.clock.time()

    def was_met(self) -> bool:
        """Tell whether a request has met the fault."""
        return isinstance(self.fault, float) or any(one.fault for one in self.azure.log)

    def break_down(self, path: str) -> None:
        """Let the fault begin, for good."""
        self.azure.log.clear()
        if isinstance(self.fault, float):
            self.clock.skew = self.fault
            return
        soon = throttled(formatdate(self.clock.time() + 5, usegmt=True))
        fault = soon if self.fault == "date" else self.fault
        self.azure.faults.add(fault, times=10**6, path=path)

    def strategy(self, **more: Any) -> Password:
        return Password(username=self.ada.username, password=PASSWORD, **self.options, **more)

    def signed_in(self) -> Any:
        return management_credentials(mode=self.strategy())

    # The flows: each breaks down at its own leg, and gives what came.

    def password(self) -> object:
        self.break_down(TOKEN_PATH)
        return self.strategy().silent(MANAGEMENT)

    def discovery(self) -> object:
        self.break_down("/.well-known/")
        return self.strategy().silent(MANAGEMENT)

    def realm(self) -> object:
        self.break_down("/UserRealm/")
        return self.strategy().silent(MANAGEMENT)

    def instance_discovery(self) -> object:
        self.break_down("/common/discovery/instance")
        mine = replace(PUBLIC, name="mine", authority="https://login.example.com")
        return self.strategy(cloud=mine).silent(MANAGEMENT)

    def federation_metadata(self) -> object:
        return self._federated("/trust/mex")

    def ws_trust(self) -> object:
        return self._federated("/usernamemixed")

    def assertion(self) -> object:
        return self._federated(TOKEN_PATH)

    def cloud_metadata(self) -> object:
        self.break_down("/metadata/endpoints")
        address = "https://management.azure.com"
        return cloud_from_metadata(address, request_timeout=self.options["request_timeout"])

    def _federated(self, path: str) -> object:
        fay = self.azure.entra.person("fay@fabrikam.com", password=PASSWORD)
        self.azure.entra.federate("fabrikam.com")
        self.break_down(path)
        options = self.options | {"tenant": "fabrikam.com"}
        return Password(username=fay.username, password=PASSWORD, **options).silent(MANAGEMENT)

    def device_start(self) -> object:
        self.break_down("/devicecode")
        options = self.options | {"timeout": self.wait}
        return DeviceCode(prompt=self._approve, **options).sign_in(MANAGEMENT)

    def device_poll(self) -> object:
        self.break_down(TOKEN_PATH)
        options = self.options | {"timeout": self.wait or 30}
        return DeviceCode(prompt=self._approve, **options).sign_in(MANAGEMENT)

    def browser(self) -> object:
        self.break_down(TOKEN_PATH)
        options = self.options | {"timeout": self.wait}
        return Browser(prompt=self._surf, **options).sign_in(MANAGEMENT)

    def refresh_advisory(self) -> object:
        return self._refresh(3600 - 800)

    def refresh_mandatory(self) -> object:
        return self._refresh(3600 - 200)

    def refresh_dead(self) -> object:
        return self._refresh(3601)

    def second_resource(self) -> object:
        credentials = self.signed_in()
        self.break_down(TOKEN_PATH)
        return credentials.get_token(f"{DATA_LAKE}.default")

    def _refresh(self, age: float) -> object:
        credentials = self.signed_in()
        self.clock.advance(age)
        self.break_down(TOKEN_PATH)
        return credentials.get_token(SCOPE)

    def _approve(self, prompt: Any) -> None:
        self.azure.entra.approve(prompt.code)

    def _surf(self, prompt: Any) -> None:
        with requests.Session() as session:
            session.trust_env = False  # the way back is no way through a proxy
            session.get(self.azure.entra.authorize(prompt.url), timeout=10)


FLOWS = [
    "password",
    "realm",
    "device_start",
    "device_poll",
    "browser",
    "refresh_advisory",
    "refresh_mandatory",
    "refresh_dead",
    "second_resource",
]
# adal asks for no endpoints, and has nowhere to stumble.
CELLS = [
    *(("adal", flow) for flow in FLOWS),
    *(("msal", flow) for flow in ["discovery", *FLOWS]),
]
# Requests that only the faults of UNBOUNDED meet here.
OTHER_REQUESTS = [
    "instance_discovery",
    "federation_metadata",
    "ws_trust",
    "assertion",
    "cloud_metadata",
]
# A token that lives is used whatever happens to its renewal.
UNHURT = {"refresh_advisory", "refresh_mandatory"}


def _expected(flow: str, error: type[EndUserError] | None) -> type[EndUserError] | None:
    if flow in UNHURT or error is None:
        return None
    return SignInTimedOut if flow == "device_poll" else error


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize(("library", "flow"), CELLS, indirect=["library"])
def test_each_cell_ends(azure: Sandbox, ada: Person, library: str, flow: str, name: str) -> None:
    """In success or in the one error that is expected, within seconds and few requests."""
    fault, error = FAULTS[name]
    bench = Bench(azure, ada, library, fault)
    outcome = bench.outcome(flow)
    expected = _expected(flow, error)
    if expected is None:
        assert outcome is not None
        assert not isinstance(outcome, EndUserError)
    else:
        assert type(outcome).__mro__[:-1].count(expected) == 1, outcome
    age = {"refresh_advisory": 2800, "refresh_mandatory": 3400, "refresh_dead": 3601}
    assert azure.clock.time() - bench.began - age.get(flow, 0) < 35
    _check_requests(azure, flow)


@pytest.mark.parametrize("name", UNBOUNDED)
@pytest.mark.parametrize("flow", OTHER_REQUESTS)
def test_each_request_is_bounded(
    azure: Sandbox, ada: Person, library: str, flow: str, name: str
) -> None:
    """Also those that few sign-ins make: to a federation server and for a cloud's metadata."""
    fault, error = UNBOUNDED[name]
    bench = Bench(azure, ada, library, fault)
    run: Callable[[], object] = getattr(bench, flow)
    began = time.monotonic()
    if (library, flow) == ("adal", "federation_metadata"):
        # adal then uses the endpoint that Entra ID knows (adal.token_request,
        # _perform_wstrust_exchange).
        assert run() is not None
    else:
        with pytest.raises(EndUserError) as caught:
            run()
        assert type(caught.value) is error, caught.value
        assert str(caught.value).isprintable()
    assert time.monotonic() - began < 10
    assert azure.log, "the fault was met"


@pytest.mark.parametrize("flow", ["device_start", "device_poll", "browser"])
@pytest.mark.parametrize("by", ["timeout", "cancel"])
def test_a_person_waits_no_longer_than_agreed(
    azure: Sandbox, ada: Person, library: str, flow: str, by: str
) -> None:
    """Timeout and cancel end a request that drips, long before its own limit (real time here)."""
    bench = Bench(azure, ada, library, Drip())
    cancel, clock = threading.Event(), SandboxClock()
    bench.options |= {"request_timeout": 60, "clock": clock, "cancel": cancel}
    run: Callable[[], object] = getattr(bench, flow)
    if by == "timeout":
        bench.wait = 2.0
    else:
        threading.Timer(2.0, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(SignInTimedOut if by == "timeout" else SignInCancelled):
        run()
    assert time.monotonic() - began < 6
    assert azure.log, "the fault was met"
    for thread in threading.enumerate():
        if thread.name in ("adls_enduser-call", "adls_enduser-request"):
            thread.join(5)
            assert not thread.is_alive()


def _check_requests(azure: Sandbox, flow: str) -> None:
    assert len(azure.log) >= 1
    passwords = [one for one in azure.log if one.request and "password" in one.request.form]
    assert len(passwords) <= 1
    if flow != "device_poll":
        assert len(azure.log) <= 4
    assert {one.host for one in azure.log} <= {"login.microsoftonline.com"}


@pytest.mark.parametrize("name", [name for name, (_, error) in FAULTS.items() if error])
def test_it_works_again_when_the_fault_is_over(
    azure: Sandbox, ada: Person, library: str, name: str
) -> None:
    """Nothing of a failure stays behind: the next renewal works without a person."""
    bench = Bench(azure, ada, library, FAULTS[name][0])

    def works_again(patience: float) -> bool:
        bench.begin(patience)
        credentials = bench.signed_in()
        azure.clock.advance(3601)
        bench.break_down(TOKEN_PATH)
        with pytest.raises(EndUserError) as caught:
            credentials.get_token(SCOPE)
        met = bench.was_met()
        azure.faults.clear()
        azure.clock.advance(getattr(caught.value, "retry_after", None) or 0)
        return met and bool(credentials.get_token(SCOPE).token)

    if isinstance(bench.fault, ENDED_BY_TIMEOUT):
        with_patience(works_again)
    else:
        assert works_again(PATIENCE[-1])

"""Leases, on both endpoints, of blobs, directories and containers."""

from __future__ import annotations

import pytest

from .conftest import BLOCK, code, write

MINE, YOURS = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture(params=["blob", "container", "dfs"])
def leased(request, blob, dfs):
    """Return a function that sends a lease operation, and one that returns the lease's state."""
    dfs("PUT", "/box/thing?resource=directory")
    target = {
        "blob": (blob, "PUT", "/box/thing?comp=lease", "/box/thing"),
        "container": (blob, "PUT", "/box?comp=lease&restype=container", "/box?restype=container"),
        "dfs": (dfs, "POST", "/box/thing", "/box/thing"),
    }[request.param]
    endpoint, method, address, described = target

    def act(action, lease_id=None, **headers):
        sent = {f"x_ms_lease_{name}": value for name, value in headers.items()}
        if "x_ms_lease_proposed" in sent:
            sent["x_ms_proposed_lease_id"] = sent.pop("x_ms_lease_proposed")
        return endpoint(method, address, x_ms_lease_action=action, x_ms_lease_id=lease_id, **sent)

    def state():
        headers = endpoint("HEAD", described).headers
        names = ("state", "status", "duration")
        return tuple(headers.get(f"x-ms-lease-{name}") for name in names)

    return act, state


def test_the_life_of_a_lease(leased):
    """Acquire, renew, change, release."""
    act, state = leased
    taken = act("acquire", duration="-1", proposed=MINE)
    assert taken.status_code == 201
    assert taken.headers["x-ms-lease-id"] == MINE
    assert state() == ("leased", "locked", "infinite")
    assert act("renew", MINE).status_code == 200
    changed = act("change", MINE, proposed=YOURS)
    assert (changed.status_code, changed.headers["x-ms-lease-id"]) == (200, YOURS)
    assert code(act("renew", MINE)) == (409, "LeaseIdMismatchWithLeaseOperation")
    assert code(act("release", MINE)) == (409, "LeaseIdMismatchWithLeaseOperation")
    assert act("release", YOURS).status_code == 200
    assert state() == ("available", "unlocked", None)
    assert code(act("release", YOURS)) == (409, "LeaseIdMismatchWithLeaseOperation")
    assert code(act("break")) == (409, "LeaseNotPresentWithLeaseOperation")
    assert code(act("change", MINE, proposed=YOURS))[1] == "LeaseNotPresentWithLeaseOperation"


def test_only_one_has_it(leased, storage_azure):
    """A second acquire is refused until the first lease has expired."""
    act, state = leased
    act("acquire", duration="15", proposed=MINE)
    assert state() == ("leased", "locked", "fixed")
    assert code(act("acquire", duration="15", proposed=YOURS)) == (409, "LeaseAlreadyPresent")
    assert act("acquire", duration="20", proposed=MINE).status_code == 201
    storage_azure.clock.advance(21)
    assert state()[:2] == ("expired", "unlocked")
    assert act("renew", MINE).status_code == 200  # nobody has taken it meanwhile
    storage_azure.clock.advance(21)
    assert act("acquire", duration="15", proposed=YOURS).status_code == 201
    assert code(act("renew", MINE))[1] == "LeaseIdMismatchWithLeaseOperation"


def test_break(leased, storage_azure):
    """A broken lease ends after the period; until then it is in the way."""
    act, state = leased
    act("acquire", duration="-1", proposed=MINE)
    broken = act("break", break_period="20")
    assert (broken.status_code, broken.headers["x-ms-lease-time"]) == (202, "20")
    assert state()[:2] == ("breaking", "locked")
    assert code(act("acquire", duration="15", proposed=YOURS))[1] == "LeaseAlreadyPresent"
    same = act("acquire", duration="15", proposed=MINE)
    assert code(same) == (409, "LeaseIsBreakingAndCannotBeAcquired")
    assert code(act("renew", MINE)) == (409, "LeaseIsBrokenAndCannotBeRenewed")
    change = act("change", MINE, proposed=YOURS)
    assert code(change) == (409, "LeaseIsBreakingAndCannotBeChanged")
    storage_azure.clock.advance(5)
    assert act("break").headers["x-ms-lease-time"] == "15"
    assert act("break", break_period="3").headers["x-ms-lease-time"] == "3"
    storage_azure.clock.advance(4)
    assert state()[:2] == ("broken", "unlocked")
    assert act("break").headers["x-ms-lease-time"] == "0"
    assert act("acquire", duration="15", proposed=YOURS).status_code == 201
    assert act("break", break_period="60").headers["x-ms-lease-time"] == "15"


def test_bad_lease_requests(leased):
    """Durations of 15 to 60 seconds, periods up to 60, ids that are GUIDs."""
    act, _ = leased
    for bad in (
        act("acquire", duration="14"),
        act("acquire", duration="61"),
        act("acquire", duration="x"),
        act("acquire", duration="15", proposed="mine"),
        act("break", break_period="61"),
        act("borrow"),
    ):
        assert code(bad) == (400, "InvalidHeaderValue")
    for missing in (act("acquire"), act("renew"), act("change", MINE), act(None)):
        assert code(missing)[0] == 400


@pytest.fixture
def locked(blob, dfs):
    """Lease a file, infinitely."""
    write(dfs, "box/file", b"1")
    headers = {"x_ms_lease_action": "acquire", "x_ms_lease_duration": "-1"}
    taken = blob("PUT", "/box/file?comp=lease", **headers, x_ms_proposed_lease_id=MINE)
    assert taken.status_code == 201


WRITES = {
    "blob": [
        ("PUT", "/box/file", BLOCK),
        ("PUT", "/box/file?comp=metadata", {}),
        ("PUT", "/box/file?comp=properties", {}),
        ("PUT", "/box/file?comp=block&blockid=AAAA", {}),
        ("PUT", "/box/file?comp=expiry", {"x_ms_expiry_option": "NeverExpire"}),
        ("DELETE", "/box/file", {}),
    ],
    "dfs": [
        ("PUT", "/box/file?resource=file", {}),
        ("PATCH", "/box/file?action=append&position=1", {}),
        ("PATCH", "/box/file?action=flush&position=1", {}),
        ("PATCH", "/box/file?action=setProperties", {}),
        ("PATCH", "/box/file?action=setAccessControl", {"x_ms_permissions": "0640"}),
        ("DELETE", "/box/file", {}),
    ],
}


@pytest.mark.parametrize("kind", ["blob", "dfs"])
@pytest.mark.usefixtures("locked")
def test_writes_need_the_lease(lake, people, kind):
    """Without the lease, or with another id, every write is refused; with it, none is."""
    endpoint = lake.endpoint(kind, people["olga"])
    for method, target, headers in WRITES[kind]:
        assert code(endpoint(method, target, **headers)) == (412, "LeaseIdMissing")
        wrong = endpoint(method, target, **headers, x_ms_lease_id=YOURS)
        assert code(wrong) == (412, "LeaseIdMismatchWithBlobOperation")
    if kind == "dfs":
        source = {"x_ms_rename_source": "/box/file"}
        assert code(endpoint("PUT", "/box/new", **source)) == (412, "LeaseIdMissing")
    for method, target, headers in WRITES[kind]:
        if method == "PUT" and target == "/box/file?resource=file":
            continue  # it would end the lease
        assert endpoint(method, target, **headers, x_ms_lease_id=MINE).ok


@pytest.mark.parametrize("kind", ["blob", "dfs"])
@pytest.mark.usefixtures("locked")
def test_reads_need_no_lease(lake, people, kind, storage_azure):
    """A read may name the lease, but no other one, and none that has ended."""
    endpoint = lake.endpoint(kind, people["olga"])
    for method in ("GET", "HEAD"):
        assert endpoint(method, "/box/file").ok
        assert endpoint(method, "/box/file", x_ms_lease_id=MINE).ok
        wrong = endpoint(method, "/box/file", x_ms_lease_id=YOURS)
        assert code(wrong) == (412, "LeaseIdMismatchWithBlobOperation")
    blob = lake.endpoint("blob", people["olga"])
    lease = {"x_ms_lease_action": "break", "x_ms_lease_break_period": "0"}
    blob("PUT", "/box/file?comp=lease", **lease)
    ended = endpoint("GET", "/box/file", x_ms_lease_id=MINE)
    assert code(ended) == (412, "LeaseLost")
    blob("PUT", "/box/file?comp=lease", x_ms_lease_action="release", x_ms_lease_id=MINE)
    ended = endpoint("GET", "/box/file", x_ms_lease_id=MINE)
    assert code(ended) == (412, "LeaseNotPresentWithBlobOperation")


def test_a_leased_container_is_not_deleted(blob, dfs):
    """A container's lease guards its deletion, not what is in it."""
    lease = {"x_ms_lease_action": "acquire", "x_ms_lease_duration": "-1"}
    address = "/box?comp=lease&restype=container"
    blob("PUT", address, **lease, x_ms_proposed_lease_id=MINE)
    assert code(blob("DELETE", "/box?restype=container")) == (412, "LeaseIdMissing")
    assert code(dfs("DELETE", "/box?resource=filesystem")) == (412, "LeaseIdMissing")
    wrong = blob("DELETE", "/box?restype=container", x_ms_lease_id=YOURS)
    assert code(wrong) == (412, "LeaseIdMismatchWithContainerOperation")
    assert blob("PUT", "/box/file", b"1", **BLOCK).ok
    assert blob("DELETE", "/box?restype=container", x_ms_lease_id=MINE).ok


def test_leases_of_create_append_and_flush(dfs):
    """A lease can be taken, renewed and ended by the requests that write."""
    lease = {"x_ms_proposed_lease_id": MINE, "x_ms_lease_duration": "-1"}
    assert dfs("PUT", "/box/file?resource=file", **lease).status_code == 201
    append = "/box/file?action=append&position=0"
    assert code(dfs("PATCH", append, b"1")) == (412, "LeaseIdMissing")
    own = {"x_ms_lease_id": MINE}
    renew = {"x_ms_lease_action": "auto-renew"}
    assert dfs("PATCH", append, b"1", **own, **renew).status_code == 202
    release = {"x_ms_lease_action": "release"}
    flush = "/box/file?action=flush&position=1"
    assert dfs("PATCH", flush, **own, **release).status_code == 200
    assert dfs("HEAD", "/box/file").headers["x-ms-lease-state"] == "available"
    take = {"x_ms_lease_action": "acquire", **lease}
    append = "/box/file?action=append&position=1"
    assert dfs("PATCH", append, b"2", **take).status_code == 202
    assert dfs("HEAD", "/box/file").headers["x-ms-lease-state"] == "leased"
    bad = dfs("PATCH", append, b"2", **own, x_ms_lease_action="borrow")
    assert code(bad) == (400, "InvalidHeaderValue")

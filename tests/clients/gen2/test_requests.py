"""The same requests to Azurite and to the sandbox; what differs is named here, with its reason.

Compared are the status, the error code and the headers that clients read: see ``summary``.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

from adls_enduser.sandbox import CONTOSO_ID, Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adls_enduser.sandbox import Sandbox

azurite_module = pytest.importorskip("tests.clients.gen2.azurite")

AZURITE, SANDBOX = "azuritelake", "mylake"
VERSION = "2025-07-05"
STORAGE = "https://storage.azure.com/"
DATA = b"0123456789" * 10
PUT = {"x-ms-blob-type": "BlockBlob"}
MINE, YOURS = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
PAST, FUTURE = "Mon, 01 Jan 2018 00:00:00 GMT", "Mon, 01 Jan 2035 00:00:00 GMT"

# Headers that clients read, with their values; of the others that they read, the presence.
VALUES = {
    "accept-ranges", "cache-control", "content-disposition", "content-encoding",
    "content-language", "content-length", "content-md5", "content-range", "content-type",
    "x-ms-access-tier", "x-ms-blob-append-offset", "x-ms-blob-committed-block-count",
    "x-ms-blob-content-length", "x-ms-blob-type", "x-ms-copy-progress", "x-ms-copy-status",
    "x-ms-lease-duration", "x-ms-lease-state", "x-ms-lease-status", "x-ms-lease-time",
    "x-ms-meta-k", "x-ms-meta-q", "x-ms-request-server-encrypted", "x-ms-server-encrypted",
}  # fmt: skip
PRESENCE = {"etag", "last-modified", "x-ms-copy-id", "x-ms-creation-time", "x-ms-lease-id"}

NO_CODE = "Azurite's generated code refuses it before the error has a code (a JSON text)."
NAMESPACE = "The account has a hierarchical namespace, Azurite's has none."
TOKENS = "Azurite sends no challenge, and 403 where the service sends 401."
RANGES = "Azurite sends bytes for a range that cannot be; Microsoft documents 416 and 400."
REASONS = {
    "put without a type": NO_CODE,
    "put of an unknown type": NO_CODE,
    "range after the end": RANGES,
    "range of no kind": RANGES,
    "range backwards": RANGES,
    "get with no date": "Azurite reads `foo` as a time that has passed.",
    "get if matching what is missing": "Azurite checks If-Match before it looks for the blob.",
    "get metadata": "Azurite ignores comp=metadata, and sends the blob.",
    "set metadata if none": "Azurite ignores If-None-Match: * of Set Blob Metadata.",
    "tier of no kind": "Azurite has another code for it.",
    "tier without a header": NO_CODE,
    "acquire without a duration": "Azurite makes a lease without an end; then it answers 500.",
    "lease action of no kind": NO_CODE,
    "lease without an action": NO_CODE,
    "acquire with a bad id": "Azurite answers 500 (after a lease without an end, above).",
    "write with a broken lease": "Azurite has one code for leases that are lost and never were.",
    "block without an id": NO_CODE,
    "commit of no XML": NO_CODE,
    "commit": "From version 2019-02-02 on the MD5 is returned only if the request has one.",
    "uncommitted list": "Azurite has an entity tag for a blob that does not exist yet.",
    "get committed": "Azurite computes an MD5; the service keeps what it is given.",
    "copy of nothing": "The service names the source in its code (CannotVerifyCopySource).",
    "copy from nowhere": "The service names the source in its code (CannotVerifyCopySource).",
    "copy of what has changed": "Microsoft lists SourceConditionNotMet for it.",
    "abort": "Every copy is complete at once, so none has an id that could match.",
    "empty page": NO_CODE,
    "page of no size": NO_CODE,
    "no batch": "Azurite accepts a batch without requests; Microsoft documents 400.",
    "tags": NAMESPACE,
    "version of no kind": "Azurite runs with --skipApiVersionCheck.",
    "no token": TOKENS,
    "opaque token": TOKENS,
    "token for another service": TOKENS,
    "expired token": TOKENS,
    "account key": "The sandbox has no keys.",
    "unknown comp": "Azurite ignores it, and sends the blob.",
    "post to a blob": NO_CODE,
    "patch of a blob": NO_CODE,
    "blob of the root container": NO_CODE,
    "access policy": "Azurite refuses tokens; the service takes them (getAcl/action).",
}


@dataclass
class Pair:
    """The two services behind one proxy; each request goes to both."""

    azure: Sandbox
    session: requests.Session
    token: str

    def send(
        self, account: str, method: str, target: str, body: bytes, headers: dict[str, object]
    ) -> requests.Response:
        """Send a request to one account, as one person."""
        sent = {"x-ms-version": VERSION, "Authorization": f"Bearer {self.token}", **headers}
        return self.session.request(
            method, f"https://{account}.blob.core.windows.net{target}", data=body, headers=sent
        )


def summary(response: requests.Response) -> dict[str, object]:
    """Return what is compared."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    found: dict[str, object] = {"status": response.status_code}
    found["code"] = headers.get("x-ms-error-code")
    if response.ok and response.status_code != 304:
        found |= {name: headers[name] for name in VALUES if name in headers}
        found |= dict.fromkeys(PRESENCE & headers.keys(), "present")
        if found.get("content-type") != "application/octet-stream":
            found.pop("content-length", None)  # of a document, which need not be the same
        if str(found.get("content-type")).startswith("multipart"):
            found["content-type"] = "multipart/mixed"
    return found


def block(number: int) -> str:
    """Return the id of a block."""
    return base64.b64encode(b"block%03d" % number).decode()


def block_list(*blocks: tuple[str, int]) -> bytes:
    """Return the body of Put Block List."""
    inner = "".join(f"<{kind}>{block(number)}</{kind}>" for kind, number in blocks)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{inner}</BlockList>'.encode()


Step = tuple[str, str, str, bytes, dict[str, object]]
"""A name, a method, a target, a body, headers; ``{name}`` in one is the etag of that step."""


def containers() -> Iterator[Step]:
    """Create, describe and list containers."""
    yield "create", "PUT", "/box?restype=container", b"", {"x-ms-meta-k": "v"}
    yield "create again", "PUT", "/box?restype=container", b"", {}
    yield "create a bad name", "PUT", "/BOX_?restype=container", b"", {}
    yield "create a short name", "PUT", "/ab?restype=container", b"", {}
    yield "container", "GET", "/box?restype=container", b"", {}
    yield "container, head", "HEAD", "/box?restype=container", b"", {}
    yield "missing container", "GET", "/nobox?restype=container", b"", {}
    metadata = "/box?restype=container&comp=metadata"
    yield "container metadata", "PUT", metadata, b"", {"x-ms-meta-q": "1"}
    yield "access policy", "GET", "/box?restype=container&comp=acl", b"", {}
    yield "list containers", "GET", "/?comp=list&include=metadata&prefix=b&maxresults=9", b"", {}
    yield "service properties", "GET", "/?restype=service&comp=properties", b"", {}
    yield "account", "GET", "/?restype=account&comp=properties", b"", {}


def reading() -> Iterator[Step]:
    """Put, get, ranges."""
    yield "put", "PUT", "/box/a", DATA, {**PUT, "Content-Type": "text/css", "x-ms-meta-k": "v"}
    yield "put in nothing", "PUT", "/nobox/a", DATA, PUT
    yield "put without a type", "PUT", "/box/b", DATA, {}
    yield "put of an unknown type", "PUT", "/box/b", DATA, {"x-ms-blob-type": "Foo"}
    wrong = base64.b64encode(bytes(16)).decode()
    yield "put with a wrong MD5", "PUT", "/box/b", DATA, {**PUT, "Content-MD5": wrong}
    yield "put empty", "PUT", "/box/empty", b"", PUT
    yield "get", "GET", "/box/a", b"", {}
    yield "head", "HEAD", "/box/a", b"", {}
    yield "get nothing", "GET", "/box/none", b"", {}
    yield "head nothing", "HEAD", "/box/none", b"", {}
    yield "get empty", "GET", "/box/empty", b"", {}
    yield "range of empty", "GET", "/box/empty", b"", {"x-ms-range": "bytes=0-9"}
    md5 = {"x-ms-range-get-content-md5": "true"}
    yield "range with MD5", "GET", "/box/a", b"", {"x-ms-range": "bytes=5-9", **md5}
    for name, asked in (
        ("range", "bytes=5-9"),
        ("range to the end", "bytes=95-"),
        ("range beyond the end", "bytes=95-500"),
        ("range after the end", "bytes=100-"),
        # Not the last bytes, bytes=-5: Azurite sends "Content-Length: NaN", which is no HTTP.
        ("range of no kind", "foo"),
        ("range backwards", "bytes=9-5"),
    ):
        yield name, "GET", "/box/a", b"", {"Range": asked}


def conditions() -> Iterator[Step]:
    """Reads and writes under conditions."""
    for method in ("GET", "HEAD"):
        for name, headers in (
            ("if none matches", {"If-None-Match": "{get}"}),
            ("if any matches", {"If-Match": "*"}),
            ("if it matches", {"If-Match": "{get}"}),
            ("if another matches", {"If-Match": '"0x1"'}),
            ("if nothing is there", {"If-None-Match": "*"}),
            ("if modified in future", {"If-Modified-Since": FUTURE}),
            ("if unmodified", {"If-Unmodified-Since": PAST}),
        ):
            yield f"{method} {name}", method, "/box/a", b"", headers
    yield "get with no date", "GET", "/box/a", b"", {"If-Unmodified-Since": "foo"}
    yield "get if matching what is missing", "GET", "/box/none", b"", {"If-Match": '"0x1"'}
    for name, target, headers in (
        ("put if none", "/box/a", {"If-None-Match": "*"}),
        ("put if another matches", "/box/a", {"If-Match": '"0x1"'}),
        ("put if missing matches", "/box/zz", {"If-Match": '"0x1"'}),
        ("put if not the same", "/box/a", {"If-None-Match": "{get}"}),
        ("put if unmodified", "/box/a", {"If-Unmodified-Since": PAST}),
    ):
        yield name, "PUT", target, DATA, {**PUT, **headers}
    yield "delete if another matches", "DELETE", "/box/a", b"", {"If-Match": '"0x1"'}


def properties() -> Iterator[Step]:
    """Metadata, content headers, tiers."""
    yield "set metadata", "PUT", "/box/a?comp=metadata", b"", {"x-ms-meta-q": "1"}
    yield "get metadata", "GET", "/box/a?comp=metadata", b"", {}
    yield "metadata of nothing", "PUT", "/box/none?comp=metadata", b"", {}
    yield "set metadata if none", "PUT", "/box/empty?comp=metadata", b"", {"If-None-Match": "*"}
    yield "bad metadata", "PUT", "/box/a?comp=metadata", b"", {"x-ms-meta-1-x": "y"}
    names = {"content-type": "text/css", "cache-control": "no-cache", "content-language": "en"}
    headers = {f"x-ms-blob-{name}": value for name, value in names.items()}
    yield "set properties", "PUT", "/box/a?comp=properties", b"", headers
    yield "head after properties", "HEAD", "/box/a", b"", {}
    yield "tier", "PUT", "/box/a?comp=tier", b"", {"x-ms-access-tier": "Cool"}
    yield "head after tier", "HEAD", "/box/a", b"", {}
    yield "tier of no kind", "PUT", "/box/a?comp=tier", b"", {"x-ms-access-tier": "Foo"}
    yield "tier without a header", "PUT", "/box/a?comp=tier", b"", {}


def lease(name: str, action: str, target: str = "/box/a?comp=lease", **headers: str) -> Step:
    """Return a lease operation."""
    names = {"duration": "x-ms-lease-duration", "period": "x-ms-lease-break-period"}
    names |= {"id": "x-ms-lease-id", "proposed": "x-ms-proposed-lease-id"}
    sent: dict[str, object] = {names[key]: value for key, value in headers.items()}
    return name, "PUT", target, b"", {"x-ms-lease-action": action, **sent}


def leases() -> Iterator[Step]:
    """Go through all states of a lease."""
    yield "put another", "PUT", "/box/z", DATA, PUT
    yield lease("acquire without a duration", "acquire", "/box/z?comp=lease")
    yield lease(
        "acquire with a bad id", "acquire", "/box/z?comp=lease", duration="-1", proposed="x"
    )
    yield lease("acquire for too short a time", "acquire", duration="5")
    yield lease("lease action of no kind", "foo")
    yield "lease without an action", "PUT", "/box/a?comp=lease", b"", {}
    yield lease("renew nothing", "renew", id=MINE)
    yield lease("break nothing", "break")
    yield lease("acquire", "acquire", duration="-1", proposed=MINE)
    yield "head of a leased blob", "HEAD", "/box/a", b"", {}
    yield lease("acquire again", "acquire", duration="60", proposed=MINE)
    yield lease("acquire another", "acquire", duration="60", proposed=YOURS)
    yield "write without the lease", "PUT", "/box/a", DATA, PUT
    yield "write with another lease", "PUT", "/box/a", DATA, {**PUT, "x-ms-lease-id": YOURS}
    yield "read with another lease", "GET", "/box/a", b"", {"x-ms-lease-id": YOURS}
    yield "write with the lease", "PUT", "/box/a", DATA, {**PUT, "x-ms-lease-id": MINE}
    yield "delete without the lease", "DELETE", "/box/a", b"", {}
    yield lease("change", "change", id=MINE, proposed=YOURS)
    yield lease("renew", "renew", id=YOURS)
    yield lease("renew another", "renew", id=MINE)
    yield lease("break", "break", period="20")
    yield "head of a breaking lease", "HEAD", "/box/a", b"", {}
    yield lease("acquire while it breaks", "acquire", duration="60", proposed=MINE)
    yield lease("acquire again while it breaks", "acquire", duration="60", proposed=YOURS)
    yield lease("renew while it breaks", "renew", id=YOURS)
    yield lease("change while it breaks", "change", id=YOURS, proposed=MINE)
    yield lease("break at once", "break", period="0")
    yield "head of a broken lease", "HEAD", "/box/a", b"", {}
    yield lease("change a broken lease", "change", id=YOURS, proposed=MINE)
    yield lease("renew a broken lease", "renew", id=YOURS)
    yield lease("break a broken lease", "break")
    yield "write with a broken lease", "PUT", "/box/a", DATA, {**PUT, "x-ms-lease-id": YOURS}
    yield lease("release another", "release", id=MINE)
    yield lease("release", "release", id=YOURS)
    box = "/box?comp=lease&restype=container"
    yield lease("acquire a container", "acquire", box, duration="-1", proposed=MINE)
    wrong = {"x-ms-lease-id": YOURS}
    yield "container with another lease", "GET", "/box?restype=container", b"", wrong
    yield "delete a leased container", "DELETE", "/box?restype=container", b"", {}
    yield "delete with another lease", "DELETE", "/box?restype=container", b"", wrong
    yield lease("release a container", "release", box, id=MINE)


def blocks() -> Iterator[Step]:
    """Block lists and append blobs."""
    target = "/box/blk?comp=block&blockid="
    for number in (1, 2):
        yield f"block {number}", "PUT", target + quote(block(number), safe=""), DATA, {}
    yield "block with a bad id", "PUT", f"{target}%21%21", DATA, {}
    yield "block without an id", "PUT", "/box/blk?comp=block", DATA, {}
    yield "block with another length", "PUT", f"{target}eA%3D%3D", DATA, {}
    yield "get uncommitted", "GET", "/box/blk", b"", {}
    yield "uncommitted list", "GET", "/box/blk?comp=blocklist&blocklisttype=all", b"", {}
    yield "list of nothing", "GET", "/box/none?comp=blocklist&blocklisttype=all", b"", {}
    yield "commit of unknown", "PUT", "/box/blk?comp=blocklist", block_list(("Latest", 9)), {}
    yield "commit of no XML", "PUT", "/box/blk?comp=blocklist", b"<a", {}
    body, headers = block_list(("Latest", 2), ("Uncommitted", 1)), {"x-ms-meta-q": "1"}
    yield "commit", "PUT", "/box/blk?comp=blocklist", body, headers
    yield "get committed", "GET", "/box/blk", b"", {}
    yield "committed list", "GET", "/box/blk?comp=blocklist&blocklisttype=all", b"", {}
    none = {"If-None-Match": "*"}
    yield "commit if none", "PUT", "/box/blk?comp=blocklist", block_list(("Committed", 1)), none
    yield "create an append blob", "PUT", "/box/app", b"", {"x-ms-blob-type": "AppendBlob"}
    yield "append", "PUT", "/box/app?comp=appendblock", DATA, {}
    position = {"x-ms-blob-condition-appendpos": "5"}
    yield "append elsewhere", "PUT", "/box/app?comp=appendblock", DATA, position
    size = {"x-ms-blob-condition-maxsize": "5"}
    yield "append too much", "PUT", "/box/app?comp=appendblock", DATA, size
    yield "append blob", "HEAD", "/box/app", b"", {}
    yield "append to blocks", "PUT", "/box/blk?comp=appendblock", DATA, {}
    yield "append to nothing", "PUT", "/box/none?comp=appendblock", DATA, {}


def copies_and_lists() -> Iterator[Step]:
    """Copies, lists, deletions."""
    source = {"x-ms-copy-source": "{host}/box/a"}
    yield "copy", "PUT", "/box/copy", b"", source
    yield "head of a copy", "HEAD", "/box/copy", b"", {}
    yield "copy of nothing", "PUT", "/box/c2", b"", {"x-ms-copy-source": "{host}/box/none"}
    yield "copy from nowhere", "PUT", "/box/c2", b"", {"x-ms-copy-source": "{host}/nobox/none"}
    yield "copy if none", "PUT", "/box/copy", b"", {**source, "If-None-Match": "*"}
    changed = {**source, "x-ms-source-if-match": '"0x1"'}
    yield "copy of what has changed", "PUT", "/box/copy", b"", changed
    yield "copy at once", "PUT", "/box/c3", b"", {**source, "x-ms-requires-sync": "true"}
    abort = {"x-ms-copy-action": "abort"}
    yield "abort", "PUT", "/box/copy?comp=copy&copyid=foo", b"", abort
    yield "put below", "PUT", "/box/dir/x", DATA, PUT
    box = "/box?restype=container&comp=list"
    yield "list", "GET", f"{box}&prefix=dir/", b"", {}
    yield "list by delimiter", "GET", f"{box}&delimiter=/&maxresults=3", b"", {}
    yield "empty page", "GET", f"{box}&maxresults=0", b"", {}
    yield "page of no size", "GET", f"{box}&maxresults=foo", b"", {}
    yield "list nothing", "GET", "/nobox?restype=container&comp=list", b"", {}
    kind = {"Content-Type": "multipart/mixed; boundary=edge"}
    yield "no batch", "POST", "/?comp=batch", b"--edge--\r\n", kind
    yield "tags", "GET", "/box/c3?comp=tags", b"", {}
    yield "unknown comp", "GET", "/box/c3?comp=foo", b"", {}
    yield "post to a blob", "POST", "/box/c3", b"", {}
    yield "patch of a blob", "PATCH", "/box/c3", b"", {}
    yield "blob of the root container", "GET", "/c3", b"", {}
    yield "delete", "DELETE", "/box/c3", b"", {}
    yield "delete nothing", "DELETE", "/box/c3", b"", {}


def tokens(azure: Sandbox) -> Iterator[Step]:
    """Bad tokens."""
    person = azure.world.directory.by_username("olga@contoso.com")
    sign, options = azure.world.identity.access_token, {"client_id": "test"}
    yield "version of no kind", "GET", "/box/a", b"", {"x-ms-version": "foo"}
    yield "no token", "GET", "/box/a", b"", {"Authorization": None}
    yield "opaque token", "GET", "/box/a", b"", {"Authorization": "Bearer foo"}
    other = sign(person, "https://management.azure.com/", lifetime=3600, **options)
    yield "token for another service", "GET", "/box/a", b"", {"Authorization": f"Bearer {other}"}
    old = sign(person, STORAGE, lifetime=-100, **options)
    yield "expired token", "GET", "/box/a", b"", {"Authorization": f"Bearer {old}"}
    yield "account key", "GET", "/box/a", b"", {"Authorization": "SharedKey mylake:foo"}
    yield "delete the container", "DELETE", "/box?restype=container", b"", {}


def steps(azure: Sandbox) -> Iterator[Step]:
    """Return all steps, in their order."""
    for part in (
        containers, reading, conditions, properties, leases, blocks, copies_and_lists
    ):  # fmt: skip
        yield from part()
    yield from tokens(azure)


def filled(value: object, etags: dict[str, str], account: str) -> object:
    """Put the etags of earlier steps, and the host, into a header."""
    if not isinstance(value, str) or "{" not in value:
        return value
    return value.format(host=f"https://{account}.blob.core.windows.net", **etags)


def compare(pair: Pair) -> Iterator[tuple[str, dict[str, tuple[object, object]]]]:
    """Send all requests, and return what differs: Azurite's value, then the sandbox's."""
    etags: dict[str, dict[str, str]] = {AZURITE: {}, SANDBOX: {}}
    for name, method, target, body, headers in steps(pair.azure):
        seen = []
        for account in (AZURITE, SANDBOX):
            sent = {key: filled(one, etags[account], account) for key, one in headers.items()}
            response = pair.send(account, method, target, body, sent)
            etags[account][name.replace(" ", "_")] = response.headers.get("ETag", "")
            seen.append(summary(response))
        mine, other = seen
        yield (
            name,
            {
                key: (mine.get(key), other.get(key))
                for key in mine.keys() | other.keys()
                if mine.get(key) != other.get(key)
            },
        )


def test_differences_are_known(azure, azurite):
    """Every request differs exactly where a reason is named above."""
    azure.add_service(azurite)
    azure.storage.create(SANDBOX)
    person = azure.world.directory.add(Person("olga@contoso.com", CONTOSO_ID, "-", role="Owner"))
    token = azure.world.identity.access_token(person, STORAGE, client_id="test", lifetime=3600)
    with requests.Session() as session:
        session.verify = str(azure.ca_bundle)
        session.proxies = {"https": azure.environment["https_proxy"]}
        found = {name: what for name, what in compare(Pair(azure, session, token)) if what}
    assert {name: found[name] for name in found.keys() - REASONS.keys()} == {}
    assert REASONS.keys() - found.keys() == set()

"""Block lists, append blobs, lists of blobs, batches."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from .conftest import BLOCK, VERSION, code, write, xml


def block_id(number):
    """Return the id of a block."""
    return base64.b64encode(f"{number:05}".encode()).decode()


def stage(blob, number, data, path="/box/file", **headers):
    """Stage one block."""
    return blob(
        "PUT", f"{path}?comp=block&blockid={quote(block_id(number), safe='')}", data, **headers
    )


def commit(blob, *blocks, path="/box/file", **headers):
    """Commit blocks, each a kind and a number."""
    inner = "".join(f"<{kind}>{block_id(number)}</{kind}>" for kind, number in blocks)
    body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{inner}</BlockList>'
    return blob("PUT", f"{path}?comp=blocklist", body.encode(), **headers)


def block_list(blob, kind="all", path="/box/file"):
    """Return the sizes of the committed and of the uncommitted blocks."""
    root = xml(blob("GET", f"{path}?comp=blocklist&blocklisttype={kind}"))
    names = ("CommittedBlocks", "UncommittedBlocks")
    return [[int(one.findtext("Size")) for one in root.findall(f"{name}/Block")] for name in names]


def test_blocks_are_committed_in_an_order(blob):
    """A blob is made of the blocks of the list; uncommitted blocks are no blob."""
    for number, data in ((1, b"one"), (2, b"two2"), (3, b"three")):
        staged = stage(blob, number, data)
        assert staged.status_code == 201
        assert "Content-MD5" not in staged.headers
    assert code(blob("HEAD", "/box/file")) == (404, "BlobNotFound")
    assert block_list(blob) == [[], [3, 4, 5]]
    done = commit(blob, ("Latest", 3), ("Uncommitted", 1), x_ms_meta_a="1")
    assert done.status_code == 201
    got = blob("GET", "/box/file")
    assert (got.content, got.headers["x-ms-meta-a"]) == (b"threeone", "1")
    assert block_list(blob) == [[5, 3], []]
    stage(blob, 4, b"four")
    stage(blob, 1, b"ONE!")
    commit(blob, ("Committed", 3), ("Committed", 1), ("Latest", 1), ("Latest", 4))
    assert blob("GET", "/box/file").content == b"threeoneONE!four"
    assert block_list(blob, "committed") == [[5, 3, 4, 4], []]
    commit(blob)
    assert blob("GET", "/box/file").content == b""


def test_what_cannot_be_committed(blob):
    """An unknown block, no XML, a condition; the blocks are there for another attempt."""
    stage(blob, 1, b"one")
    for bad in (("Latest", 2), ("Committed", 1)):
        assert code(commit(blob, bad)) == (400, "InvalidBlockList")
    assert code(blob("PUT", "/box/file?comp=blocklist", b"<a"))[1] == "InvalidXmlDocument"
    assert code(blob("PUT", "/box/file?comp=blocklist", b"<a/>"))[1] == "InvalidXmlDocument"
    assert commit(blob, ("Latest", 1), If_None_Match="*").status_code == 201
    stage(blob, 2, b"two")
    there = commit(blob, ("Latest", 2), If_None_Match="*")
    assert code(there) == (409, "BlobAlreadyExists")
    assert block_list(blob) == [[3], [3]]
    assert blob("GET", "/box/file").content == b"one"


def test_what_cannot_be_staged(blob):
    """Ids are base 64, at most 64 bytes, and all of one length."""
    assert code(blob("PUT", "/box/f?comp=block", b"1"))[1] == "MissingRequiredQueryParameter"
    bad = blob("PUT", "/box/f?comp=block&blockid=%21", b"1")
    assert code(bad) == (400, "InvalidQueryParameterValue")
    long = quote(base64.b64encode(b"x" * 65).decode())
    bad = blob("PUT", f"/box/f?comp=block&blockid={long}", b"1")
    assert code(bad) == (400, "OutOfRangeQueryParameterValue")
    stage(blob, 1, b"one")
    other = blob("PUT", "/box/file?comp=block&blockid=AAAA", b"1")
    assert code(other) == (400, "InvalidBlobOrBlock")
    wrong = stage(blob, 2, b"two", Content_MD5=base64.b64encode(bytes(16)).decode())
    assert code(wrong) == (400, "Md5Mismatch")
    assert code(blob("GET", "/box/none?comp=blocklist")) == (404, "BlobNotFound")
    assert code(blob("GET", "/box/file?comp=blocklist&blocklisttype=x"))[0] == 400


def test_blocks_from_a_url(blob):
    """A block can be a range of another blob."""
    blob("PUT", "/box/from", b"0123456789", **BLOCK)
    source = {"x_ms_copy_source": f"{blob.url}/box/from"}
    assert stage(blob, 1, b"", **source, x_ms_source_range="bytes=2-4").status_code == 201
    assert stage(blob, 2, b"", **source).status_code == 201
    commit(blob, ("Latest", 1), ("Latest", 2))
    assert blob("GET", "/box/file").content == b"2340123456789"


def test_a_person_without_rights_stages_nothing(lake, people, blob):
    """Put Block needs what the creation of the blob would need."""
    carl = lake.endpoint("blob", people["carl"])
    assert code(stage(carl, 1, b"x")) == (403, "AuthorizationPermissionMismatch")
    blob("PUT", "/box/file", b"1", **BLOCK)
    for response in (
        stage(carl, 1, b"x"),
        commit(carl),
        carl("GET", "/box/file"),
        carl("HEAD", "/box/file"),
        carl("PUT", "/box/file", b"2", **BLOCK),
        carl("PUT", "/box/new", b"2", **BLOCK),
        carl("PUT", "/box/file?comp=metadata"),
        carl("PUT", "/box/file?comp=lease", x_ms_lease_action="break"),
        carl("DELETE", "/box/file"),
        carl("GET", "/box/file?comp=blocklist"),
        carl("PUT", "/box/to", x_ms_copy_source=f"{blob.url}/box/file"),
    ):
        assert code(response) == (403, "AuthorizationPermissionMismatch")
    assert blob("GET", "/box/file").content == b"1"


def test_append_blob(blob):
    """Blocks are added at the end, at a position and up to a size if that is wanted."""
    blob("PUT", "/box/log", x_ms_blob_type="AppendBlob")
    first = blob("PUT", "/box/log?comp=appendblock", b"one")
    assert first.headers["x-ms-blob-append-offset"] == "0"
    assert first.headers["x-ms-blob-committed-block-count"] == "1"
    second = blob("PUT", "/box/log?comp=appendblock", b"two", x_ms_blob_condition_appendpos="3")
    assert second.headers["x-ms-blob-append-offset"] == "3"
    late = blob("PUT", "/box/log?comp=appendblock", b"x", x_ms_blob_condition_appendpos="3")
    assert code(late) == (412, "AppendPositionConditionNotMet")
    large = blob("PUT", "/box/log?comp=appendblock", b"x", x_ms_blob_condition_maxsize="6")
    assert code(large) == (412, "MaxBlobSizeConditionNotMet")
    got = blob("GET", "/box/log")
    assert got.content == b"onetwo"
    assert got.headers["x-ms-blob-type"] == "AppendBlob"
    blob("PUT", "/box/file", b"1", **BLOCK)
    wrong = blob("PUT", "/box/file?comp=appendblock", b"x")
    assert code(wrong) == (409, "InvalidBlobType")
    assert code(blob("PUT", "/box/none?comp=appendblock", b"x")) == (404, "BlobNotFound")


@pytest.fixture
def listed(blob, dfs):
    """Fill the filesystem with files and directories."""
    for path in ("a.txt", "dir/sub/x", "dir/y", "dir-2/z", "z"):
        blob("PUT", f"/box/{path}", path.encode(), **BLOCK, x_ms_meta_p="1")
    dfs("PUT", "/box/empty?resource=directory")
    return blob


def listing(blob, query=""):
    """Return the names of the blobs and prefixes, and the next marker."""
    root = xml(blob("GET", f"/box?restype=container&comp=list{query}"))
    names = [(one.tag, one.findtext("Name")) for one in root.find("Blobs")]
    return names, root.findtext("NextMarker") or ""


def test_flat_list(listed):
    """A list has directories too; it is sorted by name."""
    names, _ = listing(listed)
    assert [name for _, name in names] == [
        "a.txt", "dir", "dir-2", "dir-2/z", "dir/sub", "dir/sub/x", "dir/y", "empty", "z",
    ]  # fmt: skip
    root = xml(listed("GET", "/box?restype=container&comp=list&include=metadata,permissions"))
    assert root.get("ContainerName") == "box"
    items = {one.findtext("Name"): one for one in root.iter("Blob")}
    assert items["dir"].findtext("Properties/ResourceType") == "directory"
    assert items["dir"].findtext("Metadata/hdi_isfolder") == "true"
    assert items["dir/y"].findtext("Properties/ResourceType") == "file"
    assert items["dir/y"].findtext("Properties/Content-Length") == "5"
    assert items["dir/y"].findtext("Properties/Permissions") == "rw-r-----"
    assert items["dir/y"].findtext("Metadata/p") == "1"
    assert not items["dir/y"].findtext("Properties/Etag").startswith('"')


def test_list_by_delimiter(listed):
    """A delimiter puts a prefix in the place of what is below it."""
    names, _ = listing(listed, "&delimiter=/")
    assert names == [
        ("Blob", "a.txt"),
        ("BlobPrefix", "dir-2/"),
        ("BlobPrefix", "dir/"),
        ("BlobPrefix", "empty/"),
        ("Blob", "z"),
    ]
    names, _ = listing(listed, "&delimiter=/&prefix=dir/")
    assert names == [("BlobPrefix", "dir/sub/"), ("Blob", "dir/y")]
    names, _ = listing(listed, "&delimiter=/&prefix=di")
    assert names == [("BlobPrefix", "dir-2/"), ("BlobPrefix", "dir/")]
    assert listing(listed, "&prefix=dir/s") == ([("Blob", "dir/sub"), ("Blob", "dir/sub/x")], "")
    assert listing(listed, "&prefix=none/") == ([], "")
    assert listing(listed, "&prefix=a.txt/") == ([], "")
    assert listing(listed, "&showonly=deleted") == ([], "")
    assert listing(listed, "&showonly=directories&prefix=dir/")[0] == [("Blob", "dir/sub")]


@pytest.mark.parametrize("query", ["", "&delimiter=/", "&prefix=dir", "&delimiter=/&prefix=dir/"])
def test_list_in_pages(listed, query):
    """Pages of one item, one after the other, are the whole list; no item is in two of them."""
    whole, _ = listing(listed, query)
    found, marker = [], ""
    for _ in range(len(whole)):
        page, marker = listing(listed, f"{query}&maxresults=1&marker={quote(marker)}")
        found += page
    assert (found, marker) == (whole, "")


def test_list_from_a_name(listed):
    """StartFrom begins a list at a name (object_store's list_with_offset)."""
    names, _ = listing(listed, "&startFrom=dir/y")
    assert [name for _, name in names] == ["dir/y", "empty", "z"]


def test_bad_lists(blob):
    """A page of nothing and a marker of another maker are refused."""
    for query, expected in (
        ("&maxresults=0", "OutOfRangeQueryParameterValue"),
        ("&maxresults=x", "InvalidQueryParameterValue"),
        ("&marker=%C3", "InvalidQueryParameterValue"),
        ("&marker=YQ", "InvalidQueryParameterValue"),
        ("&marker=%3F", "InvalidQueryParameterValue"),
    ):
        response = blob("GET", f"/box?restype=container&comp=list{query}")
        assert code(response) == (400, expected)
    missing = blob("GET", "/nobox?restype=container&comp=list")
    assert code(missing) == (404, "ContainerNotFound")


def part(number, method, target, token, *more):
    """Return one part of a batch."""
    lines = [
        "--edge", "Content-Type: application/http", "Content-Transfer-Encoding: binary",
        f"Content-ID: {number}", "", f"{method} {target} HTTP/1.1", f"x-ms-version: {VERSION}",
        f"Authorization: Bearer {token}", "Content-Length: 0", *more, "", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines)


def submit(blob, target, *parts):
    """Send a batch, and return the status and the first line of each part's response."""
    body = "".join(parts) + "--edge--\r\n"
    kind = "multipart/mixed; boundary=edge"
    response = blob("POST", target, body.encode(), Content_Type=kind)
    lines = [line for line in response.text.split("\r\n") if line.startswith("HTTP/1.1")]
    return response, lines


@pytest.mark.parametrize("target", ["/box?restype=container&comp=batch", "/?comp=batch"])
def test_batch_delete(blob, lake, people, target):
    """Every part has its own token and response."""
    for name in ("a", "b", "c d"):
        blob("PUT", f"/box/{name}", b"1", **BLOCK)
    carl = lake.endpoint("blob", people["carl"]).token
    response, lines = submit(
        blob,
        target,
        part(0, "DELETE", "/box/a", blob.token),
        part(1, "DELETE", "/box/none", blob.token),
        part(2, "DELETE", "/box/b", carl),
        part(3, "DELETE", "/box/c%20d?x=1", blob.token),
        part(4, "DELETE", "/box/b", "x"),
    )
    assert response.status_code == 202
    assert response.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert lines == [
        "HTTP/1.1 202 Accepted",
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 403 Forbidden",
        "HTTP/1.1 202 Accepted",
        "HTTP/1.1 401 Unauthorized",
    ]
    assert [f"Content-ID: {number}" in response.text for number in range(5)] == [True] * 5
    assert "x-ms-error-code: BlobNotFound" in response.text
    assert [name for _, name in listing(blob)[0]] == ["b"]


@pytest.mark.parametrize(
    ("header", "edge"),
    [
        ("batch_y8M+DOfU/0HPZZhNDk8Y+g", "batch_y8M+DOfU/0HPZZhNDk8Y+g"),  # object_store's
        ('"===============57=="', "===============57=="),  # azure-core's aio pipeline
        ("edge", "edge"),
    ],
)
def test_boundaries(blob, header, edge):
    """Boundaries of all clients, also those that should be quoted and are not."""
    blob("PUT", "/box/a", b"1", **BLOCK)
    body = part(0, "DELETE", "/box/a", blob.token).replace("--edge", f"--{edge}") + f"--{edge}--"
    kind = f"multipart/mixed; boundary={header}"
    target = "/box?restype=container&comp=batch"
    assert blob("POST", target, body.encode(), Content_Type=kind).status_code == 202
    assert listing(blob)[0] == []


def test_bad_batches(blob):
    """No parts, too many, another boundary, or a request that is no deletion."""
    target = "/box?restype=container&comp=batch"
    for parts in ([], [part(0, "DELETE", "/box/a", "x")] * 257, [part(0, "GET", "/box/a", "x")]):
        assert code(submit(blob, target, *parts)[0]) == (400, "InvalidInput")
    assert code(blob("POST", target, b"")) == (400, "InvalidInput")
    kind = "multipart/mixed; boundary=other"
    assert code(blob("POST", target, b"--edge--", Content_Type=kind)) == (400, "InvalidInput")


def test_blocks_of_dfs_are_not_shown(blob, dfs):
    """What dfs has written has no blocks (Microsoft, "Known issues", blob storage APIs)."""
    write(dfs, "box/file", b"123")
    assert block_list(blob) == [[], []]

"""Whatever a client sends, the sandbox has a response of the service's kind, and no bug."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import BLOCK

METHODS = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "POST"]
PATHS = [
    "/",
    "/box",
    "/box/",
    "/box//",
    "/box/a",
    "/box/d",
    "/box/d/b",
    "/nobox/a",
    "/box/a/x",
    "/%C3",
]
WORDS = [
    "0",
    "1",
    "-1",
    "5000",
    "x",
    "",
    "true",
    "*",
    "a=MQ==",
    "/box/a",
    "/box/d",
    "/box/none",
    "/",
    "AAAA",
    "QQ==",
    "bytes=0-0",
    "bytes=9-",
    "BlockBlob",
    "AppendBlob",
    "Absolute",
    "NeverExpire",
    "acquire",
    "renew",
    "break",
    "release",
    "change",
    "15",
    "11111111-1111-4111-8111-111111111111",
    "Mon, 01 Jan 2018 00:00:00 GMT",
    "Mon, 01 Jan 9999 00:00:00 GMT",
    "set",
    "modify",
    "remove",
    "user::rwx,group::r-x,other::---",
    "default:user::rwx",
    "user:olga@contoso.com:rwx",
    "0777",
    "rwxr-xr-x",
    "Hot",
    "multipart/mixed; boundary=b",
    "\xe4",
    "9" * 30,
]
PARAMETERS = {
    "restype": ["container", "service", "account", "x"],
    "comp": [
        "list",
        "properties",
        "metadata",
        "lease",
        "block",
        "blocklist",
        "appendblock",
        "batch",
        "acl",
        "expiry",
        "tier",
        "query",
        "copy",
        "userdelegationkey",
        "stats",
        "tags",
        "x",
    ],
    "resource": ["file", "directory", "filesystem", "account"],
    "action": [
        "append",
        "flush",
        "setAccessControl",
        "setAccessControlRecursive",
        "getAccessControl",
        "getStatus",
        "checkAccess",
        "setProperties",
    ],
    **dict.fromkeys(
        [
            "position",
            "recursive",
            "continuation",
            "marker",
            "maxResults",
            "maxRecords",
            "mode",
            "prefix",
            "delimiter",
            "directory",
            "blockid",
            "blocklisttype",
            "fsAction",
            "upn",
            "flush",
            "retainUncommittedData",
            "startFrom",
            "include",
            "showonly",
        ],
        WORDS,
    ),
}
HEADERS = [
    "Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "x-ms-range",
    "x-ms-blob-type",
    "x-ms-lease-action",
    "x-ms-lease-id",
    "x-ms-lease-duration",
    "x-ms-acl",
    "x-ms-proposed-lease-id",
    "x-ms-lease-break-period",
    "x-ms-properties",
    "x-ms-permissions",
    "x-ms-umask",
    "x-ms-owner",
    "x-ms-group",
    "x-ms-rename-source",
    "x-ms-copy-source",
    "x-ms-source-range",
    "x-ms-source-if-match",
    "x-ms-source-lease-id",
    "x-ms-expiry-option",
    "x-ms-expiry-time",
    "x-ms-access-tier",
    "x-ms-meta-a",
    "x-ms-meta-1",
    "Content-MD5",
    "x-ms-blob-condition-appendpos",
    "x-ms-blob-condition-maxsize",
    "Content-Type",
    "x-ms-version",
    "x-ms-range-get-content-md5",
    "x-ms-blob-content-type",
    "x-ms-content-md5",
]
BODIES = [
    b"",
    b"data",
    b"<BlockList><Latest>AAAA</Latest></BlockList>",
    b"<a/>",
    b"<",
    b"\xff",
    b"<KeyInfo><Expiry>2999-01-01T00:00:00Z</Expiry></KeyInfo>",
    b"--b\r\n\r\nx\r\n--b--",
    b"--b\r\n\r\nDELETE /box/a HTTP/1.1\r\n\r\n--b--",
    b"<QueryRequest><QueryType>SQL</QueryType><Expression>SELECT * FROM BlobStorage</Expression>"
    b"</QueryRequest>",
]

pairs = st.sampled_from(sorted(PARAMETERS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(PARAMETERS[name] + WORDS))
)


@st.composite
def requests_(draw):
    """Draw a request."""
    words = st.sampled_from(WORDS)
    parameters = draw(st.lists(pairs, max_size=4))
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), words, max_size=4))
    method, path = draw(st.sampled_from(METHODS)), draw(st.sampled_from(PATHS))
    return method, path, parameters, headers, draw(st.sampled_from(BODIES))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(requests_(), min_size=1, max_size=4), data=st.data())
def test_no_request_finds_a_bug(blob, dfs, requests, data):
    """Every response has an id, and every error a code."""
    blob("PUT", "/box?restype=container")
    blob("PUT", "/box/a", b"0123456789", **BLOCK)
    dfs("PUT", "/box/d/b?resource=file")
    for method, path, parameters, headers, body in requests:
        endpoint = data.draw(st.sampled_from([blob, dfs]))
        session = endpoint.session
        sent = {"x-ms-version": "2025-07-05", "Authorization": f"Bearer {endpoint.token}"}
        sent |= {name: value.encode("latin-1") for name, value in headers.items()}
        response = session.request(
            method, f"{endpoint.url}{path}", params=parameters, headers=sent, data=body
        )
        assert response.status_code != 500
        assert "x-ms-request-id" in response.headers
        if response.status_code >= 400:
            assert response.headers["x-ms-error-code"]

"""The store's protocol, without a client that hides details."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

import pytest
import requests

from .conftest import Token


def remote_exception(response):
    """Return the error in a response."""
    return response.json()["RemoteException"]


def raw(azure, host, target, token, method="GET"):
    """Send a request line unchanged; requests would normalize the path."""
    proxy = urlsplit(azure.url)
    context = ssl.create_default_context(cafile=str(azure.ca_bundle))
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=context)
    connection.set_tunnel(host, 443)
    try:
        connection.request(method, target, headers={"Authorization": f"Bearer {token.secret}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_create_response_is_as_recorded(webhdfs):
    """CREATE returns 201 with the address, without a type, and with the service's headers."""
    response = webhdfs("PUT", "a", "CREATE", write="true")
    assert response.status_code == 201
    assert response.headers["Location"] == response.url
    assert response.headers["Content-Length"] == "0"
    assert "Content-Type" not in response.headers
    assert response.headers["Status"] == "0x0"
    assert response.headers["x-ms-webhdfs-version"] == "17.04.24.00"


@pytest.mark.parametrize(
    ("method", "op", "confirmation"),
    [("PUT", "CREATE", "write"), ("POST", "APPEND", "append"), ("GET", "OPEN", "read")],
)
def test_without_confirmation_the_client_is_redirected(webhdfs, method, op, confirmation):
    """WebHDFS's two steps work; the first one changes nothing."""
    webhdfs("PUT", "other", "CREATE", b"1", write="true")
    path = "new" if op == "CREATE" else "other"
    first = webhdfs(method, path, op, b"2")
    assert first.status_code == 307
    assert first.headers["Location"] == f"{first.request.url}&{confirmation}=true"
    assert webhdfs("GET", "new", "GETFILESTATUS").status_code == 404
    second = webhdfs.session.request(method, first.headers["Location"], data=b"2")
    assert second.ok


def test_not_found_response_is_as_recorded(webhdfs):
    """404 has the exception's name, its Java class, and the request's id."""
    response = webhdfs("GET", "a/b", "GETFILESTATUS")
    exception = remote_exception(response)
    assert response.status_code == 404
    assert exception["exception"] == "FileNotFoundException"
    assert exception["javaClassName"] == "java.io.FileNotFoundException"
    trace = response.headers["x-ms-request-id"]
    assert exception["message"].startswith(f"File/Folder does not exist: /a/b [{trace}][")
    assert response.headers["Status"] == "0x8309000A"


def test_bad_offset_response_is_as_recorded(webhdfs):
    """400 has BadOffsetException, and the service's own number."""
    webhdfs("PUT", "a", "CREATE", b"123", write="true")
    response = webhdfs("POST", "a", "APPEND", b"4", append="true", offset=2)
    exception = remote_exception(response)
    assert response.status_code == 400
    assert exception["javaClassName"] == "org.apache.hadoop.fs.adl.BadOffsetException"
    assert exception["message"].startswith("APPEND failed with error 0x83090015 (")


def test_create_without_overwrite_keeps_the_file(webhdfs):
    """A second CREATE is 403 FileAlreadyExistsException; with overwrite it is 201."""
    webhdfs("PUT", "a", "CREATE", b"old", write="true")
    response = webhdfs("PUT", "a", "CREATE", b"new", write="true")
    assert response.status_code == 403
    assert remote_exception(response)["exception"] == "FileAlreadyExistsException"
    assert webhdfs("GET", "a", "OPEN", read="true").content == b"old"
    assert webhdfs("PUT", "a", "CREATE", b"new", write="true", overwrite="TRUE").status_code == 201
    assert webhdfs("GET", "a", "OPEN", read="true").content == b"new"


def test_create_without_parents(webhdfs):
    """With CreateParent=false a missing folder is 404."""
    assert webhdfs("PUT", "a/b", "CREATE", write="true", CreateParent="false").status_code == 404
    assert webhdfs("PUT", "a/b", "CREATE", write="true").status_code == 201


def test_lease_excludes_other_writers(webhdfs):
    """An append with another lease, or none, is 403 until the writer closes the file."""
    mine = {"append": "true", "leaseid": "mine", "syncFlag": "DATA"}
    webhdfs("PUT", "a", "CREATE", write="true", leaseid="mine", syncFlag="DATA")
    assert webhdfs("POST", "a", "APPEND", b"1", offset=0, **mine).ok
    for other in ({}, {"leaseid": "yours"}):
        response = webhdfs("POST", "a", "APPEND", b"x", append="true", offset=1, **other)
        assert response.status_code == 403
        assert remote_exception(response)["exception"] == "IOException"
    assert webhdfs("POST", "a", "APPEND", b"2", offset=1, **{**mine, "syncFlag": "CLOSE"}).ok
    assert webhdfs("POST", "a", "APPEND", b"3", append="true", offset=2, leaseid="yours").ok
    assert webhdfs("GET", "a", "OPEN", read="true").content == b"123"


def test_a_session_id_is_no_lease(webhdfs):
    """A session id, which azure-datalake-store always sends, does not replace the lease."""
    webhdfs("PUT", "a", "CREATE", write="true", leaseid="mine", filesessionid="s", syncFlag="DATA")
    append = {"append": "true", "filesessionid": "s"}
    assert webhdfs("POST", "a", "APPEND", b"x", leaseid="yours", **append).status_code == 403
    append["filesessionid"] = "another"
    assert webhdfs("POST", "a", "APPEND", b"1", leaseid="mine", **append).ok
    assert webhdfs("GET", "a", "OPEN", read="true", filesessionid="third").content == b"1"


def test_unused_lease_expires(webhdfs, store_azure):
    """A lease expires, so a writer that has stopped does not block the file for ever."""
    webhdfs("PUT", "a", "CREATE", write="true", leaseid="mine", syncFlag="DATA")
    store_azure.clock.advance(599)
    assert webhdfs("POST", "a", "APPEND", b"1", append="true", leaseid="yours").status_code == 403
    store_azure.clock.advance(2)
    assert webhdfs("POST", "a", "APPEND", b"1", append="true", leaseid="yours").ok


def test_sync_flag_updates_the_listed_length(webhdfs):
    """DATA keeps the length in listings; METADATA and CLOSE update it."""
    webhdfs("PUT", "a", "CREATE", write="true", leaseid="mine", syncFlag="DATA")
    lengths = []
    for flag in ("DATA", "METADATA", "DATA", "CLOSE"):
        webhdfs("POST", "a", "APPEND", b"1", append="true", leaseid="mine", syncFlag=flag)
        lengths.append(webhdfs("GET", "a", "GETFILESTATUS").json()["FileStatus"]["length"])
    assert lengths == [0, 2, 2, 4]


def test_open_returns_existing_bytes(webhdfs):
    """OPEN returns the bytes that exist; an offset at the end or beyond is an error."""
    webhdfs("PUT", "a", "CREATE", b"0123456789", write="true")

    def read(**parameters):
        return webhdfs("GET", "a", "OPEN", read="true", **parameters)

    assert read(offset=3, length=4).content == b"3456"
    assert read(offset=8, length=100).content == b"89"
    assert read(offset=8).content == b"89"
    assert read(length=0).content == b""
    assert read(offset=10).status_code == 403
    assert remote_exception(read(offset=10))["exception"] == "IOException"
    assert read(offset=-1).status_code == 400


def test_pages_carry_a_continuation_token_since_2018_09(webhdfs):
    """The token continues where the page ended; older versions have none."""
    for name in "abc":
        webhdfs("PUT", f"d/{name}", "CREATE", write="true")
    new = {"api-version": "2018-09-01", "listSize": 2}
    page = webhdfs("GET", "d", "LISTSTATUS", **new).json()["FileStatuses"]
    assert [entry["pathSuffix"] for entry in page["FileStatus"]] == ["a", "b"]
    rest = webhdfs("GET", "d", "LISTSTATUS", listAfter=page["continuationToken"], **new).json()
    assert [entry["pathSuffix"] for entry in rest["FileStatuses"]["FileStatus"]] == ["c"]
    assert rest["FileStatuses"]["continuationToken"] == ""
    old = webhdfs("GET", "d", "LISTSTATUS", listBefore="b", **{"api-version": "2018-05-01"}).json()
    assert [entry["pathSuffix"] for entry in old["FileStatuses"].pop("FileStatus")] == ["a"]
    assert old == {"FileStatuses": {}}


def test_names_of_operations_and_parameters_are_in_any_case(webhdfs):
    """The op, the flags and the names of parameters are not case-sensitive."""
    assert webhdfs("PUT", "a", "create", WRITE="True").status_code == 201
    response = webhdfs.session.get(f"{webhdfs.url}/webhdfs/v1/a?OP=getFileStatus")
    assert response.json()["FileStatus"]["type"] == "FILE"


def test_invalid_requests_are_400(webhdfs):
    """Unknown operations, wrong methods and invalid values are errors."""
    webhdfs("PUT", "a", "CREATE", write="true")
    for method, op, parameters in (
        ("GET", "DANCE", {}),
        ("GET", "", {}),
        ("PUT", "CREATE", {"write": "perhaps"}),
        ("POST", "APPEND", {"append": "true", "offset": "1x"}),
        ("POST", "APPEND", {"append": "true", "syncFlag": "SOMETIMES"}),
        ("PUT", "SETPERMISSION", {"permission": "999"}),
        ("PUT", "SETPERMISSION", {}),
        ("PUT", "SETOWNER", {}),
        ("PUT", "SETEXPIRY", {"expiryOption": "Absolute"}),
        ("PUT", "RENAME", {}),
        ("GET", "CHECKACCESS", {"fsaction": "all"}),
        ("POST", "MSCONCAT", {}),
    ):
        response = webhdfs(method, "a", op, **parameters)
        assert (op, response.status_code) == (op, 400)
        assert remote_exception(response)["exception"] == "IllegalArgumentException"
    response = webhdfs("PUT", "a", "OPEN", read="true")
    assert remote_exception(response)["exception"] == "UnsupportedOperationException"


@pytest.mark.parametrize(
    "body", [b'{"sources": 1}', b'{"sources": [1]}', b"{", b'{"sources":[""]}', b"\xff", b"{}"]
)
def test_invalid_list_of_sources(webhdfs, body):
    """An invalid body of MSCONCAT is the client's error."""
    assert webhdfs("POST", "whole", "MSCONCAT", body).status_code in (400, 404)
    assert webhdfs("GET", "whole", "GETFILESTATUS").status_code == 404


def test_the_old_form_of_msconcat_works(webhdfs):
    """Clients before 0.0.20 send a form instead of JSON (recorded: test_concat)."""
    for name in ("a", "b"):
        webhdfs("PUT", f"d/{name}", "CREATE", name.encode(), write="true")
    assert webhdfs("POST", "d/c", "MSCONCAT", b"sources=d/a,d/b").ok
    assert webhdfs("GET", "d/c", "OPEN", read="true").content == b"ab"


def test_set_expiry_is_an_extended_operation_only(webhdfs):
    """SETEXPIRY is under /webhdfsext/, the other operations are not."""
    webhdfs("PUT", "a", "CREATE", write="true")
    query = {"op": "SETEXPIRY", "expiryOption": "NeverExpire"}
    session = webhdfs.session
    assert session.put(f"{webhdfs.url}/webhdfs/v1/a", params=query).status_code == 400
    assert session.put(f"{webhdfs.url}/webhdfsext/a", params=query).status_code == 200
    assert session.get(f"{webhdfs.url}/webhdfsext/a?op=GETFILESTATUS").status_code == 400
    assert session.get(f"{webhdfs.url}/elsewhere/a?op=GETFILESTATUS").status_code == 404


def test_invalid_tokens_are_401(webhdfs, store_azure, people):
    """Missing, foreign, broken, revoked and expired tokens each get a challenge."""
    identity = store_azure.world.identity
    foreign = identity.access_token(
        people["olga"], "https://management.azure.com/", client_id="test", lifetime=60
    )
    good = Token(store_azure, people["olga"]).secret
    carl = Token(store_azure, people["carl"]).secret
    identity.revoke(people["carl"])
    for secret, why in (
        (None, "no 'Authorization'"),
        (foreign, "another resource"),
        (good[:-4] + "AAAA", "invalid signature"),
        ("x", "malformed"),
        (carl, "revoked"),
    ):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        response = requests.get(f"{webhdfs.url}/webhdfs/v1/?op=LISTSTATUS", headers=headers)
        assert response.status_code == 401
        challenge = response.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer authorization_uri="https://login.windows.net/')
        assert 'error="invalid_token"' in challenge
        assert why in challenge
        assert remote_exception(response)["exception"] == "SecurityException"
    identity.accept_again(people["carl"])
    assert webhdfs("GET", "", "LISTSTATUS").ok
    store_azure.clock.advance(3600)
    assert "expired" in webhdfs("GET", "", "LISTSTATUS").headers["WWW-Authenticate"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "../../secret",
        "%2e%2e/%2e%2e/secret",
        "..%2f..%2fsecret",
        "a/../../../secret",
        "%2fetc%2fpasswd/../../secret",
        "secret%00",
        "a%0ab",
    ],
)
def test_hostile_paths_stay_inside(
    webhdfs, store_azure, store_name, people, tmp_path, path, method
):
    """No path reaches the machine's files, or makes the sandbox fail."""
    stores = store_azure.stores.folder
    (stores.parent / "secret").write_text("do not tell")
    before = sorted(stores.parent.rglob("*"))
    op = {"GET": "OPEN&read=true", "PUT": "CREATE&write=true", "DELETE": "DELETE"}[method]
    token = Token(store_azure, people["olga"])
    host = f"{store_name}.azuredatalakestore.net"
    status, body = raw(store_azure, host, f"/webhdfs/v1/{path}?op={op}", token, method)
    assert status == 400
    assert b"Invalid path" in body
    assert (stores.parent / "secret").read_text() == "do not tell"
    assert sorted(stores.parent.rglob("*")) == before


@pytest.mark.parametrize("destination", ["../../secret", "/a/../../b", "a\0b"])
def test_hostile_destinations_and_sources_stay_inside(webhdfs, destination):
    """The paths in parameters are checked as well."""
    webhdfs("PUT", "a", "CREATE", b"1", write="true")
    assert webhdfs("PUT", "a", "RENAME", destination=destination).status_code == 400
    assert webhdfs("POST", "b", "CONCAT", sources=destination).status_code == 400
    assert webhdfs("GET", "a", "OPEN", read="true").content == b"1"


def test_absolute_path_is_a_path_in_the_store(webhdfs, store_azure):
    """An absolute path is a path in the store."""
    assert webhdfs("PUT", "/etc/passwd", "CREATE", b"1", write="true").status_code == 201
    assert webhdfs("GET", "etc/passwd", "OPEN", read="true").content == b"1"


def test_very_deep_folders(webhdfs):
    """A thousand nested folders are created, counted and removed."""
    deep = "/".join("d" * 1000)
    assert webhdfs("PUT", deep, "MKDIRS").json() == {"boolean": True}
    counted = webhdfs("GET", "", "GETCONTENTSUMMARY").json()["ContentSummary"]
    assert counted["directoryCount"] == 1001
    assert webhdfs("DELETE", "d", "DELETE", recursive="true").json() == {"boolean": True}
    assert webhdfs("GET", "", "LISTSTATUS").json()["FileStatuses"]["FileStatus"] == []

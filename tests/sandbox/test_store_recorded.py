"""The store beside what is recorded, or what a client of Microsoft's relies on.

The recordings are those of Azure/azure-data-lake-store-python (``tests/recordings``).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from adls_enduser.sandbox import CONTOSO_ID
from adls_enduser.sandbox.store.operations import OPERATIONS

from .conftest import Token, WebHdfsClient

NOTHING = "0x8309000A"
JAVA = {"api-version": "2018-12-01"}
PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"

# The enum ``Operation`` of azure-data-lake-store-java, and what azure-data-lake-store-net's
# ``Operation`` has besides.
OF_MICROSOFTS_CLIENTS = """
    OPEN GETFILESTATUS MSGETFILESTATUS LISTSTATUS MSLISTSTATUS GETCONTENTSUMMARY GETFILECHECKSUM
    GETACLSTATUS MSGETACLSTATUS CHECKACCESS CREATE MKDIRS RENAME SETOWNER SETPERMISSION SETTIMES
    MODIFYACLENTRIES REMOVEACLENTRIES REMOVEDEFAULTACL REMOVEACL SETACL CREATENONRECURSIVE APPEND
    CONCAT MSCONCAT DELETE CONCURRENTAPPEND SETEXPIRY GETFILEINFO
    ENUMERATEDELETEDITEMS RESTOREDELETEDITEMS
"""


def names(response):
    """Return the names and the continuation token of a listing."""
    listing = response.json()["FileStatuses"]
    found = [one["pathSuffix"] for one in listing["FileStatus"]]
    return found, listing.get("continuationToken")


def listing(webhdfs, version="2018-09-01", **parameters):
    """List the folder ``d``."""
    return names(webhdfs("GET", "d", "LISTSTATUS", **{"api-version": version}, **parameters))


def extended(webhdfs, method, root, path, data=b"", **parameters):
    """Send a request to ``/WebHdfsExt/``, spelled in any way."""
    url = f"{webhdfs.url}/{root}/{path}"
    return webhdfs.session.request(method, url, params=parameters, data=data)


def exception(response):
    """Return the error's name and text."""
    error = response.json()["RemoteException"]
    return error["exception"], error["message"]


def test_operations_that_are_not_played_are_named():
    """docs/sandbox.md names all operations of Microsoft's clients that the sandbox refuses."""
    _, _, stores = PAGE.read_text("utf-8").partition("Data Lake Storage Gen1: the stores")
    text = stores.partition("Not played:")[2].partition("\n\n")[0]
    named = set(text.replace(",", " ").replace(";", " ").replace(".", " ").split())
    names = set(OF_MICROSOFTS_CLIENTS.split())
    assert set(OPERATIONS) <= names
    assert names - set(OPERATIONS) == names & named - {"OPEN", "LISTSTATUS"}


@pytest.mark.parametrize("op", ["GETFILESTATUS", "LISTSTATUS", "GETACLSTATUS"])
def test_object_ids_stay(webhdfs, people, op):
    """``tooid=false`` is ignored, as docs/sandbox.md says; "friendly names" are documented."""
    webhdfs("PUT", "d", "CREATE", write="true")
    assert people["olga"].object_id in webhdfs("GET", "d", op, tooid="false").text


def test_a_token_for_the_service_management_api(store_azure, webhdfs, people):
    """Microsoft's REST article gets its token for management.core.windows.net; no others count."""
    issue = store_azure.world.identity.access_token
    for audience, status in (
        ("https://management.core.windows.net/", 200),
        ("https://management.core.windows.net", 200),
        ("https://management.azure.com/", 401),
        ("https://storage.azure.com/", 401),
    ):
        secret = issue(people["olga"], audience, client_id="test", lifetime=3600)
        headers = {"Authorization": f"Bearer {secret}"}
        url = f"{webhdfs.url}/webhdfs/v1/?op=LISTSTATUS"
        assert requests.get(url, headers=headers, timeout=10).status_code == status


@pytest.mark.parametrize("size", ["10", "9", "5", "1", "0", None])
def test_continuation_tokens(webhdfs, size):
    """A full page has one, also if it is the last: test_ls_batched, 10 of 10."""
    every = [f"123{letter}.txt" for letter in "abcdefghij"]
    for name in every:
        webhdfs("PUT", f"d/{name}", "CREATE", write="true")
    options = {"listSize": size} if size else {}
    found, token = listing(webhdfs, **options)
    pages = 1
    while token:
        more, token = listing(webhdfs, listAfter=token, **options)
        found, pages = found + more, pages + 1
    assert found == every
    assert pages == {"10": 2, "9": 2, "5": 3, "1": 11}.get(size, 1)
    assert listing(webhdfs, "2018-05-01", listSize=10) == (every, None)


def test_the_status_beside_false(webhdfs):
    """RENAME where neither folder exists is 200 with the number of "does not exist": test_errors.

    That every other false has the same number is assumed.
    """
    webhdfs("PUT", "d", "MKDIRS")
    webhdfs("PUT", "f", "CREATE", write="true")
    for method, path, op, parameters in (
        ("PUT", "none/x", "RENAME", {"destination": "/neither/y"}),
        ("PUT", "d", "RENAME", {"destination": "/f"}),
        ("PUT", "d", "RENAME", {"destination": "/d/e"}),
        ("PUT", "", "RENAME", {"destination": "/g"}),
        ("DELETE", "none", "DELETE", {}),
    ):
        response = webhdfs(method, path, op, **parameters)
        assert (response.json(), response.headers["Status"]) == ({"boolean": False}, NOTHING)
    done = webhdfs("PUT", "d", "RENAME", destination="/e")
    assert (done.json(), done.headers["Status"]) == ({"boolean": True}, "0x0")


def test_open_is_chunked(webhdfs):
    """None of the 909 recorded responses to OPEN with bytes has a length."""
    for data in (b"123", b"x" * 3_000_000):
        webhdfs("PUT", "a", "CREATE", data, write="true", overwrite="true")
        response = webhdfs("GET", "a", "OPEN", read="true")
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in response.headers
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.content == data


@pytest.mark.parametrize("data", [b"", b"123"])
def test_open_without_bytes_is_not_chunked(webhdfs, data):
    """As in test_write_empty and test_download_single_empty_file; of a file with data: assumed."""
    webhdfs("PUT", "a", "CREATE", data, write="true")
    response = webhdfs("GET", "a", "OPEN", read="true", offset=0, length=0)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Length"] == "0"
    assert not {"Transfer-Encoding", "Content-Type"} & set(response.headers)


@pytest.mark.parametrize(
    ("offset", "status", "text"), [(0, 200, b"123"), (2, 200, b"3"), (3, 403, b""), (9, 403, b"")]
)
def test_offset_of_open(webhdfs, offset, status, text):
    """At the end of a file or beyond is 403: Hadoop, ``NamenodeWebHdfsMethods.chooseDatanode``."""
    webhdfs("PUT", "a", "CREATE", b"123", write="true")
    response = webhdfs("GET", "a", "OPEN", read="true", offset=offset, length=9)
    assert response.status_code == status
    if status == 403:
        name, message = exception(response)
        assert name == "IOException"
        assert message.startswith(f"Offset={offset} out of the range [0, 3)")
    else:
        assert response.content == text


def test_an_empty_file_can_be_read_anywhere(webhdfs):
    """The same condition spares a file without bytes."""
    webhdfs("PUT", "a", "CREATE", write="true")
    for offset in (0, 1):
        response = webhdfs("GET", "a", "OPEN", read="true", offset=offset)
        assert (response.status_code, response.content) == (200, b"")


def test_sentence_of_setowner(store_azure, webhdfs, people):
    """The operation is spelled out, with two blanks: test_chown and test_chgrp."""
    webhdfs("PUT", "a", "CREATE", write="true")
    webhdfs("PUT", "", "SETPERMISSION", permission="777")
    with Token(store_azure, people["carl"]).signed_session() as session:
        carl = WebHdfsClient(webhdfs.url, session)
        refused = [carl("PUT", "a", "SETOWNER", **{one: CONTOSO_ID}) for one in ("owner", "group")]
    for response in refused:
        _, message = exception(response)
        assert response.status_code == 403
        assert response.headers["Status"] == "0x83090AA2"
        assert message.startswith(
            "Set Owner failed with  failed with error 0x83090aa2 (Forbidden. ACL verification"
        )


def test_getaclstatus(webhdfs):
    """It leaves out what ``permission`` says: azure-sdk-for-net, SetDeleteAclEntry (recorded).

    MSGETACLSTATUS returns all entries: test_acl_management. The default ACL is assumed.
    """

    def acl(op):
        return webhdfs("GET", "d", op).json()["AclStatus"]

    webhdfs("PUT", "d", "MKDIRS")
    assert acl("MSGETACLSTATUS")["entries"] == ["user::rwx", "group::rwx", "other::---"]
    assert acl("GETACLSTATUS")["entries"] == ["group::rwx"]
    named = f"user:{CONTOSO_ID}:rwx"
    webhdfs("PUT", "d", "MODIFYACLENTRIES", aclSpec=f"{named},default:other::r--")
    short, full = acl("GETACLSTATUS"), acl("MSGETACLSTATUS")
    default = ["default:user::rwx", "default:group::rwx", "default:other::r--"]
    assert short.pop("entries") == [named, "group::rwx", *default]
    assert full.pop("entries")[:4] == ["user::rwx", named, "group::rwx", "mask::rwx"]
    assert short == full


@pytest.mark.parametrize("root", ["webhdfsext", "WebHdfsExt", "WEBHDFSEXT"])
def test_root_of_extended_operations(webhdfs, root):
    """In any case: azure-data-lake-store-java sends /WebHdfsExt (``Operation``).

    The version is sent under the usual root only (recorded: all 14 responses of SETEXPIRY).
    """
    webhdfs("PUT", "a", "CREATE", write="true")
    response = extended(webhdfs, "PUT", root, "a", op="SETEXPIRY", expiryOption="NeverExpire")
    assert response.status_code == 200
    assert "x-ms-webhdfs-version" not in response.headers
    usual = webhdfs.session.get(f"{webhdfs.url}/WebHDFS/V1/?op=LISTSTATUS")
    assert usual.ok
    assert "x-ms-webhdfs-version" in usual.headers
    assert webhdfs.session.get(f"{webhdfs.url}/webhdfsextra/?op=LISTSTATUS").status_code == 404


def concurrent_append(webhdfs, path, data=b"", **parameters):
    """Append with CONCURRENTAPPEND, as azure-data-lake-store-java does."""
    query = {"op": "CONCURRENTAPPEND", **parameters}
    return extended(webhdfs, "POST", "WebHdfsExt", path, data, **query)


def test_concurrent_append(webhdfs):
    """azure-sdk-for-net, DataLakeStoreFileSystemConcurrentAppendCreateFile."""
    made = {"appendMode": "autocreate"}
    assert concurrent_append(webhdfs, "d/log").status_code == 404
    for data in (b"1", b"23", b""):
        response = concurrent_append(webhdfs, "d/log", data, **made)
        assert (response.status_code, response.text) == (200, '"Operation succeeded."')
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert webhdfs("GET", "d/log", "OPEN", read="true").content == b"123"
    assert webhdfs("GET", "d/log", "GETFILESTATUS").json()["FileStatus"]["length"] == 3
    wrong = extended(webhdfs, "GET", "WebHdfsExt", "d/log", op="CONCURRENTAPPEND", **made)
    assert wrong.status_code == 400
    assert webhdfs("POST", "d/log", "CONCURRENTAPPEND", b"4").status_code == 400


def test_the_two_kinds_of_append_exclude_each_other(webhdfs):
    """As recorded in azure-sdk-for-net, DataLakeStoreFileSystemNegativeConcurrentAppend."""
    concurrent_append(webhdfs, "log", b"1", appendMode="autocreate")
    webhdfs("PUT", "plain", "CREATE", b"1", write="true")
    for response, begin in (
        (webhdfs("POST", "log", "APPEND", append="true"), "APPEND"),
        (concurrent_append(webhdfs, "plain", b"2"), "concurrentappend"),
    ):
        name, message = exception(response)
        assert (response.status_code, name) == (400, "IllegalArgumentException")
        assert message.startswith(f"{begin} failed with error 0x83090a6f (Bad request. The target")


def test_an_empty_file_takes_both_kinds_of_append(webhdfs):
    """Only data counts: azure-rest-api-specs, FileSystem_Append and FileSystem_ConcurrentAppend.

    The first half is recorded: azure-sdk-for-net, DataLakeStoreFileSystemConcurrentAppendToFile.
    """
    webhdfs("PUT", "created", "CREATE", write="true", syncFlag="DATA")
    assert concurrent_append(webhdfs, "created", b"1").ok
    assert webhdfs("GET", "created", "OPEN", read="true").content == b"1"
    assert webhdfs("POST", "created", "APPEND", b"2", append="true").status_code == 400
    concurrent_append(webhdfs, "appended", appendMode="autocreate")
    assert webhdfs("POST", "appended", "APPEND", b"1", append="true").ok
    assert concurrent_append(webhdfs, "appended", b"2").status_code == 400


def test_concurrent_append_respects_a_lease(webhdfs):
    """``leaseId`` lets in only appends with the same: azure-rest-api-specs, FileSystem_Append."""
    webhdfs("PUT", "a", "CREATE", write="true", leaseid="mine", syncFlag="DATA")
    assert concurrent_append(webhdfs, "a", b"x").status_code == 403
    assert webhdfs("POST", "a", "APPEND", b"1", append="true", leaseid="mine").ok


def test_length_after_concurrent_append(webhdfs):
    """It follows only with a read: Java's live test ``concurrentAppendToExistingFile``.

    DATA is the default (azure-rest-api-specs, FileSystem_ConcurrentAppend), so that .NET's live
    test ``TestConcurrentAppendGetFileStatus`` sends ``getconsistentlength``.
    """

    def length(**parameters):
        status = webhdfs("GET", "log", "GETFILESTATUS", **parameters).json()["FileStatus"]
        return status["length"]

    concurrent_append(webhdfs, "log", b"123", appendMode="autocreate")
    assert (length(), length(getconsistentlength="true"), length()) == (0, 3, 0)
    webhdfs("GET", "log", "OPEN", read="true")
    assert length() == 3


def test_sync_flag_of_concurrent_append(webhdfs):
    """Three values, with APPEND's meaning: azure-rest-api-specs, FileSystem_ConcurrentAppend."""
    lengths = []
    for flag in ("CLOSE", "DATA", "metadata", "DATA"):
        done = concurrent_append(webhdfs, "log", b"1", appendMode="autocreate", syncFlag=flag)
        assert done.ok
        lengths.append(webhdfs("GET", "log", "GETFILESTATUS").json()["FileStatus"]["length"])
    assert lengths == [1, 1, 3, 3]
    wrong = concurrent_append(webhdfs, "new", b"1", appendMode="autocreate", syncFlag="SOMETIMES")
    assert (wrong.status_code, exception(wrong)[0]) == (400, "IllegalArgumentException")
    assert webhdfs("GET", "new", "GETFILESTATUS").status_code == 404


def test_context_id_of_a_file(webhdfs):
    """From 2018-12-01 on, and another for a file that replaces it: Java's ``conditionalDelete``."""

    def context_id():
        return webhdfs("GET", "a", "GETFILESTATUS", **JAVA).json()["FileStatus"]["fileContextID"]

    webhdfs("PUT", "a", "CREATE", write="true")
    first = context_id()
    assert context_id() == first
    [status] = webhdfs("GET", "", "LISTSTATUS", **JAVA).json()["FileStatuses"]["FileStatus"]
    assert status["fileContextID"] == first
    older = webhdfs("GET", "a", "GETFILESTATUS", **{"api-version": "2018-09-01"}).text
    assert "fileContextID" not in older
    webhdfs("PUT", "a", "CREATE", write="true", overwrite="true")
    response = webhdfs("DELETE", "a", "DELETE", fileContextId=first)
    name, message = exception(response)
    assert (name, response.status_code) == ("RuntimeException", 500)
    assert "StreamID mismatch" in message
    assert webhdfs("DELETE", "a", "DELETE", fileContextId=context_id()).json() == {"boolean": True}


@pytest.mark.parametrize("op", ["MSCONCAT", "CONCAT"])
def test_folder_of_the_sources(webhdfs, op):
    """``deleteSourceDirectory`` removes it: azure-sdk-for-net, MsConcatDeleteDir (recorded)."""
    for name in ("s/1", "s/2", "s/3", "s/other"):
        webhdfs("PUT", name, "CREATE", name.encode(), write="true")
    body = json.dumps({"sources": ["s/1"]}).encode()
    kept = webhdfs("POST", "t", op, body, deleteSourceDirectory="false")
    assert kept.status_code == 200
    assert webhdfs("GET", "s", "GETFILESTATUS").ok
    body = json.dumps({"sources": ["s/2", "s/3"]}).encode()
    assert webhdfs("POST", "u", op, body, deleteSourceDirectory="true").ok
    assert webhdfs("GET", "s", "GETFILESTATUS").status_code == 404


def test_folders_of_sources_in_several_folders(webhdfs):
    """They stay: "if all streams are in the same folder" (azure-rest-api-specs, MsConcat)."""
    for name in ("s/1", "s/other", "r/2"):
        webhdfs("PUT", name, "CREATE", name.encode(), write="true")
    body = json.dumps({"sources": ["s/1", "r/2"]}).encode()
    assert webhdfs("POST", "s/t", "MSCONCAT", body, deleteSourceDirectory="true").ok
    assert webhdfs("GET", "s/t", "OPEN", read="true").content == b"s/1r/2"
    assert names(webhdfs("GET", "s", "LISTSTATUS"))[0] == ["other", "t"]
    assert names(webhdfs("GET", "r", "LISTSTATUS"))[0] == []


@pytest.mark.parametrize(
    "host",
    [
        "nostore.azuredatalakestore.net",
        "nolake.blob.core.windows.net",
        "a.b.azuredatalakestore.net",
    ],
)
def test_a_store_that_does_not_exist(store_azure, host):
    """Its name does not resolve, and a proxy that cannot resolve a name says 502 (RFC 9110)."""
    with pytest.raises(requests.exceptions.ProxyError, match="502 Bad Gateway"):
        requests.get(f"https://{host}/webhdfs/v1/?op=LISTSTATUS", timeout=10)
    refused = [one for one in store_azure.log if one.request is None]
    assert (refused[-1].host, refused[-1].status) == (host, 502)


def test_a_store_that_exists_later(store_azure, people):
    """The name resolves as soon as the store is there, and no longer when it is gone."""
    url = "https://latestore.azuredatalakestore.net/webhdfs/v1/?op=LISTSTATUS"
    store_azure.stores.create("latestore", owner=people["olga"])
    assert requests.get(url, timeout=10).status_code == 401
    store_azure.stores.delete("latestore")
    with pytest.raises(requests.exceptions.ProxyError, match="502"):
        requests.get(url, timeout=10)


def test_concurrent_append_without_rights(store_azure, webhdfs, people):
    """Who may not write gets 403, and leaves no file behind, neither listed nor on disk."""
    url = f"{webhdfs.url}/WebHdfsExt/log"
    query = {"op": "CONCURRENTAPPEND", "appendMode": "autocreate"}
    with Token(store_azure, people["carl"]).signed_session() as session:
        assert session.post(url, params=query, data=b"1").status_code == 403
    assert names(webhdfs("GET", "", "LISTSTATUS"))[0] == []
    store = webhdfs.url.removeprefix("https://").partition(".")[0]
    assert list((store_azure.stores.folder / store).iterdir()) == []

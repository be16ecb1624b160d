"""The dfs endpoint: create, append and flush, rename, list, delete."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from .conftest import code, write


def properties(text):
    """Return the names of x-ms-properties."""
    return [pair.partition("=")[0] for pair in text.split(",")]


def test_create_and_describe(dfs):
    """A new file and a new directory, with what Get Properties and getStatus say of them."""
    headers = {"x_ms_properties": "a=MQ==", "x_ms_content_type": "text/css"}
    created = dfs("PUT", "/box/d/f?resource=file", **headers)
    assert created.status_code == 201
    assert created.headers["Content-Length"] == "0"
    found = dfs("HEAD", "/box/d/f").headers
    assert found["ETag"] == created.headers["ETag"]
    assert found["x-ms-resource-type"] == "file"
    assert found["x-ms-properties"] == "a=MQ=="
    assert found["Content-Type"] == "text/css"
    assert found["x-ms-permissions"] == "rw-r-----"
    assert found["x-ms-acl"] == "user::rw-,group::r--,other::---"
    assert found["x-ms-lease-status"] == "unlocked"
    status = dfs("HEAD", "/box/d/f?action=getStatus").headers
    assert "x-ms-properties" not in status
    assert status["x-ms-resource-type"] == "file"
    directory = dfs("HEAD", "/box/d").headers
    assert directory["x-ms-permissions"] == "rwxr-x---"
    assert directory["x-ms-group"] == "$superuser"
    for target in ("/box", "/box/", "/box//"):
        root = dfs("HEAD", target).headers
        assert root["x-ms-resource-type"] == "directory"
        assert (root["x-ms-owner"], root["x-ms-permissions"]) == ("$superuser", "rwxr-x---")


def test_create_again(dfs):
    """A file is replaced, a directory kept; If-None-Match: * replaces neither."""
    write(dfs, "box/d/f", b"old")
    assert dfs("PUT", "/box/d?resource=directory").status_code == 201
    assert dfs("GET", "/box/d/f").content == b"old"
    for target in ("/box/d/f?resource=file", "/box/d?resource=directory"):
        there = dfs("PUT", target, If_None_Match="*")
        assert code(there) == (409, "PathAlreadyExists")
    assert dfs("PUT", "/box/d/f?resource=file").status_code == 201
    assert dfs("GET", "/box/d/f").content == b""
    assert code(dfs("PUT", "/box/d?resource=file")) == (409, "PathConflict")
    assert code(dfs("PUT", "/box/d/f?resource=directory")) == (409, "PathConflict")
    assert code(dfs("PUT", "/box/d/f/g?resource=file")) == (409, "PathConflict")
    assert code(dfs("PUT", "/nobox/f?resource=file")) == (404, "FilesystemNotFound")


def test_append_and_flush(dfs):
    """Nothing is to be read before the flush; pieces may come in any order."""
    dfs("PUT", "/box/f?resource=file")
    assert dfs("PATCH", "/box/f?action=append&position=3", b"def").status_code == 202
    assert dfs("PATCH", "/box/f?action=append&position=0", b"xyz").status_code == 202
    assert dfs("PATCH", "/box/f?action=append&position=0", b"abc").status_code == 202
    assert dfs("GET", "/box/f").content == b""
    before = dfs("HEAD", "/box/f").headers["ETag"]
    done = dfs("PATCH", "/box/f?action=flush&position=6&close=true", x_ms_content_language="de")
    assert done.status_code == 200
    assert done.headers["ETag"] != before
    got = dfs("GET", "/box/f")
    assert (got.content, got.headers["Content-Language"]) == (b"abcdef", "de")
    assert dfs("PATCH", "/box/f?action=append&position=6&flush=true", b"gh").status_code == 202
    assert dfs("GET", "/box/f").content == b"abcdefgh"


def test_what_cannot_be_flushed(dfs):
    """Gaps, wrong positions, and the bytes that a flush leaves out."""
    dfs("PUT", "/box/f?resource=file")
    dfs("PATCH", "/box/f?action=append&position=0", b"abc")
    dfs("PATCH", "/box/f?action=append&position=5", b"fgh")
    for position in (2, 4, 8):
        bad = dfs("PATCH", f"/box/f?action=flush&position={position}")
        assert code(bad) == (400, "InvalidFlushPosition")
    first = dfs("PATCH", "/box/f?action=flush&position=3&retainUncommittedData=true")
    assert first.status_code == 200
    dfs("PATCH", "/box/f?action=append&position=3", b"de")
    assert dfs("PATCH", "/box/f?action=flush&position=8").status_code == 200
    assert dfs("GET", "/box/f").content == b"abcdefgh"
    low = dfs("PATCH", "/box/f?action=append&position=2", b"x")
    assert code(low) == (400, "InvalidQueryParameterValue")
    for target in ("/box/f?action=append", "/box/f?action=flush"):
        assert code(dfs("PATCH", target)) == (400, "MissingRequiredQueryParameter")
    dfs("PATCH", "/box/f?action=append&position=9", b"j")
    assert dfs("PATCH", "/box/f?action=flush&position=8").status_code == 200  # forgets it
    assert code(dfs("PATCH", "/box/f?action=flush&position=10"))[1] == "InvalidFlushPosition"
    assert code(dfs("PATCH", "/box/none?action=append&position=0", b"x")) == (404, "PathNotFound")
    dfs("PUT", "/box/d?resource=directory")
    wrong = dfs("PATCH", "/box/d?action=append&position=0", b"x")
    assert code(wrong) == (409, "ResourceTypeMismatch")
    assert code(dfs("GET", "/box/d")) == (409, "ResourceTypeMismatch")


def test_md5_of_what_is_appended(dfs):
    """A wrong MD5 is refused; a right one is returned."""
    dfs("PUT", "/box/f?resource=file")
    right = "kAFQmDzST7DWlj99KOF/cg=="  # of abc
    good = dfs("PATCH", "/box/f?action=append&position=0", b"abc", Content_MD5=right)
    assert good.headers["Content-MD5"] == right
    bad = dfs("PATCH", "/box/f?action=append&position=3", b"abd", Content_MD5=right)
    assert code(bad) == (400, "Md5Mismatch")


def test_conditions(dfs):
    """Writes and reads obey the conditions."""
    write(dfs, "box/f", b"1")
    tag = dfs("HEAD", "/box/f").headers["ETag"]
    other = {"If_Match": '"0x1"'}
    for method, target in (
        ("PUT", "/box/f?resource=file"),
        ("PATCH", "/box/f?action=flush&position=1"),
        ("PATCH", "/box/f?action=setAccessControl"),
        ("PATCH", "/box/f?action=setProperties"),
        ("DELETE", "/box/f"),
        ("GET", "/box/f"),
        ("HEAD", "/box/f"),
        ("HEAD", "/box/f?action=getAccessControl"),
    ):
        assert code(dfs(method, target, **other)) == (412, "ConditionNotMet")
    assert dfs("GET", "/box/f", If_None_Match=tag).status_code == 304
    assert dfs("PATCH", "/box/f?action=setProperties", If_Match=tag).status_code == 200


def test_set_properties(dfs):
    """Set Properties replaces the metadata."""
    dfs("PUT", "/box/f?resource=file", x_ms_properties="a=MQ==,b=Mg==")
    changed = dfs("PATCH", "/box/f?action=setProperties", x_ms_properties="c=Mw==")
    assert changed.status_code == 200
    assert properties(dfs("HEAD", "/box/f").headers["x-ms-properties"]) == ["c"]


def rename(dfs, source, target, **headers):
    """Rename a path, as azure-storage-file-datalake does."""
    return dfs("PUT", f"{target}?mode=legacy", x_ms_rename_source=quote(source), **headers)


def test_rename(dfs, blob):
    """A rename moves a file, or a directory with all below it, to another filesystem too."""
    blob("PUT", "/other?restype=container")
    write(dfs, "box/d/sub/ä f", b"1")
    assert rename(dfs, "/box/d", "/box/e").status_code == 201
    assert dfs("GET", f"/box/e/sub/{quote('ä f')}").content == b"1"
    assert code(dfs("HEAD", "/box/d")) == (404, "PathNotFound")
    moved = rename(dfs, "/box/e/sub/ä f", "/other/f", x_ms_properties="a=MQ==")
    assert moved.status_code == 201
    assert dfs("HEAD", "/other/f").headers["x-ms-properties"] == "a=MQ=="
    assert rename(dfs, "/other/f", "/other/f").status_code == 201
    blob("DELETE", "/box?restype=container")
    assert dfs("GET", "/other/f").content == b"1"  # it does not depend on where it came from


def test_rename_over_something(dfs):
    """A file and an empty directory are replaced, by their own kind."""
    write(dfs, "box/a", b"a")
    write(dfs, "box/b", b"b")
    there = rename(dfs, "/box/a", "/box/b", If_None_Match="*")
    assert code(there) == (409, "PathAlreadyExists")
    changed = rename(dfs, "/box/a", "/box/b", x_ms_source_if_match='"0x1"')
    assert code(changed) == (412, "SourceConditionNotMet")
    assert rename(dfs, "/box/a", "/box/b").status_code == 201
    assert dfs("GET", "/box/b").content == b"a"
    for name in ("d", "e"):
        dfs("PUT", f"/box/{name}?resource=directory")
    mixed = rename(dfs, "/box/b", "/box/d")
    assert code(mixed) == (409, "InvalidSourceOrDestinationResourceType")
    assert rename(dfs, "/box/d", "/box/e").status_code == 201
    write(dfs, "box/full/f")
    assert code(rename(dfs, "/box/e", "/box/full")) == (409, "PathAlreadyExists")


def test_what_cannot_be_renamed(dfs):
    """Nothing, into itself, to nowhere."""
    write(dfs, "box/d/f")
    for source in ("/box/none", "/nobox/f"):
        assert code(rename(dfs, source, "/box/x")) == (404, "SourcePathNotFound")
    assert code(rename(dfs, "/box/d", "/box/d/e")) == (409, "InvalidRenameSourcePath")
    nowhere = rename(dfs, "/box/d", "/box/no/x")
    assert code(nowhere) == (404, "RenameDestinationParentPathNotFound")
    assert code(rename(dfs, "/box/d", "/box/d/f/x"))[0] == 409
    assert code(rename(dfs, "/box/", "/box/x")) == (400, "InvalidSourceUri")
    assert code(rename(dfs, "/box/d", "/box/")) == (409, "InvalidDestinationPath")
    assert dfs("GET", "/box/d/f").content == b"1"


def test_delete(dfs):
    """A directory that is not empty needs recursive=true."""
    write(dfs, "box/d/sub/f")
    assert code(dfs("DELETE", "/box/d")) == (409, "DirectoryNotEmpty")
    assert code(dfs("DELETE", "/box/d?recursive=false")) == (409, "DirectoryNotEmpty")
    assert code(dfs("DELETE", "/box/d?recursive=x")) == (400, "InvalidQueryParameterValue")
    assert dfs("DELETE", "/box/d?recursive=true").status_code == 200
    assert code(dfs("DELETE", "/box/d?recursive=true")) == (404, "PathNotFound")
    assert code(dfs("DELETE", "/box/")) == (400, "InvalidUri")


def paths(dfs, query=""):
    """Return the names in one page, and the token of the next."""
    response = dfs("GET", f"/box?resource=filesystem{query}")
    names = [one["name"] for one in response.json()["paths"]]
    return names, response.headers.get("x-ms-continuation")


@pytest.fixture
def filled(dfs):
    """Fill the filesystem with files and directories."""
    for path in ("a", "d/sub/x", "d/y", "d-2/z"):
        write(dfs, f"box/{path}", path.encode())
    return dfs


def test_list(filled):
    """A directory's items, or all below it."""
    assert paths(filled, "&recursive=false")[0] == ["a", "d", "d-2"]
    every = ["a", "d", "d/sub", "d/sub/x", "d/y", "d-2", "d-2/z"]
    assert paths(filled, "&recursive=true")[0] == every
    assert paths(filled, "&recursive=false&directory=d")[0] == ["d/sub", "d/y"]
    assert paths(filled, "&recursive=true&directory=d/")[0] == ["d/sub", "d/sub/x", "d/y"]
    for missing in ("none", "a"):
        response = filled("GET", f"/box?resource=filesystem&directory={missing}")
        assert code(response) == (404, "PathNotFound")
    items = filled("GET", "/box?resource=filesystem&recursive=true&upn=true").json()["paths"]
    found = {one["name"]: one for one in items}
    assert found["d"]["isDirectory"] == "true"
    assert found["d/y"]["contentLength"] == "3"
    assert "isDirectory" not in found["d/y"]
    assert found["d/y"]["owner"] == "olga@contoso.com"
    assert found["d/y"]["permissions"] == "rw-r-----"
    assert found["d/y"]["etag"].startswith("0x")
    assert found["d/y"]["creationTime"].isdigit()


@pytest.mark.parametrize("query", ["&recursive=true", "&recursive=false", "&directory=d"])
@pytest.mark.parametrize("size", [1, 2])
def test_list_in_pages(filled, query, size):
    """The pages, one after the other, are the whole list."""
    whole, _ = paths(filled, query)
    found, token = paths(filled, f"{query}&maxResults={size}")
    while token:
        page, token = paths(filled, f"{query}&maxResults={size}&continuation={quote(token)}")
        assert len(page) <= size
        found += page
    assert found == whole
    bad = filled("GET", "/box?resource=filesystem&continuation=%C3")
    assert code(bad) == (400, "InvalidQueryParameterValue")

"""Permissions and access control lists, of one path and recursively."""

from __future__ import annotations

import pytest

from .conftest import BLOCK, TEAM, code, write

FORBIDDEN = (403, "AuthorizationPermissionMismatch")


def acl(endpoint, path, query=""):
    """Return the access control list of a path."""
    return endpoint("HEAD", f"/box/{path}?action=getAccessControl{query}").headers["x-ms-acl"]


@pytest.fixture
def bea(lake, people):
    """Return the dfs endpoint as a person who has no role but is in a team."""
    return lake.endpoint("dfs", people["bea"])


@pytest.fixture
def shared(dfs):
    """Create a directory in which the team has all permissions, below a root that all may enter."""
    dfs("PATCH", "/box/?action=setAccessControl", x_ms_permissions="rwxr-x--x")
    entries = f"user::rwx,group::r-x,other::---,group:{TEAM}:rwx"
    dfs("PUT", "/box/shared?resource=directory", x_ms_acl=entries)


def test_modes_and_umasks(dfs):
    """The mode less the umask; octal digits or letters; the sticky bit."""
    for headers, expected in (
        ({}, "rw-r-----"),
        ({"x_ms_permissions": "0777"}, "rwxr-x---"),
        ({"x_ms_permissions": "0777", "x_ms_umask": "0000"}, "rwxrwxrwx"),
        ({"x_ms_permissions": "0777", "x_ms_umask": "0057"}, "rwx-w----"),
        ({"x_ms_permissions": "rwxrwxrwt", "x_ms_umask": "0000"}, "rwxrwxrwt"),
    ):
        kind = "directory" if expected.endswith("t") else "file"
        assert dfs("PUT", f"/box/x?resource={kind}", **headers).status_code == 201
        assert dfs("HEAD", "/box/x").headers["x-ms-permissions"] == expected
        dfs("DELETE", "/box/x")
    for bad in ("99", "rwx", "rwxrwxrwxrwx", "abc"):
        response = dfs("PUT", "/box/x?resource=file", x_ms_permissions=bad)
        assert code(response) == (400, "InvalidHeaderValue")


def test_set_access_control(dfs, people):
    """Permissions, owner, group; a whole list replaces the old one, with its defaults."""
    bea, carl = people["bea"], people["carl"]
    dfs("PUT", "/box/d?resource=directory")
    target = "/box/d?action=setAccessControl"
    assert dfs("PATCH", target, x_ms_permissions="1750").status_code == 200
    assert dfs("HEAD", "/box/d").headers["x-ms-permissions"] == "rwxr-x--T"
    owner = {"x_ms_owner": bea.username, "x_ms_group": TEAM}
    assert dfs("PATCH", target, **owner).status_code == 200
    headers = dfs("HEAD", "/box/d").headers
    assert (headers["x-ms-owner"], headers["x-ms-group"]) == (bea.object_id, TEAM)
    assert dfs("HEAD", "/box/d?upn=true").headers["x-ms-owner"] == bea.username
    entries = f"user::rwx,group::r-x,other::---,user:{carl.object_id}:rwx,default:user::r-x"
    dfs("PATCH", target, x_ms_acl=entries)
    expected = (
        f"user::rwx,user:{carl.object_id}:rwx,group::r-x,mask::rwx,other::---,"
        "default:user::r-x,default:group::r-x,default:other::---"
    )
    assert acl(dfs, "d") == expected
    assert acl(dfs, "d", "&upn=true") == expected.replace(carl.object_id, carl.username)
    assert dfs("HEAD", "/box/d").headers["x-ms-permissions"] == "rwxrwx--T+"
    dfs("PATCH", target, x_ms_acl="user::rwx,group::r-x,other::---")
    assert acl(dfs, "d") == "user::rwx,group::r-x,other::---"


def test_lists_that_cannot_be(dfs):
    """A wrong entry, one without the base, both kinds at once, defaults on a file."""
    write(dfs, "box/f")
    target = "/box/f?action=setAccessControl"
    base = "user::rwx,group::r-x,other::---"
    many = ",".join(f"user:aaaaaaaa-0000-4000-8000-{number:012}:r--" for number in range(32))
    for bad in ("nonsense", "user::rwx", f"{base},default:{base}", f"{base},{many}"):
        assert code(dfs("PATCH", target, x_ms_acl=bad)) == (400, "InvalidInput")
    both = dfs("PATCH", target, x_ms_acl=base, x_ms_permissions="0750")
    assert code(both) == (400, "InvalidInput")
    assert acl(dfs, "f") == "user::rw-,group::r--,other::---"


def test_who_may_do_what(dfs, bea, blob, lake, people, shared):
    """Each permission counts, on both endpoints; ownership comes with creation."""
    write(dfs, "box/shared/olgas")
    bea_blob = lake.endpoint("blob", people["bea"])
    write(bea, "box/shared/beas", b"2")
    assert bea("HEAD", "/box/shared/beas").headers["x-ms-owner"] == people["bea"].object_id
    assert bea("GET", "/box?resource=filesystem&directory=shared").status_code == 200
    assert bea("GET", "/box/shared/beas").content == b"2"
    assert code(bea("GET", "/box/shared/olgas")) == FORBIDDEN
    assert bea("HEAD", "/box/shared/olgas").status_code == 200  # entering is enough
    for response in (
        bea_blob("GET", "/box/shared/olgas"),
        bea_blob("PUT", "/box/shared/olgas", b"3", **BLOCK),
        bea_blob("PUT", "/box/new", b"3", **BLOCK),
        bea("PATCH", "/box/shared/olgas?action=append&position=1", b"3"),
        bea("PATCH", "/box/shared/olgas?action=setAccessControl", x_ms_permissions="0777"),
        bea(
            "PATCH", "/box/shared/beas?action=setAccessControl", x_ms_owner=people["carl"].username
        ),
        bea("PUT", "/box/shared/new?resource=file", x_ms_owner=people["carl"].username),
        bea("PUT", "/box/new?resource=file"),
        bea("GET", "/box?resource=filesystem&recursive=false"),
        bea_blob("GET", "/box?restype=container&comp=list"),
        bea("PUT", "/box/new", x_ms_rename_source="/box/shared/beas"),
    ):
        assert code(response) == FORBIDDEN
    assert bea_blob("GET", "/box?restype=container&comp=list&prefix=shared/").status_code == 200
    permissions = {"x_ms_permissions": "0700"}
    assert bea("PATCH", "/box/shared/beas?action=setAccessControl", **permissions).ok
    assert bea("PATCH", "/box/shared/beas?action=setAccessControl", x_ms_group=TEAM).ok
    assert bea("DELETE", "/box/shared/olgas").ok  # to delete, the directory's bits count
    assert blob("HEAD", "/box/shared/olgas").status_code == 404


def test_nobody_without_rights(dfs, lake, people):
    """A person without a role and without an entry gets 403 for everything."""
    write(dfs, "box/d/f")
    carl = lake.endpoint("dfs", people["carl"])
    for method, target, headers in (
        ("HEAD", "/box/d/f", {}),
        ("GET", "/box/d/f", {}),
        ("PUT", "/box/d/g?resource=file", {}),
        ("PUT", "/box/d?resource=directory", {}),
        ("PUT", "/box/g", {"x_ms_rename_source": "/box/d/f"}),
        ("PATCH", "/box/d/f?action=append&position=1", {}),
        ("PATCH", "/box/d/f?action=flush&position=1", {}),
        ("PATCH", "/box/d/f?action=setAccessControl", {"x_ms_permissions": "0777"}),
        ("PATCH", "/box/d?action=setAccessControlRecursive&mode=set", {"x_ms_acl": "other::rwx"}),
        ("HEAD", "/box/d/f?action=getAccessControl", {}),
        ("POST", "/box/d/f", {"x_ms_lease_action": "break"}),
        ("DELETE", "/box/d?recursive=true", {}),
    ):
        assert code(carl(method, target, **headers)) == FORBIDDEN
    assert dfs("GET", "/box/d/f").content == b"1"


def test_sticky_directories(dfs, bea, shared):
    """In a sticky directory only an item's owner removes it."""
    write(dfs, "box/shared/olgas")
    write(bea, "box/shared/beas")
    dfs("PATCH", "/box/shared?action=setAccessControl", x_ms_permissions="1770")
    assert code(bea("DELETE", "/box/shared/olgas")) == FORBIDDEN
    assert bea("DELETE", "/box/shared/beas").status_code == 200


def test_a_recursive_delete_needs_every_directory(dfs, bea, shared):
    """One closed directory below stops it before anything is deleted."""
    write(bea, "box/shared/a/f")
    dfs("PUT", "/box/shared/a/closed?resource=directory")
    assert code(bea("DELETE", "/box/shared/a?recursive=true")) == FORBIDDEN
    assert dfs("GET", "/box/shared/a/f").content == b"1"


def test_defaults_are_inherited(dfs, people):
    """A new item gets its directory's default list; only directories hand it on."""
    oid = people["bea"].object_id
    entries = "user::rwx,group::r-x,other::---"
    default = f"default:user::rwx,default:user:{oid}:r-x,default:group::r-x,default:other::---"
    dfs("PUT", "/box/in?resource=directory", x_ms_acl=f"{entries},{default}")
    write(dfs, "box/in/sub/f")
    assert f"default:user:{oid}:r-x" in acl(dfs, "in/sub")
    assert f"user:{oid}:r-x" in acl(dfs, "in/sub/f")
    assert "default" not in acl(dfs, "in/sub/f")


def test_check_access(dfs, bea, shared):
    """CheckAccess is 200 for granted permissions and 403 for others."""
    target = "/box/shared?action=checkAccess&fsAction="
    assert bea("HEAD", f"{target}rwx").status_code == 200
    assert code(bea("HEAD", "/box/?action=checkAccess&fsAction=r--")) == FORBIDDEN
    assert code(bea("HEAD", f"{target}abc"))[0] == 400


def recursive(endpoint, mode, entries, query="", path="d"):
    """Change the lists below a directory, and return the response."""
    target = f"/box/{path}?action=setAccessControlRecursive&mode={mode}{query}"
    return endpoint("PATCH", target, x_ms_acl=entries)


@pytest.fixture
def deep(dfs):
    """Create a directory with two directories and two files below it."""
    write(dfs, "box/d/a/f")
    write(dfs, "box/d/b/g")


def test_recursive_changes(dfs, people, deep):
    """Set, modify and remove; defaults go to directories only."""
    oid = people["carl"].object_id
    done = recursive(dfs, "modify", f"user:{oid}:rw-,default:user:{oid}:r--").json()
    assert done == {
        "directoriesSuccessful": 3,
        "filesSuccessful": 2,
        "failureCount": 0,
        "failedEntries": [],
    }
    for path in ("d", "d/a", "d/b"):
        assert f",user:{oid}:rw-," in acl(dfs, path)
        assert f"default:user:{oid}:r--" in acl(dfs, path)
    assert f",user:{oid}:rw-," in acl(dfs, "d/a/f")
    assert recursive(dfs, "remove", f"user:{oid},default:user:{oid}").ok
    assert oid not in acl(dfs, "d/b") + acl(dfs, "d/b/g")
    assert recursive(dfs, "set", "user::rwx,group::---,other::---").ok
    assert acl(dfs, "d/b/g") == "user::rwx,group::---,other::---"
    assert "default" not in acl(dfs, "d/b")
    assert recursive(dfs, "set", "user::rwx,group::---,other::r--", path="d/a/f").ok
    assert acl(dfs, "d/a/f") == "user::rwx,group::---,other::r--"


def test_recursive_changes_in_batches(dfs, deep):
    """Batches, with a token from one to the next, change everything once."""
    counts, token = [], ""
    for _ in range(10):
        response = recursive(
            dfs, "set", "user::rwx,group::---,other::---", f"&maxRecords=2&continuation={token}"
        )
        body = response.json()
        counts.append((body["directoriesSuccessful"], body["filesSuccessful"]))
        token = response.headers.get("x-ms-continuation", "")
        if not token:
            break
    assert counts == [(2, 0), (1, 1), (0, 1)]


def test_recursive_changes_that_fail(dfs, bea, people, deep):
    """The first failure ends the batch, unless the flag says to go on."""
    dfs("PATCH", "/box/?action=setAccessControl", x_ms_permissions="rwxr-xr-x")
    for path in ("d", "d/a", "d/a/f", "d/b"):
        dfs("PATCH", f"/box/{path}?action=setAccessControl", x_ms_owner=people["bea"].object_id)
    dfs("PATCH", "/box/d/a?action=setAccessControl", x_ms_owner=people["carl"].object_id)
    entries = "user::rwx,group::---,other::---"
    stopped = recursive(bea, "set", entries)
    assert "x-ms-continuation" not in stopped.headers
    body = stopped.json()
    assert (body["directoriesSuccessful"], body["failureCount"]) == (1, 1)
    assert body["failedEntries"][0]["name"] == "d/a"
    assert body["failedEntries"][0]["type"] == "DIRECTORY"
    body = recursive(bea, "set", entries, "&forceFlag=true").json()
    assert (body["directoriesSuccessful"], body["filesSuccessful"]) == (2, 1)
    assert [one["name"] for one in body["failedEntries"]] == ["d/a", "d/b/g"]
    assert code(recursive(dfs, "x", entries)) == (400, "InvalidQueryParameterValue")
    assert code(recursive(dfs, "", entries)) == (400, "MissingRequiredQueryParameter")
    assert code(recursive(dfs, "set", "x")) == (400, "InvalidInput")

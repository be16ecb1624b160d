"""OneLake: workspaces and items that only Fabric creates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import BLOCK, Lake, code, write, xml

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

LAKEHOUSE = "sales.Lakehouse"


@pytest.fixture
def onelake(storage_azure: Sandbox):
    """Create a workspace with a lakehouse."""
    storage_azure.storage.create_workspace("My Workspace", LAKEHOUSE)
    found = Lake(storage_azure, "onelake", "fabric.microsoft.com")
    yield found
    found.close()


@pytest.fixture
def files():
    """Return the address of the lakehouse's files."""
    return f"My%20Workspace/{LAKEHOUSE}/Files"


def test_read_and_write(onelake, people, files):
    """Below the managed folders everything is as in any account."""
    dfs, blob = (onelake.endpoint(kind, people["olga"]) for kind in ("dfs", "blob"))
    write(dfs, f"{files}/a/f", b"1")
    assert blob("GET", f"/{files}/a/f").content == b"1"
    assert blob("PUT", f"/{files}/g", b"2", **BLOCK).status_code == 201
    listed = xml(blob("GET", f"/My%20Workspace?restype=container&comp=list&prefix={LAKEHOUSE}/F"))
    names = [one.text for one in listed.iter("Name")]
    start = f"{LAKEHOUSE}/Files"
    assert names == [start, f"{start}/a", f"{start}/a/f", f"{start}/g"]
    moved = dfs("PUT", f"/{files}/b", x_ms_rename_source=f"/{files}/a")
    assert moved.status_code == 201
    assert dfs("DELETE", f"/{files}/b?recursive=true").status_code == 200
    assert dfs("HEAD", f"/My%20Workspace/{LAKEHOUSE}/Tables").status_code == 200


def test_what_is_fabrics(onelake, people, files):
    """Workspaces, items and their first folders cannot be made, renamed or removed."""
    dfs, blob = (onelake.endpoint(kind, people["olga"]) for kind in ("dfs", "blob"))
    workspace, item = "/My%20Workspace", f"/My%20Workspace/{LAKEHOUSE}"
    for response in (
        dfs("PUT", "/new?resource=filesystem"),
        dfs("DELETE", f"{workspace}?resource=filesystem"),
        blob("PUT", "/new?restype=container"),
        dfs("PUT", f"{workspace}/other.Lakehouse?resource=directory"),
        dfs("DELETE", f"{item}?recursive=true"),
        dfs("DELETE", f"/{files}?recursive=true"),
        dfs("PUT", f"{item}/More?resource=directory"),
        dfs("PUT", f"/{files}/x", x_ms_rename_source=f"{item}/Tables"),
        blob("PUT", f"{item}/file", b"1", **BLOCK),
    ):
        assert code(response) == (403, "AuthorizationPermissionMismatch")
    missing = dfs("PUT", f"{workspace}/none.Lakehouse/Files/x?resource=file")
    assert code(missing) == (404, "PathNotFound")


def test_access_control_is_fabrics(onelake, people, files):
    """Permissions cannot be set; such headers are ignored, and named."""
    dfs = onelake.endpoint("dfs", people["olga"])
    for action in ("setAccessControl", "setAccessControlRecursive&mode=set"):
        response = dfs("PATCH", f"/{files}/x?action={action}", x_ms_acl="other::rwx")
        assert code(response) == (400, "UnsupportedQueryParameter")
    created = dfs("PUT", f"/{files}/x?resource=file", x_ms_owner="me", x_ms_permissions="0777")
    assert created.status_code == 201
    assert created.headers["x-ms-rejected-headers"] == "x-ms-owner,x-ms-permissions"
    headers = dfs("HEAD", f"/{files}/x?action=getAccessControl").headers
    assert (headers["x-ms-owner"], headers["x-ms-permissions"]) == ("$superuser", "---------")


def test_hosts(storage_azure, onelake, people, files):
    """Regions have host names too; other names of the suffix are none of storage's."""
    regional = Lake(storage_azure, "westus-onelake", "fabric.microsoft.com")
    endpoint = regional.endpoint("dfs", people["olga"])
    assert endpoint("HEAD", f"/{files}").status_code == 200
    regional.close()
    assert not storage_azure.storage.serves("api.fabric.microsoft.com")
    assert not storage_azure.storage.serves("mylake.dfs.fabric.microsoft.com")
    assert not storage_azure.storage.serves("mylake.queue.core.windows.net")
    assert not storage_azure.storage.serves("blob.core.windows.net")
    refused = onelake.endpoint("dfs", people["olga"])("HEAD", f"/{files}", Authorization=None)
    assert "resource_id=https://storage.azure.com" in refused.headers["WWW-Authenticate"]


def test_a_person_without_a_role(onelake, people, files):
    """Who has no role in Fabric sees nothing."""
    carl = onelake.endpoint("dfs", people["carl"])
    assert code(carl("HEAD", f"/{files}")) == (403, "AuthorizationPermissionMismatch")

"""Permissions in a store, through the real azure-datalake-store."""

from __future__ import annotations

import pytest
from azure.datalake.store.exceptions import (
    DatalakeRESTException,
    PermissionError,  # noqa: A004 - the SDK's own class of that name
)

from .conftest import TEAM


def write(fs, path, data=b"1"):
    """Write a whole file."""
    with fs.open(path, "wb") as file:
        file.write(data)


@pytest.fixture
def bea(sign_in):
    """Open the store as a person who owns nothing but is in a team."""
    return sign_in("bea")


@pytest.fixture
def shared(fs, people):
    """Create a folder in which the team has all permissions, in a root that everybody may enter."""
    fs.chmod("/", "771")
    fs.mkdir("shared")
    fs.modify_acl_entries("shared", f"group:{TEAM}:rwx")
    return "shared"


def entries(fs, path):
    """Return the entries of both ACLs."""
    return fs.get_acl_status(path)["entries"]


def test_without_rights_everything_is_denied(fs, bea):
    """Without a role and without an entry every operation is denied, and has no effect."""
    write(fs, "file")
    for act in (
        lambda: bea.ls("/"),
        lambda: bea.info("file"),
        lambda: bea.cat("file"),
        lambda: bea.mkdir("folder"),
        lambda: bea.touch("new"),
        lambda: bea.rm("file"),
        lambda: bea.mv("file", "other"),
        lambda: bea.chmod("/", "777"),
        lambda: bea.set_expiry("file", "RelativeToNow", 1),
        lambda: bea.concat("whole", ["file"]),
    ):
        with pytest.raises(PermissionError):
            act()
    assert fs.ls("/") == ["file"]
    assert fs.cat("file") == b"1"


def test_entry_for_a_group(fs, bea, sign_in, shared):
    """The team's members can work in the folder; other persons cannot."""
    write(bea, "shared/file", b"by bea")
    assert bea.cat("shared/file") == b"by bea"
    info = fs.info("shared/file")
    assert info["owner"] != fs.info("shared")["owner"]
    assert info["group"] == fs.info("shared")["group"]
    with pytest.raises(PermissionError):
        sign_in("carl").ls("shared")


def test_each_folder_on_the_way_must_be_enterable(fs, bea, shared):
    """Permissions on a file are useless below a folder that cannot be entered."""
    write(bea, "shared/file")
    fs.chmod("/", "770")
    with pytest.raises(PermissionError):
        bea.cat("shared/file")
    fs.modify_acl_entries("/", f"group:{TEAM}:--x")
    assert bea.cat("shared/file") == b"1"
    with pytest.raises(PermissionError):
        bea.ls("/")


def test_reading_and_writing_need_their_own_bits(fs, bea, shared, people):
    """To OPEN needs r, to APPEND w, and to delete neither."""
    oid = people["bea"].object_id
    write(fs, "shared/file", b"1")
    fs.modify_acl_entries("shared/file", f"user:{oid}:r--")
    assert bea.cat("shared/file") == b"1"
    with pytest.raises(PermissionError):
        bea.azure.call("APPEND", "shared/file", data=b"2", append="true")
    fs.modify_acl_entries("shared/file", f"user:{oid}:-w-")
    bea.azure.call("APPEND", "shared/file", data=b"2", append="true")
    with pytest.raises(PermissionError):
        bea.azure.call("OPEN", "shared/file", read="true")
    fs.modify_acl_entries("shared/file", f"user:{oid}:---")
    bea.rm("shared/file")
    assert not fs.exists("shared/file")


def test_check_access_says_what_an_operation_would(fs, bea, people):
    """CHECKACCESS is 200 for granted permissions and 403 for others."""
    fs.chmod("/", "771")
    write(fs, "file")
    fs.modify_acl_entries("file", f"user:{people['bea'].username}:r-x")
    bea.azure.call("CHECKACCESS", "file", fsaction="r-x")
    bea.azure.call("CHECKACCESS", "file", fsaction="---")
    with pytest.raises(PermissionError):
        bea.azure.call("CHECKACCESS", "file", fsaction="rw-")
    fs.azure.call("CHECKACCESS", "file", fsaction="rwx")


def test_the_mask_limits_the_team(fs, bea, shared):
    """A chmod limits the named entries without changing them."""
    fs.chmod("shared", "751")
    assert f"group:{TEAM}:rwx" in entries(fs, "shared")
    assert "mask::r-x" in entries(fs, "shared")
    write(fs, "shared/file")
    assert bea.ls("shared") == ["shared/file"]
    with pytest.raises(PermissionError):
        bea.touch("shared/new")


def test_permissions_are_changed_by_the_owner_alone(fs, bea, sign_in, shared):
    """Only the owner and super-users can chmod, not a person with rwx."""
    write(fs, "shared/olgas")
    write(bea, "shared/beas")
    bea.chmod("shared/beas", "700")
    fs.chmod("shared/beas", "740")
    for act in (
        lambda: bea.chmod("shared/olgas", "777"),
        lambda: bea.modify_acl_entries("shared/olgas", f"group:{TEAM}:rwx"),
        lambda: bea.remove_acl("shared/olgas"),
    ):
        with pytest.raises(PermissionError):
            act()
    assert fs.info("shared/beas")["permission"] == "740"


def test_owners_are_changed_by_super_users_and_groups_by_members(fs, bea, shared, people):
    """Only super-users change the owner; an owner may change the group to one of theirs."""
    carl = people["carl"].object_id
    write(bea, "shared/file")
    bea.chown("shared/file", group=TEAM)
    assert fs.info("shared/file")["group"] == TEAM
    for act in (
        lambda: bea.chown("shared/file", group=carl),
        lambda: bea.chown("shared/file", owner=carl),
    ):
        with pytest.raises(PermissionError):
            act()
    fs.chown("shared/file", owner=carl, group=carl)
    info = fs.info("shared/file")
    assert (info["owner"], info["group"]) == (carl, carl)


def test_sticky_bit(fs, bea, shared):
    """In a sticky folder only an item's owner and super-users remove or rename it."""
    write(fs, "shared/olgas")
    write(bea, "shared/beas")
    fs.chmod("shared", "1777")
    status = fs.get_acl_status("shared")
    assert (status["permission"], status["stickyBit"]) == ("1777", True)
    for act in (
        lambda: bea.rm("shared/olgas"),
        lambda: bea.mv("shared/olgas", "shared/mine"),
        lambda: bea.azure.call("CREATE", "shared/olgas", write="true", overwrite="true"),
    ):
        with pytest.raises(PermissionError):
            act()
    bea.rm("shared/beas")
    fs.chmod("shared", "777")
    bea.rm("shared/olgas")
    assert fs.ls("shared") == []


def test_a_recursive_delete_needs_every_folder(fs, bea, shared):
    """One closed subfolder stops a recursive delete before anything is deleted."""
    write(bea, "shared/a/b/file")
    fs.mkdir("shared/a/closed")
    with pytest.raises(PermissionError):
        bea.rm("shared/a", recursive=True)
    assert fs.exists("shared/a/b/file")
    fs.rm("shared/a/closed")
    bea.rm("shared/a", recursive=True)
    assert not fs.exists("shared/a")


def test_a_concat_that_may_not_delete_the_folder_moves_nothing(fs, bea, shared):
    """The permission to remove the sources' folder is checked before any source is moved."""
    write(bea, "shared/pieces/one")
    fs.mkdir("shared/pieces/closed")
    with pytest.raises(PermissionError):
        bea.concat("shared/whole", ["shared/pieces/one"], delete_source=True)
    assert fs.cat("shared/pieces/one") == b"1"
    assert not fs.exists("shared/whole")
    bea.concat("shared/whole", ["shared/pieces/one"])
    assert bea.cat("shared/whole") == b"1"


def test_new_items_inherit_the_default_acl(fs, bea, people):
    """Folders and files inherit it; only folders keep it as default; others get nothing."""
    oid = people["bea"].object_id
    fs.chmod("/", "771")
    fs.mkdir("inbox")
    fs.modify_acl_entries("inbox", f"user:{oid}:r-x,default:user:{oid}:r-x,default:other::rwx")
    write(fs, "inbox/sub/file")
    assert f"user:{oid}:r-x" in entries(fs, "inbox/sub/file")
    assert "other::---" in entries(fs, "inbox/sub/file")
    assert not any(entry.startswith("default:") for entry in entries(fs, "inbox/sub/file"))
    assert f"default:user:{oid}:r-x" in entries(fs, "inbox/sub")
    assert bea.cat("inbox/sub/file") == b"1"
    fs.remove_default_acl("inbox")
    write(fs, "inbox/later")
    assert entries(fs, "inbox/later") == ["user::rwx", "group::rwx", "other::---"]
    with pytest.raises(PermissionError):
        bea.azure.call("OPEN", "inbox/later", read="true")


def test_every_acl_operation(fs, people):
    """Set, modify, remove an entry, remove all, remove the default: as recorded."""
    oid = people["carl"].object_id
    fs.mkdir("folder")
    fs.set_acl("folder", f"user::rwx,group::rwx,other::---,user:{oid}:rwx")
    full = ["user::rwx", f"user:{oid}:rwx", "group::rwx", "mask::rwx", "other::---"]
    assert entries(fs, "folder") == full
    fs.modify_acl_entries("folder", f"user:{oid}:-w-,default:user:{oid}:r--")
    assert entries(fs, "folder") == [
        "user::rwx",
        f"user:{oid}:-w-",
        "group::rwx",
        "mask::rwx",
        "other::---",
        "default:user::rwx",
        f"default:user:{oid}:r--",
        "default:group::rwx",
        "default:mask::rwx",
        "default:other::---",
    ]
    fs.remove_acl_entries("folder", f"user:{oid},default:user:{oid}")
    assert not any(oid in entry for entry in entries(fs, "folder"))
    assert fs.info("folder")["aclBit"] is True
    fs.remove_acl("folder")
    assert entries(fs, "folder")[:3] == ["user::rwx", "group::rwx", "other::---"]
    assert "default:mask::rwx" in entries(fs, "folder")
    fs.remove_default_acl("folder")
    assert entries(fs, "folder") == ["user::rwx", "group::rwx", "other::---"]
    assert fs.info("folder")["aclBit"] is False


def test_setting_one_scope_keeps_the_other(fs, people):
    """SETACL with default entries only keeps the access ACL, and vice versa."""
    oid = people["carl"].object_id
    fs.mkdir("folder")
    fs.set_acl("folder", f"default:user:{oid}:r-x")
    assert entries(fs, "folder")[:3] == ["user::rwx", "group::rwx", "other::---"]
    assert f"default:user:{oid}:r-x" in entries(fs, "folder")
    fs.set_acl("folder", "user::r--,group::---,other::---")
    assert entries(fs, "folder")[0] == "user::r--"
    assert f"default:user:{oid}:r-x" in entries(fs, "folder")


def test_invalid_acl_changes_nothing(fs, people):
    """Invalid entries, a default on a file, and too many entries leave the ACL unchanged."""
    oid = people["carl"].object_id
    write(fs, "file")
    many = ",".join(f"user:aaaaaaaa-0000-4000-8000-{number:012}:r--" for number in range(30))
    before = entries(fs, "file")
    for act in (
        lambda: fs.modify_acl_entries("file", f"mask:{oid}:rwx"),
        lambda: fs.modify_acl_entries("file", f"user:{oid}:rwx,default:user:{oid}:rwx"),
        lambda: fs.modify_acl_entries("file", many),
        lambda: fs.set_acl("file", f"user:{oid}:rwx"),
        lambda: fs.remove_acl_entries("file", "user:"),
    ):
        with pytest.raises(PermissionError):
            act()
    with pytest.raises(DatalakeRESTException):
        fs.azure.call("SETACL", "file", aclSpec="")
    assert entries(fs, "file") == before


def test_super_user_needs_the_role(fs, sign_in, people):
    """The role is looked up at each request, not read from the token."""
    write(fs, "file")
    fs.chmod("/", "000")
    assert fs.cat("file") == b"1"
    people["olga"].role = "Reader"
    with pytest.raises(PermissionError):
        fs.cat("file")

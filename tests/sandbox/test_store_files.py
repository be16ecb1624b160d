"""Files and folders, through the real azure-datalake-store."""

from __future__ import annotations

import posixpath

import pytest
from azure.datalake.store import core
from azure.datalake.store.exceptions import (
    DatalakeBadOffsetException,
    DatalakeRESTException,
    FileNotFoundError,  # noqa: A004 - the SDK's own class of that name
)

from .conftest import Token


def write(fs, path, data=b""):
    """Write a whole file."""
    with fs.open(path, "wb") as file:
        file.write(data)


def names(paths):
    """Return the last parts of the paths, sorted."""
    return sorted(posixpath.basename(path) for path in paths)


def test_a_new_store_is_an_empty_folder(fs):
    """The root exists, is empty, and has no group."""
    info = fs.info("/")
    assert fs.ls("/") == []
    assert info["type"] == "DIRECTORY"
    assert info["permission"] == "770"
    assert info["group"] == "00000000-0000-0000-0000-000000000000"


def test_mkdir_makes_the_parents(fs):
    """MKDIRS works like mkdir -p."""
    fs.mkdir("a/b/c")
    fs.mkdir("a/b/c")
    assert fs.info("a/b")["type"] == "DIRECTORY"
    assert fs.ls("a/b") == ["a/b/c"]


def test_a_folder_cannot_be_made_where_a_file_is(fs):
    """MKDIRS over or below a file is rejected and keeps the file."""
    write(fs, "a", b"1")
    for path in ("a", "a/b"):
        with pytest.raises(PermissionError):
            fs.mkdir(path)
    assert fs.cat("a") == b"1"


def test_written_file_is_read(fs):
    """A written file is read in whole and in part, and its status has its size."""
    data = bytes(range(256)) * 40
    write(fs, "folder/file.bin", data)
    assert fs.cat("folder/file.bin") == data
    assert fs.head("folder/file.bin", 10) == data[:10]
    assert fs.tail("folder/file.bin", 10) == data[-10:]
    info = fs.info("folder/file.bin")
    assert info["length"] == len(data)
    assert (info["type"], info["blockSize"], info["replication"]) == ("FILE", 268435456, 1)
    assert (info["permission"], info["aclBit"], info["msExpirationTime"]) == ("770", False, 0)


def test_seek_and_read(fs):
    """OPEN respects offset and length, in blocks smaller than the file."""
    write(fs, "file", b"0123456789" * 10)
    with fs.open("file", "rb", blocksize=16) as file:
        file.seek(33)
        assert file.read(20) == (b"0123456789" * 10)[33:53]
        file.seek(-5, 2)
        assert file.read() == b"56789"


def test_lines_are_read_across_blocks(fs):
    """Iterating over a file gives its lines."""
    write(fs, "text", b"one\ntwo\nthree")
    with fs.open("text", blocksize=4) as file:
        assert list(file) == [b"one\n", b"two\n", b"three"]


def test_append_adds_to_the_end(fs):
    """Mode "ab" continues at the end of the file, and creates the file if needed."""
    for piece in (b"one ", b"two ", b"three"):
        with fs.open("log", "ab") as file:
            file.write(piece)
    assert fs.cat("log") == b"one two three"


def test_writing_again_replaces_the_bytes(fs):
    """Mode "wb" replaces a longer file completely."""
    write(fs, "file", b"long, long ago")
    write(fs, "file", b"now")
    assert fs.cat("file") == b"now"


def test_bad_offset_is_the_clients_exception(fs):
    """An append that is not at the end is DatalakeBadOffsetException, and changes nothing."""
    write(fs, "file", b"0123456789")
    for offset in (9, 11):
        with pytest.raises(DatalakeBadOffsetException):
            fs.azure.call("APPEND", "file", data=b"x", append="true", offset=offset)
    fs.azure.call("APPEND", "file", data=b"x", append="true", offset=10)
    assert fs.cat("file") == b"0123456789x"


def test_touch_and_rm(fs):
    """A touched file exists and is empty; a removed one does not exist."""
    fs.touch("file")
    assert fs.exists("file")
    assert fs.cat("file") == b""
    fs.rm("file")
    assert not fs.exists("file")
    with pytest.raises(FileNotFoundError):
        fs.rm("file")


def test_missing_path_is_file_not_found(fs):
    """Every kind of read of a missing path is FileNotFoundError."""
    fs.mkdir("folder")
    for look in (fs.info, fs.ls, fs.cat, fs.get_acl_status):
        with pytest.raises(FileNotFoundError):
            look("folder/nothing")
    with pytest.raises(FileNotFoundError):
        fs.chmod("nothing", "700")


def test_a_folder_is_not_read_as_a_file(fs):
    """The service itself rejects OPEN and APPEND of a folder."""
    fs.mkdir("folder")
    with pytest.raises(FileNotFoundError):
        fs.azure.call("OPEN", "folder", read="true")
    with pytest.raises(FileNotFoundError):
        fs.azure.call("APPEND", "folder", data=b"x", append="true")


def test_rm_of_a_full_folder_needs_recursive(fs):
    """A folder that is not empty is deleted only with recursive."""
    write(fs, "folder/sub/file", b"1")
    with pytest.raises(PermissionError):
        fs.rm("folder")
    with pytest.raises(ValueError, match="not empty"):
        fs.rmdir("folder")
    assert fs.exists("folder/sub/file")
    fs.rm("folder", recursive=True)
    assert not fs.exists("folder")
    fs.mkdir("empty")
    fs.rmdir("empty")
    assert fs.ls("/") == []


def test_the_root_cannot_be_removed(fs):
    """DELETE of the root returns false, and deletes nothing."""
    write(fs, "file", b"1")
    with pytest.raises(DatalakeRESTException, match="Operation failed"):
        fs.rm("/", recursive=True)
    assert fs.cat("file") == b"1"


def test_bytes_of_removed_files_leave_the_disk(fs, store_azure, store_name):
    """Deleting and overwriting free the disk space."""
    folder = store_azure.stores.folder / store_name
    write(fs, "a/one", b"1" * 1000)
    write(fs, "a/two", b"2" * 1000)
    write(fs, "a/two", b"3")
    assert sorted(file.stat().st_size for file in folder.iterdir()) == [1, 1000]
    fs.rm("a", recursive=True)
    assert list(folder.iterdir()) == []


def test_mv_renames_files_and_whole_folders(fs):
    """A rename moves everything below a folder."""
    write(fs, "old/sub/file", b"1")
    fs.mv("old", "new")
    assert fs.cat("new/sub/file") == b"1"
    assert not fs.exists("old")
    fs.mv("new/sub/file", "file")
    assert fs.cat("file") == b"1"


def test_mv_into_an_existing_folder_keeps_the_name(fs):
    """If the destination is a folder, the item is moved into it."""
    write(fs, "file", b"1")
    fs.mkdir("folder")
    fs.mv("file", "folder")
    assert fs.ls("folder") == ["folder/file"]


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("nothing", "new"),
        ("file", "nowhere/new"),
        ("file", "other"),
        ("folder", "folder/sub/new"),
        ("folder", "folder"),
        ("/", "new"),
    ],
)
def test_impossible_rename_is_false(fs, source, destination):
    """An impossible RENAME returns false and changes nothing."""
    write(fs, "file", b"1")
    write(fs, "other", b"2")
    fs.mkdir("folder/sub")
    before = fs.walk("/", invalidate_cache=True)
    with pytest.raises(DatalakeRESTException, match="Operation failed"):
        fs.mv(source, destination)
    assert fs.walk("/", invalidate_cache=True) == before
    assert (fs.cat("file"), fs.cat("other")) == (b"1", b"2")


def test_ls_works_with_any_page_size(fs):
    """Pages of any size add up to the whole listing, in order, without repetition."""
    for number in range(11):
        fs.touch(f"folder/{number:02}")
    expected = [f"{number:02}" for number in range(11)]
    for size in (2, 3, 10, 11, 12):
        page = fs._ls_batched("folder", batch_size=size)
        assert [entry["pathSuffix"] for entry in page] == expected


def test_ls_of_a_file_is_the_file(fs):
    """The listing of a file has one entry without a name, so its name is the path."""
    write(fs, "folder/file", b"123")
    (entry,) = fs.ls("folder/file", detail=True)
    assert (entry["name"], entry["pathSuffix"], entry["length"]) == ("folder/file", "", 3)


def test_walk_glob_du_and_df_see_the_whole_tree(fs):
    """The client's results from listings agree with what was written."""
    write(fs, "data/a.csv", b"1" * 10)
    write(fs, "data/deep/b.csv", b"2" * 20)
    write(fs, "data/deep/c.txt", b"3" * 30)
    assert names(fs.walk("data")) == ["a.csv", "b.csv", "c.txt"]
    assert fs.glob("data/deep/*.csv") == ["data/deep/b.csv"]
    assert fs.du("data", total=True) == 10
    assert fs.du("data", deep=True, total=True) == 60
    summary = fs.df("data")
    assert (summary["fileCount"], summary["directoryCount"], summary["length"]) == (3, 2, 60)
    counted = fs.azure.call("GETCONTENTSUMMARY", "data")["ContentSummary"]
    assert counted == summary


@pytest.mark.parametrize("delete_source", [False, True])
def test_concat_moves_the_pieces_into_one_file(fs, delete_source):
    """MSCONCAT creates the file, removes the sources, and their folder if requested."""
    pieces = [b"hello ", b"", b"wide ", b"world"]
    for number, piece in enumerate(pieces):
        write(fs, f"pieces/{number}", piece)
    sources = [f"pieces/{number}" for number in range(len(pieces))]
    fs.concat("whole", sources, delete_source=delete_source)
    assert fs.cat("whole") == b"hello wide world"
    assert fs.exists("pieces") is not delete_source
    assert delete_source or fs.ls("pieces") == []


def test_concat_adds_to_a_file_that_is_there(fs):
    """The sources are added to the end of the target; CONCAT works as MSCONCAT."""
    for name in ("whole", "one", "two"):
        write(fs, name, name.encode())
    fs.merge("whole", ["one"])
    fs.azure.call("CONCAT", "whole", sources="two")
    assert fs.cat("whole") == b"wholeonetwo"
    assert fs.ls("/") == ["whole"]


def test_concat_with_a_missing_piece_changes_nothing(fs):
    """All sources are checked before any is moved."""
    write(fs, "one", b"1")
    with pytest.raises(FileNotFoundError):
        fs.concat("whole", ["one", "two"])
    assert fs.cat("one") == b"1"
    assert not fs.exists("whole")


def test_concat_of_a_file_onto_itself_is_refused(fs):
    """The target cannot be a source."""
    write(fs, "one", b"1")
    with pytest.raises(DatalakeRESTException):
        fs.concat("one", ["one"])
    assert fs.cat("one") == b"1"


def test_expired_file_is_deleted(fs, store_azure):
    """SETEXPIRY is shown in the status, and the file is deleted when it expires."""
    write(fs, "file", b"1")
    fs.set_expiry("file", "RelativeToNow", 60_000)
    due = int(store_azure.clock.service_time() * 1000) + 60_000
    assert fs.info("file")["msExpirationTime"] == due
    store_azure.clock.advance(59)
    assert fs.exists("file")
    store_azure.clock.advance(2)
    assert not fs.exists("file")
    assert fs.ls("/") == []


def test_expiry_options(fs, store_azure):
    """Expiry may be absolute, relative to creation, or never."""
    write(fs, "file")
    created = fs.info("file")["accessTime"]
    store_azure.clock.advance(5)
    fs.set_expiry("file", "RelativeToCreationDate", 60_000)
    assert fs.info("file")["msExpirationTime"] == created + 60_000
    fs.set_expiry("file", "Absolute", created + 90_000)
    assert fs.info("file")["msExpirationTime"] == created + 90_000
    fs.set_expiry("file", "NeverExpire")
    store_azure.clock.advance(1000)
    assert fs.info("file")["msExpirationTime"] == 0


def test_a_folder_cannot_expire(fs):
    """SETEXPIRY works for files only."""
    fs.mkdir("folder")
    with pytest.raises(FileNotFoundError):
        fs.set_expiry("folder", "RelativeToNow", 1)


def test_unusual_names_are_kept(fs):
    """Names with blanks, signs, umlauts and dots are kept unchanged."""
    unusual = [
        "a b",
        "50%",
        "q?x",
        "a+b",
        "a&b=c",
        "#1",
        "ünïcödé",
        "...",
        "日本",
        "a'b\"c",
        ".hidden",
        "a\u00a0b",
        "\U0001f469\u200d\U0001f4bb",
    ]
    for name in unusual:
        write(fs, f"unusual/{name}", name.encode())
    assert names(fs.ls("unusual")) == sorted(unusual)
    for name in unusual:
        assert fs.cat(f"unusual/{name}") == name.encode()


def test_stores_are_separate(fs, store_azure, people):
    """Stores have separate files, and are deleted separately."""
    store_azure.stores.create("another")
    other = core.AzureDLFileSystem(Token(store_azure, people["olga"]), store_name="another")
    write(fs, "file", b"here")
    write(other, "file", b"there")
    assert (fs.cat("file"), other.cat("file")) == (b"here", b"there")
    store_azure.stores.delete("another")
    assert not (store_azure.stores.folder / "another").exists()
    assert fs.cat("file") == b"here"
    with pytest.raises(FileNotFoundError):  # by the connection that is still open
        other.info("file")


def test_a_name_that_no_account_can_have_is_refused(store_azure):
    """A store's name cannot be a path."""
    for name in ("", "ab", "../x", "UPPER", "a" * 25, "with-dash", "line\nfeed"):
        with pytest.raises(ValueError, match="lower-case"):
            store_azure.stores.create(name)

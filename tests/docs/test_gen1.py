"""docs/gen1.md: each behaviour is as it says, and each program of the page runs."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.datalake.store import core, multithread, utils

from adls_enduser import filesystem_token
from adls_enduser.sandbox import CONTOSO

from ..conftest import PASSWORD

if TYPE_CHECKING:
    from adls_enduser.sandbox import Person, Sandbox

PAGE = Path(__file__).parents[2] / "docs" / "gen1.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)

Store = Any


@pytest.fixture
def store(azure: Sandbox, ada: Person) -> Store:
    """Return the page's ``store``, with an Ada who signs in by password."""
    token = filesystem_token(
        "password", username=ada.username, password=PASSWORD, tenant=CONTOSO, clock=azure.clock
    )
    return core.AzureDLFileSystem(token, store_name="mystore")


def write(store: Store, path: str, data: bytes = b"kept") -> None:
    """Write a whole file."""
    with store.open(path, "wb") as file:
        file.write(data)


def run(part: str, **names: object) -> dict[str, Any]:
    """Run the page's program that has this part, and return its names."""
    (program,) = [one for one in PROGRAMS if part in one]
    exec(program, names)
    return names


def operations(azure: Sandbox) -> list[str]:
    """Return the operations that the store was asked for since the log was cleared."""
    asked = azure.log.to("/webhdfs/")
    return [one.request.args["OP"] for one in asked if one.request]


def test_the_first_program_is_the_right_call() -> None:
    """It is compiled, and has the two names that the other programs use."""
    assert {"token", "store", "multithread"} <= {*compile(PROGRAMS[0], "gen1.md", "exec").co_names}


def test_touch_empties_a_file(store: Store) -> None:
    """A file that is there; appending nothing does not."""
    write(store, "data/marker")
    run('"ab"', store=store)
    assert store.cat("data/marker") == b"kept"
    store.touch("data/marker")
    assert store.cat("data/marker") == b""


@pytest.mark.parametrize("part", ['"ab"', 'overwrite="false"'])
def test_a_safe_touch(store: Store, part: str) -> None:
    """It makes the file, and leaves the next one alone."""
    run(part, store=store)
    assert store.cat("data/marker") == b""
    write(store, "data/marker")
    run(part, store=store)
    assert store.cat("data/marker") == b"kept"


def test_an_empty_file_costs_three_requests(azure: Sandbox, store: Store, tmp_path: Path) -> None:
    """By ``put``; by one call of CREATE, one."""
    (tmp_path / "empty").touch()
    azure.log.clear()
    store.put(str(tmp_path / "empty"), "data/by_put")
    assert operations(azure) == ["GETFILESTATUS", "CREATE", "APPEND"]
    azure.log.clear()
    run("for name in names", store=store, names=["a", "b"])
    assert operations(azure) == ["CREATE", "CREATE"]
    assert [store.info(f"data/{name}")["length"] for name in ("a", "b", "by_put")] == [0, 0, 0]


FILES = ("x.csv", "data/x.csv", "data/a.csv", "data/c.csv", "data/a/x.csv", "data/a/b/x.csv")


@pytest.fixture
def files(store: Store) -> Store:
    """Put a few files into the store, and into folders."""
    for path in FILES:
        write(store, path)
    return store


def test_a_star_at_the_top_walks_the_store(azure: Sandbox, files: Store) -> None:
    """Each folder is listed, and files in folders are found as well."""
    azure.log.clear()
    assert sorted(files.glob("*.csv")) == sorted(FILES)
    assert operations(azure) == ["LISTSTATUS"] * 4


def test_two_stars_are_one_folder(files: Store) -> None:
    """Neither none nor two."""
    assert files.glob("data/**/x.csv") == ["data/a/x.csv"]


def test_a_bracket_begins_no_pattern(files: Store) -> None:
    """It is taken for a part of a name."""
    with pytest.raises(FileNotFoundError):
        files.glob("data/[ab].csv")


def test_files_are_found_by_a_pattern(azure: Sandbox, files: Store) -> None:
    """With one request for a folder, and for all of them with one each."""
    azure.log.clear()
    names = run("found =", store=files)
    assert names["found"] == ["data/a.csv"]
    assert operations(azure) == ["LISTSTATUS"]
    azure.log.clear()
    below = run("below =", **{**names, "store": files})["below"]
    assert sorted(below) == ["data/a/b/x.csv", "data/a/x.csv", "data/x.csv"]
    assert operations(azure) == ["LISTSTATUS"] * 3


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of saved uploads, in a folder of the test's own."""
    monkeypatch.setattr(multithread, "datadir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("local").mkdir()
    Path("local", "one").write_bytes(b"content")
    return tmp_path / "uploads"


@pytest.mark.skipif(utils.WIN, reason="Windows has no umask")
def test_a_saved_upload_can_be_read_by_all(azure: Sandbox, store: Store, saved: Path) -> None:
    """It holds the access token, in a file with the mode that the umask leaves."""
    upload = multithread.ADLUploader(store, "data/up", "local", run=False)
    assert not saved.exists(), "nothing is saved by itself"
    upload.save()
    assert stat.S_IMODE(saved.stat().st_mode) & 0o044 == 0o044
    request = azure.log.to("/webhdfs/")[-1].request
    assert request is not None
    token = request.headers["Authorization"].removeprefix("Bearer ")
    assert token.encode() in saved.read_bytes()


@pytest.mark.skipif(utils.WIN, reason="Windows has no umask")
def test_the_safe_way_keeps_it(store: Store, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else may read the file, and it is gone after the upload."""
    modes: list[int] = []
    clear = multithread.ADLUploader.clear_saved

    def cleared() -> None:
        modes.append(stat.S_IMODE(saved.stat().st_mode))
        clear()

    monkeypatch.setattr(multithread.ADLUploader, "clear_saved", staticmethod(cleared))
    run("upload.save()", store=store, multithread=multithread)
    assert modes == [0o600]
    assert not saved.exists()
    assert store.cat("data/up/one") == b"content"

"""Disks, folders and links on which no sign-in can be kept: one CacheError each."""

from __future__ import annotations

import builtins
import errno
import fcntl
import os
import sys
from typing import TYPE_CHECKING

import pytest

from adls_enduser import CacheError, ConfigurationError
from adls_enduser.cache import SignInCache

from .helpers import ADA, KEY, load, make_session, path_of, run, save
from .test_processes import without_root_privileges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:Sign-ins are kept without encryption:UserWarning")

NO_HOME = """
import os, sys, warnings
from adls_enduser import CacheError
from adls_enduser.cache import SignInCache
from tests.cache.helpers import ADA, load, make_session, save
warnings.simplefilter("ignore")
path = lambda: SignInCache("~/kept", allow_unencrypted=True)
nobody = lambda: SignInCache("~no-such-user/kept", allow_unencrypted=True)
default = SignInCache(allow_unencrypted=True)
calls = [path, nobody]
os.environ.pop("XDG_DATA_HOME", None)
if sys.argv[1]:
    os.environ["HOME"] = sys.argv[1]
else:
    del os.environ["HOME"]
    os.setuid(54321)  # there is no such user
    calls += [default.check, default.accounts, default.sign_out]
    calls += [lambda: load(default), lambda: save(default, make_session(ADA))]
    print(repr(default))
for call in calls:
    try:
        call()
    except CacheError as error:
        print(error)
"""


@pytest.mark.parametrize("home", ["", "~", "relative"])
def test_without_a_home_folder_nothing_is_written(
    no_keyring: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """Neither to a folder named "~", nor to one in the working folder."""
    if home == "" and os.getuid() != 0:
        pytest.skip("only root can become a user who is not in passwd")
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o777)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    lines = run(sys.executable, "-c", NO_HOME, home)
    if home == "":
        assert lines.pop(0) == "<SignInCache at None>"
    assert len(lines) == (2 if home else 7)
    for line in lines:
        assert "home folder" in line
        assert "absolute path" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_file_locks_is_an_error(
    no_keyring: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """At once, before a person is prompted; what stands in the cache can be read."""
    cache = SignInCache(tmp_path / "kept", allow_unencrypted=True)
    save(cache, make_session(ADA))
    before = path_of(cache).read_bytes()
    (tmp_path / "kept.lock").unlink()

    def flock(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    for call in (cache.check, cache.sign_out, lambda: save(cache, make_session(ADA, "newer"))):
        with pytest.raises(CacheError, match="its disk has no file locks") as raised:
            call()
        assert "another path" in raised.value.remedy
    assert load(cache) == make_session(ADA)
    assert path_of(cache).read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


class TestLinks:
    """A link that leads nowhere is an error, and nothing is made where it leads."""

    @pytest.mark.parametrize(
        ("link", "path"),
        [
            ("link", "link/"),
            ("link", "link/kept"),
            ("link", "link/folder/kept"),
            ("link", "link"),  # the link of the file, to a file in a folder that does not exist
        ],
    )
    def test_a_link_to_nowhere(
        self, no_keyring: None, tmp_path: Path, link: str, path: str
    ) -> None:
        """The disk may not be mounted now."""
        target = tmp_path / "not mounted" / "folder"
        (tmp_path / link).symlink_to(target)
        cache = SignInCache(f"{tmp_path}/{path}", allow_unencrypted=True)
        calls = (cache.check, cache.accounts, lambda: load(cache), cache.sign_out)
        for call in (*calls, lambda: save(cache, make_session(ADA))):
            with pytest.raises(CacheError, match="is a link") as raised:
                call()
            assert "another path" in raised.value.remedy
        assert [one.name for one in tmp_path.iterdir()] == [link]
        assert "link" in repr(cache)

    @pytest.mark.parametrize("target", ["itself", "file"])
    def test_a_link_to_something_else(self, no_keyring: None, tmp_path: Path, target: str) -> None:
        """Itself, or a file."""
        (tmp_path / "file").write_text("a file")
        (tmp_path / "itself").symlink_to(tmp_path / "itself")
        if target == "file":
            (tmp_path / "link").symlink_to(tmp_path / "file")
        folder = tmp_path / ("link" if target == "file" else "itself")
        cache = SignInCache(folder / "kept", allow_unencrypted=True)
        for call in (cache.check, cache.accounts, lambda: save(cache, make_session(ADA))):
            with pytest.raises(CacheError, match="is a link"):
                call()

    def test_a_link_to_a_folder_of_somebody_else(self, no_keyring: None, tmp_path: Path) -> None:
        """It is followed, and the error is the one of that folder."""
        (tmp_path / "theirs").mkdir(mode=0o555)
        (tmp_path / "link").symlink_to(tmp_path / "theirs")
        program = (
            "import sys\n"
            "from adls_enduser import CacheError\n"
            "from adls_enduser.cache import SignInCache\n"
            "try:\n"
            "    SignInCache(sys.argv[1], allow_unencrypted=True).check()\n"
            "except CacheError as error:\n"
            "    print(error)\n"
        )
        path = tmp_path / "link" / "kept"
        (line,) = run(
            *without_root_privileges(), sys.executable, "-W", "ignore", "-c", program, path
        )
        assert "cannot be written (Permission denied)" in line
        assert list((tmp_path / "theirs").iterdir()) == []

    def test_a_link_to_a_folder_is_followed(self, no_keyring: None, tmp_path: Path) -> None:
        """As home folders on another disk are; a new folder may be made in it."""
        (tmp_path / "disk").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "disk")
        cache = SignInCache(tmp_path / "link" / "new" / "kept", allow_unencrypted=True)
        with cache.open(KEY) as entry:
            entry.save(make_session(ADA))
        assert (tmp_path / "disk" / "new" / "kept").is_file()
        assert load(cache) == make_session(ADA)


def test_a_path_without_end_is_refused() -> None:
    """The error does not repeat it."""
    with pytest.raises(ConfigurationError, match="too long") as raised:
        SignInCache("x" * 100_000)
    assert len(str(raised.value)) < 200


def _open_elsewhere(function: Callable[..., object], times: int) -> Callable[..., object]:
    """Fail as Windows does while another process has the file open, and then call the function."""
    left = [times]

    def call(*arguments: object, **options: object) -> object:
        if left[0] and any(str(one).endswith("sign-ins.json") for one in arguments):
            left[0] -= 1
            error = PermissionError(errno.EACCES, "The process cannot access the file")
            error.winerror = 32  # type: ignore[attr-defined, unused-ignore]
            raise error
        return function(*arguments, **options)

    return call


@pytest.mark.parametrize("name", ["os.replace", "builtins.open"])
def test_a_file_that_another_process_has_open(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a file in use cannot be replaced: it is tried again, and kept as it is meanwhile.

    CPython, Modules/_io/fileio.c: _wopen, which does not share the right to delete.
    """
    cache = SignInCache(tmp_path / "sign-ins.json", allow_unencrypted=True)
    function = {"os.replace": os.replace, "builtins.open": builtins.open}[name]
    monkeypatch.setattr(name, _open_elsewhere(function, 3))
    save(cache, make_session(ADA))
    assert load(cache) is not None

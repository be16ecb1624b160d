"""The checks of ``adls-enduser doctor`` that need no network."""

from __future__ import annotations

import os
import platform
import stat
from importlib import metadata
from typing import TYPE_CHECKING

from .. import __version__
from ..cache import keyring_key, time_limit
from ..cache.encryption import is_encrypted
from ..cache.files import CacheFile, resolve_path
from ..entra.library import load_backend
from ..errors import CacheError, EndUserError
from ..interaction.browser_launcher import why_no_browser
from ..interaction.prompts import why_nobody_can_see
from .findings import BROKEN, GOOD, TO_MIND, Finding, finding_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..cache import SignInCache
    from ..cache.records import Record
    from ..options import Settings

_PACKAGES = (
    *("adal", "msal", "azure-core", "azure-identity", "requests", "urllib3", "certifi"),
    *("cryptography", "keyring", "filelock", "azure-datalake-store", "msrestazure"),
)
_KEYRING_TIMEOUT = 5.0


def versions() -> Iterator[Finding]:
    """Yield the versions of this package, of Python and of other packages."""
    system = platform.platform()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("adls-enduser", GOOD, __version__)
    yield Finding("Python", GOOD, f"{python} on {system}")
    found = [f"{name} {version}" for name in _PACKAGES if (version := _version(name))]
    yield Finding("Packages", GOOD, ", ".join(found))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def library(own: Settings) -> Iterator[Finding]:
    """Yield whether the library that calls Entra ID can be loaded."""
    try:
        load_backend(own)
    except EndUserError as error:
        yield finding_of("Library", error)
    else:
        yield Finding("Library", GOOD, f"{own.library} calls {own.authority}")


def keyring_and_cache(cache: SignInCache) -> Iterator[Finding]:
    """Yield whether sign-ins can be kept, and whether those that are kept can be read."""
    try:
        file = CacheFile(resolve_path(cache.path))
        contents = file.read()
    except CacheError as error:
        yield finding_of("Cache", error)
        return
    yield _keyring(cache, file, contents.records)
    yield _cache(file, contents.records, complete=contents.complete)


def _keyring(cache: SignInCache, file: CacheFile, records: tuple[Record, ...]) -> Finding:
    try:
        name = keyring_key.name(time_limit(_KEYRING_TIMEOUT))
        key = keyring_key.get(file.path, time_limit(_KEYRING_TIMEOUT))
    except CacheError as error:
        if cache.allow_unencrypted:
            return finding_of("Keyring", error, TO_MIND)._replace(
                remedy="Sign-ins are kept unencrypted, because --no-keyring is given."
            )
        return finding_of("Keyring", error)
    own_key = key and keyring_key.identify(key)
    lost = [one for one in records if is_encrypted(one) and one.key_id not in (None, own_key)]
    if lost:
        return Finding(
            "Keyring",
            BROKEN,
            f"{name} has not the key of {len(lost)} kept sign-ins",
            "Use the desktop session in which they were made. Or run adls-enduser logout --all,"
            " and sign in again.",
        )
    return Finding("Keyring", GOOD, f"{name} keeps the key")


def _cache(file: CacheFile, records: tuple[Record, ...], *, complete: bool) -> Finding:
    try:
        _check_writable(file)
    except CacheError as error:
        return finding_of("Cache", error)
    text = f"{len(records)} sign-in{'s' if len(records) != 1 else ''} in {file.path}"
    if not complete:
        remedy = "Those that can be read are used. adls-enduser logout --all removes all of it."
        return Finding("Cache", TO_MIND, f"{text}, which is damaged", remedy)
    plain = any(one.nonce is None for one in records)
    if plain and _others_can_read(file.path):
        return Finding(
            "Cache",
            BROKEN,
            f"{text}, unencrypted, and others can read it",
            f"Run: chmod 600 {file.path}",
        )
    return Finding("Cache", TO_MIND if plain else GOOD, text + (", unencrypted" if plain else ""))


def _check_writable(file: CacheFile) -> None:
    """Raise CacheError if no sign-in can be written. Makes no folder, which a login would make."""
    folder = file.folder
    if os.path.isdir(folder):
        file.check()
        return
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not (os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)):
        raise CacheError(
            f"The sign-in cache {file.path!r} cannot be made: {folder!r} is not writable.",
            remedy="Check who owns the folder, or give another path with --cache.",
        )


def _others_can_read(path: str) -> bool:
    return os.name == "posix" and bool(stat.S_IMODE(os.stat(path).st_mode) & 0o077)


def person() -> Iterator[Finding]:
    """Yield how a person can be asked here."""
    why_not = why_no_browser()
    if why_not:
        yield Finding("Browser", TO_MIND, f"{why_not}, so login shows a device code")
    else:
        yield Finding("Browser", GOOD, "one can open in front of you")
    nobody = why_nobody_can_see()
    if nobody:
        text = f"{nobody}, so programs ask nobody here"
        yield Finding("Terminal", TO_MIND, text, "Sign in at a terminal before they run.")
    else:
        yield Finding("Terminal", GOOD, "a person can be asked here")
    yield _notebook()


def _notebook() -> Finding:
    # Set by ipykernel for its children (ipykernel, kernelapp: "JPY_PARENT_PID").
    if not os.environ.get("JPY_PARENT_PID"):
        return Finding("Notebook", GOOD, "this is none")
    remedy = "Call the library in a cell: it asks in the notebook."
    return Finding("Notebook", TO_MIND, "a notebook runs this, and takes no input here", remedy)

"""Refuse to run where gevent or eventlet has replaced only some of what this package uses.

Both replace the standard library's threads, locks and sockets by ones that switch between
greenlets. A lock or a socket that was made before, or one of a kind that was left out, stops all
greenlets at once: the one that waits, and the one that it waits for.
"""

from __future__ import annotations

import _thread
import sys

from ..errors import ConfigurationError

# Both replace it. This module is imported before any lock of the package is made.
_ALLOCATE_LOCK = _thread.allocate_lock

_REMEDY = {
    "gevent": "Call gevent.monkey.patch_all(), with its default options,",
    "eventlet": "Call eventlet.monkey_patch(), without arguments,",
}


def check_patching() -> None:
    """Raise ConfigurationError for a process that was patched in part, or too late."""
    for library, threads, sockets in (_by_gevent(), _by_eventlet()):
        if threads != sockets:
            here, missing = ("threads", "sockets") if threads else ("sockets", "threads")
            raise patched_wrongly(library, f"the {here} of this process but not its {missing}")
        if threads and _thread.allocate_lock is not _ALLOCATE_LOCK:
            raise patched_late(library, "adls_enduser")


def patching_library() -> str:
    """Return the name of the library that has patched the sockets; "" if none has."""
    found = (library for library, _, sockets in (_by_gevent(), _by_eventlet()) if sockets)
    return next(found, "")


def patched_late(library: str, package: str) -> ConfigurationError:
    """Return the error for a package that was imported before the patching."""
    return patched_wrongly(library, f"this process after {package} had been imported")


def patched_wrongly(library: str, what: str) -> ConfigurationError:
    """Return the error for a process that cannot wait."""
    return ConfigurationError(
        f"{library} has patched {what}, so that waiting would stop the whole process.",
        remedy=f"{_REMEDY[library]} in the first lines of the program, before other imports.",
    )


def _by_gevent() -> tuple[str, bool, bool]:
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return "gevent", False, False
    is_patched = monkey.is_module_patched
    return "gevent", is_patched("threading"), is_patched("socket")


def _by_eventlet() -> tuple[str, bool, bool]:
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is None:
        return "eventlet", False, False
    is_patched = patcher.is_monkey_patched
    return "eventlet", is_patched("thread"), is_patched("socket")

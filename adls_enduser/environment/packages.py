"""Say at the start which package is missing, without loading it before it is needed."""

from __future__ import annotations

import importlib.util

from ..errors import import_failed


def require_installed(package: str, user: str, requirement: str) -> None:
    """Raise MissingDependency if a package that ``user`` needs is not installed.

    ``requirement`` is what pip installs.
    """
    if not _is_installed(package):
        missing = ModuleNotFoundError(f"No module named {package!r}", name=package)
        raise import_failed(missing, user, requirement)


class NeededBy:
    """Import a package in a ``with`` block: MissingDependency for one that cannot be imported.

    The arguments are those of ``require_installed``.
    """

    def __init__(self, user: str, requirement: str) -> None:
        self._user, self._requirement = user, requirement

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Raise MissingDependency for what the import raised: a broken package may raise any."""
        if isinstance(error, Exception):
            raise import_failed(error, self._user, self._requirement) from error


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # in sys.modules without a spec: a program's own stand-in
        return True

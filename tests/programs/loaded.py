"""Use a credential that another process pickled: ``python -m tests.programs.loaded FILE``."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from adls_enduser import EndUserError


def main(path: str) -> None:
    """Ask for a token, and print what came of it."""
    credential = pickle.loads(Path(path).read_bytes())
    print("a terminal:", sys.stdin.isatty() and sys.stderr.isatty())  # noqa: T201
    try:
        print("token", credential.get_token("https://management.azure.com/.default"))  # noqa: T201
    except EndUserError as error:
        print(f"{type(error).__name__}: {error}")  # noqa: T201
    print("done")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])

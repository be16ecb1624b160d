"""These tests run where the session ``clients`` of noxfile.py has installed the programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from adls_enduser.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

# The folder of the real azure-cli's ``az``.
AZ = os.environ.get("ADLS_ENDUSER_TEST_AZ", "")

# The ``node_modules`` of node/package-lock.json; not there if the machine has no npm.
NODE_MODULES = os.environ.get("ADLS_ENDUSER_TEST_NODE_MODULES", "")

# The ``node_modules`` with Azurite. Where it is set, the tools of gen2/requirements.txt are there.
AZURITE = os.environ.get("ADLS_ENDUSER_TEST_AZURITE", "")

# The folder with an environment for each of adal, msal, azure-identity, and "oauth" for two more.
ALONE = os.environ.get("ADLS_ENDUSER_TEST_ALONE", "")

# The folder with the program tests/programs/every_mode.py, as each freezer has made it.
FROZEN = os.environ.get("ADLS_ENDUSER_TEST_FROZEN", "")

_NEEDED = {
    "test_azure_cli.py": AZ,
    "test_python.py": ALONE,
    "test_node.py": NODE_MODULES,
    "test_oauth.py": ALONE,
    "test_frozen.py": FROZEN,
    "gen2": AZURITE,
}

collect_ignore = [name for name, folder in _NEEDED.items() if not folder]


@pytest.fixture
def azure() -> Iterator[Sandbox]:
    """Start a sandbox in real time, which is what the programs have."""
    with Sandbox() as sandbox:
        sandbox.entra.device_code_interval = 1.0
        yield sandbox

"""These tests run where the session ``clients`` of noxfile.py has installed the programs."""

from __future__ import annotations

import os

# The folder of the real azure-cli's ``az``.
AZ = os.environ.get("ADLS_ENDUSER_TEST_AZ", "")

# The ``node_modules`` of node/package-lock.json; not there if the machine has no npm.
NODE_MODULES = os.environ.get("ADLS_ENDUSER_TEST_NODE_MODULES", "")

# The folder with an environment for each of adal, msal and azure-identity.
ALONE = os.environ.get("ADLS_ENDUSER_TEST_ALONE", "")

_NEEDED = {"test_azure_cli.py": AZ, "test_python.py": ALONE, "test_node.py": NODE_MODULES}

collect_ignore = [name for name, folder in _NEEDED.items() if not folder]

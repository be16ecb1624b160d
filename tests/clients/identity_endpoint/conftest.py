"""These tests run where the session ``identity_endpoint`` of noxfile.py has installed the tools."""

from __future__ import annotations

import os

# The folder with the environments: tools, duckdb, node.
TOOLS = os.environ.get("ADLS_ENDUSER_TEST_ENDPOINT_TOOLS", "")

collect_ignore = [] if TOOLS else ["test_command_line.py", "test_programs.py"]

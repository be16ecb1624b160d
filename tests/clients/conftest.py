"""These tests run where the session ``clients`` of noxfile.py has installed the programs."""

from __future__ import annotations

import os

# The folder of the real azure-cli's ``az``.
AZ = os.environ.get("ADLS_ENDUSER_TEST_AZ", "")

collect_ignore_glob = [] if AZ else ["test_*.py"]

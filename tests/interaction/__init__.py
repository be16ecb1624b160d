"""Tests of ``adls_enduser.interaction``."""

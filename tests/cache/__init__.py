"""Tests of ``adls_enduser.cache``."""

"""Tests of the storage accounts of the sandbox, with plain requests."""

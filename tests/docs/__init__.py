"""Tests of what users read: README, docs and examples."""

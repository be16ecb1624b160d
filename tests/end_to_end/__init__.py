"""Tests that need more than one room, or more than one process."""

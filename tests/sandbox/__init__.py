"""Tests of the sandbox: does it answer as the real services do."""

"""Benchmarks: this package beside its peers, in one run, against the sandbox."""

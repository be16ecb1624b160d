"""Benchmarks: this package and its peers, in one run, against the sandbox."""

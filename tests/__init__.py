"""The tests: real SDK packages, real TLS sockets, the sandbox's clock."""

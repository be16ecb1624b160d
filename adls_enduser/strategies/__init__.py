"""Ways of signing in, one a file. Each holds a Session and has the protocol's two methods."""

"""Ways of signing in, one a file. Each holds a SignIn and has the protocol's two methods."""

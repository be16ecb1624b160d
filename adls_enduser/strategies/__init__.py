"""Ways of signing in, one in each file. Each has the two methods of AuthStrategy."""

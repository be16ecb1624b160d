"""The credentials that the factories return: one file for each SDK family, the rest shared."""

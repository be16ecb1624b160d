"""Programs of other makers that have no credential but the variables of an identity endpoint."""

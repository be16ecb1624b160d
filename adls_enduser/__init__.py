"""adls_enduser."""

"""What the process runs in: proxies and CA bundles, patched threads, the line that called."""

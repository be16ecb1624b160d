"""Programs of other makers that read and write Gen2: ``nox --session gen2``."""

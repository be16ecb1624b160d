"""The demonstration that ``make demo`` runs: the package's main job, on the sandbox."""

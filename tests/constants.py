"""Audiences and paths that many tests name."""

MANAGEMENT = "https://management.core.windows.net/"
DATA_LAKE = "https://datalake.azure.net/"
STORAGE = "https://storage.azure.com/"
KEY_VAULT = "https://vault.azure.net/"
TOKEN_PATH = "/token"  # of either version

"""What the SDKs are handed: one SDK family a file, the rest in ``credential``."""

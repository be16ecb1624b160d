"""Talking to Entra ID: one file for each foreign library, the rest common to all.

``http`` sends, ``adal_backend`` speaks the protocol through adal, ``polling`` waits for
the person, ``signin`` holds what a sign-in leaves behind.
"""

"""Talking to Entra ID: one file for each foreign library, the rest common to all.

``http`` sends, ``adal_backend`` and ``msal_backend`` speak the protocol through a library
each, ``answers`` reads what came for both, ``choice`` picks one, ``polling`` waits for the
person, ``signin`` holds what a sign-in leaves behind.
"""

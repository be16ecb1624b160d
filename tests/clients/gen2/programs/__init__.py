"""Programs that read and write one container, each with one tool.

A program is a function of a credential, an account and a container, which it makes. It knows
nothing of the service behind the account's host names, so it runs unchanged on Azurite and on the
sandbox. It returns what it saw, by name: sizes, names, bytes, error codes.
"""

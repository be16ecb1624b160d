"""Programs that read and write one container, each with one tool: ``work(credential, account, box)``.

They know nothing of the service behind the account's host names, so they run unchanged on Azurite
and on the sandbox. Each returns what it saw, by name: sizes, names, bytes, error codes.
"""

"""Interact with a person: prompts, the terminal, the browser, and the wait for the sign-in."""

"""The pages that a person sees in a browser, and the sessions of these browsers."""

"""How a person is reached: prompts, the terminal, the browser, and how long to wait for them."""

"""From a person's folders to a network: what is in them, what was chosen, and what came of it."""

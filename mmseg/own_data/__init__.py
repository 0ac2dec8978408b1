"""From a stranger's folders to a config: what is in them, what was chosen, and why."""

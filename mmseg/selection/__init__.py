"""Choosing among networks, and knowing how far to trust them, without labels of the target."""

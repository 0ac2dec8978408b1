"""The one exception that tools turn into a one-line message."""


class UserError(ValueError):
    """A mistake the user can mend: what was expected, what came, what to do."""

"""The one error that a user is meant to see."""


class InputError(Exception):
    """Bad input: the message is one line that says what, where and what to do. The CLI prints it and exits 2."""

"""What is wrong with a file of conversations."""


class DamagedError(Exception):
    """A part that is missing or is not what it should be; its name."""

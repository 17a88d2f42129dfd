"""Text as it can be stored and sent."""


def clean(text: str) -> str:
    """Remove NULs, join the two halves of a character, and replace halves without the other by U+FFFD.

    Halves are UTF-16 surrogates: JSON can carry them one by one, neither UTF-8 nor a database can.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "")

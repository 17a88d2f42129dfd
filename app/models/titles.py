"""The titles of conversations: a question's first words, which cost no call to the model."""

TITLE_LENGTH = 60


def title_from(question: str) -> str:
    """Its first line that says something, cut between words."""
    lines = (line.lstrip(" #*>-\t").rstrip() for line in question.splitlines())
    line = next(filter(None, lines), "")
    if len(line) <= TITLE_LENGTH:
        return line or question.strip()[:TITLE_LENGTH]
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"

"""Stand-in for `pygame.constants`: the keys, events and flags by their names."""

from pathlib import Path

VALUES = {
    name: int(value)
    for name, _, value in (
        pair.partition("=") for pair in (Path(__file__).parent / "constants.txt").read_text().split()
    )
}
globals().update(VALUES)

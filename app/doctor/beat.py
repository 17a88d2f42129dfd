"""A stream that beats time: whoever receives the beats all at once has something in between that holds streams back."""

import json
import time
from collections.abc import Callable, Iterator

BEATS, PAUSE_S = 5, 0.2


def beats(pause: Callable[[float], None] = time.sleep) -> Iterator[bytes]:
    """Numbered events, with a pause between two."""
    for number in range(1, BEATS + 1):
        if number > 1:
            pause(PAUSE_S)
        yield f"id: {number}\nevent: beat\ndata: {json.dumps({'number': number})}\n\n".encode()

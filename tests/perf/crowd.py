"""Many people asking at the same instant, as a process of its own: an order a line in, the results a line out."""

import asyncio
import json
import sys
import time
from functools import partial
from typing import Any

from tests.perf.row import NotMeasuredError
from tests.perf.wire import ENGINE, PATIENCE_S, SITE, Marks, Place, Watch, answer


class Asker(asyncio.Protocol):
    """One open connection with a question to ask."""

    def __init__(self, asked: bytes, marks: Marks) -> None:
        self._asked = asked
        self._marks = marks
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def ask(self, begun: float) -> None:
        """Write the question; the clock has started at `begun`, for everybody."""
        self._watch = Watch(self._marks, begun)
        self._transport.write(self._asked)

    def data_received(self, data: bytes) -> None:
        if self._watch.take(data, time.perf_counter()):
            self._end()

    def connection_lost(self, _error: Exception | None) -> None:
        self._end()

    def result(self) -> dict[str, Any]:
        """Times and tokens, or what was wrong."""
        try:
            found = answer(self._watch, self._marks)
        except NotMeasuredError as error:
            return {"error": str(error)}
        return {"first_s": found.first_s, "total_s": found.total_s, "tokens": found.tokens}

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
            self._transport.close()


async def ask_all(place: Place, asked: list[bytes], marks: Marks) -> list[dict[str, Any]]:
    """Connect everybody, then ask all at once."""
    loop = asyncio.get_running_loop()
    askers = [Asker(each, marks) for each in asked]
    for asker in askers:
        await loop.create_connection(partial(_same, asker), *place)
    begun = time.perf_counter()
    for asker in askers:
        asker.ask(begun)
    await asyncio.wait([asker.ended for asker in askers], timeout=PATIENCE_S)
    return [asker.result() for asker in askers]


def _same(asker: Asker) -> Asker:
    return asker


def main() -> None:
    """Serve orders until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        asked = [text.encode() for text in order["asked"]]
        marks = SITE if order["ours"] else ENGINE
        print(json.dumps(asyncio.run(ask_all(tuple(order["place"]), asked, marks))), flush=True)


if __name__ == "__main__":
    main()

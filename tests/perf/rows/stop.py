"""Row `stop`: how long after Stop the engine's slot is idle, as the engine says."""

import socket
import struct
import time
from collections.abc import Callable
from contextlib import closing

from tests.perf.bench import Bench, Caller, Site
from tests.perf.long_talk import SETTINGS, prose
from tests.perf.row import Figures, Line, NotMeasuredError, Row
from tests.perf.wire import PATIENCE_S, READ_SIZE, Place, request

TIMES = 3
# About 3,000 tokens, which take ten seconds and more to be read.
LONG = 2300
QUESTION = "Write a very long story. Story {}."
OUTPUT = 1000
GLANCE_S = 0.02


class Asked:
    """A stream that is read as far as a mark, then stopped."""

    def __init__(self, place: Place, asked: bytes) -> None:
        self._connection = socket.create_connection(place, PATIENCE_S)
        self._connection.sendall(asked)
        self.received = b""
        self.close = self._connection.close

    def until(self, *marks: bytes) -> None:
        """Read until each of them came, in this order."""
        begun = time.monotonic()
        for mark in marks:
            while mark not in self.received:
                data = self._connection.recv(READ_SIZE)
                if not data or time.monotonic() - begun > PATIENCE_S:
                    raise NotMeasuredError(f"{mark!r} did not come: {self.received[-500:]!r}")
                self.received += data
            self.received = self.received.partition(mark)[2]

    def reset(self) -> None:
        """Close as a client can that wants to be noticed at once."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


class Stopping:
    """One person, one engine."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._person: Caller = site.person("alice")
        self._engine, self._key = site.engine
        self._model = self._person.get("/api/models").json["effective"]
        self._questions = iter(range(1000, 10000))

    def ours(self, question: str, *marks: bytes) -> float:
        """Seconds from the press on Stop to an idle slot."""
        with closing(Asked(self._site.place, self._person.question(question))) as asked:
            asked.until(b"event: accepted", b'"message":{"id":')
            message = int(asked.received.partition(b",")[0])
            asked.until(*marks)
            seconds = self._until_idle(lambda: self._person.stop(message))
            asked.until(b"event: done", b'"status":"stopped"')
        return seconds

    def direct(self, question: str, *marks: bytes) -> float:
        """The same for the engine's own client, which resets its connection."""
        body = {"model": self._model, "messages": [{"role": "user", "content": question}], "stream": True,
                "max_tokens": OUTPUT, "temperature": 0, "return_progress": True}  # fmt: skip
        headers = {"Authorization": f"Bearer {self._key}"}
        asked = Asked(self._engine, request(self._engine, "POST", "/v1/chat/completions", body, headers))
        asked.until(*marks)
        return self._until_idle(asked.reset)

    def short(self) -> str:
        """A question with a long answer."""
        return QUESTION.format(next(self._questions))

    def _until_idle(self, stop: Callable[[], object]) -> float:
        if not self._busy():
            raise NotMeasuredError("the engine was idle before Stop")
        begun = time.perf_counter()
        stop()
        while self._busy():
            if time.perf_counter() - begun > PATIENCE_S:
                raise NotMeasuredError("the engine's slot was never idle")
            time.sleep(GLANCE_S)
        return time.perf_counter() - begun

    def _busy(self) -> bool:
        return any(slot["is_processing"] for slot in self._site.ask_engine("/slots").json())


def measure(bench: Bench) -> Figures:
    """The slowest of a few stops in each phase, in turn with the engine's own client."""
    reading, writing, direct_reading, direct_writing = [], [], [], []
    settings = SETTINGS | {"MAX_OUTPUT_TOKENS": str(OUTPUT)}
    with bench.site(**settings) as site:
        stopping = Stopping(site)
        for _ in range(TIMES):
            # The second report of the prompt's progress: it is being read.
            direct_reading.append(stopping.direct(prose(LONG), b'"prompt_progress"', b'"prompt_progress"'))
            reading.append(stopping.ours(prose(LONG), b"event: reading", b"event: reading"))
            direct_writing.append(stopping.direct(stopping.short(), b'"content":"'))
            writing.append(stopping.ours(stopping.short(), b"event: text"))
    return {
        "times": TIMES,
        "each_reading_s": reading,
        "each_writing_s": writing,
        "each_direct_reading_s": direct_reading,
        "each_direct_writing_s": direct_writing,
        "reading_s": max(reading),
        "writing_s": max(writing),
        "direct_reading_s": max(direct_reading),
        "direct_writing_s": max(direct_writing),
    }


ROW = Row(
    "stop",
    f"from Stop to an idle slot in the engine's own /slots; the slowest of {TIMES}; beside it a client of the engine "
    "that resets its connection",
    (
        Line(
            "while 3,000 tokens are read", "reading_s", "s", at_most=1,
            direct="direct_reading_s", beside="s",
        ),
        Line(
            "while the answer is written", "writing_s", "s", at_most=1,
            direct="direct_writing_s", beside="s",
        ),
    ),
    measure,
)  # fmt: skip

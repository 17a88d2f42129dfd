"""The measuring client: one raw socket, equally light for the engine and for this project."""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.perf.row import NotMeasuredError

PATIENCE_S = 90
READ_SIZE = 65536
HEAD = "{} {} HTTP/1.1\r\nHost: {}:{}\r\n{}Content-Length: {}\r\n\r\n"

Place = tuple[str, int]


class Marks(NamedTuple):
    """The bytes by which a stream's first token and last event are known without parsing it."""

    first: bytes
    last: bytes


ENGINE = Marks(b'"content":"', b"data: [DONE]")
SITE = Marks(b"event: text", b"event: done")


def request(place: Place, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> bytes:
    """A request as one write."""
    data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    given = {"Content-Type": "application/json"} | (headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return HEAD.format(method, path, *place, lines, len(data)).encode() + data


class Watch:
    """Bytes as they arrive: when the first token was among them, and when the last event was whole."""

    def __init__(self, marks: Marks, begun: float) -> None:
        self._marks = marks
        self.begun = begun
        self._ending = -1
        self._whole = bytearray()
        self.first_s: float | None = None
        self.total_s: float | None = None

    def take(self, data: bytes, now: float) -> bool:
        """Add what came; whether that was the end. A refusal is one too, without figures."""
        # A mark that was cut in two began less than its own length ago.
        known = max(0, len(self._whole) - len(self._marks.last))
        self._whole += data
        if self.first_s is None and self._whole.find(self._marks.first) >= 0:
            self.first_s = now - self.begun
        if self._ending < 0:
            self._ending = self._whole.find(self._marks.last, known)
        if self._ending >= 0 and self._whole.find(b"\n\n", self._ending) >= 0:
            self.total_s = now - self.begun
        return self.total_s is not None or not self._whole.startswith(b"HTTP/1.1 200")

    @property
    def body(self) -> bytes:
        """What was received, without the head and the frames of its chunks."""
        _, _, rest = bytes(self._whole).partition(b"\r\n\r\n")
        parts = []
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size or b"0", 16)
            parts.append(rest[:length])
            rest = rest[length + 2 :]
        return b"".join(parts)

    @property
    def refusal(self) -> str:
        """The beginning of an answer that is no stream."""
        return self._whole[:2000].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Answer:
    """A stream that came to its end, and what the other side counted."""

    first_s: float
    total_s: float
    counts: dict[str, Any]

    @property
    def tokens(self) -> int:
        return int(self.counts["output_tokens"] or 0)


def stream(place: Place, asked: bytes, marks: Marks) -> Answer:
    """Ask on a connection of its own; the clock starts when the request is written, ends at the last event."""
    with socket.create_connection(place, PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        watch = Watch(marks, time.perf_counter())
        connection.sendall(asked)
        while data := connection.recv(READ_SIZE):
            now = time.perf_counter()
            if watch.take(data, now):
                break
            # Keep-alives come for ever.
            if now - watch.begun > PATIENCE_S:
                raise NotMeasuredError(f"an answer did not end within {PATIENCE_S} s")
    return answer(watch, marks)


def answer(watch: Watch, marks: Marks) -> Answer:
    """The answer of a watched stream; raises NotMeasuredError when it was none."""
    if watch.first_s is None or watch.total_s is None:
        raise NotMeasuredError(f"no whole answer came: {watch.refusal}")
    counts = _engine_counts(watch.body) if marks is ENGINE else _site_counts(watch.body)
    return Answer(watch.first_s, watch.total_s, counts)


def _engine_counts(body: bytes) -> dict[str, Any]:
    """The last usage and timings of an engine's stream, by the names that this project gives them."""
    usage: dict[str, Any] = {}
    timings: dict[str, Any] = {}
    for line in body.split(b"\n"):
        if b'"usage"' in line or b'"timings"' in line:
            part = json.loads(line.removeprefix(b"data: "))
            usage, timings = part.get("usage") or usage, part.get("timings") or timings
    return {
        "output_tokens": usage["completion_tokens"],
        "prompt_tokens": usage["prompt_tokens"],
        "cached_tokens": (usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        "prefill_ms": timings.get("prompt_ms"),
        "decode_ms": timings.get("predicted_ms"),
    }


def _site_counts(body: bytes) -> dict[str, Any]:
    _, _, block = body.rpartition(b"event: done\n")
    done = json.loads(block.partition(b"data: ")[2].partition(b"\n")[0])
    if done["status"] != "done":
        raise NotMeasuredError(f"the answer ended as {done['status']}: {done['error']}")
    counts: dict[str, Any] = done["metrics"]
    return counts

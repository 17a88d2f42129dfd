"""An answer's events are the same however the network cuts its bytes, and a failure hides nothing before it."""

import io
import json
import os
import socket
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from http.client import HTTPResponse
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines import transport
from app.engines.base import Done, EngineEvent, Text, Thinking
from app.engines.ollama import OllamaStream
from app.engines.transport import BatchedLines
from app.errors import AppError

FRAMINGS = ("chunked", "length", "plain")
framings = st.sampled_from(FRAMINGS)
tokens = st.lists(st.text(st.sampled_from("aé模🙂\r\u2028 "), min_size=1, max_size=3), min_size=1, max_size=8)
QUIET = os.pipe()
read_line = OllamaStream(lambda error: AppError("engine_failed", cause=str(error))).read
cuts = st.lists(st.integers(0, 2000), max_size=12)


@pytest.fixture(autouse=True, scope="module")
def _hurried() -> Iterator[None]:
    """No test waits for the clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "FRAME_S", 0.0)
        yield


class Wire(io.RawIOBase):
    """Gives bytes in these pieces, then the end, or silence."""

    def __init__(self, pieces: Iterable[bytes], *, silent: bool = False) -> None:
        self._pieces = deque(piece for piece in pieces if piece)
        self._silent = silent

    def fileno(self) -> int:
        """Of a connection that does not end by itself."""
        return QUIET[0]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._pieces and self._silent:
            raise TimeoutError
        piece = self._pieces.popleft() if self._pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A socket's way to be read."""
        return io.BufferedReader(self, 1 << 20)


def response(wire: Wire | socket.socket) -> HTTPResponse:
    """The answer on that wire, its head read."""
    answer = HTTPResponse(wire, method="POST")  # type: ignore[arg-type]
    answer.begin()
    return answer


def failure(code: str, cause: object) -> AppError:
    return AppError(code, cause=str(cause), engine="Ollama")


def line(content: str = "", thinking: str = "", **more: object) -> bytes:
    message = {"content": content, "thinking": thinking}
    return json.dumps({"message": message, **more}, ensure_ascii=False).encode() + b"\n"


END = line(done=True, done_reason="stop")


def wired(framing: str, lines: Sequence[bytes], end: bytes = b"0\r\n\r\n") -> bytes:
    """An answer as it is sent; each line is a chunk."""
    body = b"".join(lines)
    head = {"chunked": b"Transfer-Encoding: chunked", "length": b"Content-Length: %d" % len(body)}.get(framing, b"X: y")
    if framing == "chunked":
        body = b"".join(b"%X\r\n%s\r\n" % (len(each), each) for each in lines) + end
    return b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def heard(wire: Wire | socket.socket) -> tuple[list[EngineEvent], str]:
    """The events and the code of the failure after them."""
    events: list[EngineEvent] = []
    # The connection closes with it.
    answer = response(wire)
    try:
        events.extend(BatchedLines(answer, failure).events(read_line))
    except AppError as error:
        return events, error.code
    return events, ""


def said(events: Sequence[EngineEvent]) -> tuple[str, str, int]:
    """Thinking, text and the number of ends."""
    thinking = "".join(event.text for event in events if isinstance(event, Thinking))
    text = "".join(event.text for event in events if isinstance(event, Text))
    return thinking, text, sum(isinstance(event, Done) for event in events)


@given(framings, tokens, tokens, cuts)
def test_bytes_cut_anywhere_are_the_same_answer(
    framing: str, thoughts: list[str], words: list[str], places: list[int]
) -> None:
    lines = [*(line(thinking=thought) for thought in thoughts), *map(line, words), END]
    events, code = heard(Wire(cut(wired(framing, lines), places)))
    assert (said(events), code) == (("".join(thoughts), "".join(words), 1), "")
    assert isinstance(events[-1], Done)
    kinds = [type(event) for event in events]
    assert kinds == sorted(kinds, key=(Thinking, Text, Done).index)


@given(framings, tokens)
def test_an_end_without_a_line_break_is_an_end(framing: str, words: list[str]) -> None:
    events, code = heard(Wire([wired(framing, [*map(line, words), END.rstrip(b"\n")])]))
    assert (said(events), code) == (("", "".join(words), 1), "")


@given(framings, st.lists(tokens, min_size=1, max_size=5))
def test_the_tokens_of_a_frame_are_one_text(framing: str, parts: list[list[str]]) -> None:
    pieces = [b"".join(map(line, words)) for words in parts]
    head, _, _ = wired("plain", []).partition(b"\r\n\r\n")
    if framing == "chunked":
        head = head.replace(b"X: y", b"Transfer-Encoding: chunked")
        pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    if framing == "length":
        head = head.replace(b"X: y", b"Content-Length: %d" % sum(map(len, [*pieces, END])))
    end = b"%x\r\n%s\r\n0\r\n\r\n" % (len(END), END) if framing == "chunked" else END
    events, _ = heard(Wire([head + b"\r\n\r\n", *pieces, end]))
    assert [event.text for event in events[:-1] if isinstance(event, Text)] == ["".join(words) for words in parts]
    assert len(events) == len(parts) + 1


@given(framings, tokens, cuts)
def test_what_came_before_a_failure_is_told_first(framing: str, words: list[str], places: list[int]) -> None:
    for bad, expected in ((b'{"error": "too hot"}\n', "engine_failed"), (b"{half\n", "engine_garbled")):
        events, code = heard(Wire(cut(wired(framing, [*map(line, words), bad, line("never")]), places)))
        assert (said(events), code) == (("", "".join(words), 0), expected)


@given(tokens, cuts, st.sampled_from([b"zz\r\n", b"-6\r\n", b"\r\n", b"0x3\r\nabc\r\n"]))
def test_a_chunk_without_a_size_ends_the_answer(words: list[str], places: list[int], bad: bytes) -> None:
    events, code = heard(Wire(cut(wired("chunked", list(map(line, words)), bad), places), silent=True))
    assert (said(events), code) == (("", "".join(words), 0), "engine_cut")


@given(st.sampled_from(["chunked", "length"]), tokens, cuts, st.data())
def test_a_body_that_ends_early_was_cut(framing: str, words: list[str], places: list[int], data: st.DataObject) -> None:
    lines = [*map(line, words), END]
    whole = wired(framing, lines)
    kept = whole[: data.draw(st.integers(whole.index(b"\r\n\r\n") + 4, len(whole) - 1))]
    events, code = heard(Wire(cut(kept, places)))
    _, text, ends = said(events)
    assert "".join(words).startswith(text)
    assert code == ("" if ends else "engine_cut")
    # The engine's own end is enough, whatever HTTP says; a chunk counts once the line break after it is there.
    assert ends == (END + (b"\r\n" if framing == "chunked" else b"") in kept)


@given(framings, tokens, cuts)
def test_silence_is_told_after_what_was_said(framing: str, words: list[str], places: list[int]) -> None:
    lines = [*map(line, words), END]
    whole = wired(framing, lines)
    kept = whole[: whole.index(END.rstrip()) - 2 * (framing == "chunked")]
    events, code = heard(Wire(cut(kept, places), silent=True))
    assert (said(events), code) == (("", "".join(words), 0), "engine_silent")


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_line_without_end_is_no_answer(framing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LINE_LIMIT", 1000)
    flood = [b"x" * 100] * 50
    events, code = heard(Wire(cut(wired(framing, [line("a"), *flood]), range(0, 6000, 100))))
    assert (said(events), code) == (("", "a", 0), "engine_garbled")


def told(answer: HTTPResponse) -> Generator[EngineEvent]:
    """Its events, one by one."""
    events = BatchedLines(answer, failure).events(read_line)
    assert isinstance(events, Generator)
    return events


def test_the_end_of_the_connection_ends_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FRAME_S", 3600.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(wired("plain", [line("Bon")]))
        answer = response(ours)
        events = told(answer)
        assert next(events) == Text("Bon")
        theirs.sendall(line("jour") + END)
        theirs.close()
        assert next(events) == Text("jour")
        assert isinstance(next(events), Done)


def test_frames_are_longer_in_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FRAME_S", 0.5)
    answers = [response(Wire([wired("plain", [line("a"), END])])) for _ in range(2 * transport.MANY_STREAMS)]
    streams = [told(answer) for answer in answers]
    assert transport.batch_interval_s() == 0.5
    assert [next(stream) for stream in streams] == [Text("a")] * len(streams)
    assert transport.batch_interval_s() == 1.0
    for stream in streams:
        stream.close()
    assert transport.batch_interval_s() == 0.5

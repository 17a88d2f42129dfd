"""HTTP with an engine: small requests, and streamed answers that another thread can cut even before the first byte."""

import contextlib
import json
import math
import re
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from urllib3.exceptions import NewConnectionError

from app.engines.base import Cancel, Done, EngineEvent, Text, Thinking
from app.engines.thinking import ThinkingSplitter
from app.errors import AppError
from app.text import clean

# Once the text has begun, tokens are read off the socket this often, in seconds; the first one at once.
FRAME_S = 0.08
# From this many streams at once the interval grows, up to LONGEST_FRAMES times.
MANY_STREAMS = 16
LONGEST_FRAMES = 3.0
READ_SIZE = 65536
# No engine sends a line of more bytes.
LINE_LIMIT = 16 * 1024 * 1024
# Seconds of silence after which an answer that the engine called complete counts as ended: only counts may follow.
END_SILENCE_S = 5.0
# How engines say that memory is missing, that the model sees no pictures, that a picture cannot be decoded.
FAILURES = {
    "engine_no_memory": re.compile(
        r"(more|insufficient) ((system|gpu) )?memory|out of memory|cannot allocate|(unable|failed) to allocate",
        re.IGNORECASE,
    ),
    "images_unsupported": re.compile(
        r"missing data required for image input|image input is not supported|not a multimodal model|"
        r"does(n't| not) support (images?|vision|multimodal)",
        re.IGNORECASE,
    ),
    "image_unreadable": re.compile(
        r"(failed|unable) to (load|decode|process) image|image: unknown format|invalid image", re.IGNORECASE
    ),
}
HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,8}")

# The answers that are being read now, those whose text has not begun included: it may begin for all at once.
_open: set["BatchedLines"] = set()
CONNECT_TIMEOUT_S = 2.0
# Seconds; less than the 3 s within which a missing engine must be reported.
QUERY_TIMEOUT_S = 2.5
COMMAND_TIMEOUT_S = 30.0
# Bytes read of an error response.
REFUSAL_SIZE = 8000


def batch_interval_s() -> float:
    """Return the seconds between two reads; longer with many streams, as each read costs the same CPU."""
    return FRAME_S * min(max(1.0, len(_open) / MANY_STREAMS), LONGEST_FRAMES)


class BatchedLines:
    """Whole lines of a response without their ends, in batches, one for each read.

    `failed(code, cause)` makes the error to raise: engine_cut, engine_silent or engine_garbled. `connection`: where the
    response comes from; `event_timeout_s`: seconds after which an engine that sends no events but lines counts as hung.
    """

    def __init__(
        self,
        response: HTTPResponse,
        failed: Callable[[str, object], AppError],
        connection: socket.socket | None = None,
        event_timeout_s: float = math.inf,
    ) -> None:
        self._failed = failed
        self._event_timeout_s = event_timeout_s
        self._connection = connection
        # The raw socket: HTTPResponse returns one chunk, that is one token, per call.
        self._socket: Any = response.fp
        # Wakes a pause between two reads at the end of the connection by either side, not at data.
        self._hangup = select.poll()
        self._hangup.register(self._socket.fileno(), getattr(select, "POLLRDHUP", 0))
        self._body = _ChunkedBody() if response.chunked else _PlainBody(response.length)
        self._text_begun = False

    def events(
        self,
        read: Callable[[bytes], list[EngineEvent]],
        complete: Callable[[], Done | None] = lambda: None,
        *,
        joins_start: bool = False,
    ) -> Iterator[EngineEvent]:
        """Yield what `read` returns for each line, up to Done, with adjacent text joined.

        `complete` returns Done once the engine has said that the answer is complete, else None. From then on a failure,
        the end of the connection, or END_SILENCE_S without data end the answer.

        `joins_start`: hold the first text back for `batch_interval_s`, and yield it joined with what comes meanwhile.

        If `read` fails, the events before the failure are yielded first. Its ValueError, TypeError and AttributeError
        become engine_garbled.
        """
        _open.add(self)
        try:
            for events in self._batches(read, joins_start=joins_start):
                for event in events:
                    yield event
                    if isinstance(event, Done):
                        return
                if self._connection is not None and complete():
                    self._connection.settimeout(END_SILENCE_S)
        except AppError:
            if not complete():
                raise
        finally:
            _open.discard(self)
        if last := complete():
            yield last

    def _batches(self, read: Callable[[bytes], list[EngineEvent]], *, joins_start: bool) -> Iterator[list[EngineEvent]]:
        events: list[EngineEvent] = []
        heard = time.monotonic()
        try:
            for lines in self._lines():
                for line in lines:
                    _extend(events, self._parsed(read, line))
                if events:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self._event_timeout_s:
                    raise self._failed("engine_silent", "lines without events")
                begun = self._text_begun or any(isinstance(event, Text | Thinking) for event in events)
                if begun and joins_start:
                    joins_start = False
                    if self._more_within_a_frame():
                        continue
                self._text_begun = begun
                batch, events = events, []
                yield batch
        except AppError:
            yield events
            raise
        yield events

    def _more_within_a_frame(self) -> bool:
        """Wait for a frame; return True if there is something to read."""
        self._hangup.poll(batch_interval_s() * 1000)
        readable = select.poll()
        readable.register(self._socket.fileno(), select.POLLIN)
        return bool(readable.poll(0))

    def _parsed(self, read: Callable[[bytes], list[EngineEvent]], line: bytes) -> list[EngineEvent]:
        try:
            return read(line)
        except (ValueError, TypeError, AttributeError) as error:
            raise self._failed("engine_garbled", f"{error}: {line[:200]!r}") from error

    def _lines(self) -> Iterator[list[bytes]]:
        # A line ends with LF, CR or CR LF, as the standard of event streams says. After a CR nothing is waited for: an
        # LF that comes with the next read is the rest of that line end.
        tail, ended_by_cr = b"", False
        while not self._body.ended:
            if self._text_begun:
                self._hangup.poll(batch_interval_s() * 1000)
            if data := self._next():
                rest = data.removeprefix(b"\n") if ended_by_cr else data
                ended_by_cr = data.endswith(b"\r")
                *lines, tail = (tail + rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
                if lines:
                    yield lines
            if self._body.broken:
                raise self._failed("engine_cut", self._body.broken)
            if len(tail) > LINE_LIMIT:
                raise self._failed("engine_garbled", f"a line of more than {LINE_LIMIT} bytes")
        if tail:
            yield [tail]

    def _next(self) -> bytes:
        try:
            return self._body.feed(self._socket.read1(READ_SIZE))
        except TimeoutError as error:
            raise self._failed("engine_silent", error) from error
        except (OSError, ValueError, AttributeError) as error:
            raise self._failed("engine_cut", error) from error


def _extend(events: list[EngineEvent], more: list[EngineEvent]) -> None:
    for event in more:
        last = events[-1] if events else None
        if isinstance(event, Text | Thinking) and isinstance(last, type(event)):
            events[-1] = type(event)(last.text + event.text)
        else:
            events.append(event)


def whole_characters(events: Iterator[EngineEvent]) -> Iterator[EngineEvent]:
    """Join the halves of a character that came in two events, and clean the texts of what cannot be stored or sent."""
    half: Text | Thinking | None = None
    for event in events:
        before = ""
        if half is not None and isinstance(event, Text | Thinking | Done):
            if isinstance(event, type(half)):
                before = half.text
            else:
                yield type(half)(clean(half.text))
            half = None
        if not isinstance(event, Text | Thinking):
            yield event
            continue
        text = before + event.text
        if "\ud800" <= text[-1:] <= "\udbff":
            half, text = type(event)(text[-1]), text[:-1]
        if text := clean(text):
            yield type(event)(text)


class _PlainBody:
    """A body of `length` bytes; None: up to the end of the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.ended = length == 0
        # Why the rest of the body cannot be read; "" while it can.
        self.broken = ""

    def feed(self, data: bytes) -> bytes:
        """Return the part of the body in these bytes; no bytes mean that the connection ended."""
        if self._left is None:
            self.ended = not data
        elif not data:
            self.broken = f"{self._left} bytes are missing"
        else:
            self._left -= len(data)
            self.ended = self._left <= 0
        return data


class _ChunkedBody:
    """A body in HTTP's chunked encoding: each chunk's size in hexadecimal on a line before it; size 0 ends it."""

    def __init__(self) -> None:
        self._held = b""
        self.ended = False
        self.broken = ""

    def feed(self, data: bytes) -> bytes:
        """Return the content of the chunks that are complete; keeps the rest until more bytes come."""
        if not data:
            self.broken = "the connection ended within the answer"
        held, start, parts = self._held + data, 0, []
        while (line := held.find(b"\r\n", start)) >= 0:
            digits = held[start:line].partition(b";")[0].rstrip()
            if not HEXADECIMAL.fullmatch(digits):
                self.broken = f"no size of a chunk: {digits[:20]!r}"
                break
            size = int(digits, 16)
            end = line + 2 + size
            if size == 0:
                self.ended = True
                break
            if len(held) < end + 2:
                break
            parts.append(held[line + 2 : end])
            start = end + 2
        self._held = held[start:]
        return b"".join(parts)


def _reset(connection_socket: socket.socket) -> None:
    """Wake the thread that reads this socket, and make the later close a TCP reset.

    llama.cpp notices a reset at its next write, a plain close only at the second one.
    """
    with contextlib.suppress(OSError):
        connection_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection_socket.shutdown(socket.SHUT_RDWR)


def _innermost(error: requests.RequestException) -> BaseException:
    """Return what the system said, such as "Connection refused", without the words that each library puts around it."""
    found: BaseException = error
    while (within := found.__cause__ or found.__context__) is not None:
        found = within
    return found


def direct_session() -> requests.Session:
    """Return a session that ignores the environment's proxy settings, as engines are on this network."""
    session = requests.Session()
    session.trust_env = False
    return session


def _beginning(response: HTTPResponse) -> str:
    """Return the first REFUSAL_SIZE bytes of a response, as far as they come."""
    try:
        return response.read(REFUSAL_SIZE).decode(errors="replace")
    except (OSError, HTTPException):
        return ""


def error_in(body: str) -> Any:
    """Return the field `error` of an error response, the beginning of its text if it has none."""
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return body[:2000]


def number(value: Any) -> float | None:
    """Return a count or duration of an engine's report, also one sent as text; None for what is none."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


def count(value: Any) -> int | None:
    """Return a `number` as a whole one."""
    found = number(value)
    return None if found is None else int(found)


def end_reason(value: Any) -> str:
    """Return the reason of an answer's end; "" before it, for which some servers send the word null."""
    return value if isinstance(value, str) and value not in ("null", "None") else ""


def known_failure(message: str) -> str:
    """Return the code of what an engine's error says of memory or of a picture; "" if it is about something else."""
    return next((code for code, words in FAILURES.items() if words.search(message)), "")


def json_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object; raises ValueError for anything else."""
    try:
        parsed = json.loads(data)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


class EngineHttpClient:
    """HTTP client of one engine. `label` names it in errors; the environment's proxy settings are ignored."""

    def __init__(self, label: str, *, read_timeout_s: float) -> None:
        self._label = label
        self._read_timeout_s = read_timeout_s

    def query(self, url: str, *, headers: dict[str, str] | None = None) -> requests.Response:
        """GET a small document; raises engine_unreachable."""
        try:
            return self._asked("GET", url, QUERY_TIMEOUT_S, headers=headers)
        except requests.RequestException as error:
            raise self.failure("engine_unreachable", _innermost(error)) from error

    def command(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> requests.Response:
        """POST a small command; raises engine_unreachable or engine_cut."""
        try:
            return self._asked("POST", url, COMMAND_TIMEOUT_S, headers=headers, json=body)
        except requests.ConnectionError as error:
            refused = isinstance(getattr(error.args[0], "reason", None), NewConnectionError)
            raise self.failure("engine_unreachable" if refused else "engine_cut", _innermost(error)) from error
        except requests.RequestException as error:
            raise self.failure("engine_unreachable", _innermost(error)) from error

    @contextlib.contextmanager
    def post(
        self,
        url: str,
        body: dict[str, Any],
        cancel: Cancel,
        *,
        refused: Callable[[int, Any], AppError],
        headers: dict[str, str] | None = None,
        silence_s: float = 0,
    ) -> Iterator[BatchedLines]:
        """POST, and yield the response as soon as its headers are there; setting `cancel` cuts the connection.

        `silence_s`: seconds without data before engine_silent is raised, by default the read timeout. Also raises
        engine_unreachable if no connection can be made, engine_cut if it ends before the headers, and for another
        status than 200 `refused(status, error)`, with what `error_in` finds.
        """
        # http.client, because `requests` takes twice as long to send a request.
        with contextlib.closing(self._connection(url)) as connection:
            wire = connection.sock
            wire.settimeout(silence_s or self._read_timeout_s)
            with (
                cancel.calling(partial(_reset, wire)),
                self._answered(connection, url, body, headers or {}) as response,
            ):
                if response.status != 200:
                    raise refused(response.status, error_in(_beginning(response)))
                yield BatchedLines(response, self.failure, wire, self._read_timeout_s)

    def _asked(self, method: str, url: str, timeout_s: float, **more: Any) -> requests.Response:
        # One request per session: the engine could close a kept connection at the moment it is used again.
        with direct_session() as session:
            return session.request(method, url, timeout=(CONNECT_TIMEOUT_S, timeout_s), **more)

    def _connection(self, url: str) -> HTTPConnection:
        """Open a connection to the URL's host; raises engine_unreachable."""
        try:
            parts = urlsplit(url)
            connection = (
                HTTPSConnection(parts.hostname or "", parts.port, timeout=CONNECT_TIMEOUT_S, context=self._trust)
                if parts.scheme == "https"
                else HTTPConnection(parts.hostname or "", parts.port, timeout=CONNECT_TIMEOUT_S)
            )
            connection.connect()
        except (OSError, ValueError, HTTPException) as error:
            raise self.failure("engine_unreachable", error) from error
        return connection

    def _answered(
        self, connection: HTTPConnection, url: str, body: dict[str, Any], headers: dict[str, str]
    ) -> HTTPResponse:
        """Send the request and return the response once its headers are there; raises engine_silent, engine_cut."""
        # An engine that closes its connection shows the end of an answer at once, even between two reads.
        headers = {"Content-Type": "application/json", "Connection": "close"} | headers
        try:
            connection.request("POST", urlsplit(url).path, json.dumps(body).encode(), headers)
            return connection.getresponse()
        except TimeoutError as error:
            raise self.failure("engine_silent", error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self.failure("engine_cut", error) from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """TLS context with the certificate authorities that `requests` trusts."""
        return ssl.create_default_context(cafile=certifi.where())

    def events(
        self,
        response: BatchedLines,
        read: Callable[[bytes], list[EngineEvent]],
        cancel: Cancel,
        complete: Callable[[], Done | None] = lambda: None,
        *,
        splitter: ThinkingSplitter | None = None,
        joins_start: bool = False,
    ) -> Iterator[EngineEvent]:
        """Yield the events of an answer, up to Done; the other arguments: see `BatchedLines.events`."""
        events = whole_characters(response.events(read, complete, joins_start=joins_start))
        for event in (splitter or ThinkingSplitter()).split(events):
            # Drop what arrived before the connection was cut.
            if cancel.is_set():
                return
            yield event

    def failure(self, code: str, cause: object) -> AppError:
        """Return an error that names this engine."""
        return AppError(code, cause=str(cause)[:1000], engine=self._label)

"""A fast engine for load: llama-server's wire at 50 tokens a second for each of 128 streams, for almost no CPU."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections import deque
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from tests.fakes._server import compact

# All streams are looked at together this often: a timer for each token would cost more than the tokens.
TICK_S = 0.004
WORDS = ("le", "serveur", "répond", "à", "chaque", "question", "longue", "car", "où", "cœur", "déjà", "calme")
NOT_FOUND = {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}
STREAMS_ONLY = {"error": {"code": 400, "message": "only streams are served", "type": "invalid_request_error"}}


@dataclass
class Fast:
    """The engine: what all connections share. Runs in one event loop."""

    model: str = "fast"
    _: KW_ONLY
    port: int = 0
    slots: int = 128
    tokens: int = 200
    tokens_per_second: float = 50
    context: int = 8192
    running: list[Stream] = field(default_factory=list)
    waiting: deque[Stream] = field(default_factory=deque)
    ticking: bool = False

    def __post_init__(self) -> None:
        self.role = _chunk(self._frame({"role": "assistant", "content": None}))
        # Made once: sending a token is then one write of bytes that exist.
        self.pieces = [
            _chunk(self._frame({"content": f"{WORDS[number % len(WORDS)]} "})) for number in range(self.tokens)
        ]
        self.pages = {
            "/health": {"status": "ok"},
            "/props": {
                "default_generation_settings": {"params": {"n_predict": -1}, "n_ctx": self.context},
                "total_slots": self.slots, "model_alias": self.model, "model_path": f"{self.model}.gguf",
                "chat_template": "{{ messages }}", "build_info": "b10488-0", "is_sleeping": False,
            },
            "/v1/models": {"object": "list", "data": [{
                "id": self.model, "object": "model", "created": 1789000000, "owned_by": "llamacpp", "tags": [],
                "aliases": [self.model], "meta": {"n_ctx": self.context, "n_params": 134515008, "size": 96576768},
            }]},
        }  # fmt: skip

    async def serve(self) -> None:
        """Serve until Ctrl-C or SIGTERM; the address is printed first."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, stop.set)
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=1024)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await stop.wait()

    def page(self, path: str) -> tuple[int, Any]:
        """Status and body of a small document."""
        if path == "/slots":
            busy = [number < len(self.running) for number in range(self.slots)]
            return 200, [{"id": n, "n_ctx": self.context, "is_processing": working} for n, working in enumerate(busy)]
        return (200, self.pages[path]) if path in self.pages else (404, NOT_FOUND)

    def enter(self, stream: Stream) -> None:
        """Give the stream a slot, or a place in the queue for one."""
        if len(self.running) >= self.slots:
            self.waiting.append(stream)
            return
        self.running.append(stream)
        stream.begin()
        if not self.ticking:
            self.ticking = True
            asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def leave(self, stream: Stream) -> None:
        """The client has gone: its slot is the next one's."""
        if stream in self.waiting:
            self.waiting.remove(stream)
        elif stream in self.running:
            self.running.remove(stream)
            self._fill()

    def end(self, stream: Stream) -> bytes:
        """The last chunks of an answer: reason, usage, end."""
        usage = {"completion_tokens": stream.sent, "prompt_tokens": stream.read,
                 "total_tokens": stream.read + stream.sent, "prompt_tokens_details": {"cached_tokens": 0}}  # fmt: skip
        timings = {"cache_n": 0, "prompt_n": stream.read, "prompt_ms": 0.0, "predicted_n": stream.sent,
                   "predicted_ms": stream.sent / self.tokens_per_second * 1000}  # fmt: skip
        last = self._frame(None) | {"usage": usage, "timings": timings}
        return b"".join((_chunk(self._frame({}, "length")), _chunk(last), _line(b"data: [DONE]\n\n"), b"0\r\n\r\n"))

    def progress(self, read: int) -> bytes:
        """The report of a prompt that took no time to read."""
        report = {"total": read, "cache": 0, "processed": read, "time_ms": 0}
        return _chunk(self._frame({"role": "assistant", "content": None}) | {"prompt_progress": report})

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        ended = [stream for stream in self.running if stream.advance(now)]
        if ended:
            self.running = [stream for stream in self.running if stream not in ended]
            self._fill()
        self.ticking = bool(self.running)
        if self.ticking:
            loop.call_later(TICK_S, self._tick)

    def _fill(self) -> None:
        while self.waiting and len(self.running) < self.slots:
            stream = self.waiting.popleft()
            self.running.append(stream)
            stream.begin()

    def _frame(self, delta: dict[str, Any] | None, reason: str | None = None) -> dict[str, Any]:
        choices = [] if delta is None else [{"finish_reason": reason, "index": 0, "delta": delta}]
        return {
            "choices": choices, "created": 1789000000, "id": "chatcmpl-0oAEX5H2b0cutqRC", "model": self.model,
            "system_fingerprint": "b10488-0", "object": "chat.completion.chunk",
        }  # fmt: skip


@dataclass(eq=False)
class Stream:
    """One answer: token n is due n periods after the start, whatever became of those before."""

    engine: Fast
    transport: asyncio.Transport
    body: dict[str, Any]
    closing: bool
    sent: int = 0
    started: float = 0

    def __post_init__(self) -> None:
        asked = self.body.get("max_tokens")
        self.limit = self.engine.tokens if asked is None else min(asked, self.engine.tokens)
        self.read = sum(1 + len(message["content"].split()) for message in self.body["messages"])

    def begin(self) -> None:
        """Say what a server says before its first token."""
        self.started = asyncio.get_running_loop().time()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        report = self.engine.progress(self.read) if self.body.get("return_progress") else b""
        self.transport.write(head + report + self.engine.role)

    def advance(self, now: float) -> bool:
        """Send what is due; whether that was the last of it."""
        due = min(self.limit, int((now - self.started) * self.engine.tokens_per_second))
        if due > self.sent:
            self.transport.write(b"".join(self.engine.pieces[self.sent : due]))
            self.sent = due
        if self.sent < self.limit:
            return False
        self.transport.write(self.engine.end(self))
        if self.closing:
            self.transport.close()
        return True


class Connection(asyncio.Protocol):
    """One kept-open HTTP connection: a request, its answer, the next request."""

    def __init__(self, engine: Fast) -> None:
        self._engine = engine
        self._received = b""
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        if self._stream is not None:
            self._engine.leave(self._stream)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, target, _ = first.split()
        closing = headers.get("connection", "").lower() == "close"
        self._answer(method, target.partition("?")[0], rest[:length], closing)

    def _answer(self, method: str, path: str, body: bytes, closing: bool) -> None:
        if (method, path) != ("POST", "/v1/chat/completions"):
            self._reply(*self._engine.page(path))
        elif not (asked := json.loads(body)).get("stream"):
            self._reply(400, STREAMS_ONLY)
        else:
            self._stream = Stream(self._engine, self._transport, asked, closing)
            self._engine.enter(self._stream)

    def _reply(self, status: int, page: Any) -> None:
        body = compact(page)
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


def _chunk(record: dict[str, Any]) -> bytes:
    return _line(b"data: " + compact(record) + b"\n\n")


def _line(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


def main() -> None:
    """Run as a process: `python -m tests.fakes.fast --port 8080`."""
    parser = argparse.ArgumentParser(description="A stand-in llama-server that writes to many people at once.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--slots", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--tokens-per-second", type=float, default=50)
    asyncio.run(Fast(**vars(parser.parse_args())).serve())


if __name__ == "__main__":
    main()

"""One answer of the fake llama-server: progress of the prefill, the server-sent events, and their end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes._server import Exchange, compact
from tests.fakes._slots import PromptCache
from tests.fakes.engine import FaultError, Generation, Kind, Outcome, Piece, Writer, garbled
from tests.fakes.scenario import Fault

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI

STREAM_ERROR = "Compute error."
PING = b":\n\n"


@dataclass
class ChatCompletion:
    """One POST /v1/chat/completions that has its slot."""

    engine: FakeOpenAI
    exchange: Exchange
    body: dict[str, Any]
    made: Generation
    cache: PromptCache
    started: float = field(default_factory=time.monotonic)
    begun: bool = False

    def __post_init__(self) -> None:
        self._writer = Writer(self.exchange, self.made.scenario.framing)

    def run(self) -> None:
        """Answer, from the prefill to `[DONE]`."""
        reports = bool(self.body.get("return_progress")) and not self.engine.bare
        if self.engine.bare:
            self._begin()
        if reports:
            # The first report says what is cached, before anything is computed.
            self.made.cached = self.cache.peek(self.made.prompt)
            self._report(self.made.cached)
        self.engine.prefill(self.exchange, self.made, self.cache, self._report if reports else _keep_quiet)
        pieces = self.engine.decode(self.exchange, self.made, thinks=self._thinks(), limit=self._limit())
        try:
            if self.body.get("stream"):
                self._stream(pieces)
            else:
                self._reply_whole(list(pieces))
        except FaultError as error:
            self._fail(error.fault)
        else:
            self.made.outcome = Outcome.DONE
        self.cache.keep([*self.made.prompt, *self.made.said])

    def _stream(self, pieces: Any) -> None:
        first = True
        for kind, text in pieces:
            if first:
                self._say_role()
                first = False
            self._event(self._chunk({self._thinking_key if kind is Kind.THINKING else "content": text}))
        if first:
            self._say_role()
        self._end()

    def _end(self) -> None:
        wants_usage = (self.body.get("stream_options") or {}).get("include_usage")
        timings = {} if self.engine.bare or not self.made.scenario.metrics else {"timings": self._timings()}
        beside_usage = wants_usage and self.engine.timings_in_usage
        self._event(self._chunk({}, self.made.reason) | ({} if beside_usage else timings))
        if wants_usage and self.made.scenario.metrics:
            self._event(self._frame([]) | {"usage": self._usage()} | (timings if beside_usage else {}))
        self._raw(b"data: [DONE]\n\n")
        self._writer.finish()

    def _reply_whole(self, pieces: list[Piece]) -> None:
        content = "".join(text for kind, text in pieces if kind is Kind.TEXT)
        message = {"role": "assistant", "content": content}
        choice = {"finish_reason": self.made.reason, "index": 0, "message": message}
        whole = self._frame([choice]) | {"object": "chat.completion", "usage": self._usage()}
        self.exchange.reply(200, whole)

    def _fail(self, fault: Fault) -> None:
        error = {"code": 500, "message": self.made.scenario.message or STREAM_ERROR, "type": "server_error"}
        if not self.begun:
            self.exchange.reply(500, {"error": error})
            return
        if fault is Fault.DROP:
            self.exchange.drop()
        elif fault is Fault.GARBAGE:
            self._raw(b"data: " + garbled(self.made.scenario.message) + b"\n\n")
            self._end()
        else:
            if fault is Fault.ERROR:
                self._event({"error": error})
            self._writer.finish()

    def _report(self, processed: int) -> None:
        spent = int((time.monotonic() - self.started) * 1000)
        progress = {"total": len(self.made.prompt), "cache": self.made.cached, "processed": processed}
        self._event(self._chunk({"role": "assistant", "content": None})
                    | {"prompt_progress": {**progress, "time_ms": spent}})  # fmt: skip

    def _say_role(self) -> None:
        self._event(self._chunk({"role": "assistant", "content": "" if self.engine.bare else None}))

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return self._frame([{"finish_reason": reason, "index": 0, "delta": delta}])

    def _frame(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        frame = {"choices": choices, "created": 1789000000, "id": "chatcmpl-0oAEX5H2b0cutqRC"}
        vendor = {} if self.engine.bare else {"system_fingerprint": "b10488-0"}
        return {**frame, "model": self.body["model"], **vendor, "object": "chat.completion.chunk"}

    def _usage(self) -> dict[str, Any]:
        read, written = len(self.made.prompt), len(self.made.said)
        usage: dict[str, Any] = {"completion_tokens": written, "prompt_tokens": read}
        usage["total_tokens"] = read + written
        if not self.engine.bare:
            usage["prompt_tokens_details"] = {"cached_tokens": self.made.cached}
        return usage

    def _timings(self) -> dict[str, Any]:
        made = self.made
        return {
            "cache_n": made.cached, "prompt_n": made.fresh, "prompt_ms": made.prefill_s * 1000,
            "predicted_n": len(made.said), "predicted_ms": made.decode_s * 1000,
        }  # fmt: skip

    @property
    def _thinking_key(self) -> str:
        return "reasoning" if self.engine.bare else "reasoning_content"

    def _limit(self) -> int:
        """0 only reads the prompt; there is no context shift: the answer ends where the context does."""
        room = self.engine.context - len(self.made.prompt)
        asked = self.body.get("max_tokens", self.body.get("n_predict", -1))
        return room if asked is None or asked < 0 else min(asked, room)

    def _thinks(self) -> bool:
        wanted = (self.body.get("chat_template_kwargs") or {}).get("enable_thinking", True)
        return self.engine.thinks and bool(wanted)

    def _event(self, record: dict[str, Any]) -> None:
        self._raw(b"data: " + compact(record) + b"\n\n")

    def _raw(self, text: bytes) -> None:
        self._begin()
        self._writer.write(PING + text if self.engine.pings else text)

    def _begin(self) -> None:
        if not self.begun and self.body.get("stream"):
            self.exchange.start_stream("text/event-stream")
            self.begun = True


def _keep_quiet(processed: int) -> None:
    """Without `return_progress` nothing is written while the prompt is read."""

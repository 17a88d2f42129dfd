"""One answer of the fake Ollama: the prompt made to fit, the wait, the silent prefill, the NDJSON lines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.fakes._server import ClientGoneError, Exchange, compact
from tests.fakes.engine import (
    FakeEngine,
    FaultError,
    Generation,
    Kind,
    Outcome,
    Phase,
    Piece,
    Writer,
    exceeded,
    garbled,
    rendered,
)
from tests.fakes.ollama_library import timestamp
from tests.fakes.ollama_runners import Runner
from tests.fakes.scenario import Fault

STREAM_ERROR = "an error was encountered while running the model"
# Ollama's bound for an answer without a limit of its own, in contexts.
UNLIMITED_CONTEXTS = 10
NUM_KEEP = 4
# After more equal tokens in a row, spaces around them aside, Ollama gives an answer up.
MAX_REPEATS = 30


class LoopError(Exception):
    """The answer repeats itself."""


class RefusedError(Exception):
    """An HTTP error, `{"error": …}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Chat:
    """One POST /api/chat whose model is in memory."""

    engine: FakeEngine
    exchange: Exchange
    body: dict[str, Any]
    runner: Runner
    made: Generation
    load_s: float
    wedges: bool
    knows_think: bool

    def run(self, *, obeys_truncate: bool) -> None:
        """Answer, from the queue to the last line."""
        self._fit_the_context(obeys_truncate=obeys_truncate)
        self.engine.enter(self.made, Phase.QUEUED)
        self.runner.slots.acquire(self.exchange)
        try:
            with self.engine.computing(self.made):
                self.engine.prefill(self.exchange, self.made, self.runner.cache)
                self._say()
            self.runner.cache.keep([*self.made.prompt, *self.made.said])
        except ClientGoneError:
            if not self.engine.notices_in_prefill:
                # The prompt was read to its end all the same.
                self.runner.cache.keep(self.made.prompt)
            if not self.wedges:
                self.runner.slots.release()
            raise
        except RefusedError:
            self.runner.slots.release()
            raise
        self.runner.slots.release()

    def _fit_the_context(self, *, obeys_truncate: bool) -> None:
        """Drop the oldest messages, then cut to half of the context, without a word, unless forbidden.

        Before 0.30 a prompt may fill the context, and is cut to that.
        """
        made, context, old_era = self.made, self.runner.context, not self.engine.notices_in_prefill
        room = context if old_era else context - 1
        if len(made.prompt) > room and self.body.get("truncate") is False and obeys_truncate:
            told = "the input length exceeds the context length"
            raise RefusedError(400, told if old_era else _context_error(len(made.prompt), context))
        messages = list(self.body["messages"])
        while len(made.prompt) > room and (old := _oldest(messages)) is not None:
            del messages[old]
            made.prompt = rendered(messages)
        if len(made.prompt) > room:
            kept = context if old_era else context // 2
            made.prompt = made.prompt[:NUM_KEEP] + made.prompt[NUM_KEEP - kept :]

    def _say(self) -> None:
        made = self.made
        pieces = _until_it_loops(self.engine.decode(self.exchange, made, thinks=self._thinks(), limit=self._limit()))
        if not self.knows_think:
            pieces = _tagged(pieces)
        if self.body.get("stream") is False:
            said: list[Piece] = []
            end = self._end
            try:
                said.extend(pieces)
            except LoopError:
                end = _no_end
            self.exchange.reply(200, {**self._stamp(), "message": _message(said), **end()})
            made.outcome = Outcome.DONE
        else:
            self._stream(pieces)

    def _stream(self, pieces: Iterable[Piece]) -> None:
        """The head of the answer leaves with its first line: the client hears nothing before."""
        made, writer = self.made, Writer(self.exchange, self.made.scenario.framing)
        begun = False
        try:
            for piece in pieces:
                if not begun:
                    self.exchange.start_stream("application/x-ndjson")
                    begun = True
                writer.write(line_of({**self._stamp(), "message": _message([piece]), "done": False}))
        except FaultError as error:
            if not begun:
                raise RefusedError(500, made.scenario.message or STREAM_ERROR) from error
            self._fail(error.fault, writer)
            return
        except LoopError:
            # HTTP's end, and no last line.
            writer.finish()
            made.outcome = Outcome.DONE
            return
        if not begun:
            self.exchange.start_stream("application/x-ndjson")
        writer.write(line_of({**self._stamp(), "message": _message([]), **self._end()}))
        writer.finish()
        made.outcome = Outcome.DONE

    def _fail(self, fault: Fault, writer: Writer) -> None:
        message = self.made.scenario.message
        match fault:
            case Fault.ERROR:
                writer.write(line_of({"error": message or STREAM_ERROR}))
            case Fault.GARBAGE:
                writer.write(garbled(message) + b"\n")
                writer.write(line_of({**self._stamp(), "message": _message([]), **self._end()}))
        if fault is Fault.DROP:
            self.exchange.drop()
        else:
            writer.finish()

    def _end(self) -> dict[str, Any]:
        """The last line's figures: nanoseconds, and what is 0 is left out."""
        made = self.made
        figures = {
            "total_duration": time.monotonic() - made.asked_at, "load_duration": self.load_s,
            "prompt_eval_duration": made.prefill_s, "eval_duration": made.decode_s,
        }  # fmt: skip
        counts = {"prompt_eval_count": len(made.prompt), "eval_count": len(made.said)}
        metrics = {**counts, **{name: int(value * 1e9) for name, value in figures.items()}}
        known = {name: value for name, value in metrics.items() if value and made.scenario.metrics}
        return {"done": True, "done_reason": made.reason, **known}

    def _thinks(self) -> bool:
        """Left out means on; versions before 0.9 always think."""
        asked = self.body.get("think") is not False
        return self.runner.model.thinks and (asked or not self.knows_think)

    def _limit(self) -> int:
        asked = int((self.body.get("options") or {}).get("num_predict", -1))
        if asked == 0:
            # The field is left out on the way to the runner, which then never stops by itself.
            self.made.scenario = replace(self.made.scenario, text=None, unending=True)
        limit = asked if asked > 0 else UNLIMITED_CONTEXTS * self.runner.context
        if self.body.get("shift") is False:
            limit = min(limit, self.runner.context - len(self.made.prompt))
        return limit

    def _stamp(self) -> dict[str, Any]:
        return stamp(self.body["model"])


def stamp(model: str) -> dict[str, Any]:
    """How every line begins."""
    return {"model": model, "created_at": timestamp()}


def line_of(record: dict[str, Any]) -> bytes:
    return compact(record) + b"\n"


def _no_end() -> dict[str, Any]:
    """What a whole answer says that has no end."""
    return {"done": False}


def _until_it_loops(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Raise LoopError at the token that repeats the one before it once too often."""
    last, repeats = "", 0
    for kind, text in pieces:
        repeats = repeats + 1 if text.strip() == last else 0
        last = text.strip()
        if repeats > MAX_REPEATS:
            raise LoopError
        yield kind, text


def _message(pieces: list[Piece]) -> dict[str, Any]:
    content = "".join(text for kind, text in pieces if kind is Kind.TEXT)
    thinking = "".join(text for kind, text in pieces if kind is Kind.THINKING)
    return {"role": "assistant", "content": content, **({"thinking": thinking} if thinking else {})}


def _oldest(messages: list[dict[str, Any]]) -> int | None:
    """What may be dropped first: never a system message, never the last one."""
    return next((n for n, turn in enumerate(messages[:-1]) if turn["role"] != "system"), None)


def _context_error(count: int, context: int) -> str:
    """llama-server's own JSON, passed on as a string."""
    return json.dumps({"error": exceeded(count, context)})


def _tagged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Before version 0.9 the thinking is part of the answer, between tags."""
    thinking = False
    for kind, text in pieces:
        if kind is Kind.THINKING and not thinking:
            yield Kind.TEXT, "<think>\n"
        if kind is Kind.TEXT and thinking:
            yield Kind.TEXT, "\n</think>\n\n"
        thinking = kind is Kind.THINKING
        yield Kind.TEXT, text

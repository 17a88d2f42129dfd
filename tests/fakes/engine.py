"""What every fake engine does behind its wire: prefill, decoding, scripted faults, and records of them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum, auto
from itertools import chain
from typing import Any

from tests.fakes._server import ClientGoneError, Exchange, FakeServer
from tests.fakes._slots import PromptCache
from tests.fakes.scenario import Fault, Framing, Scenario, tokens


class Kind(StrEnum):
    THINKING = auto()
    TEXT = auto()


Piece = tuple[Kind, str]
# As many as gemma3 needs for any picture.
IMAGE_TOKENS = 256


class Phase(IntEnum):
    """Where a generation is, in this order."""

    LOADING = auto()
    QUEUED = auto()
    PREFILL = auto()
    DECODING = auto()
    ENDED = auto()


class Outcome(StrEnum):
    DONE = auto()
    CANCELLED = auto()
    FAILED = auto()


class FaultError(Exception):
    """The scenario asks for this fault now."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass
class Generation:
    """The record of one answer."""

    model: str
    question: str
    scenario: Scenario
    phase: Phase = Phase.LOADING
    reason: str = ""
    outcome: Outcome | None = None
    left_in: Phase | None = None
    """The phase in which the engine noticed that the client had gone."""
    prompt: list[str] = field(default_factory=list)
    cached: int = 0
    said: list[str] = field(default_factory=list)
    prefill_s: float = 0
    decode_s: float = 0
    asked_at: float = field(default_factory=time.monotonic)
    ended_at: float = 0

    @property
    def fresh(self) -> int:
        """The prompt tokens that had to be computed."""
        return len(self.prompt) - self.cached


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the machine is. A prefill rate of 0 takes no time."""

    tokens_per_second: float
    prefill_per_second: float
    batch: int


def _unsaid(done: int) -> None:
    """Ollama tells nobody how far it is."""


class FakeEngine(FakeServer):
    """A fake server whose answers take time, can be scripted, and are recorded."""

    notices_in_prefill = True
    """Whether a client that leaves during the prefill is noticed at the end of the batch."""

    def __init__(self, port: int, pace: Pace) -> None:
        super().__init__(port)
        self.generations: list[Generation] = []
        self.running = 0
        self.max_running = 0
        self._pace = pace
        self._script: deque[Scenario] = deque()
        self._releases = threading.Semaphore(0)

    def script(self, *scenarios: Scenario) -> None:
        """What the next requests get, in this order; afterwards plain answers again."""
        with self._news:
            self._script.extend(scenarios)

    def release(self) -> None:
        """Let one answer that holds, or will hold, go on."""
        self._releases.release()

    def reached(self, phase: Phase, nth: int = 0, timeout: float = 5) -> Generation:
        """Wait until the nth generation has come to this phase."""
        self.wait_until(lambda: len(self.generations) > nth and self.generations[nth].phase >= phase, timeout)
        return self.generations[nth]

    def next_scenario(self) -> Scenario:
        with self._news:
            return self._script.popleft() if self._script else Scenario.answer()

    @contextmanager
    def generation(self, model: str, messages: list[dict[str, Any]], scenario: Scenario) -> Iterator[Generation]:
        """Record one answer, from its request to its end."""
        question = text_of(messages[-1])
        made = Generation(model, question, scenario, prompt=rendered(messages))
        with self.changing():
            self.generations.append(made)
        try:
            yield made
        except ClientGoneError:
            made.outcome, made.left_in = Outcome.CANCELLED, made.phase
            raise
        finally:
            with self.changing():
                made.outcome = made.outcome or Outcome.FAILED
                made.phase, made.ended_at = Phase.ENDED, time.monotonic()

    @contextmanager
    def computing(self, made: Generation) -> Iterator[None]:
        """Count those that the engine works for at the same time."""
        with self.changing():
            made.phase = Phase.PREFILL
            self.running += 1
            self.max_running = max(self.max_running, self.running)
        try:
            yield
        finally:
            with self.changing():
                self.running -= 1

    def enter(self, made: Generation, phase: Phase) -> None:
        with self.changing():
            made.phase = phase

    def prefill(
        self,
        exchange: Exchange,
        made: Generation,
        cache: PromptCache,
        progress: Callable[[int], None] = _unsaid,
    ) -> None:
        """Compute the part of the prompt that is not cached; `progress` hears how far each batch came."""
        started = time.monotonic()
        made.cached = cache.shared(made.prompt)
        for start in range(made.cached, len(made.prompt), self._pace.batch):
            done = min(start + self._pace.batch, len(made.prompt))
            if self._pace.prefill_per_second:
                time.sleep((done - start) / self._pace.prefill_per_second)
            if self.notices_in_prefill:
                exchange.check()
            progress(done)
        made.prefill_s = time.monotonic() - started

    def decode(self, exchange: Exchange, made: Generation, *, thinks: bool, limit: int) -> Iterator[Piece]:
        """The tokens of the answer at the engine's pace, until its end, its limit or its fault."""
        scenario, started = made.scenario, time.monotonic()
        made.reason = "stop"
        for piece in self._pieces(made, thinks=thinks):
            if scenario.fault and len(made.said) == scenario.after:
                self._suffer(exchange, scenario.fault)
            if len(made.said) == limit:
                made.reason = "length"
                break
            exchange.pause(1 / self._pace.tokens_per_second)
            made.said.append(piece[1])
            self.enter(made, Phase.DECODING)
            yield piece
        made.decode_s = time.monotonic() - started

    def _pieces(self, made: Generation, *, thinks: bool) -> Iterator[Piece]:
        thoughts = made.scenario.thoughts(made.question) if thinks else iter(())
        words = made.scenario.words(made.question)
        return chain(((Kind.THINKING, text) for text in thoughts), ((Kind.TEXT, text) for text in words))

    def _suffer(self, exchange: Exchange, fault: Fault) -> None:
        if fault is not Fault.HOLD:
            raise FaultError(fault)
        exchange.wait(self._releases.acquire)


class Writer:
    """Sends records the way the scenario's framing wants them."""

    def __init__(self, exchange: Exchange, framing: Framing) -> None:
        self._exchange = exchange
        self._framing = framing
        self._held = b""

    def write(self, record: bytes) -> None:
        record = record.replace(b"\n", self._framing.newline)
        if self._framing.together:
            self._held += record
            return
        size = self._framing.piece or len(record)
        for start in range(0, len(record), size):
            self._exchange.send(record[start : start + size])

    def finish(self) -> None:
        if self._held:
            self._exchange.send(self._held)
        self._exchange.finish()


def rendered(messages: list[dict[str, Any]]) -> list[str]:
    """The prompt as tokens: each turn between its marks, then the mark that asks for the answer."""
    turns = (["<" + turn["role"] + ">", *_pictures(turn), *tokens(text_of(turn)), "<end>"] for turn in messages)
    return [*chain.from_iterable(turns), "<assistant>"]


def text_of(turn: dict[str, Any]) -> str:
    """The words of a turn, whose content may be a list of parts."""
    content: str | list[dict[str, Any]] = turn["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def images_of(turn: dict[str, Any]) -> list[str]:
    """The pictures of a turn, in Ollama's way or in OpenAI's."""
    parts = turn["content"] if isinstance(turn["content"], list) else []
    return [*turn.get("images", ()), *(part["image_url"]["url"] for part in parts if part["type"] == "image_url")]


def _pictures(turn: dict[str, Any]) -> list[str]:
    """Equal tokens for equal pictures, as the prompt cache compares them."""
    marks = (hashlib.sha256(image.encode()).hexdigest() for image in images_of(turn))
    return [mark for mark in marks for _ in range(IMAGE_TOKENS)]


def exceeded(count: int, context: int) -> dict[str, Any]:
    """How llama.cpp says that a prompt is too long."""
    text = f"request ({count} tokens) exceeds the available context size ({context} tokens)"
    error = {"code": 400, "message": f"{text}, try increasing it", "type": "exceed_context_size_error"}
    return {**error, "n_prompt_tokens": count, "n_ctx": context}


def garbled(line: str) -> bytes:
    """A scripted line as bytes; lone surrogates stand for bytes that are no UTF-8."""
    return line.encode(errors="surrogateescape")

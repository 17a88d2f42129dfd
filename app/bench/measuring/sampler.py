"""Takes one sample: has the engine load, read or answer, by the clock and under the meters."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.bench.measuring import crowd, page_cache, prompts
from app.bench.measuring.energy import Power
from app.bench.measuring.exchange import Heard, ask
from app.bench.measuring.meters import Meter
from app.bench.measuring.order import COLD, Cell
from app.engines.base import Cancel, ChatRequest, Engine
from app.errors import AppError
from app.models.lab import Kind

# What people ask when several do at once, and how much of an answer shows the pace.
CROWD_QUESTION, CROWD_TOKENS = "Décris en quelques phrases un port de pêche au lever du soleil.", 64
LOAD_QUESTION = "Bonjour !"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a task asks, and how long the answer may be."""

    text: str
    max_tokens: int


@dataclass(slots=True)
class Taken:
    """What came of one sample. `cut`: given up because somebody else needed the engine, or the run was cancelled."""

    question: str = ""
    heard: Heard = field(default_factory=Heard)
    metrics: dict[str, Any] = field(default_factory=dict)
    series: list[Any] = field(default_factory=list)
    disturbed: bool = False
    cut: bool = False
    error: AppError | None = None


class Sampler:
    """Samples of one run. `system` is everybody's system message; `power`: how energy is known here."""

    def __init__(self, engine: Engine, power: Power, system: str, seed: int) -> None:
        self._engine = engine
        self._power = power
        self._system = system
        self._seed = seed
        # What each model read at most so far, in tokens, and how many bytes one of those was.
        self._read: dict[str, tuple[int, float]] = {}
        # What the engine holds since the last sample, and the queue's turn then.
        self._ready: tuple[str, int, int] | None = None
        self._turn = 0
        # Where each model's file lies, as far as that can be seen.
        self._files: dict[str, frozenset[Path]] = {}

    def take(self, cell: Cell, question: Question, context: int, turn: int, cancel: Cancel) -> Taken:
        """Whatever happens is in what is returned. `question` is for tasks; `context` of the model, 0: unknown.

        `turn` is the queue's: where it is not the one after the last sample's, somebody else used the engine.
        """
        taken = Taken()
        try:
            self._prepare(cell, turn, cancel, taken)
            meter = Meter(self._engine.pids, power=self._power)
            try:
                with meter:
                    self._measured(cell, question, context, cancel, taken)
            finally:
                # A failure has its cost too.
                taken.metrics |= meter.metrics
                taken.series, taken.disturbed = meter.series, meter.disturbed
        except AppError as error:
            taken.error = error
        except Exception as error:
            # One sample's trouble is not the run's.
            logger.exception("sample failed model=%s kind=%s", cell.model, cell.kind)
            taken.error = AppError("internal_error", cause=repr(error))
        taken.cut = cancel.is_set() and not taken.heard.complete
        setting = cell.setting
        self._ready = None if taken.cut or taken.error else (cell.model, setting.threads, setting.context)
        return taken

    def _prepare(self, cell: Cell, turn: int, cancel: Cancel, taken: Taken) -> None:
        """Have the engine hold what the sample needs: loading is part of a sample that measures loading only."""
        if turn != self._turn + 1:
            self._ready = None
        self._turn = turn
        loaded = self._ready == (cell.model, cell.setting.threads, cell.setting.context)
        if cell.kind == Kind.LOAD:
            if not loaded and cell.model not in self._files:
                self._load(cell, cancel)
            if cell.model not in self._files and (files := page_cache.model_files(self._engine.pids())):
                self._files[cell.model] = files
            self._engine.unload(cell.model)
            taken.metrics["from_disk"] = int(cell.prompt == COLD and page_cache.drop(self._files.get(cell.model, ())))
        elif not loaded and not cell.warmup:
            self._load(cell, cancel)

    def _load(self, cell: Cell, cancel: Cancel) -> None:
        ask(self._engine, self._request(cell, self._messages(LOAD_QUESTION), 1), cancel, Heard())

    def _measured(self, cell: Cell, question: Question, context: int, cancel: Cancel, taken: Taken) -> None:
        if cell.kind == Kind.CROWD:
            self._crowd(cell, cancel, taken)
            return
        taken.question, request = self._asked(cell, question, context)
        taken.heard = Heard()
        ask(self._engine, request, cancel, taken.heard)
        taken.metrics |= taken.heard.metrics()
        if cell.kind == Kind.READING:
            self._learn(cell.model, taken)
        elif cell.kind == Kind.LOAD and "load_ms" not in taken.metrics:
            # An engine that says nothing of loading: what passed before it began to read.
            waited = taken.metrics.get("first_token_ms", 0.0) - taken.metrics.get("prefill_ms", 0.0)
            taken.metrics["load_ms"] = round(max(0.0, waited), 3)

    def _asked(self, cell: Cell, question: Question, context: int) -> tuple[str, ChatRequest]:
        if cell.kind == Kind.READING:
            tokens = int(cell.prompt)
            if context:
                tokens = min(tokens, context - prompts.SPARE_TOKENS)
            _, bytes_per_token = self._read.get(cell.model, (0, prompts.BYTES_PER_TOKEN))
            text = prompts.filler(tokens, bytes_per_token)
            return text, self._request(cell, ({"role": "user", "content": text},), prompts.SEQUEL_TOKENS)
        if cell.kind == Kind.LOAD:
            return LOAD_QUESTION, self._request(cell, self._messages(LOAD_QUESTION), 1)
        return question.text, self._request(cell, self._messages(question.text), question.max_tokens)

    def _crowd(self, cell: Cell, cancel: Cancel, taken: Taken) -> None:
        people = int(cell.prompt)
        taken.question = CROWD_QUESTION
        requests = [self._request(cell, self._messages(CROWD_QUESTION), CROWD_TOKENS) for _person in range(people)]
        heard = crowd.ask_together(self._engine, requests, cancel)
        # One that was cut short shows that all were.
        taken.heard = next((one for one in heard if not one.complete), heard[0])
        if taken.heard.complete:
            taken.metrics = crowd.metrics(heard, crowd.at_once(self._engine, people))

    def _messages(self, text: str) -> tuple[dict[str, str], ...]:
        system = {"role": "system", "content": prompts.instructions(self._system)}
        return system, {"role": "user", "content": text}

    def _request(self, cell: Cell, messages: tuple[dict[str, str], ...], max_tokens: int) -> ChatRequest:
        setting = cell.setting
        return ChatRequest(
            cell.model,
            messages,
            think=setting.think and cell.kind == Kind.TASK,
            max_tokens=max_tokens,
            temperature=setting.temperature or 0.0,
            seed=self._seed + cell.repeat,
            threads=setting.threads,
            context=setting.context,
        )

    def _learn(self, model: str, taken: Taken) -> None:
        """A prompt's real size in tokens makes the next one's as long as it should be."""
        tokens = (taken.heard.usage.prompt_tokens or 0) - prompts.FIXED_TOKENS
        # The longer a text, the better it tells.
        if tokens > max(prompts.FIXED_TOKENS, self._read.get(model, (0, 0.0))[0]):
            self._read[model] = tokens, len(taken.question.encode()) / tokens

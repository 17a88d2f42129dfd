"""`Sampler` measures one sample: it has the engine load, read, answer or serve several people, timed and metered."""

import logging
import random
import secrets
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, cast

from app.engines.base import Cancel, ChatRequest, Done, Engine, EngineEvent, Loading, Retold, Text, Thinking, Usage
from app.errors import AppError
from app.lab.measuring import machine
from app.lab.measuring.meters import Power, SampleMeter
from app.lab.measuring.plan import COLD, SampleSpec
from app.models.lab import SampleKind

# A longer answer is stopped and counts as the model's failure.
LONGEST_CHARACTERS = 50_000
FEWEST_TOKENS = 8
# The words that filler texts are made of.
TEXT = (
    "le voilier revient au ponton après une semaine de mer et son équipage range les voiles pendant que le chantier "
    "prépare la grue pour sortir la coque de l’eau puis contrôle la quille les safrans et le moteur avant de poncer "
    "la carène et de passer deux couches de peinture neuve tandis que le bureau commande les pièces qui manquent"
)
WORDS = TEXT.split()
SENTENCE = 14
# UTF-8 bytes per token of a filler text, until the model's own figure is known.
BYTES_PER_TOKEN = 3.0
# The request after a filler text, so that any model writes; and the tokens written to measure the decode rate.
SEQUEL, SEQUEL_TOKENS = "Écris la suite de ces notes en une dizaine de phrases.", 32
# Tokens of the template and the leading number; tokens of the context left free for the answer and for a text that is
# longer than estimated.
FIXED_TOKENS, SPARE_TOKENS = 40, 140

logger = logging.getLogger(__name__)


# One answer


@dataclass(slots=True)
class AnswerRecord:
    """An answer as received so far; times in seconds since the request (`asked`, on the monotonic clock).

    `first_s`: first token; `first_text_s`: first token that is not thinking; `loading_s`: waited for the model;
    `end_s`: the end, None until then; `pieces`, `characters`: received, including those beyond `LONGEST_CHARACTERS`.
    """

    asked: float = field(default_factory=time.monotonic)
    answer: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    first_s: float | None = None
    first_text_s: float | None = None
    loading_s: float = 0.0
    end_s: float | None = None
    reason: str = ""
    usage: Usage = field(default_factory=Usage)
    pieces: int = 0
    characters: int = 0

    @property
    def complete(self) -> bool:
        """Whether the engine has finished the answer."""
        return self.end_s is not None

    def take(self, event: EngineEvent) -> None:
        """Record one event of the engine's stream."""
        now = time.monotonic() - self.asked
        if isinstance(event, Loading):
            self.loading_s = max(self.loading_s, event.elapsed_s)
        elif isinstance(event, Text | Thinking):
            self.first_s = now if self.first_s is None else self.first_s
            if isinstance(event, Text):
                self.first_text_s = now if self.first_text_s is None else self.first_text_s
            kept = event.text[: max(0, LONGEST_CHARACTERS - self.characters)]
            (self.answer if isinstance(event, Text) else self.thinking).append(kept)
            self.pieces += 1
            self.characters += len(event.text)
        elif isinstance(event, Retold):
            self.answer, self.thinking, self.first_text_s = [], [event.thinking], None
        elif isinstance(event, Done):
            self.end_s, self.reason, self.usage = now, event.reason, event.usage

    @property
    def output_tokens(self) -> int:
        """Tokens written, by the engine's count, else by the number of received pieces."""
        return self.usage.output_tokens or self.pieces

    @property
    def decode_s(self) -> float:
        """Seconds of decoding, by the engine's count, else from the first piece to the end."""
        if self.usage.decode_ms:
            return self.usage.decode_ms / 1000
        return max(0.0, (self.end_s or 0.0) - (self.first_s or 0.0))

    def metrics(self) -> dict[str, Any]:
        """The sample's metrics; those that are unknown are left out."""
        usage, total = self.usage, self.end_s or 0.0
        fresh = (usage.prompt_tokens or 0) - (usage.cached_tokens or 0)
        thinking, answer = sum(map(len, self.thinking)), sum(map(len, self.answer))
        thought_s = (self.first_text_s or total) - (self.first_s or 0.0) if thinking else 0.0
        found: dict[str, float | str | None] = {
            # By the engine's count, or the time waited before the request was accepted.
            "load_ms": max(usage.load_ms or 0.0, self.loading_s * 1000) or usage.load_ms,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "prefill_ms": usage.prefill_ms,
            "prefill_tps": _rate(fresh, (usage.prefill_ms or 0.0) / 1000),
            "output_tokens": self.output_tokens,
            "decode_ms": self.decode_s * 1000,
            # Too few tokens give no meaningful rate.
            "decode_tps": _rate(self.output_tokens, self.decode_s) if self.output_tokens >= FEWEST_TOKENS else None,
            "first_token_ms": None if self.first_s is None else self.first_s * 1000,
            "total_ms": total * 1000,
            "thinking_ms": thought_s * 1000,
            # Engines do not count them separately: estimated by their share of the text.
            "thinking_tokens": round(self.output_tokens * thinking / (thinking + answer)) if thinking else 0,
            "reason": self.reason,
        }
        rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}
        return {key: value for key, value in rounded.items() if value is not None}


def ask_engine(engine: Engine, request: ChatRequest, cancel: Cancel, record: AnswerRecord) -> None:
    """Send a request and record its answer in `record`, which stays incomplete when `cancel` is set.

    Raises what the engine raises, and answer_too_long.
    """
    if cancel.is_set():
        return
    # Every engine's stream is a generator: closing it ends the engine's work.
    stream = cast("Generator[EngineEvent, None, None]", engine.stream(request, cancel))
    with closing(stream):
        for event in stream:
            record.take(event)
            if record.characters > LONGEST_CHARACTERS:
                raise AppError("answer_too_long", limit=LONGEST_CHARACTERS)


def _rate(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens > 0 and seconds > 0 else None


# Texts of requests


def nonce() -> str:
    """A random number that makes a request's prefix unique, so that the engine cannot reuse its cache."""
    return f"{secrets.randbelow(9 * 10**8) + 10**8}"


def filler_text(tokens: int, bytes_per_token: float = BYTES_PER_TOKEN) -> str:
    """A random text of about `tokens` tokens that ends with a request; each differs from its first word on."""
    asked = f"\n\n{SEQUEL}"
    wanted = int((tokens - FIXED_TOKENS) * bytes_per_token) - len(asked.encode())
    picker = random.Random(secrets.randbits(64))  # noqa: S311 - words, not a secret
    parts = [f"Note {nonce()}."]
    size = len(parts[0])
    while size < wanted:
        words = [picker.choice(WORDS) for _word in range(SENTENCE)]
        sentence = " ".join(words).capitalize() + "."
        parts.append(sentence)
        size += len(sentence.encode()) + 1
    return " ".join(parts).encode()[:wanted].decode(errors="ignore") + asked


def instructions(system: str, number: str = "") -> str:
    """The system message of a question: the server's, then a number, so that only the former is in the cache.

    `number`: of requests that share what the engine has read; a unique one when left out.
    """
    return f"{system}\n\n({number or nonce()})".strip()


# Several answers at once


def ask_together(engine: Engine, requests: Sequence[ChatRequest], at_once: int, cancel: Cancel) -> list[AnswerRecord]:
    """Ask all requests at the same moment and return their answers, timed from that moment.

    At most `at_once` run at the same time; the others wait. Raises what the engine raises.
    """
    now = time.monotonic()
    records = [AnswerRecord(now) for _request in requests]
    with ThreadPoolExecutor(at_once, thread_name_prefix="crowd") as threads:
        # Iterating raises what the engine raised.
        list(threads.map(lambda request, record: ask_engine(engine, request, cancel, record), requests, records))
    return records


def concurrency_metrics(records: Sequence[AnswerRecord], at_once: int) -> dict[str, Any]:
    """Metrics of answers asked together: `total_ms` until the last one ended, `total_tps` of all together,
    `person_tps` of one (median). `at_once`: how many the engine answered at the same time."""
    last = max(one.end_s or 0.0 for one in records)
    tokens = sum(one.output_tokens for one in records)
    rates = [one.output_tokens / one.decode_s for one in records if one.decode_s > 0]
    return {
        "people": len(records),
        "at_once": at_once,
        "output_tokens": tokens,
        "total_ms": round(last * 1000, 3),
        "total_tps": round(tokens / last, 3) if last > 0 else None,
        "person_tps": round(median(rates), 3) if rates else None,
        "first_token_ms": round(median((one.first_s or one.end_s or 0.0) * 1000 for one in records), 3),
    }


# Samples


@dataclass(frozen=True, slots=True)
class Question:
    """The text of a question and the longest answer in tokens. `alone`: it is sent without a system message.

    `earlier`: the conversation before it, a person's texts and the model's by turns. The first one is read before the
    sample begins, as a server has read it by the time of a second question. `number`: see `instructions`.
    `images`: pictures that go with the first question, in base64.
    """

    text: str
    max_tokens: int
    alone: bool = False
    earlier: tuple[str, ...] = ()
    number: str = ""
    images: tuple[str, ...] = ()

    @property
    def transcript(self) -> str:
        """The whole conversation as one text, with a dash before what the model said."""
        turns = [f"– {text}" if number % 2 else text for number, text in enumerate(self.earlier)]
        return "\n\n".join([*turns, self.text])


# What is asked to have a model loaded, and of several people at once.
LOAD = Question("Bonjour !", 1)
CROWD = Question("Décris en quelques phrases un port de pêche au lever du soleil.", 64)


@dataclass(slots=True)
class SampleResult:
    """The result of one sample.

    `cut`: interrupted because a user needed the engine or the run was cancelled; `disturbed`: other processes used the
    CPU; `series`: see `meters.series`.
    """

    question: str = ""
    record: AnswerRecord = field(default_factory=AnswerRecord)
    metrics: dict[str, Any] = field(default_factory=dict)
    series: list[Any] = field(default_factory=list)
    disturbed: bool = False
    cut: bool = False
    error: AppError | None = None


class Sampler:
    """Measures the samples of one run. `system`: the server's system message; `power`: the source of energy figures."""

    def __init__(self, engine: Engine, power: Power, system: str, seed: int) -> None:
        self._engine = engine
        self._power = power
        self._system = system
        self._seed = seed
        # By model: the longest filler text read so far, in tokens, and its bytes per token.
        self._read: dict[str, tuple[int, float]] = {}
        # Model, threads and context that the engine has loaded since the last sample, and the background slot's count
        # of starts at that sample.
        self._ready: tuple[str, int, int] | None = None
        self._turn = 0
        # The files of each model, as far as /proc shows them.
        self._files: dict[str, frozenset[Path]] = {}

    def take(self, spec: SampleSpec, question: Question, context: int, turn: int, cancel: Cancel) -> SampleResult:
        """Measure one sample; errors are in the result, none is raised.

        `question`: of a task; `context`: the model's, in tokens, 0: unknown; `turn`: the background slot's number of
        starts: when it is not one more than at the last sample, a user has used the engine in between.
        """
        result = SampleResult()
        try:
            self._prepare(spec, turn, cancel, result)
            if question.earlier:
                question = replace(question, number=nonce())
                self._read_first(spec, question, cancel, result)
            meter = SampleMeter(partial(self._engine.pids, spec.model), self._power)
            try:
                with meter:
                    self._measured(spec, question, context, cancel, result)
            finally:
                # Also after a failure: its cost is stored too.
                result.metrics |= meter.metrics
                result.series, result.disturbed = meter.series, meter.disturbed
        except AppError as error:
            result.error = error
        except Exception as error:
            # An error fails this sample only, not the run.
            logger.exception("sample failed model=%s kind=%s", spec.model, spec.kind)
            result.error = AppError("internal_error", cause=repr(error))
        result.cut = cancel.is_set() and not result.record.complete
        setting = spec.setting
        self._ready = None if result.cut or result.error else (spec.model, setting.threads, setting.context)
        return result

    def _prepare(self, spec: SampleSpec, turn: int, cancel: Cancel, result: SampleResult) -> None:
        """Load the model first, unless it is loaded; for a sample of kind load, unload it instead.

        A cold load also drops the model's file from the page cache.
        """
        if turn != self._turn + 1:
            self._ready = None
        self._turn = turn
        loaded = self._ready == (spec.model, spec.setting.threads, spec.setting.context)
        if spec.kind == SampleKind.LOAD:
            if not loaded and spec.model not in self._files:
                self._load(spec, cancel)
            if spec.model not in self._files and (files := machine.model_files(self._engine.pids(spec.model))):
                self._files[spec.model] = files
            self._engine.unload(spec.model)
            result.metrics["from_disk"] = int(
                spec.prompt == COLD and machine.drop_page_cache(self._files.get(spec.model, ()))
            )
        elif not loaded and not spec.warmup:
            self._load(spec, cancel)

    def _load(self, spec: SampleSpec, cancel: Cancel) -> None:
        ask_engine(self._engine, self._request(spec, LOAD), cancel, AnswerRecord())

    def _read_first(self, spec: SampleSpec, question: Question, cancel: Cancel, result: SampleResult) -> None:
        """Have the beginning of a conversation read, and keep how long its answer would have been waited for."""
        record = AnswerRecord()
        first = replace(question, text=question.earlier[0], earlier=(), max_tokens=1)
        ask_engine(self._engine, self._request(spec, first), cancel, record)
        if record.end_s is not None:
            result.metrics["cold_first_token_ms"] = round(1000 * (record.first_s or record.end_s), 3)

    def _measured(
        self, spec: SampleSpec, question: Question, context: int, cancel: Cancel, result: SampleResult
    ) -> None:
        if spec.kind == SampleKind.CROWD:
            self._crowd(spec, cancel, result)
            return
        if spec.kind == SampleKind.READING:
            question = self._filler(spec, context)
        elif spec.kind == SampleKind.LOAD:
            question = LOAD
        result.question = question.transcript
        result.record = AnswerRecord()
        ask_engine(self._engine, self._request(spec, question), cancel, result.record)
        result.metrics |= result.record.metrics()
        read, kept = result.record.usage.prompt_tokens, result.record.usage.cached_tokens
        if question.earlier and read and kept is not None:
            result.metrics["kept_share"] = round(100 * kept / read, 1)
        if spec.kind == SampleKind.READING:
            self._learn(spec.model, result)
        elif spec.kind == SampleKind.LOAD and "load_ms" not in result.metrics:
            # The engine does not report loading: the time until it began to read.
            waited = result.metrics.get("first_token_ms", 0.0) - result.metrics.get("prefill_ms", 0.0)
            result.metrics["load_ms"] = round(max(0.0, waited), 3)

    def _filler(self, spec: SampleSpec, context: int) -> Question:
        tokens = int(spec.prompt)
        if context:
            tokens = min(tokens, context - SPARE_TOKENS)
        _, bytes_per_token = self._read.get(spec.model, (0, BYTES_PER_TOKEN))
        return Question(filler_text(tokens, bytes_per_token), SEQUEL_TOKENS, alone=True)

    def _crowd(self, spec: SampleSpec, cancel: Cancel, result: SampleResult) -> None:
        people = int(spec.prompt)
        result.question = CROWD.text
        requests = [self._request(spec, CROWD) for _person in range(people)]
        at_once = max(1, min(people, self._engine.slots))
        records = ask_together(self._engine, requests, at_once, cancel)
        # An incomplete answer stands for all: they were interrupted together.
        result.record = next((one for one in records if not one.complete), records[0])
        if result.record.complete:
            result.metrics = concurrency_metrics(records, at_once)

    def _request(self, spec: SampleSpec, question: Question) -> ChatRequest:
        setting = spec.setting
        system = () if question.alone else ({"role": "system", "content": instructions(self._system, question.number)},)
        turns = zip(cycle(("user", "assistant")), (*question.earlier, question.text), strict=False)
        messages: list[dict[str, Any]] = [*system, *({"role": role, "content": text} for role, text in turns)]
        if question.images:
            messages[len(system)]["images"] = list(question.images)
        return ChatRequest(
            spec.model,
            tuple(messages),
            think=setting.think and spec.kind == SampleKind.TASK,
            max_tokens=question.max_tokens,
            temperature=setting.temperature or 0.0,
            seed=self._seed + spec.repeat,
            threads=setting.threads,
            context=setting.context,
        )

    def _learn(self, model: str, result: SampleResult) -> None:
        """Learn the model's bytes per token from the prompt's real size, to size the next filler text."""
        tokens = (result.record.usage.prompt_tokens or 0) - FIXED_TOKENS
        # A longer text gives a better estimate.
        if tokens > max(FIXED_TOKENS, self._read.get(model, (0, 0.0))[0]):
            self._read[model] = tokens, len(result.question.encode()) / tokens

"""Compare answers of the engine itself with answers through this server's pages: times, verdict, background job."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from app.diagnostics import Finding, FindingState
from app.diagnostics.client import HttpClient, NotComparedError, own_address, temporary_session
from app.engines.base import Cancel, ChatRequest, Done, Engine, Text, Thinking, Usage
from app.errors import AppError
from app.formatting import duration, number, percent_change, with_unit
from app.models.base import utcnow

# A question that waited longer, in ms, was not alone.
MAX_WAITED_MS = 100
# Shorter answers give no pace. If the engine does not count tokens, estimate them from the number of characters.
MIN_TOKENS, CHARACTERS_PER_TOKEN = 8, 4
# Answers have any length: times are extrapolated to this number of tokens.
REFERENCE_TOKENS = 200
# Up to these limits the two ways count as equal: ratio of the total times, delay of the first word.
MAX_RATIO, MAX_LATER_MS = 1.05, 50.0
# Seconds between two looks at the queue, and after which an answer is cancelled.
QUEUE_POLL_S, MAX_ANSWER_S = 0.5, 120.0
PAIRS = 3
# With answers shorter than SHORT_ANSWER_S take more pairs: other activity of the machine weighs more.
SHORT_ANSWER_S, MORE_PAIRS = 1.5, 9
# Extra pairs, to replace those that were disturbed or too short.
SPARE_PAIRS = 2
QUESTION = "{nonce}. Describe the wind and the sea in two sentences."
# Longest answer in tokens; the question's answer has about as many.
MAX_TOKENS = 100
# Seconds to wait for the engine to become idle, and between two looks.
MAX_IDLE_WAIT_S, IDLE_POLL_S = 20.0, 0.1
# Codes of NotComparedError that say nothing against the server.
HARMLESS = ("no_model", "nobody", "busy", "crowded", "slow", "short")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """The times of one answer, in seconds.

    The reader's: `first_s` to the first word, `end_s` to the end. The engine's: `writing_s`, from which the pace is
    computed, as the reader gets several tokens at once. `waited_ms` is the time in the queue.
    """

    first_s: float
    end_s: float
    tokens: int
    writing_s: float
    waited_ms: float = 0

    @property
    def usable(self) -> bool:
        """Whether it is long enough to have a pace, and did not wait for others."""
        return self.tokens >= MIN_TOKENS and self.writing_s > 0 and self.waited_ms <= MAX_WAITED_MS

    @property
    def pace(self) -> float:
        """Tokens per second; the first token belongs to the prefill."""
        return (self.tokens - 1) / self.writing_s

    @property
    def total_s(self) -> float:
        """The time to the end if the answer had REFERENCE_TOKENS tokens; only writing depends on the length."""
        return self.end_s - self.writing_s + (REFERENCE_TOKENS - 1) / self.pace


@dataclass
class Clock:
    """Measures one answer, starting at its creation."""

    started: float = field(default_factory=time.monotonic)
    first_s: float | None = None
    last_s: float = 0
    characters: int = 0

    def word(self, text: str) -> None:
        """Note that more text arrived."""
        self.last_s = time.monotonic() - self.started
        if self.first_s is None:
            self.first_s = self.last_s
        self.characters += len(text)

    def answer(self, tokens: int | None, writing_ms: float | None, waited_ms: float = 0) -> TimedAnswer:
        """Stop, and return the times; the arguments are the engine's own figures, None if it does not tell them."""
        end = time.monotonic() - self.started
        first = end if self.first_s is None else self.first_s
        writing = self.last_s - first if writing_ms is None else writing_ms / 1000
        return TimedAnswer(first, end, tokens or self.characters // CHARACTERS_PER_TOKEN, writing, waited_ms)


@dataclass(frozen=True, slots=True)
class MedianPair:
    """The median pair by one measure; `difference` is a ratio or in seconds."""

    direct: float
    web: float
    difference: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The usable pairs of (direct, web) answers."""

    model: str
    pairs: tuple[tuple[TimedAnswer, TimedAnswer], ...]

    @property
    def total(self) -> MedianPair:
        """Seconds to the end, and their ratio web / direct."""
        return self._median_pair(lambda answer: answer.total_s, lambda direct, web: web / direct)

    @property
    def first(self) -> MedianPair:
        """Seconds to the first word, and how much later it came through the pages."""
        return self._median_pair(lambda answer: answer.first_s, lambda direct, web: web - direct)

    @property
    def pace(self) -> MedianPair:
        """Tokens per second, and their ratio web / direct."""
        return self._median_pair(lambda answer: answer.pace, lambda direct, web: web / direct)

    @property
    def same(self) -> bool:
        """Whether the difference is too small to notice."""
        return self.total.difference <= MAX_RATIO and self.first.difference * 1000 <= MAX_LATER_MS

    @property
    def uncertain(self) -> bool:
        """Whether direct answers differ among themselves as much as the two ways do."""
        own = [direct.total_s for direct, _web in self.pairs]
        return max(self.first.difference, self.total.web - self.total.direct) <= max(own) - min(own)

    def _median_pair(
        self, measure: Callable[[TimedAnswer], float], compare: Callable[[float, float], float]
    ) -> MedianPair:
        rows = sorted(((measure(direct), measure(web)) for direct, web in self.pairs), key=lambda row: compare(*row))
        direct, web = rows[(len(rows) - 1) // 2]
        return MedianPair(direct, web, compare(direct, web))


def comparison_finding(result: Comparison | NotComparedError) -> Finding:
    """Return the finding for a comparison, or for the reason why there is none."""
    return _comparison_verdict(result) if isinstance(result, Comparison) else _failure_finding(result)


def comparison_table(result: Comparison) -> list[dict[str, str]]:
    """Return the table's rows: name, direct, through the pages, difference."""

    def row(name: str, pair: MedianPair, words: Callable[[float], str], difference: str) -> dict[str, str]:
        return {"name": name, "direct": words(pair.direct), "web": words(pair.web), "difference": difference}

    def time_of(seconds: float) -> str:
        return duration(seconds * 1000)

    def pace_of(pace: float) -> str:
        return with_unit(pace, "tokens/s", 1)

    total, first, pace = result.total, result.first, result.pace
    return [
        row(_("First word after"), first, time_of, _signed_time(first.difference * 1000)),
        row(_("Pace of writing"), pace, pace_of, percent_change(pace.difference)),
        row(
            _("%(count)s tokens in all", count=number(REFERENCE_TOKENS)),
            total,
            time_of,
            percent_change(total.difference),
        ),
    ]


def _comparison_verdict(result: Comparison) -> Finding:
    words = {
        "model": result.model,
        "change": percent_change(result.total.difference),
        "later": _signed_time(result.first.difference * 1000),
        "pairs": number(len(result.pairs)),
    }
    if result.same:
        text = _(
            "Yes, with %(model)s: total time %(change)s, first word %(later)s (medians of %(pairs)s pairs).", **words
        )
        return Finding("terminal", FindingState.OK, text)
    text = _("No, with %(model)s: total time %(change)s, first word %(later)s (medians of %(pairs)s pairs).", **words)
    if result.uncertain:
        mend = _("The engine’s own times differ as much from one answer to the next: ask again when nothing else runs.")
        return Finding("terminal", FindingState.WARNING, text, mend)
    return Finding("terminal", FindingState.BAD, text, _fix(result))


def _fix(result: Comparison) -> str:
    if result.pace.difference * MAX_RATIO < 1:
        return str(
            _("Writing is slowed down: other programs take CPU, or the engine does: try one ENGINE_THREADS less.")
        )
    if result.first.difference * 1000 > MAX_LATER_MS:
        return str(_("The time goes by before the first word: look at other programs and at the disk of INSTANCE_DIR."))
    return str(_("The time goes by after the last word: look at the disk of INSTANCE_DIR."))


def _signed_time(ms: float) -> str:
    """Format a difference of times."""
    if ms >= 0:
        return str(_("%(time)s later", time=duration(ms)))
    return str(_("%(time)s sooner", time=duration(-ms)))


def _failure_finding(error: NotComparedError) -> Finding:
    state = FindingState.UNKNOWN if error.code in HARMLESS else FindingState.BAD
    text, mend = {
        "away": (
            _("The server does not answer at its own address (%(detail)s).", detail=error.detail),
            _("Start it: make run, or sudo systemctl start couachgpt"),
        ),
        "stranger": (
            _("What answers at the server’s address does not know its accounts (%(detail)s).", detail=error.detail),
            _("HOST, PORT, INSTANCE_DIR and SECRET_KEY must be those that the server was started with."),
        ),
        "other_engine": (
            _("The server uses %(engine)s, but would now choose another engine.", engine=error.detail),
            _("Start the server again, or say which one with ENGINE=… in .env."),
        ),
        "refused": (
            _("The server refused the question: %(detail)s", detail=error.detail),
            _("Mend that, then ask again."),
        ),
        "engine": (
            _("The engine failed during the comparison: %(detail)s", detail=error.detail),
            _("See the engine’s log."),
        ),
        "no_model": (_("No model is installed."), _("Install one: .venv/bin/flask models pull …")),
        "nobody": (
            _("There is no administrator yet, for whom a question could be asked."),
            _("Create the first account on the site."),
        ),
        "busy": (
            _("People are being answered: a comparison would slow them down, and be wrong."),
            _("Ask again when the server is calm."),
        ),
        "crowded": (
            _("Somebody asked a question meanwhile: the comparison gave way."),
            _("Ask again when the server is calm."),
        ),
        "slow": (
            _("The model took longer than two minutes for one answer."),
            _("Choose a smaller default model, or compare when nothing else runs."),
        ),
        "short": (
            _("The model’s answers were too short to be compared."),
            _("Ask again, or with another default model."),
        ),
    }.get(error.code, (_("The comparison failed: %(detail)s", detail=error.detail), _("See the log.")))
    return Finding("terminal", state, str(text), str(mend))


@contextmanager
def _watching_the_queue(client: HttpClient, own_answers: int) -> Iterator[Cancel]:
    """Watch the queue while an answer is written, which the yielded `Cancel` stops.

    `own_answers`: how many of those in the queue are the comparison's.
    Raises NotComparedError: crowded or slow, if the answer was disturbed or took too long.
    """
    cancel, over = Cancel(), threading.Event()
    seen: list[str] = []

    def look() -> None:
        deadline = time.monotonic() + MAX_ANSWER_S
        while not seen and not over.wait(QUEUE_POLL_S):
            if time.monotonic() > deadline:
                seen.append("slow")
            with suppress(NotComparedError):
                status = client.get("/api/status")
                if status["running"] + status["waiting"] > own_answers:
                    seen.append("crowded")
        if seen and not over.is_set():
            cancel.set()

    thread = threading.Thread(target=look, name="comparison-watch", daemon=True)
    thread.start()
    try:
        yield cancel
    finally:
        over.set()
        thread.join()
    if seen:
        raise NotComparedError(seen[-1])


@dataclass(frozen=True, slots=True)
class ComparisonProgress:
    """How far a comparison is.

    `phase`: waiting, warming or comparing; `step` of `steps` answers are written.
    """

    phase: str
    step: int = 0
    steps: int = 0


Tell = Callable[[ComparisonProgress], None]


def compare_here(app: Flask, user_id: int, tell: Tell) -> Comparison:
    """Compare this server's engine with its pages, used as that user, by a few pairs of answers.

    Raises NotComparedError.
    """
    try:
        with temporary_session(app, user_id, own_address(app.config)) as client:
            return _Comparing(app.extensions["generation"].engine, client, app.config, tell).compare()
    except AppError as error:
        raise NotComparedError("engine", error.cause or error.code) from error


@dataclass
class _Comparing:
    engine: Engine
    client: HttpClient
    settings: dict[str, Any]
    tell: Tell
    model: str = ""
    # A new number in each question: the engine's cache holds no more than the system prompt for either way.
    nonces: Iterator[int] = field(default_factory=lambda: iter(random.sample(range(1000, 10000), 1000)))

    def compare(self) -> Comparison:
        self.tell(ComparisonProgress("waiting"))
        self._wait()
        self._choose_model()
        self.tell(ComparisonProgress("warming"))
        # Loads the model and prefills the system prompt.
        first = self._undisturbed_answer(0, self._direct)
        wanted = MORE_PAIRS if first.end_s < SHORT_ANSWER_S else PAIRS
        pairs: list[tuple[TimedAnswer, TimedAnswer]] = []
        for _attempt in range(wanted + SPARE_PAIRS):
            self.tell(ComparisonProgress("comparing", 2 * len(pairs), 2 * wanted))
            direct = self._undisturbed_answer(0, self._direct)
            self.tell(ComparisonProgress("comparing", 2 * len(pairs) + 1, 2 * wanted))
            web = self._undisturbed_answer(1, self._web)
            if direct.usable and web.usable:
                pairs.append((direct, web))
            if len(pairs) == wanted:
                break
        if not pairs:
            raise NotComparedError("short")
        return Comparison(self.model, tuple(pairs))

    def _choose_model(self) -> None:
        """Check that the server uses the same engine, and take its default model."""
        models = self.client.get("/api/models")
        if models["engine"]["name"] != self.engine.name:
            raise NotComparedError("other_engine", str(models["engine"]["label"]))
        if not models["effective"]:
            raise NotComparedError("no_model")
        self.model = models["effective"]
        # Refreshes the engine's list of loaded models.
        self.engine.loaded()

    def _undisturbed_answer(self, own_answers: int, answer: Callable[[Cancel], TimedAnswer]) -> TimedAnswer:
        """Take one answer with nobody else at work; raises NotComparedError if somebody comes."""
        self._wait()
        with _watching_the_queue(self.client, own_answers) as cancel:
            return answer(cancel)

    def _wait(self) -> None:
        """Wait until no answer is written or waits."""
        deadline = time.monotonic() + MAX_IDLE_WAIT_S
        while (status := self.client.get("/api/status"))["running"] + status["waiting"]:
            if time.monotonic() > deadline:
                raise NotComparedError("busy")
            time.sleep(IDLE_POLL_S)

    def _direct(self, cancel: Cancel) -> TimedAnswer:
        """Ask the engine directly, as `ollama run` does."""
        system = self.settings["SYSTEM_PROMPT"]
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": self._question()})
        most = min(self.settings["MAX_OUTPUT_TOKENS"], self.settings["CONTEXT_TOKENS"] // 2, MAX_TOKENS)
        request = ChatRequest(self.model, tuple(messages), max_tokens=most, temperature=self.settings["TEMPERATURE"])
        clock, usage = Clock(), Usage()
        for event in self.engine.stream(request, cancel):
            if isinstance(event, Text | Thinking):
                clock.word(event.text)
            elif isinstance(event, Done):
                usage = event.usage
        return clock.answer(usage.output_tokens, usage.decode_ms)

    def _web(self, cancel: Cancel) -> TimedAnswer:
        """Ask through the pages' API."""
        conversation = self.client.new_conversation()
        cancel.on_set(lambda: self.client.forget(conversation))
        question = self._question()
        clock = Clock()
        for name, data in self.client.ask(conversation, question, self.model):
            if name in ("text", "thinking"):
                clock.word(data["text"])
            elif name == "done":
                if data["error"]:
                    raise NotComparedError("refused", data["error"]["message"])
                figures = data["metrics"]
                return clock.answer(figures["output_tokens"], figures["decode_ms"], figures["queue_ms"])
        raise NotComparedError("refused", f"{self.model}: the stream ended before the answer did")

    def _question(self) -> str:
        return QUESTION.format(nonce=next(self.nonces))


# `work(tell)` runs a comparison, reporting its progress to `tell`. Raises NotComparedError.
Work = Callable[[Tell], Comparison]


@dataclass(frozen=True, slots=True)
class ComparisonOutcome:
    """The result of a comparison and when it ended."""

    result: Comparison | NotComparedError
    ended_at: datetime = field(default_factory=utcnow)


class ComparisonJob:
    """Runs at most one comparison, in a thread.

    `progress` is None while none runs; `outcome` is that of the last one, None before the first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.progress: ComparisonProgress | None = None
        self.outcome: ComparisonOutcome | None = None

    def start(self, work: Work) -> bool:
        """Start a comparison unless one runs; return whether it started."""
        with self._lock:
            if self.progress is not None:
                return False
            self.progress = ComparisonProgress("waiting")
        threading.Thread(target=self._run, args=(work,), name="comparison", daemon=True).start()
        return True

    def _tell(self, progress: ComparisonProgress) -> None:
        self.progress = progress

    def _run(self, work: Work) -> None:
        result: Comparison | NotComparedError
        try:
            result = work(self._tell)
        except NotComparedError as error:
            result = error
        except Exception as error:
            # No caller sees this thread's exceptions: log them here.
            logger.exception("comparison failed")
            result = NotComparedError("broken", repr(error))
        with self._lock:
            self.outcome, self.progress = ComparisonOutcome(result), None


def init_app(app: Flask) -> None:
    """Create the application's comparison job."""
    app.extensions["comparison"] = ComparisonJob()

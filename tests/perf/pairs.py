"""Pairs of the same question: to the engine itself, then to this project, and the other way round."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.engines.catalogue import ASKED_WITH, DEMO
from tests.perf.bench import Bench, Caller, Site, cpu_s
from tests.perf.row import NotMeasuredError
from tests.perf.wire import ENGINE, SITE, Answer, Place, request, stream

# Few tokens, so that the time of reading them, which varies by a tenth, hides little; a digit is a token of its own,
# so that all these questions are of one length; and the model has more than 200 tokens to say to each of them.
QUESTION = "Story {}."
# Pairs whose answers are of unequal length are asked again, this often.
SPARE = 5
# What the other side still has to put away after its last event must not disturb the next half.
SETTLE_S = 0.2


@dataclass
class Pairs:
    """Answers in the order of their pairs, and what the web process took for its own."""

    direct: list[Answer] = field(default_factory=list)
    ours: list[Answer] = field(default_factory=list)
    cpu_s: float = 0
    dropped: int = 0

    @property
    def tokens(self) -> int:
        """What this project streamed."""
        return sum(answer.tokens for answer in self.ours)


class Duel:
    """One engine, reached in both ways."""

    def __init__(self, bench: Bench, site: Site) -> None:
        self._bench = bench
        self._site = site
        self._engine, key = site.engine
        self._headers = {"Authorization": f"Bearer {key}"}
        self._person: Caller = site.person("alice")
        self._model = self._person.get("/api/models").json["effective"]
        # The demonstration model is asked in a way of its own.
        self._asked_with = ASKED_WITH[DEMO]
        # New each time: neither half finds more in the engine's cache than the system prompt.
        self._nonces = iter(random.sample(range(1000, 10000), 1000))

    def pair(self, direct_first: bool) -> tuple[Answer, Answer, float]:
        """The engine's answer, this project's, and the CPU seconds that the latter took of the web process."""
        if direct_first:
            direct = self._direct()
            ours, cpu = self._ours()
        else:
            ours, cpu = self._ours()
            direct = self._direct()
        return direct, ours, cpu

    def equal(self, direct: Answer, ours: Answer) -> bool:
        """Whether both were asked the same, and wrote and read as much."""
        asked, other = (answer.counts["prompt_tokens"] for answer in (direct, ours))
        read = [answer.counts["prompt_tokens"] - (answer.counts["cached_tokens"] or 0) for answer in (direct, ours)]
        # A nonce may begin with the digit of an earlier one.
        return direct.tokens == ours.tokens == self._bench.tokens and asked == other and abs(read[0] - read[1]) <= 1

    def _direct(self) -> Answer:
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": self._asked_with.system_prompt},
                {"role": "user", "content": self._question()},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": self._bench.tokens,
            "temperature": self._asked_with.temperature,
            "repeat_penalty": self._asked_with.repeat_penalty,
            "return_progress": True,
            "cache_prompt": True,
            "chat_template_kwargs": {"enable_thinking": False},
        }
        asked = request(self._engine, "POST", "/v1/chat/completions", body, self._headers)
        return _settled(self._engine, asked)

    def _ours(self) -> tuple[Answer, float]:
        asked = self._person.question(self._question())
        worker = self._site.worker
        before = cpu_s(worker)
        answer = _settled(self._site.place, asked, ours=True)
        return answer, cpu_s(worker) - before

    def _question(self) -> str:
        return QUESTION.format(next(self._nonces))


def _settled(place: Place, asked: bytes, *, ours: bool = False) -> Answer:
    answer = stream(place, asked, SITE if ours else ENGINE)
    time.sleep(SETTLE_S)
    return answer


def streamed(bench: Bench) -> Pairs:
    """All pairs of one run of the harness."""
    settings = {"ENGINE": "embedded", "MAX_OUTPUT_TOKENS": str(bench.tokens), "TEMPERATURE": "0"}
    made = Pairs()
    with bench.site(**settings) as site:
        duel = Duel(bench, site)
        # Both ways are walked once before they are measured.
        duel.pair(direct_first=True)
        for number in _attempts(bench, made):
            direct, ours, cpu = duel.pair(direct_first=number % 2 == 0)
            if not duel.equal(direct, ours):
                made.dropped += 1
                continue
            made.direct.append(direct)
            made.ours.append(ours)
            made.cpu_s += cpu
    if not made.ours:
        raise NotMeasuredError(f"no answer of {bench.tokens} tokens on both sides")
    return made


def _attempts(bench: Bench, made: Pairs) -> Iterator[int]:
    for number in range(bench.pairs + SPARE):
        if len(made.ours) == bench.pairs:
            return
        yield number

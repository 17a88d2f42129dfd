"""What the last answers tell: reloads, a lost cache, our own time, waits that came true or not; medians by model."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from app.diagnostics import FindingState, history
from app.diagnostics.history import Record, answers_table

START = datetime(2026, 1, 1, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("in_english")


class Log:
    """Answers one after another, a minute apart."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._numbers = count(1)

    def add(
        self, *, after: int | None = None, model: str = "phi3", left_out: int = 0, minutes: float = 1, **metrics: Any
    ) -> int:
        """One more; returns its number, by which a later one says what it came after."""
        number = next(self._numbers)
        begun = (self.records[-1].finished_at if self.records else START) + timedelta(minutes=minutes)
        figures = {"queue_ms": 0.0, "load_ms": 0.0, "prompt_tokens": 400, "cached_tokens": 0, "prefill_ms": 4000.0}
        figures |= {"output_tokens": 101, "decode_ms": 10_000.0, "first_token_ms": 4100.0, "overhead_ms": 20.0}
        self.records.append(
            Record(number, after, model, begun, begun + timedelta(seconds=15), left_out, figures | metrics)
        )
        return number


@pytest.fixture
def log() -> Log:
    return Log()


def test_nothing_is_known_before_the_first_answer() -> None:
    states = [finding.state for finding in history.history_findings([], "ollama")]
    assert states == [FindingState.UNKNOWN, FindingState.UNKNOWN, FindingState.UNKNOWN, FindingState.OK]
    assert answers_table([]) == []


def test_loading_another_model_is_no_reload(log: Log) -> None:
    log.add(load_ms=9000.0)
    log.add(model="mistral", load_ms=9000.0)
    log.add(load_ms=9000.0)
    log.add(load_ms=900.0)
    assert history.reloads(log.records, "ollama").state == FindingState.OK


def test_loading_the_same_model_again_is(log: Log) -> None:
    log.add()
    log.add(load_ms=1001.0)
    found = history.reloads(log.records, "ollama")
    assert (found.state, "OLLAMA_KEEP_ALIVE=-1" in found.fix) == (FindingState.WARNING, True)
    log.add(load_ms=5000.0)
    found = history.reloads(log.records, "embedded")
    assert (found.state, found.sentence) == (
        FindingState.BAD,
        "In 2 of the last 3 answers the same model was loaded once more.",
    )
    assert "OLLAMA" not in found.fix


def test_loading_it_again_after_the_labo_had_the_engine_is_none(log: Log) -> None:
    log.add()
    log.add(load_ms=5000.0)
    log.records[-1] = replace(log.records[-1], measured=True)
    assert history.reloads(log.records, "embedded").state == FindingState.OK


def test_a_conversation_that_goes_on_finds_its_beginning_in_the_cache(log: Log) -> None:
    for _turn in range(4):
        log.add(after=log.add(), cached_tokens=380)
    found = history.cache(log.records, "embedded")
    assert (found.state, found.sentence) == (
        FindingState.OK,
        "Kept in 4 of 4 cases in which a conversation went on.",
    )


def test_a_lost_cache_is_told_by_what_was_read_again(log: Log) -> None:
    for _turn in range(2):
        log.add(after=log.add(), cached_tokens=390)
    for _turn in range(2):
        log.add(after=log.add(), cached_tokens=199)
    found = history.cache(log.records, "embedded")
    assert (found.state, found.sentence) == (
        FindingState.WARNING,
        "2 of 4 conversations that went on were read again from the beginning.",
    )
    assert "CACHE_RAM_MB" in found.fix
    log.add(after=log.add(), cached_tokens=0)
    assert history.cache(log.records, "openai").state == FindingState.BAD
    assert "--cache-ram" in history.cache(log.records, "openai").fix


@pytest.mark.parametrize(
    "why",
    [
        {"minutes": 31},
        {"model": "mistral"},
        {"left_out": 4},
        {"after": 99},
    ],
    ids=["long ago", "another model", "the beginning was cut off", "what came before is not known"],
)
def test_what_must_be_read_again_is_no_loss(log: Log, why: dict[str, Any]) -> None:
    before = log.add()
    log.add(**{"after": before, "cached_tokens": 0} | why)
    assert history.cache(log.records, "embedded").state == FindingState.UNKNOWN


def test_short_histories_do_not_count(log: Log) -> None:
    log.add(after=log.add(prompt_tokens=99), cached_tokens=0)
    assert history.cache(log.records, "embedded").state == FindingState.UNKNOWN


def test_an_engine_that_tells_no_cache_betrays_it_by_its_time(log: Log) -> None:
    for prefill_ms in (1500.0, 200.0):
        # A first question is read at 100 tokens a second.
        first = log.add(cached_tokens=None)
        log.add(after=first, prompt_tokens=550, cached_tokens=None, prefill_ms=prefill_ms)
    assert history.cache(log.records, "ollama").state == FindingState.OK
    for _turn in range(3):
        log.add(after=log.add(cached_tokens=None), prompt_tokens=550, cached_tokens=None, prefill_ms=5500.0)
    found = history.cache(log.records, "ollama")
    assert (found.state, "3 of 5" in found.sentence, "LLAMA_ARG_CACHE_RAM" in found.fix) == (
        FindingState.BAD,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("overhead", "state"), [(50.0, FindingState.OK), (51.0, FindingState.WARNING), (251.0, FindingState.BAD)]
)
def test_our_own_time(log: Log, overhead: float, state: FindingState) -> None:
    for other in (1.0, 9000.0, overhead):
        log.add(overhead_ms=other)
    found = history.overhead(log.records, "ollama")
    assert (found.state, "0.33" in found.fix) == (state, state != FindingState.OK)


def test_an_engine_without_times(log: Log) -> None:
    log.add(overhead_ms=None)
    assert history.overhead(log.records, "openai").state == FindingState.UNKNOWN


def test_waits_are_compared_with_what_was_announced(log: Log) -> None:
    log.add(queue_ms=20.0, expected_queue_ms=9000.0)
    log.add(queue_ms=30_000.0, expected_queue_ms=None)
    assert history.waits(log.records) is None
    for announced, real in ((40_000.0, 38_000.0), (10_000.0, 12_000.0), (20_000.0, 5000.0)):
        log.add(queue_ms=real, expected_queue_ms=announced)
    found = history.waits(log.records)
    assert found is not None
    assert (found.count, found.announced_ms, found.real_ms) == (3, 20_000, 12_000)
    assert found.error == pytest.approx(1 / 6)
    log.add(queue_ms=40_000.0, expected_queue_ms=0.0)
    assert history.queue(log.records).state == FindingState.OK
    for _turn in range(2):
        log.add(queue_ms=40_000.0, expected_queue_ms=0.0)
    assert history.queue(log.records).state == FindingState.WARNING


def test_medians_by_model(log: Log) -> None:
    log.add(model="mistral", cached_tokens=None, prefill_ms=None, decode_ms=None, overhead_ms=None, first_token_ms=None)
    log.add(cached_tokens=300, prefill_ms=1000.0, queue_ms=1000.0, first_token_ms=2500.0, overhead_ms=10.0)
    log.add(cached_tokens=0, prefill_ms=2000.0, decode_ms=20_200.0, first_token_ms=2000.0)
    log.add(cached_tokens=390, prefill_ms=1.0, first_token_ms=100.0, overhead_ms=90.0)
    phi3, mistral = answers_table(log.records)
    assert (phi3["model"], phi3["answers"], phi3["reading"], phi3["writing"]) == ("phi3", "3", "150.0", "10.1")
    # 690 tokens of 1,200.
    assert (phi3["first"], phi3["overhead"], phi3["cached"]) == ("1.5 s", "20 ms", "57%")
    assert mistral == {"model": "mistral", "answers": "1"} | dict.fromkeys(
        ("reading", "writing", "first", "overhead", "cached"), "–"
    )


def test_announced_waits_that_tell_nothing_are_bad(log: Log) -> None:
    log.add(queue_ms=23_000.0, expected_queue_ms=0.0)
    assert history.queue(log.records).state == FindingState.WARNING
    for _ in range(4):
        log.add(queue_ms=23_000.0, expected_queue_ms=0.0)
    assert history.queue(log.records).state == FindingState.BAD

"""The leaderboard: an entry with figures and a verdict for each configuration."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from statistics import fmean, median
from typing import Any

from app.lab.stats.configurations import (
    Configuration,
    Sample,
    gather_configurations,
    run_order,
    task_scores,
    undisturbed,
    values,
    with_shared_readings,
)
from app.lab.stats.intervals import Figure, ScoreShare, figure, share, typical
from app.models.lab import SampleKind, Verdict

# A model passes with at least this quality (of 100) and a median answer in fewer seconds than this. It fails below the
# other quality, or when this share of its answers is in the wrong language. Anything between passes with reserve.
PASSED_QUALITY, PASSED_SECONDS = 70, 60
FAILED_QUALITY = 45
WRONG_LANGUAGE = 0.2
# The task whose time the label shows; tokens read and written by it, to estimate that time from a model's rates.
MAIL_TASK, MAIL_READ, MAIL_WRITTEN = "mail-reply-ten-lines", 350, 150
PARTS = ("loading", "reading", "thinking", "writing")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the leaderboard. Figures that were not measured are None.

    `reason`, `params`: why the verdict is so (see `app/lab/wording.py`); `by_task`: each task's mean score in
    percent; `times`, `energies`: the seconds and watt-hours of each task's answers; `failures`: how many of the
    `answers` show each failure of small models; `prefill_tps`: tokens read per second, by the length of the text;
    `pace_after`: tokens written per second after a text of that length; `crowds`: figures by the number of people at
    once; `split`: seconds of each part of an answer; `mail_s`: seconds to answer a mail of ten lines;
    `second_question`: on a document: `first_token_s`, what the first question waited (`cold_first_token_s`), and what
    the engine need not read again, in percent (`kept_share`); `historical`: measured by hand.
    """

    key: str
    machine_id: int
    machine: str
    model: str
    setting: dict[str, Any]
    facts: dict[str, Any]
    quality: ScoreShare | None
    time_s: Figure | None
    first_token_s: Figure | None
    decode_tps: Figure | None
    prefill_tps: dict[str, Figure]
    pace_after: dict[str, Figure]
    load_cold_s: Figure | None
    load_warm_s: Figure | None
    cpu: Figure | None
    ram_bytes: Figure | None
    ram_percent: Figure | None
    energy_wh: Figure | None
    energy_method: str
    crowds: dict[int, dict[str, Figure]]
    split: dict[str, float]
    mail_s: float | None
    second_question: dict[str, Figure]
    verdict: Verdict | None
    reason: str
    params: dict[str, Any]
    by_task: dict[str, float]
    times: dict[str, list[float]]
    energies: dict[str, list[float]]
    failures: dict[str, int]
    answers: int
    samples: int
    disturbed: int
    failed: int
    historical: bool
    at: datetime

    @property
    def tasks(self) -> int:
        """The number of different tasks with a score."""
        return len(self.by_task)


def leaderboard(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Entry]:
    """The entries of all configurations, best quality first; measurements made by hand come last."""
    entries = [
        entry(configuration)
        for configuration in with_shared_readings(
            [configuration.newest for configuration in gather_configurations(machine_id, run_ids)]
        )
    ]
    return sorted(entries, key=_sort_key)


def entry(configuration: Configuration) -> Entry:
    """The leaderboard entry of one configuration."""
    tasks = configuration.done(SampleKind.TASK)
    judged = [sample for sample in tasks if sample.worth is not None]
    scores = task_scores(judged)
    quality = share(list(scores.values()))
    # Over all answers: users wait for a wrong one too, and so all models are timed on the same tasks.
    time_s = _typical(tasks, "total_ms", 1 / 1000)
    failures = Counter(name for sample in judged for name in sample.judgement.get("failures", ()))
    historical = bool(configuration.machine.source)
    verdict, reason, params = (
        _by_hand(judged) if historical else verdict_of(quality, time_s, failures["wrong_language"], len(judged))
    )
    # Samples that failed without the model's fault.
    failed = [sample for sample in configuration.samples if not sample.ended and not sample.disturbed]
    if quality is None and (tries := sum(sample.kind == SampleKind.TASK for sample in failed)):
        reason, params = "model_failed", {"count": tries}
    # CPU and memory are those of answers, if there are any: loading and reading use the machine differently.
    working = tasks or configuration.samples
    # Cold loads whose model file stayed in the page cache were warm in fact.
    from_disk = [one for one in configuration.done(SampleKind.LOAD, "cold") if one.metrics.get("from_disk") != 0]
    newest = configuration.runs[0]
    return Entry(
        key=configuration.key,
        machine_id=configuration.machine.id,
        machine=configuration.machine.name,
        model=configuration.model,
        setting=configuration.setting,
        facts=newest.models.get(configuration.model) or {},
        quality=quality,
        time_s=time_s,
        first_token_s=_typical(tasks, "first_token_ms", 1 / 1000),
        decode_tps=_typical(tasks, "decode_tps"),
        prefill_tps=_by_length(configuration, "prefill_tps"),
        pace_after=_by_length(configuration, "decode_tps"),
        load_cold_s=_figure(from_disk, "load_ms", 1 / 1000),
        load_warm_s=_figure(configuration.done(SampleKind.LOAD, "warm"), "load_ms", 1 / 1000),
        cpu=_figure(working, "cpu_machine_mean"),
        ram_bytes=_figure(working, "ram_engine_peak"),
        ram_percent=_figure(working, "ram_machine_peak"),
        energy_wh=_typical(tasks, "energy_j", 1 / 3600),
        energy_method=next(
            (sample.metrics["energy_method"] for sample in tasks[::-1] if sample.metrics.get("energy_method")), ""
        ),
        crowds=_crowds(configuration),
        split=split_duration(tasks, time_s.median if time_s else None),
        mail_s=mail_seconds(configuration),
        second_question=_second_question(tasks),
        verdict=verdict,
        reason=reason,
        params=params,
        by_task={task: 100 * score for task, score in scores.items()},
        times=_each(tasks, "total_ms", 1 / 1000),
        energies=_each(tasks, "energy_j", 1 / 3600),
        failures=dict(failures),
        answers=len(judged),
        samples=len(configuration.samples),
        disturbed=sum(sample.disturbed for sample in configuration.samples),
        failed=len(failed),
        historical=historical,
        at=run_order(newest)[0],
    )


def verdict_of(
    quality: ScoreShare | None, time_s: Figure | None, wrong_language: int, answers: int
) -> tuple[Verdict | None, str, dict[str, Any]]:
    """The verdict by quality, time and answers in the wrong language, with its reason's code and parameters.

    The verdict is None when no task was asked. Sentences of the codes: `app/lab/wording.py`.
    """
    if quality is None:
        return None, "model_not_asked", {}
    points, seconds = round(quality.mean), round(time_s.median) if time_s else 0
    params = {"quality": points, "seconds": seconds}
    if wrong_language >= WRONG_LANGUAGE * answers and wrong_language:
        return Verdict.FAILED, "model_wrong_language", {"count": wrong_language, "total": answers}
    if quality.mean < FAILED_QUALITY:
        return Verdict.FAILED, "model_poor", params
    slow = time_s is not None and time_s.median >= PASSED_SECONDS
    if quality.mean < PASSED_QUALITY:
        return Verdict.RESERVE, "model_middling_and_slow" if slow else "model_middling", params
    return (Verdict.RESERVE, "model_slow", params) if slow else (Verdict.PASSED, "model_good", params)


def _by_hand(judged: Sequence[Sample]) -> tuple[Verdict | None, str, dict[str, Any]]:
    """The verdict on answers judged by hand: their mean, as one of the three verdicts."""
    if not judged:
        return None, "model_not_asked", {}
    mean = fmean(sample.worth or 0.0 for sample in judged)
    verdict = Verdict.PASSED if mean > 0.75 else Verdict.FAILED if mean < 0.25 else Verdict.RESERVE
    return verdict, "by_hand", {}


def _by_length(configuration: Configuration, name: str) -> dict[str, Figure]:
    """A metric of the reading samples, by the length of the text in tokens."""
    lengths = sorted(configuration.prompts(SampleKind.READING), key=int)
    return {
        length: found for length in lengths if (found := _figure(configuration.done(SampleKind.READING, length), name))
    }


def _crowds(configuration: Configuration) -> dict[int, dict[str, Figure]]:
    """The tokens per second of all people together and of each person, by the number of people."""
    crowds = {}
    for people in sorted(configuration.prompts(SampleKind.CROWD), key=int):
        samples = configuration.done(SampleKind.CROWD, people)
        crowds[int(people)] = {name: found for name in ("total_tps", "person_tps") if (found := _figure(samples, name))}
    return crowds


def _second_question(tasks: Sequence[Sample]) -> dict[str, Figure]:
    """The figures of the samples that asked a second question, by name; those that are unknown are left out."""
    second = [sample for sample in tasks if "cold_first_token_ms" in sample.metrics]
    found = {
        "first_token_s": _typical(second, "first_token_ms", 1 / 1000),
        "cold_first_token_s": _typical(second, "cold_first_token_ms", 1 / 1000),
        "kept_share": _typical(second, "kept_share"),
    }
    return {name: known for name, known in found.items() if known}


def _figure(samples: Sequence[Sample], name: str, factor: float = 1.0) -> Figure | None:
    """A metric over samples, times `factor`."""
    return figure([factor * value for value in values(samples, name)])


def _typical(tasks: Sequence[Sample], name: str, factor: float = 1.0) -> Figure | None:
    """A metric over all tasks, each task counted once however often it was asked."""
    return typical(_each(tasks, name, factor).values())


def _each(tasks: Sequence[Sample], name: str, factor: float) -> dict[str, list[float]]:
    """A metric's values by task, times `factor`; tasks without any are left out."""
    by_task: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in tasks:
        by_task[sample.prompt].append(sample)
    found = {task: [factor * value for value in values(samples, name)] for task, samples in by_task.items()}
    return {task: known for task, known in found.items() if known}


def _sort_key(entry: Entry) -> tuple[bool, float, float, str]:
    quality = entry.quality.mean if entry.quality else -1.0
    return entry.historical, -quality, entry.time_s.median if entry.time_s else inf, entry.key


# Time of an answer


def split_duration(answers: Sequence[Sample], total_s: float | None) -> dict[str, float]:
    """Split `total_s`, the median time of these answers, into `PARTS`, in seconds.

    Empty when the engine does not report its reading time. The split is proportional to each part's median, since
    medians of parts do not add up to the median of the whole.
    """
    by_task: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in answers:
        if _parts(sample):
            by_task[sample.prompt].append(sample)
    parts = [[_parts(sample) for sample in undisturbed(task)] for task in by_task.values()]
    found = {name: typical([[part[name] for part in task] for task in parts]) for name in PARTS}
    middles = {name: figure.median for name, figure in found.items() if figure}
    whole = sum(middles.values())
    return {name: middle * total_s / whole for name, middle in middles.items()} if whole and total_s is not None else {}


def mail_seconds(configuration: Configuration) -> float | None:
    """Seconds to answer a mail of ten lines: measured, else estimated from the rates of reading and writing.

    None when neither is known.
    """
    tasks = configuration.done(SampleKind.TASK)
    # An empty or wrong answer comes too quickly to count.
    useful = [sample for sample in configuration.done(SampleKind.TASK, MAIL_TASK) if not sample.useless]
    if measured := values(useful, "total_ms"):
        return median(measured) / 1000
    reading = [
        rate
        for length in configuration.prompts(SampleKind.READING)
        for rate in values(configuration.done(SampleKind.READING, length), "prefill_tps")
    ]
    reading, writing = reading or values(tasks, "prefill_tps"), values(tasks, "decode_tps")
    if not reading or not writing or not median(reading) or not median(writing):
        return None
    thinking = median(values(tasks, "thinking_ms") or [0.0]) / 1000
    return MAIL_READ / median(reading) + thinking + MAIL_WRITTEN / median(writing)


def _parts(sample: Sample) -> dict[str, float]:
    """The seconds of each part of an answer; empty when they are unknown."""
    metrics = sample.metrics
    total, reading = metrics.get("total_ms"), metrics.get("prefill_ms")
    if total is None or reading is None:
        return {}
    loading, thinking = metrics.get("load_ms") or 0.0, metrics.get("thinking_ms") or 0.0
    # The rest is writing, with the milliseconds of network and server.
    writing = max(0.0, total - loading - reading - thinking)
    return {name: ms / 1000 for name, ms in zip(PARTS, (loading, reading, thinking, writing), strict=True)}

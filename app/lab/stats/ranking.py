"""The leaderboard: an entry with figures and verdict for each configuration; and two runs or models side by side."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from statistics import fmean
from typing import Any

from app.errors import AppError
from app.lab.runs import queries
from app.lab.stats import thresholds
from app.lab.stats.aggregate import (
    Configuration,
    Sample,
    gather_configurations,
    mail_seconds,
    run_order,
    split_duration,
    values,
    with_shared_readings,
)
from app.lab.stats.intervals import Figure, ScoreShare, figure, share, typical
from app.lab.stats.regressions import FigureChange, compared
from app.models.lab import SampleKind, Verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the leaderboard. Figures that were not measured are None.

    `reason`, `params`: why the verdict is so (see `app/lab/messages.py`); `by_task`: each task's mean score in
    percent; `times`, `energies`: the seconds and watt-hours of each task's answers; `failures`: how many of the
    `answers` show each failure of small models; `prefill_tps`: tokens read per second, by the length of the text;
    `pace_after`: tokens written per second after a text of that length; `crowds`: figures by the number of people at
    once; `split`: seconds of each part of an answer; `mail_s`: seconds to answer a mail of ten lines; `historical`:
    measured by hand, as told in `source`.
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
    cpu_engine: Figure | None
    ram_bytes: Figure | None
    ram_percent: Figure | None
    energy_wh: Figure | None
    energy_method: str
    crowds: dict[int, dict[str, Figure]]
    split: dict[str, float]
    mail_s: float | None
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
    source: str
    version: str
    at: datetime
    run_ids: tuple[int, ...]

    @property
    def load_s(self) -> Figure | None:
        """How long loading takes: from the disk if that was measured, else from the page cache."""
        return self.load_cold_s or self.load_warm_s

    @property
    def tasks(self) -> int:
        """The number of different tasks with a score."""
        return len(self.by_task)


def leaderboard(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Entry]:
    """The entries of all configurations, best quality first; measurements made by hand come last."""
    entries = [
        entry(cell)
        for cell in with_shared_readings([cell.newest for cell in gather_configurations(machine_id, run_ids)])
    ]
    return sorted(entries, key=_place)


def entry(cell: Configuration) -> Entry:
    """The leaderboard entry of one configuration."""
    tasks = cell.done(SampleKind.TASK)
    judged = [sample for sample in tasks if sample.worth is not None]
    by_task = _by_task(judged)
    quality = share([mean / 100 for mean in by_task.values()])
    # Over all answers: users wait for a wrong one too, and so all models are timed on the same tasks.
    time_s = _typical(tasks, "total_ms", 1 / 1000)
    failures = Counter(name for sample in judged for name in sample.judgement.get("failures", ()))
    historical = bool(cell.machine.source)
    verdict, reason, params = (
        _by_hand(judged) if historical else verdict_of(quality, time_s, failures["wrong_language"], len(judged))
    )
    if quality is None and (tries := _failed_tries(cell)):
        reason, params = "model_failed", {"count": tries}
    # CPU and memory are those of answers, if there are any: loading and reading use the machine differently.
    working = tasks or cell.samples
    newest = cell.runs[0]
    return Entry(
        key=cell.key,
        machine_id=cell.machine.id,
        machine=cell.machine.name,
        model=cell.model,
        setting=cell.setting,
        facts=newest.models.get(cell.model) or {},
        quality=quality,
        time_s=time_s,
        first_token_s=_typical(tasks, "first_token_ms", 1 / 1000),
        decode_tps=_typical(tasks, "decode_tps"),
        prefill_tps=_by_length(cell, "prefill_tps"),
        pace_after=_by_length(cell, "decode_tps"),
        load_cold_s=_seconds(_from_disk(cell.done(SampleKind.LOAD, "cold")), "load_ms"),
        load_warm_s=_seconds(cell.done(SampleKind.LOAD, "warm"), "load_ms"),
        cpu=figure(values(working, "cpu_machine_mean")),
        cpu_engine=figure(values(working, "cpu_engine_mean")),
        ram_bytes=figure(values(working, "ram_engine_peak")),
        ram_percent=figure(values(working, "ram_machine_peak")),
        energy_wh=_typical(tasks, "energy_j", 1 / 3600),
        energy_method=next(
            (sample.metrics["energy_method"] for sample in tasks[::-1] if sample.metrics.get("energy_method")), ""
        ),
        crowds=_crowds(cell),
        split=split_duration(tasks, time_s.median if time_s else None),
        mail_s=mail_seconds(cell),
        verdict=verdict,
        reason=reason,
        params=params,
        by_task=by_task,
        times=_each(tasks, "total_ms", 1 / 1000),
        energies=_each(tasks, "energy_j", 1 / 3600),
        failures=dict(failures),
        answers=len(judged),
        samples=len(cell.samples),
        disturbed=sum(sample.disturbed for sample in cell.samples),
        failed=sum(not sample.ended and not sample.disturbed for sample in cell.samples),
        historical=historical,
        source=cell.machine.source,
        version=str(newest.engine.get("version") or ""),
        at=run_order(newest)[0],
        run_ids=tuple(run.id for run in cell.runs),
    )


def verdict_of(
    quality: ScoreShare | None, time_s: Figure | None, wrong_language: int, answers: int
) -> tuple[Verdict | None, str, dict[str, Any]]:
    """The verdict by quality, time and answers in the wrong language, with its reason's code and parameters.

    The verdict is None when no task was asked. Sentences of the codes: `app/lab/messages.py`.
    """
    if quality is None:
        return None, "model_not_asked", {}
    points, seconds = round(quality.mean), round(time_s.median) if time_s else 0
    told = {"quality": points, "seconds": seconds}
    if wrong_language >= thresholds.WRONG_LANGUAGE * answers and wrong_language:
        return Verdict.FAILED, "model_wrong_language", {"count": wrong_language, "total": answers}
    if quality.mean < thresholds.FAILED_QUALITY:
        return Verdict.FAILED, "model_poor", told
    slow = time_s is not None and time_s.median >= thresholds.PASSED_SECONDS
    if quality.mean < thresholds.PASSED_QUALITY:
        return Verdict.RESERVE, "model_middling_and_slow" if slow else "model_middling", told
    return (Verdict.RESERVE, "model_slow", told) if slow else (Verdict.PASSED, "model_good", told)


def _by_hand(judged: Sequence[Sample]) -> tuple[Verdict | None, str, dict[str, Any]]:
    """The verdict on answers judged by hand: their mean, as one of the three verdicts."""
    if not judged:
        return None, "model_not_asked", {}
    mean = fmean(sample.worth or 0.0 for sample in judged)
    verdict = Verdict.PASSED if mean > 0.75 else Verdict.FAILED if mean < 0.25 else Verdict.RESERVE
    return verdict, "by_hand", {}


def _by_task(judged: Sequence[Sample]) -> dict[str, float]:
    """Each task's mean score in percent, so that repeats do not weigh a task more."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in judged:
        found[sample.prompt].append(100 * (sample.worth or 0.0))
    return {task: fmean(scores) for task, scores in found.items()}


def _failed_tries(cell: Configuration) -> int:
    """The number of undisturbed task samples that failed without the model's fault."""
    tasks = (sample for sample in cell.samples if sample.kind == SampleKind.TASK)
    return sum(not sample.ended and not sample.disturbed for sample in tasks)


def _by_length(cell: Configuration, name: str) -> dict[str, Figure]:
    """A metric of the reading samples, by the length of the text in tokens."""
    found = {
        length: figure(values(cell.done(SampleKind.READING, length), name))
        for length in cell.prompts(SampleKind.READING)
    }
    return {length: found[length] for length in sorted(found, key=int) if found[length]}  # type: ignore[misc]


def _crowds(cell: Configuration) -> dict[int, dict[str, Figure]]:
    crowds = {}
    for people in cell.prompts(SampleKind.CROWD):
        samples = cell.done(SampleKind.CROWD, people)
        found = {
            "total_tps": figure(values(samples, "total_tps")),
            "person_tps": figure(values(samples, "person_tps")),
            "first_token_s": _seconds(samples, "first_token_ms"),
        }
        crowds[int(people)] = {name: value for name, value in found.items() if value}
    return dict(sorted(crowds.items()))


def _seconds(samples: Sequence[Sample], name: str) -> Figure | None:
    return _scaled(figure(values(samples, name)), 1 / 1000)


def _from_disk(samples: Sequence[Sample]) -> list[Sample]:
    """The cold loads without those whose model file stayed in the page cache, which were warm in fact."""
    return [sample for sample in samples if sample.metrics.get("from_disk") != 0]


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


def _scaled(found: Figure | None, factor: float) -> Figure | None:
    return found.scaled(factor) if found else None


def _place(entry: Entry) -> tuple[bool, float, float, str]:
    quality = entry.quality.mean if entry.quality else -1.0
    return entry.historical, -quality, entry.time_s.median if entry.time_s else inf, entry.key


# Comparison of two runs or two models


def side_by_side(first: str, second: str) -> list[tuple[Configuration, Configuration, list[FigureChange]]]:
    """Pairs of comparable configurations of two runs or two models, with the changes from `first` to `second`.

    Two numbers are run ids: configurations with the same model and setting are paired, or the only one of each run.
    Anything else names models, paired by setting and machine in their newest version. Raises not_found for a run,
    unknown_model for a model, nothing_to_compare when no pair has a figure in common.
    """
    pairs = _runs(int(first), int(second)) if first.isdigit() and second.isdigit() else _models(first, second)
    found = [(one, other, compared(one, other)) for one, other in pairs]
    if not any(changes for _one, _other, changes in found):
        raise AppError("nothing_to_compare")
    return [triple for triple in found if triple[2]]


def energy_is_estimated(*cells: Configuration) -> bool:
    """Whether any energy figure of these configurations is estimated rather than measured."""
    return any(sample.metrics.get("energy_method") == "estimated" for cell in cells for sample in cell.samples)


def _runs(first: int, second: int) -> list[tuple[Configuration, Configuration]]:
    sides = [gather_configurations(run_ids=[queries.run_of(number).id]) for number in (first, second)]
    if not all(sides):
        raise AppError("not_found")
    earlier, later = sides
    if len(earlier) == len(later) == 1:
        return [(earlier[0], later[0])]
    return [
        (one, other) for one in earlier for other in later if (one.model, one.setting) == (other.model, other.setting)
    ]


def _models(first: str, second: str) -> list[tuple[Configuration, Configuration]]:
    cells = [cell.newest for cell in gather_configurations()]
    earlier, later = (_of(cells, name) for name in (first, second))
    return [
        (one, other)
        for one in earlier
        for other in later
        if one.machine.id == other.machine.id and one.setting == other.setting
    ]


def _of(cells: Sequence[Configuration], model: str) -> list[Configuration]:
    found = [cell for cell in cells if cell.model == model]
    if not found:
        raise AppError("unknown_model", model=model)
    return found

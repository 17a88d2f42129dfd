"""Group samples by configuration (one model with one setting on one machine) and read metrics from them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from statistics import fmean
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models.lab import WORTH, LabMachine, LabRun, LabSample, SampleKind, SampleState, Verdict

# The default setting, for what a stored setting does not name.
SETTING = {"think": False, "threads": 0, "context": 0, "temperature": None}
# Errors that count as the model's own bad answer; all others (an engine that failed) say nothing about the model.
FAULTS = frozenset({"answer_too_long"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A measured sample: the columns of its row without the texts."""

    id: int
    run_id: int
    position: int
    attempt: int
    kind: SampleKind
    model: str
    setting: dict[str, Any]
    prompt: str
    state: SampleState
    disturbed: bool
    metrics: dict[str, Any]
    verdict: Verdict | None
    overruled: Verdict | None
    score: float | None
    judgement: dict[str, Any]
    error_code: str | None
    # It was disturbed, and a later attempt of the same sample ended.
    replaced: bool = False

    @property
    def ended(self) -> bool:
        """Whether it counts for the model: it was answered, or failed by the model's own fault."""
        return not self.replaced and (self.state == SampleState.DONE or self.error_code in FAULTS)

    @property
    def useless(self) -> bool:
        """Whether its answer is missing or judged a failure."""
        return self.state != SampleState.DONE or (self.overruled or self.verdict) == Verdict.FAILED

    @property
    def worth(self) -> float | None:
        """The score from 0 to 1: by an administrator's verdict if there is one, else the judgement's, or None."""
        if self.overruled:
            return WORTH[self.overruled]
        if self.error_code in FAULTS:
            return 0.0
        if self.score is None and self.verdict:
            return WORTH[self.verdict]
        return self.score


@dataclass
class Configuration:
    """One model with one setting on one machine: its runs, newest first, and their samples.

    Add no sample after the first call of `done` or `prompts`, which index the samples.
    """

    machine: LabMachine
    model: str
    setting: dict[str, Any]
    runs: list[LabRun] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    @property
    def key(self) -> str:
        """A stable identifier of the configuration."""
        return f"{self.model}|{_sorted_json(self.setting)}|{self.machine.id}"

    @property
    def newest(self) -> "Configuration":
        """The configuration reduced to runs with the newest engine version and model file; others do not compare."""
        basis = _basis(self.runs[0], self.model)
        runs = [run for run in self.runs if _basis(run, self.model) == basis]
        ids = {run.id for run in runs}
        return replace(self, runs=runs, samples=[sample for sample in self.samples if sample.run_id in ids])

    def by_run(self, most: int | None = None) -> list["Configuration"]:
        """One configuration for each run, newest first; at most `most`."""
        samples: defaultdict[int, list[Sample]] = defaultdict(list)
        for sample in self.samples:
            samples[sample.run_id].append(sample)
        return [replace(self, runs=[run], samples=samples[run.id]) for run in self.runs[:most]]

    def done(self, kind: SampleKind, prompt: str | None = None) -> list[Sample]:
        """The samples of a kind that count (`Sample.ended`), of one prompt if given."""
        if prompt is not None:
            return self._ended[kind].get(prompt, [])
        return sorted((sample for samples in self._ended[kind].values() for sample in samples), key=lambda one: one.id)

    def prompts(self, kind: SampleKind) -> list[str]:
        """The prompts of a kind that have samples which count, sorted."""
        return sorted(self._ended[kind])

    @cached_property
    def _ended(self) -> dict[SampleKind, dict[str, list[Sample]]]:
        """The samples that count, by kind and prompt: every figure needs them."""
        found: dict[SampleKind, dict[str, list[Sample]]] = {kind: {} for kind in SampleKind}
        for sample in self.samples:
            if sample.ended:
                found[sample.kind].setdefault(sample.prompt, []).append(sample)
        return found


def gather_configurations(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Configuration]:
    """Read all configurations that were measured, without warm-up samples; of one machine or some runs, if given."""
    wanted = select(LabRun).options(joinedload(LabRun.machine))
    if machine_id is not None:
        wanted = wanted.where(LabRun.machine_id == machine_id)
    if run_ids is not None:
        wanted = wanted.where(LabRun.id.in_(run_ids))
    runs = {run.id: run for run in sorted(db.session.scalars(wanted), key=run_order, reverse=True)}
    found: dict[tuple[int, str, str], Configuration] = {}
    for sample in _samples(runs):
        machine = runs[sample.run_id].machine
        setting = SETTING | sample.setting
        # Earlier versions stored the default temperature as 0.
        setting["temperature"] = setting["temperature"] or None
        key = (machine.id, sample.model, _sorted_json(setting))
        found.setdefault(key, Configuration(machine, sample.model, setting)).samples.append(sample)
    for configuration in found.values():
        ids = {sample.run_id for sample in configuration.samples}
        configuration.runs = [run for run in runs.values() if run.id in ids]
    return list(found.values())


def with_shared_readings(configurations: Sequence[Configuration]) -> list[Configuration]:
    """Give each configuration with tasks the samples of loading, reading and crowds with the same threads and context.

    Thinking and temperature do not change those, so they are measured once. A configuration that has only such samples
    is returned by itself only when none with tasks shares its threads and context.
    """
    groups: defaultdict[tuple[Any, ...], list[Configuration]] = defaultdict(list)
    for one in configurations:
        groups[one.machine.id, one.model, one.setting["threads"], one.setting["context"]].append(one)
    found = []
    for group in groups.values():
        common = [sample for one in group for sample in one.samples if sample.kind != SampleKind.TASK]
        asked = [one for one in group if any(sample.kind == SampleKind.TASK for sample in one.samples)]
        for one in asked:
            answers = [sample for sample in one.samples if sample.kind == SampleKind.TASK]
            found.append(replace(one, samples=answers + common))
        found += [] if asked else group
    return found


def run_order(run: LabRun) -> tuple[datetime, int]:
    """A sort key: when the run started, then its id."""
    return run.started_at or run.created_at, run.id


def values(samples: Sequence[Sample], name: str) -> list[float]:
    """A metric of the samples that have it, of the undisturbed ones if possible."""
    known = [sample for sample in samples if sample.metrics.get(name) is not None]
    return [float(sample.metrics[name]) for sample in undisturbed(known)]


def undisturbed(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples that were not disturbed; all when every one was."""
    return [sample for sample in samples if not sample.disturbed] or samples


def task_scores(samples: Iterable[Sample]) -> dict[str, float]:
    """Each task's mean score from 0 to 1, so that repeats do not weigh a task more; unjudged samples do not count."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        if sample.worth is not None:
            found[sample.prompt].append(sample.worth)
    return {task: fmean(scores) for task, scores in found.items()}


def _samples(runs: Collection[int]) -> list[Sample]:
    columns = [getattr(LabSample, column.name) for column in fields(Sample) if column.name != "replaced"]
    rows = db.session.execute(
        select(*columns)
        .where(LabSample.run_id.in_(runs), LabSample.warmup.is_(False), LabSample.state != SampleState.WAITING)
        .order_by(LabSample.id)
    )
    samples = [Sample(*row) for row in rows]
    last: dict[tuple[int, int], int] = {}
    for sample in samples:
        if sample.ended:
            place = (sample.run_id, sample.position)
            last[place] = max(sample.attempt, last.get(place, 0))
    return [
        replace(sample, replaced=True)
        if sample.disturbed and sample.attempt < last.get((sample.run_id, sample.position), 0)
        else sample
        for sample in samples
    ]


def _basis(run: LabRun, model: str) -> str:
    """What figures depend on beside the configuration: the engine, its version, and the model's file."""
    facts = run.models.get(model) or {}
    marks = {name: facts.get(name) for name in ("digest", "size_bytes", "quantization")}
    return _sorted_json({"engine": run.engine.get("name"), "version": run.engine.get("version"), **marks})


def _sorted_json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)

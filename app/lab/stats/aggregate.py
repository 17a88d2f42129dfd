"""Group samples by configuration (one model with one setting on one machine) and read metrics from them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.lab.stats.intervals import typical
from app.models.lab import WORTH, LabMachine, LabRun, LabSample, SampleKind, SampleState, Verdict

# The default setting, for what a stored setting does not name.
SETTING = {"think": False, "threads": 0, "context": 0, "temperature": None}
# Errors that count as the model's own bad answer; all others (an engine that failed) say nothing about the model.
FAULTS = frozenset({"answer_too_long"})
COLUMNS = (
    LabSample.id,
    LabSample.run_id,
    LabSample.position,
    LabSample.attempt,
    LabSample.kind,
    LabSample.model,
    LabSample.setting,
    LabSample.prompt,
    LabSample.state,
    LabSample.disturbed,
    LabSample.metrics,
    LabSample.verdict,
    LabSample.overruled,
    LabSample.score,
    LabSample.judgement,
    LabSample.error_code,
)
# The task whose time the label shows; tokens read and written by it, to estimate that time from a model's rates.
MAIL_TASK, MAIL_READ, MAIL_WRITTEN = "mail-reply-ten-lines", 350, 150
PARTS = ("loading", "reading", "thinking", "writing")


@dataclass(frozen=True, slots=True)
class Sample:
    """A measured sample, without its texts."""

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


@dataclass(slots=True)
class Configuration:
    """One model with one setting on one machine: its runs, newest first, and their samples.

    Add no sample after the first call of `done` or `prompts`, which index the samples.
    """

    machine: LabMachine
    model: str
    setting: dict[str, Any]
    runs: list[LabRun] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    _ended: dict[SampleKind, dict[str, list[Sample]]] | None = field(default=None, init=False, repr=False)

    @property
    def key(self) -> str:
        """A stable identifier of the configuration."""
        return f"{self.model}|{_text(self.setting)}|{self.machine.id}"

    @property
    def newest(self) -> "Configuration":
        """The configuration reduced to runs with the newest engine version and model file; others do not compare."""
        basis = _basis(self.runs[0], self.model)
        return self.of(run for run in self.runs if _basis(run, self.model) == basis)

    @property
    def asked(self) -> bool:
        """Whether it has any task sample."""
        return any(sample.kind == SampleKind.TASK for sample in self.samples)

    def of(self, runs: Iterable[LabRun]) -> "Configuration":
        """The configuration reduced to these runs."""
        kept = list(runs)
        ids = {run.id for run in kept}
        samples = [sample for sample in self.samples if sample.run_id in ids]
        return Configuration(self.machine, self.model, self.setting, kept, samples)

    def by_run(self, most: int | None = None) -> list["Configuration"]:
        """One configuration for each run, newest first; at most `most`."""
        samples: defaultdict[int, list[Sample]] = defaultdict(list)
        for sample in self.samples:
            samples[sample.run_id].append(sample)
        return [
            Configuration(self.machine, self.model, self.setting, [run], samples[run.id]) for run in self.runs[:most]
        ]

    def done(self, kind: SampleKind, prompt: str | None = None) -> list[Sample]:
        """The samples of a kind that count (`Sample.ended`), of one prompt if given."""
        asked = self._by_prompt(kind)
        if prompt is not None:
            return asked.get(prompt, [])
        return sorted((sample for samples in asked.values() for sample in samples), key=lambda sample: sample.id)

    def prompts(self, kind: SampleKind) -> list[str]:
        """The prompts of a kind that have samples which count, sorted."""
        return sorted(self._by_prompt(kind))

    def _by_prompt(self, kind: SampleKind) -> dict[str, list[Sample]]:
        """The samples that count, by prompt; indexed at the first call, since every figure needs them."""
        if self._ended is None:
            self._ended = {}
            for sample in self.samples:
                if sample.ended:
                    self._ended.setdefault(sample.kind, {}).setdefault(sample.prompt, []).append(sample)
        return self._ended.get(kind, {})


def gather_configurations(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Configuration]:
    """Read all configurations that were measured, without warm-up samples; of one machine or some runs, if given."""
    wanted = select(LabRun).options(joinedload(LabRun.machine))
    if machine_id is not None:
        wanted = wanted.where(LabRun.machine_id == machine_id)
    if run_ids is not None:
        wanted = wanted.where(LabRun.id.in_(run_ids))
    runs = {run.id: run for run in sorted(db.session.scalars(wanted), key=run_order, reverse=True)}
    cells: dict[tuple[int, str, str], Configuration] = {}
    seen: defaultdict[tuple[int, str, str], set[int]] = defaultdict(set)
    for sample in _samples(runs):
        run = runs[sample.run_id]
        setting = SETTING | sample.setting
        # Earlier versions stored the default temperature as 0.
        setting["temperature"] = setting["temperature"] or None
        key = (run.machine_id, sample.model, _text(setting))
        cells.setdefault(key, Configuration(run.machine, sample.model, setting)).samples.append(sample)
        seen[key].add(run.id)
    for key, cell in cells.items():
        cell.runs = [run for run in runs.values() if run.id in seen[key]]
    return list(cells.values())


def with_shared_readings(cells: Sequence[Configuration]) -> list[Configuration]:
    """Give each configuration with tasks the samples of loading, reading and crowds with the same threads and context.

    Thinking and temperature do not change those, so they are measured once. A configuration that has only such samples
    is returned by itself only when none with tasks shares its threads and context.
    """
    groups: defaultdict[tuple[Any, ...], list[Configuration]] = defaultdict(list)
    for cell in cells:
        groups[cell.machine.id, cell.model, cell.setting["threads"], cell.setting["context"]].append(cell)
    found = []
    for group in groups.values():
        common = [sample for cell in group for sample in cell.samples if sample.kind != SampleKind.TASK]
        asked = [cell for cell in group if cell.asked]
        for cell in asked:
            answers = [sample for sample in cell.samples if sample.kind == SampleKind.TASK]
            found.append(replace(cell, samples=answers + common))
        found += [] if asked else group
    return found


def run_order(run: LabRun) -> tuple[datetime, int]:
    """A sort key: when the run started, then its id."""
    return run.started_at or run.created_at, run.id


def values(samples: Sequence[Sample], name: str) -> list[float]:
    """A metric of the undisturbed samples; of all samples when every one was disturbed."""
    known = [(sample.disturbed, sample.metrics[name]) for sample in samples if sample.metrics.get(name) is not None]
    calm = [float(value) for disturbed, value in known if not disturbed]
    return calm or [float(value) for _disturbed, value in known]


def _samples(runs: Collection[int]) -> list[Sample]:
    rows = db.session.execute(
        select(*COLUMNS)
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
    return _text({"engine": run.engine.get("name"), "version": run.engine.get("version"), **marks})


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


# Time of an answer


def split_duration(answers: Sequence[Sample], total_s: float | None) -> dict[str, float]:
    """Split `total_s`, the median time of these answers, into `PARTS`, in seconds.

    Empty when the engine does not report its reading time. The split is proportional to each part's median, since
    medians of parts do not add up to the median of the whole.
    """
    known: defaultdict[str, list[tuple[bool, dict[str, float]]]] = defaultdict(list)
    for sample in answers:
        if parts := _parts(sample):
            known[sample.prompt].append((sample.disturbed, parts))
    by_task = [
        [parts for disturbed, parts in task if not disturbed] or [parts for _disturbed, parts in task]
        for task in known.values()
    ]
    found = {name: typical([[parts[name] for parts in task] for task in by_task]) for name in PARTS}
    middles = {name: figure.median for name, figure in found.items() if figure}
    whole = sum(middles.values())
    return {name: middle * total_s / whole for name, middle in middles.items()} if whole and total_s is not None else {}


def mail_seconds(cell: Configuration) -> float | None:
    """Seconds to answer a mail of ten lines: measured, else estimated from the rates of reading and writing.

    None when neither is known.
    """
    tasks = cell.done(SampleKind.TASK)
    # An empty or wrong answer comes too quickly to count.
    useful = [sample for sample in cell.done(SampleKind.TASK, MAIL_TASK) if not sample.useless]
    if measured := values(useful, "total_ms"):
        return median(measured) / 1000
    reading = [
        rate
        for length in cell.prompts(SampleKind.READING)
        for rate in values(cell.done(SampleKind.READING, length), "prefill_tps")
    ]
    reading, writing = reading or values(tasks, "prefill_tps"), values(tasks, "decode_tps")
    if not reading or not writing or not median(reading) or not median(writing):
        return None
    thinking = median(values(tasks, "thinking_ms") or [0.0]) / 1000
    return MAIL_READ / median(reading) + thinking + MAIL_WRITTEN / median(writing)


def _parts(sample: Sample) -> dict[str, float] | None:
    told = sample.metrics
    total, reading = told.get("total_ms"), told.get("prefill_ms")
    if total is None or reading is None:
        return None
    loading, thinking = told.get("load_ms") or 0.0, told.get("thinking_ms") or 0.0
    # The rest is writing, with the milliseconds of network and server.
    writing = max(0.0, total - loading - reading - thinking)
    return {name: ms / 1000 for name, ms in zip(PARTS, (loading, reading, thinking, writing), strict=True)}

"""The samples of each cell: one model with one setting on one machine, over all runs."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models.lab import WORTH, Kind, LabMachine, LabRun, LabSample, SampleState, Verdict

# What a setting is where a sample does not say.
SETTING = {"think": False, "threads": 0, "context": 0, "temperature": None}
# Failures that are the model's: an answer without end is a bad answer, while a dead engine says nothing of it.
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


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that was taken, without its texts."""

    id: int
    run_id: int
    position: int
    attempt: int
    kind: Kind
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
    # Another one was taken in its place, since it was disturbed.
    replaced: bool = False

    @property
    def ended(self) -> bool:
        """Whether it tells something of the model: it came to its end, or failed by the model's own fault."""
        return not self.replaced and (self.state == SampleState.DONE or self.error_code in FAULTS)

    @property
    def useless(self) -> bool:
        """Whether it is no answer that anybody could use: empty or wrong."""
        return self.state != SampleState.DONE or (self.overruled or self.verdict) == Verdict.FAILED

    @property
    def worth(self) -> float | None:
        """From 0 to 1: a person's word, else the judgement."""
        if self.overruled:
            return WORTH[self.overruled]
        if self.error_code in FAULTS:
            return 0.0
        if self.score is None and self.verdict:
            return WORTH[self.verdict]
        return self.score


@dataclass(slots=True)
class Cell:
    """`runs` from the newest to the oldest; nothing is added once something was asked of the cell."""

    machine: LabMachine
    model: str
    setting: dict[str, Any]
    runs: list[LabRun] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    _ended: dict[Kind, dict[str, list[Sample]]] | None = field(default=None, init=False, repr=False)

    @property
    def key(self) -> str:
        """The same for the same cell, always."""
        return f"{self.model}|{_text(self.setting)}|{self.machine.id}"

    @property
    def newest(self) -> "Cell":
        """The samples of the newest engine and model only: figures of different versions are not mixed."""
        basis = _basis(self.runs[0], self.model)
        return self.of(run for run in self.runs if _basis(run, self.model) == basis)

    @property
    def asked(self) -> bool:
        """Whether any task was asked."""
        return any(sample.kind == Kind.TASK for sample in self.samples)

    def of(self, runs: Iterable[LabRun]) -> "Cell":
        """The samples of these runs only."""
        kept = list(runs)
        ids = {run.id for run in kept}
        samples = [sample for sample in self.samples if sample.run_id in ids]
        return Cell(self.machine, self.model, self.setting, kept, samples)

    def by_run(self, most: int | None = None) -> list["Cell"]:
        """Each run by itself, the newest first; of the newest ones only, if so asked."""
        samples: defaultdict[int, list[Sample]] = defaultdict(list)
        for sample in self.samples:
            samples[sample.run_id].append(sample)
        return [Cell(self.machine, self.model, self.setting, [run], samples[run.id]) for run in self.runs[:most]]

    def done(self, kind: Kind, prompt: str | None = None) -> list[Sample]:
        """Samples that came to their end."""
        asked = self._by_prompt(kind)
        if prompt is not None:
            return asked.get(prompt, [])
        return sorted((sample for samples in asked.values() for sample in samples), key=lambda sample: sample.id)

    def prompts(self, kind: Kind) -> list[str]:
        """What was asked in samples of a kind."""
        return sorted(self._by_prompt(kind))

    def _by_prompt(self, kind: Kind) -> dict[str, list[Sample]]:
        """Looked through once: every figure of every task asks for it."""
        if self._ended is None:
            self._ended = {}
            for sample in self.samples:
                if sample.ended:
                    self._ended.setdefault(sample.kind, {}).setdefault(sample.prompt, []).append(sample)
        return self._ended.get(kind, {})


def gather(machine_id: int | None = None, run_ids: Collection[int] | None = None) -> list[Cell]:
    """All cells that were measured, warm-up apart; of one machine, or of some runs, if so asked."""
    wanted = select(LabRun).options(joinedload(LabRun.machine))
    if machine_id is not None:
        wanted = wanted.where(LabRun.machine_id == machine_id)
    if run_ids is not None:
        wanted = wanted.where(LabRun.id.in_(run_ids))
    runs = {run.id: run for run in sorted(db.session.scalars(wanted), key=at, reverse=True)}
    cells: dict[tuple[int, str, str], Cell] = {}
    seen: defaultdict[tuple[int, str, str], set[int]] = defaultdict(set)
    for sample in _samples(runs):
        run = runs[sample.run_id]
        setting = SETTING | sample.setting
        # Once stored as 0, which is what it is where nobody says.
        setting["temperature"] = setting["temperature"] or None
        key = (run.machine_id, sample.model, _text(setting))
        cells.setdefault(key, Cell(run.machine, sample.model, setting)).samples.append(sample)
        seen[key].add(run.id)
    for key, cell in cells.items():
        cell.runs = [run for run in runs.values() if run.id in seen[key]]
    return list(cells.values())


def shared(cells: Sequence[Cell]) -> list[Cell]:
    """Cells with answers, and beside them what is measured once for all settings of the same threads and context:
    loading, reading and crowds, which thinking does not change. A cell that only measured those is no line of its own.
    """
    groups: defaultdict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.machine.id, cell.model, cell.setting["threads"], cell.setting["context"]].append(cell)
    found = []
    for group in groups.values():
        common = [sample for cell in group for sample in cell.samples if sample.kind != Kind.TASK]
        asked = [cell for cell in group if cell.asked]
        for cell in asked:
            answers = [sample for sample in cell.samples if sample.kind == Kind.TASK]
            found.append(replace(cell, samples=answers + common))
        found += [] if asked else group
    return found


def at(run: LabRun) -> tuple[datetime, int]:
    """When a run was; of two at the same time the later row is the newer."""
    return run.started_at or run.created_at, run.id


def values(samples: Sequence[Sample], name: str) -> list[float]:
    """A metric of samples that nobody disturbed; of all, where every one was disturbed: they are marked as such."""
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
    """What figures depend on beside the cell: the engine's version, and which file the model is."""
    facts = run.models.get(model) or {}
    marks = {name: facts.get(name) for name in ("digest", "size_bytes", "quantization")}
    return _text({"engine": run.engine.get("name"), "version": run.engine.get("version"), **marks})


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)

"""Rows and lines of the Labo as a test needs them: runs with the samples that it lists, entries with its figures."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.extensions import db
from app.lab.stats.configurations import SETTING
from app.lab.stats.intervals import Figure, ScoreShare
from app.lab.stats.ranking import Entry
from app.models.lab import LabMachine, LabRun, LabSample, LabState, SampleKind, SampleState, Verdict

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def machine(name: str = "Machine", source: str = "") -> LabMachine:
    """A row."""
    made = LabMachine(fingerprint=name, name=name, source=source, description={})
    db.session.add(made)
    db.session.flush()
    return made


def run(
    where: LabMachine,
    samples: Iterable[LabSample],
    *,
    day: int = 0,
    version: str = "1",
    models: dict[str, Any] | None = None,
) -> LabRun:
    """A run that has ended, `day` days after the first."""
    begun = DAY + timedelta(days=day)
    made = LabRun(
        machine=where,
        state=LabState.DONE,
        engine={"name": "ollama", "label": "Ollama", "version": version},
        models=models or {},
        created_at=begun,
        started_at=begun,
        finished_at=begun,
    )
    db.session.add(made)
    db.session.flush()
    for position, sample in enumerate(samples):
        sample.run_id, sample.position = made.id, position
        db.session.add(sample)
    db.session.commit()
    return made


def sample(
    kind: SampleKind, prompt: str, model: str = "phi3:mini", setting: dict[str, Any] | None = None, **rest: Any
) -> LabSample:
    """One that was taken; `rest`: its other columns, or metrics."""
    columns = {name: rest.pop(name) for name in list(rest) if hasattr(LabSample, name)}
    return LabSample(
        kind=kind,
        prompt=prompt,
        model=model,
        setting=SETTING | (setting or {}),
        **{"state": SampleState.DONE, "metrics": rest} | columns,
    )


def task(prompt: str, score: float | None, seconds: float = 10, **rest: Any) -> LabSample:
    """A judged answer."""
    verdict = {None: None, 1: Verdict.PASSED, 0: Verdict.FAILED}.get(score, Verdict.RESERVE)
    return sample(SampleKind.TASK, prompt, **{"score": score, "verdict": verdict, "total_ms": seconds * 1000} | rest)


def entry(model: str, quality: float | None, seconds: float | None, energy: float | None = None, **rest: Any) -> Entry:
    """A line with these figures and no others."""
    blank: dict[str, Any] = dict.fromkeys(Entry.__dataclass_fields__)
    by_task = rest.get("by_task", {str(number): quality for number in range(40)})
    known = {
        "key": model,
        "machine_id": 1,
        "machine": "Machine",
        "model": model,
        "setting": SETTING,
        "facts": {},
        "quality": None if quality is None else ScoreShare(quality, quality - 5, quality + 5, 40),
        "time_s": None if seconds is None else exactly(seconds),
        "energy_wh": None if energy is None else exactly(energy),
        "prefill_tps": {},
        "pace_after": {},
        "crowds": {},
        "second_question": {},
        "split": {},
        "verdict": Verdict.PASSED,
        "by_task": by_task,
        "times": {} if seconds is None else {task: [seconds] for task in by_task},
        "energies": {} if energy is None else {task: [energy] for task in by_task},
        "historical": False,
    }
    return Entry(**blank | known | rest)


def design() -> list[Entry]:
    """The five models of the page's design."""
    return [
        entry("gemma3:4b", 78, 44, 0.46),
        entry("phi3:mini", 71, 38, 0.40),
        entry("mistral", 81, 86, 0.92, verdict=Verdict.RESERVE),
        entry("deepseek-r1:1.5b", 44, 29, 0.30, verdict=Verdict.FAILED),
        entry("deepseek-coder:6.7b", 52, 79, 0.83, verdict=Verdict.RESERVE),
    ]


def exactly(value: float) -> Figure:
    """A figure without doubt."""
    return Figure(value, value, value, 40)

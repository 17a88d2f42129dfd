"""Import the measurements that the company made by hand before the Labo existed, from the TOML files in `history`."""

import logging
import tomllib
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models.lab import LabMachine, LabRun, LabSample, LabState, SampleKind, SampleState, Verdict

FOLDER = Path(__file__).parent / "history"
# The fingerprint of a file's machine is this and the file's stem.
MARK = "historical:"
# The score of each verdict given by hand.
SCORES = {Verdict.PASSED: 1.0, Verdict.RESERVE: 0.5, Verdict.FAILED: 0.0}
# The judgement stored with it (sentence: `app/lab/wording.py`).
REASON = {"code": "by_hand", "params": {}, "checks": [], "failures": [], "log": ""}

logger = logging.getLogger(__name__)


def load_historical(folder: Path = FOLDER) -> int:
    """Import and commit the files that are not in the database yet; returns how many were imported."""
    files = {MARK + path.stem: path for path in sorted(folder.glob("*.toml"))}
    known = set(db.session.scalars(select(LabMachine.fingerprint).where(LabMachine.fingerprint.in_(files))))
    missing = [mark for mark in files if mark not in known]
    for mark in missing:
        db.session.add(_run(mark, tomllib.loads(files[mark].read_text())))
    if missing:
        db.session.commit()
        logger.info("historical measurements loaded files=%d", len(missing))
    return len(missing)


def _run(mark: str, told: dict[str, Any]) -> LabRun:
    hardware, at = told["machine"], told["measured"]
    machine = LabMachine(
        fingerprint=mark,
        name=told["name"],
        source=told["source"],
        created_at=at,
        description={
            "sockets": hardware["sockets"],
            "cores": hardware["cores"],
            "ram_bytes": hardware["ram_gb"] * 2**30,
            "engine": {"name": "ollama", "label": "Ollama"},
        },
    )
    answers = told["answers"]
    models = {one["model"]: {"name": one["model"], "size_bytes": int(one["size_gb"] * 1e9)} for one in answers}
    return LabRun(
        machine=machine,
        title=told["source"],
        state=LabState.DONE,
        plan={"models": list(models), "kinds": [str(SampleKind.TASK)], "tasks": [told["prompt"]], "repeats": 1},
        engine={"name": "ollama", "label": "Ollama", "version": ""},
        models=models,
        created_at=at,
        started_at=at,
        finished_at=at,
        samples=[_sample(position, one, told) for position, one in enumerate(answers)],
    )


def _sample(position: int, answer: dict[str, Any], told: dict[str, Any]) -> LabSample:
    verdict = Verdict(answer["verdict"])
    return LabSample(
        position=position,
        kind=SampleKind.TASK,
        model=answer["model"],
        setting={"think": answer["think"], "threads": 0, "context": 0, "temperature": None},
        prompt=told["prompt"],
        state=SampleState.DONE,
        question=told["question"],
        metrics={
            "total_ms": answer["seconds"] * 1000,
            "cpu_machine_mean": answer["cpu_percent"],
            "ram_machine_peak": answer["ram_percent"],
        },
        verdict=verdict,
        score=SCORES[verdict],
        judgement=REASON,
        started_at=told["measured"],
        finished_at=told["measured"],
    )

"""Measurements that nobody took: made-up models, machines and samples, so that pages have something to show."""

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from app.extensions import db
from app.lab.runs import archive
from app.models.base import utcnow
from app.models.lab import LabMachine, LabRun, LabSample, LabState, SampleKind, SampleState, Verdict

# Billions of parameters of the made-up models, in the order of their letters.
SIZES = (1.5, 4.0, 7.0, 3.8, 0.5, 8.0, 1.0, 2.0, 6.7, 12.0, 14.0, 0.3)
TASKS = (
    "mail-reply-ten-lines", "summary-one-sentence", "mail-polite-rewrite", "extract-order-json", "calc-total-price",
    "format-numbered-steps", "summary-title", "translate-keep-figures",
)  # fmt: skip
PLAIN = {"think": False, "threads": 0, "context": 0, "temperature": None}
CORES = 8
WATTS = 42.0


def seed(count: int = 2) -> LabRun:
    """Two runs of so many models with two engine versions, and what was measured by hand; the later run."""
    dice = random.Random(count)  # the same figures each time
    machine = LabMachine(
        fingerprint="essai", name="Processeur d’essai · 8 CPU · Moteur d’essai", description=_description(), source=""
    )
    db.session.add(machine)
    for age, version in ((30, "1.0"), (1, "1.1")):
        run = _run(machine, count, version, utcnow() - timedelta(days=age))
        db.session.add(run)
        db.session.flush()
        slower = 1.0 if version == "1.0" else 1.3
        for position, sample in enumerate(_samples(count, dice, slower, run.started_at or utcnow())):
            sample.run_id, sample.position = run.id, position
            db.session.add(sample)
    db.session.commit()
    archive.load_historical()
    return run


def _description() -> dict[str, Any]:
    return {
        "cpu": "Processeur d’essai", "sockets": 1, "cores": CORES, "threads": CORES, "allowed": CORES, "quota": None,
        "ram_bytes": 24 * 10**9, "ram_limit": None, "nodes": 1, "flags": ["avx", "avx2", "fma"], "virtual": True,
        "governor": "performance", "engine": {"name": "ollama", "label": "Ollama"},
        "energy": {"method": "estimated", "idle_w": 12.0, "full_w": 54.0, "assumed": True},
    }  # fmt: skip


def _run(machine: LabMachine, count: int, version: str, begun: datetime) -> LabRun:
    models = {
        name: {"parameters": f"{size:g}B", "quantization": "Q4_K_M", "size_bytes": int(size * 6e8), "context": 4096}
        for name, size in names(count)
    }
    plan = {
        "models": list(models),
        "settings": [PLAIN],
        "kinds": [str(kind) for kind in SampleKind],
        "tasks": list(TASKS),
    }
    return LabRun(
        machine=machine, title=f"Essai {version}", state=LabState.DONE, models=models, created_at=begun,
        plan=plan | {"readings": [100, 1000, 4000], "crowds": [1, 2, 4], "repeats": 3, "max_tokens": 0, "seed": 7},
        engine={"name": "ollama", "label": "Ollama", "version": version}, started_at=begun,
        finished_at=begun + timedelta(hours=2),
    )  # fmt: skip


def names(count: int) -> list[tuple[str, float]]:
    """Made-up models and their billions of parameters."""
    return [(f"modele-{chr(97 + index)}:{size:g}b", size) for index, size in enumerate(SIZES[:count])]


def _samples(count: int, dice: random.Random, slower: float, begun: datetime) -> Iterator[LabSample]:
    for index, (model, size) in enumerate(names(count)):
        speed = 40 / (size + 0.6) / (slower if index == 0 else 1.0)
        settings = [PLAIN] + ([PLAIN | {"threads": threads} for threads in (2, 4, 8)] if index < 3 else [])
        yield _sample(
            model, PLAIN, SampleKind.TASK, TASKS[0], 1, _answer(dice, speed, size, 120, index), begun, warmup=True
        )
        for repeat in range(1, 4):
            for prompt, seconds in (("cold", size * 1.1), ("warm", 0.15)):
                load = _near(dice, seconds) * 1000
                yield _sample(model, PLAIN, SampleKind.LOAD, prompt, repeat, {"load_ms": load, "total_ms": load}, begun)
            for tokens in (100, 1000, 4000):
                reading = _near(dice, speed * 9 * (1 - tokens / 12_000))
                metrics = {"prompt_tokens": tokens, "prefill_tps": reading, "prefill_ms": tokens / reading * 1000}
                metrics |= {"output_tokens": 32, "decode_tps": _near(dice, speed * (1 - tokens / 16_000))}
                yield _sample(model, PLAIN, SampleKind.READING, str(tokens), repeat, metrics, begun)
            for people in (1, 2, 4):
                total = _near(dice, speed * (1 + math.log2(people) * 0.2))
                metrics = {"total_tps": total, "person_tps": total / people, "first_token_ms": 700 * people}
                yield _sample(model, PLAIN, SampleKind.CROWD, str(people), repeat, metrics, begun)
            for setting in settings:
                pace = speed * (1 - math.exp(-(setting["threads"] or CORES) / 3))
                for task in TASKS if setting is PLAIN else TASKS[:2]:
                    sample = _sample(
                        model, setting, SampleKind.TASK, task, repeat, _answer(dice, pace, size, 140, index), begun
                    )
                    yield _judged(sample, dice.random() < 0.35 + 0.09 * math.log2(size * 4 + 1), dice.random() < 0.5)
    failed = _sample(names(1)[0][0], PLAIN, SampleKind.TASK, TASKS[0], 4, {}, begun)
    failed.state, failed.error_code, failed.error_cause = SampleState.FAILED, "engine_cut", "connection closed"
    yield failed
    disturbed = _sample(names(1)[0][0], PLAIN, SampleKind.TASK, TASKS[1], 4, {}, begun)
    disturbed.state, disturbed.error_code, disturbed.disturbed = SampleState.FAILED, "disturbed", True
    yield disturbed


def _answer(dice: random.Random, speed: float, size: float, tokens: int, index: int) -> dict[str, Any]:
    written = int(_near(dice, tokens))
    reading, thinking = 180 / (speed * 9), written / speed * 0.8 if index % 4 == 3 else 0.0
    writing = written / _near(dice, speed)
    total = reading + thinking + writing
    return {
        "prompt_tokens": 180, "cached_tokens": 0, "prefill_ms": reading * 1000, "prefill_tps": 180 / reading,
        "output_tokens": written, "decode_ms": writing * 1000, "decode_tps": written / writing,
        "first_token_ms": reading * 1000 + 40, "total_ms": total * 1000, "thinking_ms": thinking * 1000,
        "thinking_tokens": int(thinking * speed), "reason": "stop", "cpu_engine_mean": 93.0 * CORES,
        "cpu_engine_peak": 99.0 * CORES, "cpu_machine_mean": 95.0, "cpu_machine_peak": 100.0,
        "ram_engine_peak": int((size * 0.62 + 0.5) * 1e9), "ram_machine_peak": 20.0 + size * 2.5,
        "energy_j": total * WATTS, "energy_method": "estimated", "idle_w": 12.0,
    }  # fmt: skip


def _sample(
    model: str, setting: dict[str, Any], kind: SampleKind, prompt: str, repeat: int, metrics: dict[str, Any],
    begun: datetime,
    *, warmup: bool = False,
) -> LabSample:  # fmt: skip
    seconds = metrics.get("total_ms", 4000) / 1000
    ram = metrics.get("ram_engine_peak", 2e9)
    series = [[step * seconds / 40, *_busy(step), ram * min(1, 0.4 + step / 12)] for step in range(41)]
    return LabSample(
        kind=kind, model=model, setting=setting, prompt=prompt, repeat=repeat, warmup=warmup, state=SampleState.DONE,
        metrics=metrics, series=series if kind is SampleKind.TASK else [],
        question="Pouvez-vous décaler la livraison ?",
        answer="Bonjour,\n\nLa livraison est décalée à jeudi.\n\nCordialement" if kind is SampleKind.TASK else "",
        thinking="", started_at=begun, finished_at=begun + timedelta(seconds=seconds),
    )  # fmt: skip


def _busy(step: int) -> tuple[float, float]:
    """Of the engine and of the machine: nothing at first."""
    return (5.0, 8.0) if step < 3 else (740.0 + step % 5 * 9, 93.0 + step % 4)


def _judged(sample: LabSample, passed: bool, nearly: bool) -> LabSample:
    verdict = Verdict.PASSED if passed else Verdict.RESERVE if nearly else Verdict.FAILED
    params = {"passed": {Verdict.PASSED: 3, Verdict.RESERVE: 2}.get(verdict, 1), "total": 3}
    code = {Verdict.PASSED: "checks_passed", Verdict.RESERVE: "checks_partly"}.get(verdict, "checks_failed")
    checks = [
        {"check": "language", "passed": True, "detail": "fr"},
        {"check": "contains", "passed": params["passed"] > 1, "detail": "jeudi"},
        {"check": "length", "passed": params["passed"] > 2, "detail": "9"},
    ]
    sample.verdict, sample.score = verdict, params["passed"] / 3
    failures = ["wrong_language"] if verdict is Verdict.FAILED and sample.repeat == 2 else []
    sample.judgement = {"code": code, "params": params, "checks": checks, "failures": failures, "log": ""}
    return sample


def _near(dice: random.Random, value: float) -> float:
    return value * dice.uniform(0.95, 1.05)

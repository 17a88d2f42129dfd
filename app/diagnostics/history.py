"""Check the last answers for model reloads, lost caches, our own overhead, and wrong announced waits."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.diagnostics import Finding, FindingState
from app.engines.registry import VENDORS
from app.extensions import db
from app.formatting import duration, number, percent
from app.models import LabSample, Message, Run, RunState

# Number of answers to look at.
LAST = 200
# Below this the engine's constant costs outweigh its pace.
TOKENS_FOR_A_PACE = 50
# Loading takes longer than this; engines report a short time for a loaded model too.
RELOAD_MS = 1000
# A conversation continued within this time should still be cached.
SHORTLY = timedelta(minutes=30)
# Tokens; a shorter history costs little to read again.
WORTH_CACHING = 100
# The engine's cache counts as lost if less than this part of the prompt before was found in it.
CACHE_LOST = 0.5
# Our share of an answer's time, in ms: acceptable up to the first, noticeable from the second.
OVERHEAD_MS, FELT_MS = 50, 250
# By how much announced waits may be off, and from where on they tell nothing.
WAIT_ERROR, USELESS = 0.5, 0.9
# Shorter waits, in ms, are not judged.
WAIT_MS = 1000
# With fewer waits a large error may be chance: it is a warning only.
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Record:
    """A finished answer; `before`: id of the answer that its question followed.

    `measured`: the Labo took samples between the previous record and this one, and may have had other models loaded.
    """

    answer: int
    before: int | None
    model: str
    queued_at: datetime
    finished_at: datetime
    left_out: int
    metrics: dict[str, Any]
    measured: bool = False

    def get(self, name: str) -> float:
        """Return a metric; 0 if the engine did not report it."""
        return float(self.metrics.get(name) or 0)

    @property
    def read(self) -> float:
        """Prompt tokens that were not in the engine's cache."""
        return self.get("prompt_tokens") - self.get("cached_tokens")


def last_records() -> list[Record]:
    """Return the last answers measured on this server, the oldest first."""
    answer, question = aliased(Message), aliased(Message)
    rows = db.session.execute(
        select(Run.message_id, question.parent_id, Run.model, Run.queued_at, Run.finished_at, Run.left_out, Run.metrics)
        .join(answer, answer.id == Run.message_id)
        .join(question, question.id == answer.parent_id)
        .where(Run.state == RunState.DONE, Run.measured_here())
        .order_by(Run.message_id.desc())
        .limit(LAST)
    )
    records = [Record(*row) for row in rows if row.metrics and row.finished_at]
    return _with_measurements(sorted(records, key=lambda record: record.queued_at))


def _with_measurements(records: list[Record]) -> list[Record]:
    """Set `measured` on the records between which the Labo took samples."""
    if not records:
        return []
    begun = LabSample.started_at
    moments = db.session.scalars(select(begun).where(begun >= records[0].queued_at).order_by(begun))
    taken = list(filter(None, moments))
    return records[:1] + [
        replace(after, measured=bisect_left(taken, before.queued_at) < bisect_right(taken, after.finished_at))
        for before, after in pairwise(records)
    ]


def reading_pace(records: Sequence[Record]) -> float | None:
    """Return the median prefill pace in tokens per second; mostly cached prompts are left out."""
    paces = [
        record.read / record.get("prefill_ms") * 1000
        for record in records
        if record.read >= TOKENS_FOR_A_PACE and record.get("prefill_ms")
    ]
    return _median(paces)


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _reported(records: Sequence[Record], name: str) -> list[float]:
    """A metric of the records whose engine reported it."""
    return [record.get(name) for record in records if record.metrics.get(name) is not None]


def answers_table(records: Sequence[Record]) -> list[dict[str, str]]:
    """Return the medians of each model's answers as text, the most used model first; paces in tokens per second."""
    models = Counter(record.model for record in records)
    return [
        _medians(model, [record for record in records if record.model == model])
        for model in sorted(models, key=lambda model: (-models[model], model))
    ]


def _medians(model: str, records: list[Record]) -> dict[str, str]:
    tells_cached = [record for record in records if record.metrics.get("cached_tokens") is not None]
    whole = sum(record.get("prompt_tokens") for record in tells_cached)
    cached = sum(record.get("cached_tokens") for record in tells_cached) / whole if whole else None
    writing = [
        record.get("output_tokens") / record.get("decode_ms") * 1000
        for record in records
        if record.get("decode_ms") and record.get("output_tokens") > 1
    ]
    # Without the time in the queue, which does not depend on the model.
    first = [
        record.get("first_token_ms") - record.get("queue_ms") for record in records if record.get("first_token_ms")
    ]
    pace = partial(number, digits=1)
    return {
        "model": model,
        "answers": number(len(records)),
        "first": _figure(_median(first), duration),
        # Only if cached tokens are reported: counting them would make the pace too high.
        "reading": _figure(reading_pace(tells_cached), pace),
        "writing": _figure(_median(writing), pace),
        "cached": _figure(cached, percent),
        "overhead": _figure(_median(_reported(records, "overhead_ms")), duration),
    }


def _figure(value: float | None, text: Callable[[float], str]) -> str:
    return "–" if value is None else text(value)


def history_findings(records: Sequence[Record], engine: str) -> list[Finding]:
    """Run all checks of the last answers, for the engine of that name."""
    return [reloads(records, engine), cache(records, engine), overhead(records, engine), queue(records)]


def reloads(records: Sequence[Record], engine: str) -> Finding:
    """Check whether a model was loaded again although no other one was used."""
    if not records:
        return Finding("reloads", FindingState.UNKNOWN, _("No answer was written yet."))
    again = sum(
        before.model == after.model and after.get("load_ms") > RELOAD_MS and not after.measured
        for before, after in pairwise(records)
    )
    if not again:
        text = ngettext("None in the last answer.", "None in the last %(num)s answers.", len(records))
        return Finding("reloads", FindingState.OK, text)
    cause = ngettext(
        "In %(num)s of the last %(all)s answers the same model was loaded once more.",
        "In %(num)s of the last %(all)s answers the same model was loaded once more.",
        again,
        all=number(len(records)),
    )
    state = FindingState.WARNING if again == 1 else FindingState.BAD
    return Finding("reloads", state, cause, str(VENDORS[engine].reloads))


def cache(records: Sequence[Record], engine: str) -> Finding:
    """Check whether continued conversations were read again from their beginning."""
    kept, lost = _kept_and_lost(records)
    if not kept + lost:
        return Finding("cache", FindingState.UNKNOWN, _("No long conversation went on lately."))
    words = {"kept": number(kept), "lost": number(lost), "all": number(kept + lost)}
    if lost <= max(1, 0.1 * (kept + lost)):
        text = _("Kept in %(kept)s of %(all)s cases in which a conversation went on.", **words)
        return Finding("cache", FindingState.OK, text)
    cause = _("%(lost)s of %(all)s conversations that went on were read again from the beginning.", **words)
    state = FindingState.BAD if lost > kept else FindingState.WARNING
    return Finding("cache", state, cause, str(VENDORS[engine].cache))


def overhead(records: Sequence[Record], engine: str) -> Finding:
    """Check the time that answers took beside the queue and the engine."""
    middle = _median(_reported(records, "overhead_ms"))
    if middle is None:
        text = _("This engine tells no times.") if records else _("No answer was written yet.")
        return Finding("overhead", FindingState.UNKNOWN, text)
    text = _("Half of the answers took %(time)s or less beside the engine’s work.", time=duration(middle))
    if middle <= OVERHEAD_MS:
        return Finding("overhead", FindingState.OK, text)
    mend = _("Look for other programs that compute, and for a slow disk under INSTANCE_DIR.")
    if loses := VENDORS[engine].overhead:
        mend = f"{loses} {mend}"
    return Finding("overhead", FindingState.WARNING if middle <= FELT_MS else FindingState.BAD, text, mend)


@dataclass(frozen=True, slots=True)
class Waits:
    """Medians of the announced and the real waits in ms, and of the relative error."""

    count: int
    announced_ms: float
    real_ms: float
    error: float


def waits(records: Sequence[Record]) -> Waits | None:
    """Return the statistics of waits; None if no answer had to wait."""
    pairs = [
        (record.get("expected_queue_ms"), record.get("queue_ms"))
        for record in records
        if record.metrics.get("expected_queue_ms") is not None and record.get("queue_ms") >= WAIT_MS
    ]
    if not pairs:
        return None
    announced, real = (median(each) for each in zip(*pairs, strict=True))
    return Waits(len(pairs), announced, real, median(abs(said - was) / max(said, was) for said, was in pairs))


def queue(records: Sequence[Record]) -> Finding:
    """Check whether announced waits come true."""
    found = waits(records)
    if found is None:
        return Finding("queue", FindingState.OK, _("Nobody had to wait lately."))
    text = _(
        "Announced %(announced)s, waited %(real)s (medians of %(count)s); half are off by %(error)s or less.",
        count=number(found.count),
        announced=duration(found.announced_ms),
        real=duration(found.real_ms),
        error=percent(found.error),
    )
    if found.error <= WAIT_ERROR:
        return Finding("queue", FindingState.OK, text)
    mend = _("Answers of very different lengths cannot be foretold; a lower MAX_OUTPUT_TOKENS makes them more alike.")
    is_useless = found.error >= USELESS and found.count >= ENOUGH
    return Finding("queue", FindingState.BAD if is_useless else FindingState.WARNING, text, mend)


def _kept_and_lost(records: Sequence[Record]) -> tuple[int, int]:
    """Count conversations continued soon, by whether their beginning was still cached: (kept, lost)."""
    known = {record.answer: record for record in records}
    # Nothing of a conversation's first question can be cached.
    first = [record for record in records if record.before is None]
    paces = {
        model: reading_pace([record for record in first if record.model == model])
        for model in {record.model for record in records}
    }
    kept = lost = 0
    for record in records:
        before = known.get(record.before or 0)
        if before is None or before.get("prompt_tokens") < WORTH_CACHING or not _same_beginning(before, record):
            continue
        cached = _cached(record, paces[record.model])
        if cached is None:
            continue
        if cached < CACHE_LOST * before.get("prompt_tokens"):
            lost += 1
        else:
            kept += 1
    return kept, lost


def _same_beginning(before: Record, record: Record) -> bool:
    soon = record.queued_at - before.finished_at <= SHORTLY
    return soon and before.model == record.model and before.left_out == record.left_out


def _cached(record: Record, pace: float | None) -> float | None:
    """Return the number of cached tokens, None if unknown.

    For an engine that does not report it, it is estimated from the prefill time and `pace` in tokens per second.
    """
    if record.metrics.get("cached_tokens") is not None:
        return record.get("cached_tokens")
    if pace is None or record.metrics.get("prefill_ms") is None:
        return None
    return record.get("prompt_tokens") - record.get("prefill_ms") / 1000 * pace

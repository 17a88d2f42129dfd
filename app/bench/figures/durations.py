"""How long answers take: the parts of their time, and the mail of ten lines."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from app.bench.figures.cells import Cell, Sample, values
from app.bench.figures.stats import typical
from app.models.lab import Kind

# The task whose time is the label's, and its size where another model's rates must do: tokens read and written.
MAIL_TASK, MAIL_READ, MAIL_WRITTEN = "mail-reply-ten-lines", 350, 150
PARTS = ("loading", "reading", "thinking", "writing")


def split(answers: Sequence[Sample], total_s: float | None) -> dict[str, float]:
    """Seconds of each part of `total_s`, the median time of these answers; nothing where the engine does not tell its
    reading time.

    Each part is the median of the same answers as the time, disturbed ones apart. Medians of parts do not add up to
    that of the whole: they share it out.
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


def mail_seconds(cell: Cell) -> float | None:
    """To answer a mail of ten lines: as it was measured, else from the rates of reading and writing."""
    tasks = cell.done(Kind.TASK)
    # What is empty or wrong comes quickly: nobody waits for that.
    useful = [sample for sample in cell.done(Kind.TASK, MAIL_TASK) if not sample.useless]
    if measured := values(useful, "total_ms"):
        return median(measured) / 1000
    reading = [
        rate for length in cell.prompts(Kind.READING) for rate in values(cell.done(Kind.READING, length), "prefill_tps")
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
    # What is left is writing, the network's and our own milliseconds with it.
    writing = max(0.0, total - loading - reading - thinking)
    return {name: ms / 1000 for name, ms in zip(PARTS, (loading, reading, thinking, writing), strict=True)}

"""Present one sample: its metrics as rows of text, and a chart of CPU and memory over its time."""

from typing import Any

from flask_babel import gettext as _

from app.formatting import number
from app.lab.presentation import display
from app.lab.presentation.charts import Chart
from app.models.lab import LabSample

GB = 1e9


def sample_facts(sample: LabSample) -> list[tuple[str, str, str]]:
    """Rows of name, value and detail for each metric that was measured."""
    told = sample.metrics
    rows = [
        (_("In all"), _ms(told, "total_ms"), ""),
        (_("Loading"), _ms(told, "load_ms"), ""),
        (_("First word after"), _ms(told, "first_token_ms"), ""),
        (_("Reading"), display.rate(told.get("prefill_tps")), _tokens(told, "prompt_tokens", _("tokens/s"))),
        (_("Writing"), display.rate(told.get("decode_tps")), _tokens(told, "output_tokens", _("tokens/s"))),
        (_("Thinking"), _ms(told, "thinking_ms", none_is_zero=True), _tokens(told, "thinking_tokens")),
        (_("All together"), display.rate(told.get("total_tps")), _("tokens/s")),
        (_("Each person"), display.rate(told.get("person_tps")), _("tokens/s")),
        (_("CPU of the machine"), display.share(told.get("cpu_machine_mean")), _peak(told.get("cpu_machine_peak"))),
        (_("CPU of the engine"), display.share(told.get("cpu_engine_mean")), _("one core counts a hundred")),
        (_("Memory of the engine"), display.size(told.get("ram_engine_peak")), _("at the peak")),
        (_("Memory of the machine"), display.share(told.get("ram_machine_peak")), _("at the peak")),
        (_("Energy"), _energy(told.get("energy_j")), str(display.METHODS.get(told.get("energy_method", ""), ""))),
    ]  # fmt: skip
    return [row for row in rows if row[1] != display.NOTHING]


def course(sample: LabSample) -> Chart | None:
    """The chart of CPU and memory over time, with the phases of the answer; None with fewer than two intervals."""
    if len(sample.series) < 2:
        return None
    columns = [list(column) for column in zip(*sample.series, strict=True)]
    times, engine, machine, ram = columns
    # The engine's CPU is stored in percent of one core; the chart shows it in percent of the machine.
    cores = sample.run.machine.description.get("threads") or 0
    cpu = [{"name": _("machine"), "points": _pairs(times, machine)}]
    if cores:
        cpu.append({"name": _("engine"), "points": _pairs(times, [value and value / cores for value in engine])})
    title = _("Processor and memory during this sample")
    panels = [
        {"label": _("Processor"), "y": _("Processor, share of the machine"), "top": 100, "lines": cpu},
        {
            "label": _("Memory"), "y": _("Memory of the engine, GB"), "top": None,
            "lines": [{"name": _("engine"), "points": _pairs(times, [value and value / GB for value in ram])}],
        },
    ]  # fmt: skip
    shown = [panel for panel in panels if any(line["points"] for line in panel["lines"])]
    for panel in shown:
        panel["lines"] = [line for line in panel["lines"] if line["points"]]
    phases = _phases(sample.metrics)
    spec = {"kind": "panels", "label": title, "x": _("Seconds"), "phases": phases, "panels": shown}
    heads = (_("Second"), _("Machine"), _("Engine"), _("Memory"))
    rows = tuple(
        (number(at, 1), display.share(busy), display.share(own), display.size(held))
        for at, own, busy, held in sample.series
    )
    return Chart("course", title, _("CPU of the engine: one core counts a hundred."), spec, heads, rows)


def _phases(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The phases of the answer in order, each with its start and end in seconds, as far as they are known."""
    lengths = (
        (_("Loading"), told.get("load_ms")), (_("Reading"), told.get("prefill_ms")),
        (_("Thinking"), told.get("thinking_ms")), (_("Writing"), told.get("decode_ms")),
    )  # fmt: skip
    found, at = [], 0.0
    for name, ms in lengths:
        if ms:
            # Engines report thinking as part of writing.
            length = ms - (told.get("thinking_ms") or 0) if name == lengths[-1][0] else ms
            found.append({"name": name, "from": at, "to": at + max(0.0, length) / 1000})
            at += max(0.0, length) / 1000
    return found


def _pairs(times: list[float], values: list[float | None]) -> list[list[float]]:
    return [[at, value] for at, value in zip(times, values, strict=True) if value is not None]


def _ms(told: dict[str, Any], name: str, *, none_is_zero: bool = False) -> str:
    value = (told.get(name) or None) if none_is_zero else told.get(name)
    return display.seconds(None if value is None else value / 1000)


def _tokens(told: dict[str, Any], name: str, unit: str = "") -> str:
    count = told.get(name)
    words = _("%(count)s tokens", count=number(count)) if count else ""
    return ", ".join(filter(None, (unit, words)))


def _peak(share: float | None) -> str:
    return "" if share is None else _("%(figure)s at the peak", figure=display.share(share))


def _energy(joules: float | None) -> str:
    return display.energy(None if joules is None else joules / display.JOULES)

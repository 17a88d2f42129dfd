"""What the Labo shows, in the current language: names, single figures, intervals, and tables of figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from flask_babel import LazyString, format_datetime, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import formatting
from app.formatting import NARROW_SPACE, duration, filesize, number, percent, with_unit
from app.lab.stats.ranking import Entry
from app.lab.wording import CATEGORIES, FAILURES
from app.models.lab import PROVEN, WORTH, LabMachine, LabRun, LabSample, LabState, SampleKind, SampleState, Verdict

Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]

JOULES = 3600
# Smaller energies (in mWh) are shown as "less than" this.
LEAST_MWH = 0.1
NOTHING = "–"
BETWEEN = " · "
# Characters kept of each part of a machine's name, whose parts are separated by dots.
LONGEST_PART = 28

KINDS: dict[str, LazyString] = {
    SampleKind.LOAD: _l("Loading"),
    SampleKind.READING: _l("Reading"),
    SampleKind.TASK: _l("Tasks"),
    SampleKind.CROWD: _l("Several people"),
}
RUN_STATES: dict[str, LazyString] = {
    LabState.QUEUED: _l("In the queue"),
    LabState.RUNNING: _l("Being measured"),
    LabState.DONE: _l("Finished"),
    LabState.CANCELLED: _l("Cancelled"),
    LabState.INTERRUPTED: _l("Interrupted"),
    LabState.FAILED: _l("Failed"),
}
SAMPLE_STATES: dict[str, LazyString] = {
    SampleState.WAITING: _l("Waiting"),
    SampleState.DONE: _l("Taken"),
    SampleState.FAILED: _l("Failed"),
}
VERDICTS: dict[str, LazyString] = {
    Verdict.PASSED: _l("Passed"),
    Verdict.RESERVE: _l("With reserve"),
    Verdict.FAILED: _l("Failed"),
}
LOADS: dict[str, LazyString] = {"cold": _l("from the disk"), "warm": _l("from memory")}
METHODS: dict[str, LazyString] = {"rapl": _l("measured"), "estimated": _l("estimated")}
# The figures of a ranking, in the order of its columns.
COLUMNS: dict[str, LazyString | str] = {
    "quality": _l("Quality"),
    "time": _l("Time"),
    "first": _l("First word"),
    "pace": _l("Tokens/s"),
    "cpu": "CPU",
    "ram": "RAM",
    "energy": _l("Energy"),
}
POWERS = {"Go": 9, "GB": 9, "Mo": 6, "MB": 6, "ko": 3, "kB": 3}
MINUTE, HOUR = 60, 3600


# Names


def prompt_name(kind: str, prompt: str, tasks: Mapping[str, Any]) -> str:
    """The display name of a sample's prompt: a task's name, a length in tokens, or a number of people."""
    if kind == SampleKind.LOAD:
        return str(LOADS.get(prompt, prompt))
    if kind == SampleKind.TASK:
        return tasks[prompt].name if prompt in tasks else prompt
    if not prompt.isdigit():
        return prompt
    if kind == SampleKind.READING:
        return str(ngettext("%(count)s token", "%(count)s tokens", int(prompt), count=number(int(prompt))))
    return str(ngettext("%(num)s person", "%(num)s people", int(prompt)))


def run_name(run: LabRun) -> str:
    """The run's title, else its number."""
    return run.title or _("Run %(number)s", number=run.id)


def setting_name(setting: Mapping[str, Any]) -> str:
    """A setting in words; empty for the server's defaults."""
    parts = [_("with thinking")] if setting.get("think") else []
    if threads := setting.get("threads"):
        parts.append(ngettext("%(num)s thread", "%(num)s threads", threads))
    if context := setting.get("context"):
        parts.append(_("context %(count)s", count=number(context)))
    if setting.get("temperature"):
        parts.append(_("temperature %(value)s", value=number(setting["temperature"], 1)))
    return BETWEEN.join(parts)


def configuration_name(model: str, setting: Mapping[str, Any]) -> str:
    """The model's name, followed by its setting unless that is the default."""
    words = setting_name(setting)
    return f"{model} · {words}" if words else model


def entry_name(entry: Entry) -> str:
    """The display name of an entry in charts and tables."""
    return configuration_name(entry.model, entry.setting)


def entry_namer(entries: Iterable[Entry]) -> Callable[[Entry], str]:
    """A function that names these entries, with the machine if there are several."""
    names = {entry.machine_id: entry.machine for entry in entries}
    if len(names) < 2:
        return entry_name
    machines = _short_names(names)
    return lambda entry: f"{entry_name(entry)} ({machines[entry.machine_id]})"


def _short_names(machines: dict[int, str]) -> dict[int, str]:
    """Short names of machines, by id: only as many differing parts as tell them apart; else numbered."""
    parts = [[part[:LONGEST_PART] for part in name.split(BETWEEN)] for name in machines.values()]
    differing = [column for column in zip_longest(*parts, fillvalue="") if len(set(column)) > 1]
    for count in range(1, len(differing) + 1):
        names = [BETWEEN.join(filter(None, texts)) for texts in zip(*differing[:count], strict=True)]
        if len(set(names)) == len(names):
            return dict(zip(machines, names, strict=True))
    firsts = {machine_id: texts[0] for machine_id, texts in zip(machines, parts, strict=True)}
    return {machine_id: f"{firsts[machine_id]}, {place}" for place, machine_id in enumerate(sorted(machines), 1)}


def anchor(key: str) -> str:
    """The HTML id of an entry's row in the ranking."""
    return "ligne-" + "".join(letter if letter.isalnum() else "-" for letter in key)


def facts(description: Mapping[str, Any]) -> str:
    """A model's parameters, quantization and file size in one line."""
    size = description.get("size_bytes")
    shown = (description.get("parameters"), description.get("quantization"), filesize(size) if size else "")
    return BETWEEN.join(filter(None, shown))


def label_facts(label: Any) -> str:
    """The mail time and memory of a model's label, in one line."""
    mail = _("answers a mail of 10 lines in about %(time)s here", time=seconds(label.mail_s)) if label.mail_s else ""
    ram = _("%(size)s of memory", size=filesize(label.ram_bytes)) if label.ram_bytes else ""
    return BETWEEN.join(filter(None, (mail, ram)))


def label_talents(label: Any) -> str:
    """The categories a model is good at, as a sentence; empty without any."""
    return _("Good at: %(kinds)s", kinds=called(label.good_at, CATEGORIES)) if label.good_at else ""


def documents_unmeasured(label: Any) -> bool:
    """Whether it is not known if the model may answer from passages."""
    return label.reading is None or label.abstention is None


def label_documents(label: Any) -> str:
    """Whether a model may answer from passages of documents, and by which scores."""
    scores = {"reading": label.reading, "abstention": label.abstention}
    if documents_unmeasured(label):
        words = _("Answers from passages: not measured yet")
    elif label.proven:
        words = _(
            "May answer from passages (answer found: %(reading)s of 100, absence admitted: %(abstention)s)", **scores
        )
    else:
        words = _(
            "Not sure enough to answer from passages (answer found: %(reading)s of 100, absence admitted: "
            "%(abstention)s; %(least)s are needed of both)",
            **scores,
            least=PROVEN,
        )
    return str(words)


# Single values


def seconds(value: float | None) -> str:
    """Format a duration, as in « 2,6 s », « 44 s », « 3 min 41 s »; a dash for None."""
    if value is None:
        return NOTHING
    # 59.5 s and more would round to 60 s.
    if value < 59.5:
        return duration(value * 1000)
    minutes, rest = divmod(round(value), 60)
    if minutes >= 60:
        return f"{with_unit(minutes // 60, 'h')} {with_unit(minutes % 60, 'min')}"
    return f"{with_unit(minutes, 'min')} {with_unit(rest, 's')}" if rest else with_unit(minutes, "min")


def rate(value: float | None) -> str:
    """Format tokens per second, without the unit, which the column's header shows."""
    return NOTHING if value is None else number(value, 1 if value < 100 else 0)


def share(value: float | None) -> str:
    """Format a value from 0 to 100 as a percentage."""
    return NOTHING if value is None else percent(value / 100)


def size(value: float | None) -> str:
    """Format a number of bytes."""
    return NOTHING if value is None else filesize(value)


def energy(watt_hours: float | None) -> str:
    """Format watt-hours, in mWh below 0.01 Wh, with as many decimals as are meaningful."""
    if watt_hours is None:
        return NOTHING
    if watt_hours * 1000 < LEAST_MWH / 2:
        return str(_("less than %(energy)s", energy=with_unit(LEAST_MWH, "mWh", 1)))
    if watt_hours < 0.01:
        return with_unit(watt_hours * 1000, "mWh", 1)
    return with_unit(watt_hours, "Wh", 2 if watt_hours < 10 else 0)


def energy_of(watt_hours: float | None, method: str) -> str:
    """Format watt-hours, marked if they are estimated."""
    return _marked(energy(watt_hours), method) if watt_hours is not None else NOTHING


def _marked(energy: str, method: str) -> str:
    return _("%(energy)s (estimated)", energy=energy) if method == "estimated" else energy


def counted(sample: Any) -> float | None:
    """A sample's score of 100 as the ranking counts it: by an administrator's verdict, else the judgement, or None."""
    worth = WORTH[sample.overruled] if sample.overruled else sample.score
    return None if worth is None else 100 * worth


def whole(value: float | None) -> str:
    """Format a number rounded to an integer."""
    return NOTHING if value is None else number(value)


def moment(value: datetime) -> str:
    """Format a date and time in the server's time zone."""
    return str(format_datetime(value.astimezone(), "short", rebase=False))


def outliers(figure: Any, write: Callable[[float], str]) -> str:
    """A figure's outliers, formatted by `write`; empty without any."""
    return ", ".join(write(value) for value in getattr(figure, "outliers", ()))


# Templates find all formats in this module.
day = formatting.day


def called(keys: Iterable[str], table: Mapping[str, Any]) -> str:
    """The names of `keys` in `table`, separated by commas."""
    return ", ".join(str(table.get(key, key)) for key in keys)


# Intervals


def spread(figure: Any, write: Callable[[float], str]) -> str:
    """Format a figure's interval with `write`, the unit once if possible; empty when both ends look the same."""
    both = TOGETHER.get(write)
    low, high = both(figure.low, figure.high) if both else (write(figure.low), write(figure.high))
    if low == high:
        return ""
    gap = NARROW_SPACE if NARROW_SPACE in low else " "
    head, _space, unit_name = low.rpartition(gap)
    # A duration of two units, as in “1 min 7 s”, is written whole.
    once = head and high.endswith(gap + unit_name) and not any(letter.isalpha() for letter in head)
    return f"{head}–{high}" if once else f"{low} – {high}"


def middle(figure: Any, write: Callable[[float], str]) -> str:
    """Format a figure's median; a dash for None."""
    return NOTHING if figure is None else write(figure.median)


def ranged(figure: Any, write: Callable[[float], str]) -> str:
    """Format a figure's median, with its interval if it was measured more than once; a dash for None."""
    if figure is None:
        return NOTHING
    ends = spread(figure, write) if figure.count > 1 else ""
    return f"{write(figure.median)} ({ends})" if ends else write(figure.median)


def _seconds(low: float, high: float) -> tuple[str, str]:
    if high < 0.9995 or low >= HOUR or MINUTE <= low <= high < HOUR:
        return seconds(low), seconds(high)
    if high < HOUR:
        return _decimal(low, "s"), _decimal(high, "s")
    return _decimal(low / MINUTE, "min"), _decimal(high / MINUTE, "min")


def _energy(low: float, high: float) -> tuple[str, str]:
    """Both ends of an interval of watt-hours; an end below `LEAST_MWH` is written as 0."""
    if low >= 0.01:
        return energy(low), energy(high)
    if high * 1000 < LEAST_MWH / 2:
        return "", ""
    least = low if low * 1000 >= LEAST_MWH / 2 else 0
    return _decimal(least * 1000, "mWh"), _decimal(high * 1000, "mWh")


def _size(low: float, high: float) -> tuple[str, str]:
    unit_name = filesize(high).split(" ")[-1].split(NARROW_SPACE)[-1]
    if filesize(low).endswith(unit_name) or unit_name not in POWERS:
        return filesize(low), filesize(high)
    return _decimal(low / 10 ** POWERS[unit_name], unit_name), filesize(high)


def _decimal(value: float, name: str) -> str:
    return with_unit(value, name, 0 if value >= 9.95 or not value else 1 if value >= 0.0995 else 2)


# How both ends of an interval are written with one unit.
TOGETHER: dict[Callable[..., str], Callable[[float, float], tuple[str, str]]] = {
    seconds: _seconds,
    energy: _energy,
    size: _size,
}


# The ranking


def column_figures(entry: Entry) -> dict[str, tuple[Any, Callable[[float], str]]]:
    """The entry's figure in each of `COLUMNS`, None if it was not measured, and how it is formatted."""
    ram = (entry.ram_bytes, size) if entry.ram_bytes else (entry.ram_percent, share)
    return {
        "quality": (entry.quality, whole),
        "time": (entry.time_s, seconds),
        "first": (entry.first_token_s, seconds),
        "pace": (entry.decode_tps, rate),
        "cpu": (entry.cpu, share),
        "ram": ram,
        "energy": (entry.energy_wh, energy),
    }


def ranking_cells(entry: Entry, write: Callable[[Any, Callable[[float], str]], str]) -> dict[str, str]:
    """The texts in `COLUMNS`; `write` (`middle` or `ranged`) makes one of a figure and its formatter."""
    cells = {name: write(figure, formatter) for name, (figure, formatter) in column_figures(entry).items()}
    if entry.energy_wh:
        cells["energy"] = _marked(cells["energy"], entry.energy_method)
    return cells


# The machine and its energy


def machine_facts(run: LabRun) -> list[tuple[str, str]]:
    """Rows of name and value for a run's machine and engine."""
    machine = run.machine.description
    engine = f"{run.engine.get('label', '')} {run.engine.get('version') or ''}".strip()
    rows = [
        (_("Processor"), str(machine.get("cpu") or "")),
        (_("Sockets and cores"), _cores(machine)),
        (_("Quota"), with_unit(machine["quota"], "CPU", 1) if machine.get("quota") else ""),
        (_("Memory"), _memory(machine)),
        (_("Memory nodes (NUMA)"), number(machine["nodes"]) if machine.get("nodes") else ""),
        (_("Instructions"), " ".join(machine.get("flags") or ())),
        (_("Virtual machine"), (_("yes") if machine["virtual"] else _("no")) if "virtual" in machine else ""),
        (_("Governor"), str(machine.get("governor") or "")),
        (_("Engine"), engine),
        (_("Energy"), _power(machine.get("energy", {}))),
    ]
    return [row for row in rows if row[1]]


def energy_note(entries: Iterable[Entry], machines: Iterable[LabMachine]) -> str:
    """A sentence on whether the energy of these entries is measured or estimated; empty without energy."""
    found = {entry.energy_method for entry in entries} - {""}
    assumed = any(machine.description.get("energy", {}).get("assumed") for machine in machines)
    if not found:
        return ""
    if found == {"rapl"}:
        text = _("Energy measured at the processor (RAPL), rest deducted.")
    elif assumed:
        text = _("Energy estimated from the CPU’s use and watts assumed by the number of cores: nobody has set them.")
    else:
        text = _("Energy estimated from the configured watts and the CPU’s use.")
    return str(text)


def _cores(machine: dict[str, Any]) -> str:
    parts = []
    if count := machine.get("sockets"):
        parts.append(ngettext("%(num)s socket", "%(num)s sockets", count))
    if count := machine.get("cores"):
        parts.append(ngettext("%(num)s core", "%(num)s cores", count))
    if count := machine.get("threads"):
        parts.append(ngettext("%(num)s logical CPU", "%(num)s logical CPUs", count))
    if (allowed := machine.get("allowed")) and allowed != machine.get("threads"):
        parts.append(ngettext("%(num)s of them allowed", "%(num)s of them allowed", allowed))
    return BETWEEN.join(parts)


def _memory(machine: dict[str, Any]) -> str:
    if not machine.get("ram_bytes"):
        return ""
    words, limit = size(machine["ram_bytes"]), machine.get("ram_limit")
    return _("%(size)s, limited to %(limit)s", size=words, limit=size(limit)) if limit else words


def _power(energy: dict[str, Any]) -> str:
    if energy.get("method") != "estimated":
        return str(_("measured at the processor (RAPL)")) if energy.get("method") else ""
    idle, full = (with_unit(energy.get(name) or 0, "W", 0) for name in ("idle_w", "full_w"))
    if energy.get("assumed"):
        return str(_("estimated, from %(idle)s at rest to %(full)s, assumed", idle=idle, full=full))
    return str(_("estimated, from %(idle)s at rest to %(full)s, as configured", idle=idle, full=full))


# Details of the entries


def details_table(entries: Sequence[Entry]) -> Table | None:
    """Headers and rows of details that the ranking does not show; None when all entries were measured by hand."""
    shown = [entry for entry in entries if not entry.historical]
    if not shown:
        return None
    name = entry_namer(entries)
    people = sorted({count for entry in shown for count in entry.crowds})
    columns: list[tuple[str, Callable[[Entry], str]]] = [
        (_("Model"), name),
        (_("Context"), _context),
        (_("Failures of small models"), failures),
        (_("Samples"), lambda entry: BETWEEN.join((whole(entry.samples), *marks(entry)))),
        (_("Loading from the disk"), lambda entry: ranged(entry.load_cold_s, seconds)),
        (_("Loading from memory"), lambda entry: ranged(entry.load_warm_s, seconds)),
    ]
    if people:
        counts = BETWEEN.join(map(number, people))
        together = _("Tokens/s together (people: %(counts)s)", counts=counts)
        each = _("Tokens/s each (people: %(counts)s)", counts=counts)
        columns += [
            (together, lambda entry: _crowd(entry, people, "total_tps")),
            (each, lambda entry: _crowd(entry, people, "person_tps")),
        ]
    if any(entry.second_question for entry in shown):
        columns.append((_("Second question on a document"), _second))
    columns.append((_("Outliers"), _outliers))
    return tuple(head for head, _text_of in columns), tuple(
        tuple(text_of(entry) for _head, text_of in columns) for entry in shown
    )


def marks(entry: Entry) -> list[str]:
    """Remarks on an entry's reliability: the numbers of failed and of disturbed samples."""
    found = [ngettext("%(num)s failed", "%(num)s failed", entry.failed)] if entry.failed else []
    if entry.disturbed:
        found.append(ngettext("%(num)s disturbed", "%(num)s disturbed", entry.disturbed))
    return found


def failures(entry: Entry) -> str:
    """The failures of small models in an entry's answers, with their counts, the most frequent first."""
    if not entry.answers:
        return NOTHING
    seen = sorted(entry.failures.items(), key=lambda one: (-one[1], one[0]))
    listed = ", ".join(f"{FAILURES.get(kind, kind)} {whole(count)}" for kind, count in seen)
    return str(ngettext(
        "%(failures)s (of %(num)s answer)", "%(failures)s (of %(num)s answers)", entry.answers,
        failures=listed or _("none"),
    ))  # fmt: skip


def _context(entry: Entry) -> str:
    tokens = entry.setting.get("context") or entry.facts.get("context")
    return number(tokens) if tokens else NOTHING


def _crowd(entry: Entry, people: Sequence[int], figure: str) -> str:
    found = [entry.crowds.get(count, {}).get(figure) for count in people]
    return BETWEEN.join(rate(one.median if one else None) for one in found) if any(found) else NOTHING


def _second(entry: Entry) -> str:
    found = entry.second_question
    if not found:
        return NOTHING
    first, cold = (middle(found.get(name), seconds) for name in ("first_token_s", "cold_first_token_s"))
    parts = [_("first word after %(time)s instead of %(cold)s", time=first, cold=cold)]
    if kept := found.get("kept_share"):
        parts.append(_("%(share)s already read", share=share(kept.median)))
    return BETWEEN.join(parts)


def _outliers(entry: Entry) -> str:
    found = {name: outliers(figure, write) for name, (figure, write) in column_figures(entry).items()}
    return BETWEEN.join(f"{COLUMNS[name]} {values}" for name, values in found.items() if values) or NOTHING


# One sample


def sample_facts(sample: LabSample) -> list[tuple[str, str, str]]:
    """Rows of name, value and detail for each metric that was measured."""
    # A model that does not think reports 0 ms of it.
    metrics = sample.metrics | {"thinking_ms": sample.metrics.get("thinking_ms") or None}
    peak = metrics.get("cpu_machine_peak")
    pace = _("tokens/s")
    rows: list[tuple[str, str, Callable[[float], str], str]] = [
        (_("In all"), "total_ms", _ms, ""),
        (_("Loading"), "load_ms", _ms, ""),
        (_("First word after"), "first_token_ms", _ms, ""),
        (_("At the first question"), "cold_first_token_ms", _ms, _("the first word, with nothing read yet")),
        (_("Reading"), "prefill_tps", rate, _tokens(metrics.get("prompt_tokens"), pace)),
        (_("Already read"), "kept_share", share, _tokens(metrics.get("cached_tokens"))),
        (_("Writing"), "decode_tps", rate, _tokens(metrics.get("output_tokens"), pace)),
        (_("Thinking"), "thinking_ms", _ms, _tokens(metrics.get("thinking_tokens"))),
        (_("All together"), "total_tps", rate, pace),
        (_("Each person"), "person_tps", rate, pace),
        (
            _("CPU of the machine"), "cpu_machine_mean", share,
            "" if peak is None else _("%(figure)s at the peak", figure=share(peak)),
        ),
        (_("CPU of the engine"), "cpu_engine_mean", share, _("one core counts a hundred")),
        (_("Memory of the engine"), "ram_engine_peak", size, _("at the peak")),
        (_("Memory of the machine"), "ram_machine_peak", share, _("at the peak")),
        (
            _("Energy"), "energy_j", lambda joules: energy(joules / JOULES),
            str(METHODS.get(metrics.get("energy_method", ""), "")),
        ),
    ]  # fmt: skip
    return [
        (name, write(metrics[metric]), detail)
        for name, metric, write, detail in rows
        if metrics.get(metric) is not None
    ]


def _ms(value: float) -> str:
    return seconds(value / 1000)


def _tokens(count: int | None, unit: str = "") -> str:
    words = _("%(count)s tokens", count=number(count)) if count else ""
    return ", ".join(filter(None, (unit, words)))

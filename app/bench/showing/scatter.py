"""The picture of the trade-off: quality against time, the front, the recommended model."""

from collections.abc import Sequence
from math import floor, log10

from flask_babel import gettext as _

from app.bench import names
from app.bench.figures.ranking import Entry
from app.bench.figures.tradeoff import Recommendation, pareto, rateable
from app.bench.showing.charts import Chart, entry_name


def scatter(entries: Sequence[Entry], found: Recommendation) -> Chart | None:
    """None where nothing has both a quality and a time."""
    shown = rateable(entries)
    if not shown:
        return None
    front = pareto(entries)
    keys = {entry.key for entry in front}
    best = found.best.key if found.best else ""
    title = _("Quality and time of an answer")
    points = [_point(entry, _state(entry, best, keys)) for entry in shown]
    spec = {
        "kind": "scatter",
        "label": title,
        "x": _("Median time of an answer, in seconds"),
        "y": _("Quality of 100"),
        "points": points,
        "front": [[entry.time_s.median, entry.quality.mean] for entry in front if entry.time_s and entry.quality],
        "steps": _steps([entry.energy_wh.median for entry in shown if entry.energy_wh]),
        "words": {"ideal": _("towards the ideal"), "front": _("Pareto front"), "size": _size_name(shown)},
    }
    rows = tuple(
        (entry_name(entry), names.whole(entry.quality.mean), names.seconds(entry.time_s.median), _energy(entry))
        for entry in shown
        if entry.quality and entry.time_s
    )
    columns = (_("Model"), _("Quality"), _("Time"), _("Energy"))
    return Chart("scatter", title, _("On the front, no other is both quicker and better."), spec, columns, rows)


def anchor(key: str) -> str:
    """What a line of the ranking is called in an address."""
    return "ligne-" + "".join(letter if letter.isalnum() else "-" for letter in key)


def _state(entry: Entry, best: str, front: set[str]) -> str:
    if entry.key == best:
        return "recommended"
    return "front" if entry.key in front else "dominated"


def _point(entry: Entry, state: str) -> dict[str, object]:
    quality, time, energy = entry.quality, entry.time_s, entry.energy_wh
    name, points = entry_name(entry), names.whole(quality.mean if quality else None)
    # The legend says once whether energy is an estimate.
    spent = names.energy(energy.median) if energy else ""
    figures = ", ".join(filter(None, (names.seconds(time.median if time else None), spent)))
    detail = {
        "recommended": _("recommended, %(figures)s", figures=figures),
        "dominated": _("dominated, %(figures)s", figures=figures),
    }.get(state, figures)
    return {
        "key": entry.key,
        "name": name,
        "detail": detail,
        "title": _("%(name)s: quality %(quality)s of 100, %(figures)s", name=name, quality=points, figures=detail),
        "x": time.median if time else 0,
        "xs": [time.low, time.high] if time and time.count > 1 else None,
        "y": quality.mean if quality else 0,
        "ys": [quality.low, quality.high] if quality and quality.count > 1 else None,
        "size": energy.median if energy else None,
        "state": state,
        "href": f"#{anchor(entry.key)}",
    }


def _energy(entry: Entry) -> str:
    return names.energy_of(entry.energy_wh, entry.energy_method)


def _size_name(entries: Sequence[Entry]) -> str:
    methods = {entry.energy_method for entry in entries if entry.energy_wh}
    if methods == {"estimated"}:
        return str(_("Energy (estimated)"))
    return str(_("Energy (partly estimated)") if "estimated" in methods else _("Energy"))


def _steps(energies: Sequence[float]) -> list[list[object]]:
    """Three round energies around those that there are."""
    if not energies or max(energies) <= 0:
        return []
    largest = max(energies)
    power = 10 ** floor(log10(largest))
    top = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= largest * 0.75)
    return [[size, names.energy(size)] for size in (top / 5, top / 2, top)]

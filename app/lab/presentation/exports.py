"""Export runs as CSV, Markdown, JSON that another server can import, or an HTML report that is whole in one file."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask_babel import get_locale, gettext, ngettext
from flask_babel import gettext as _
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from app import assets
from app.lab import labels, wording
from app.lab.presentation import charts, display, sentences
from app.lab.runs import queries
from app.lab.runs.archive import FORMAT, VERSION
from app.lab.service import current_lab
from app.lab.stats import ranking
from app.lab.stats.ranking import Entry
from app.lab.stats.tradeoff import PRESETS, Recommendation, recommend
from app.lab.votes import campaigns
from app.models.base import iso
from app.models.lab import LabRun

ROOT = Path(__file__).resolve().parents[3]
# Removed from the styles: the fonts lie on the server, so the report uses the reader's own.
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
# A spreadsheet would take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# The characters that Markdown, or HTML in it, would interpret.
MARKS = re.compile(r"[\\`*_~<>\[\]|&#]")
# A column is right-aligned when all its cells begin so.
NUMBER = re.compile(rf"[\d+\u2212{display.NOTHING}-]")
OWN_COLUMNS = (
    "run", "position", "attempt", "kind", "model", "think", "threads", "context", "temperature", "prompt", "repeat",
    "warmup", "state", "disturbed", "verdict", "score", "overruled", "error_code", "started_at", "finished_at",
)  # fmt: skip


def csv_text(run_ids: Sequence[int], *, whole: bool = True) -> str:
    """CSV with one line per sample and one column per metric; begins with a BOM, so that spreadsheets read UTF-8.

    Not `whole`: without the figures of answers in open voting campaigns.
    """
    samples = [_columns(sample) for sample in queries.samples_of(run_ids)]
    if not whole:
        withheld = campaigns.withheld_answers()
        samples = [campaigns.redacted(sample, withheld) for sample in samples]
    metrics = sorted({name for sample in samples for name in sample["metrics"]})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*OWN_COLUMNS, *metrics])
    for sample in samples:
        values = sample | {"run": sample["run_id"]} | sample["setting"]
        figures = (sample["metrics"].get(name) for name in metrics)
        writer.writerow([_cell(value) for value in [*(values.get(name) for name in OWN_COLUMNS), *figures]])
    return "\ufeff" + out.getvalue()


def json_text(run_ids: Sequence[int], *, whole: bool = True) -> str:
    """JSON with the runs, their machines and all samples as stored, without users.

    Not `whole`: also without the causes of failures, which may reveal details of the server, and without answers in
    open voting campaigns.
    """
    runs = queries.get_runs(run_ids)
    withheld = campaigns.Withheld() if whole else campaigns.withheld_answers()

    def columns_of(row: Any, *left_out: str) -> dict[str, Any]:
        values = _columns(row, *left_out)
        return values if whole else campaigns.redacted(values, withheld)

    machines = {run.machine.fingerprint: run.machine for run in runs}
    samples: dict[int, list[dict[str, Any]]] = {run.id: [] for run in runs}
    for sample in queries.samples_of(run_ids):
        samples[sample.run_id].append(columns_of(sample, "id", "run_id", "overruled_by"))
    document = {
        "format": FORMAT,
        "version": VERSION,
        "machines": [_columns(machine, "id") for machine in machines.values()],
        "runs": [
            columns_of(run, "id", "machine_id", "user_id")
            | {"machine": run.machine.fingerprint, "samples": samples[run.id]}
            for run in runs
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def markdown(run_ids: Sequence[int]) -> str:
    """Markdown with recommendation, ranking, regressions, details and the tables of the charts."""
    runs = queries.get_runs(run_ids)
    entries = ranking.leaderboard(run_ids=list(run_ids))
    parts = ["# " + _("Measurements"), ""]
    for run in runs:
        parts.append(f"- {_line(run)}")
        for name, value in display.machine_facts(run):
            parts.append("  - " + _("%(name)s: %(value)s", name=_plain(name), value=_plain(value)))
    for machine, found, _picture in _recommendations(entries):
        where = f" ({machine})" if machine else ""
        title = _plain(_("Recommended with balanced weights") + where)
        if found.best:
            score = _("%(score)s of 100", score=found.scores[found.best.key])
            best = f"**{_plain(display.entry_name(found.best))}**, {score}. {_plain(sentences.why_recommended(found))}"
            parts += ["", _("%(name)s: %(value)s", name=title, value=best)]
    parts += ["", "## " + _("Ranking"), "", *_table(*_ranking(entries))]
    if note := display.energy_note(entries, [run.machine for run in runs]):
        parts += ["", note]
    if worse := charts.regressions_shown(run_ids=run_ids):
        title = _("What became worse since the run before")
        parts += ["", f"## {title}", "", *_table(*_worse(worse))]
    if beside := display.details_table(entries):
        parts += ["", "## " + _("Details"), "", *_table(*beside)]
    for chart in charts.entry_charts(entries):
        parts += ["", f"## {chart.title}", "", chart.note, "", *_table(chart.columns, chart.rows)]
    return "\n".join(parts) + "\n"


def _line(run: LabRun) -> str:
    """A run in one line: its title, machine, engine and date."""
    engine = f"{run.engine.get('label', '')} {run.engine.get('version', '')}".strip()
    # The title is bold, since it could begin like a list item or heading.
    others = (run.machine.name, engine, display.moment(run.started_at or run.created_at))
    return " · ".join([f"**{_plain(display.run_name(run))}**", *(_plain(part) for part in others if part)])


def _plain(text: str) -> str:
    """The text in one line, escaped for Markdown."""
    return MARKS.sub(r"\\\g<0>", " ".join(text.splitlines()))


def _ranking(entries: Sequence[Entry]) -> tuple[list[str], list[list[str]]]:
    columns = [_("Model"), _("Verdict"), _("Why"), *map(str, display.COLUMNS.values())]
    name = display.entry_namer(entries)
    rows = [
        [
            name(entry),
            str(display.VERDICTS[entry.verdict]) if entry.verdict else display.NOTHING,
            wording.sentence(entry.reason, entry.params),
            *display.ranking_cells(entry, display.ranged).values(),
        ]
        for entry in entries
    ]
    return columns, rows


def _worse(found: Sequence[charts.Worse]) -> tuple[list[str], list[list[str]]]:
    columns = [_("Model"), _("Figure"), _("Before"), _("Latest"), _("Difference"), _("Version")]
    return columns, [[each.name, each.figure, each.before, each.after, each.change, each.versions] for each in found]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    numbers = [all(NUMBER.match(cell) for cell in cells) for cells in zip(*rows, strict=True)]
    # The first column holds names, even if they begin with digits.
    rules = ["---", *("---:" if are else "---" for are in numbers[1:])]
    lines = [[_plain(cell) for cell in columns], rules if rows else ["---"] * len(columns)]
    return ["| " + " | ".join(line) + " |" for line in [*lines, *([_plain(cell) for cell in row] for row in rows)]]


def _columns(row: Any, *left_out: str) -> dict[str, Any]:
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in left_out}
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _recommendations(entries: Sequence[Entry]) -> list[tuple[str, Recommendation, charts.Chart | None]]:
    """For each machine (named if there are several) the recommendation with balanced weights, and its chart."""
    machines = _by_machine(entries)
    recommended = []
    for name, own in machines:
        found = recommend(own, PRESETS["balanced"])
        machine, picture = name if len(machines) > 1 else "", charts.scatter(own, found)
        if picture and machine:
            title = f"{picture.title} ({machine})"
            spec = picture.spec | {"label": title}
            picture = replace(picture, id=f"{picture.id}-{own[0].machine_id}", title=title, spec=spec)
        recommended.append((machine, found, picture))
    return recommended


def _by_machine(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """The name of each machine with its entries."""
    machines = {entry.machine_id: entry.machine for entry in entries}
    return [(name, [one for one in entries if one.machine_id == number]) for number, name in machines.items()]


# The HTML report


def build_report(run_ids: Sequence[int]) -> str:
    """The report as HTML in the current language. Raises not_found."""
    runs = queries.get_runs(run_ids)
    entries = ranking.leaderboard(run_ids=list(run_ids))
    recommended = _recommendations(entries)
    pictures = [picture for _machine, _found, picture in recommended if picture]
    return (
        _environment()
        .get_template("lab/report.html")
        .render(
            locale=str(get_locale()),
            title=runs[0].title if len(runs) == 1 and runs[0].title else _("Measurements of models"),
            runs=runs,
            entries=entries,
            recommended=recommended,
            why_recommended=sentences.why_recommended,
            charts=[*pictures, *charts.entry_charts(entries)],
            entry_name=display.entry_namer(entries),
            labels=_labels(entries),
            worse=charts.regressions_shown(run_ids=run_ids),
            styles=Markup("<style>" + FONT_FACE.sub("", assets.read("css/app.css")) + "</style>"),  # noqa: S704
            icons=Markup(assets.read("icons.svg")),  # noqa: S704
            scripts=Markup("<script>" + assets.read("js/report.js") + "</script>"),  # noqa: S704
            display=display,
            wording=wording,
        )
    )


def _labels(entries: Sequence[Entry]) -> list[tuple[str, dict[str, labels.Label]]]:
    """Each machine's name with its models' labels, which differ from machine to machine."""
    categories = current_lab().tasks().categories
    found = [(name, labels.by_model(own, categories)) for name, own in _by_machine(entries)]
    return [(name, made) for name, made in found if made]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(),
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    # Icons are inlined, so templates refer to this document.
    made.globals["asset"] = lambda _name: ""
    return made


# The forms of a file: MIME type, and what writes it, by the ending of its name.
WRITERS: dict[str, tuple[str, Callable[[Sequence[int]], str]]] = {
    "html": ("text/html", build_report),
    "json": ("application/json", json_text),
    "csv": ("text/csv", csv_text),
    "md": ("text/markdown", markdown),
}

"""Build the report of runs: one self-contained HTML file with styles, icons and scripts, which can be printed."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask_babel import get_locale, gettext, ngettext
from flask_babel import gettext as _
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from app import assets
from app.lab import labels, messages
from app.lab.presentation import charts, display, sentences, tables
from app.lab.presentation.charts import anchor
from app.lab.runs import queries
from app.lab.stats import ranking
from app.lab.stats.ranking import Entry

ROOT = Path(__file__).resolve().parents[3]
# Removed from the styles: the fonts lie on the server, so the report uses the reader's own.
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")


def build_report(run_ids: Sequence[int], categories: Mapping[str, str]) -> str:
    """The report as HTML in the current language; `categories`: each task's category. Raises not_found."""
    runs = queries.several(run_ids)
    entries = ranking.leaderboard(run_ids=list(run_ids))
    recommended, pictures = sentences.recommendations(entries)
    return (
        _environment()
        .get_template("lab/report.html")
        .render(
            locale=str(get_locale()),
            title=runs[0].title if len(runs) == 1 and runs[0].title else _("Measurements of models"),
            runs=runs,
            entries=entries,
            advice=recommended,
            charts=[*pictures, *charts.entry_charts(entries)],
            entry_name=charts.entry_namer(entries),
            tables=tables,
            labels=_labels(entries, categories),
            worse=charts.regressions_shown(run_ids=run_ids),
            styles=Markup("<style>" + FONT_FACE.sub("", assets.read("css/app.css")) + "</style>"),  # noqa: S704
            icons=Markup(assets.read("icons.svg")),  # noqa: S704
            scripts=Markup("<script>" + assets.read("js/report.js") + "</script>"),  # noqa: S704
            display=display,
            messages=messages,
            anchor=anchor,
        )
    )


def _labels(entries: Sequence[Entry], categories: Mapping[str, str]) -> list[tuple[str, dict[str, labels.Label]]]:
    """Each machine's name with its models' labels, which differ from machine to machine."""
    judged = [entry for entry in entries if entry.quality and not entry.historical]
    machines = {entry.machine_id: entry.machine for entry in judged}
    return [
        (name, labels.by_model([one for one in judged if one.machine_id == number], categories))
        for number, name in machines.items()
    ]


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

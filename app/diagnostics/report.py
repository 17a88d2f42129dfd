"""What the page and `flask doctor` show: the finding and the table of a comparison, the last answers, the waits."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from app.diagnostics.client import NotComparedError
from app.diagnostics.comparison import LATER_MS, RATIO, REFERENCE_TOKENS, Comparison
from app.diagnostics.findings import Finding, FindingState
from app.diagnostics.history import Record, medians, waits
from app.formatting import duration, number, percent, with_unit

NO_FIGURE = "–"


def comparison_finding(result: Comparison | NotComparedError) -> Finding:
    """Return the finding for a comparison, or for the reason why there is none."""
    return _judged(result) if isinstance(result, Comparison) else _refusal(result)


def comparison_table(result: Comparison) -> list[dict[str, str]]:
    """Return the table's rows: name, direct, through the pages, difference."""
    total, first, pace = result.total, result.first, result.pace
    return [
        {
            "name": _("First word after"),
            "direct": duration(first.direct * 1000),
            "web": duration(first.web * 1000),
            "difference": _signed(first.difference * 1000),
        },
        {
            "name": _("Pace of writing"),
            "direct": with_unit(pace.direct, "tokens/s", 1),
            "web": with_unit(pace.web, "tokens/s", 1),
            "difference": _change(pace.difference),
        },
        {
            "name": _("%(count)s tokens in all", count=number(REFERENCE_TOKENS)),
            "direct": duration(total.direct * 1000),
            "web": duration(total.web * 1000),
            "difference": _change(total.difference),
        },
    ]


def _judged(result: Comparison) -> Finding:
    words = {
        "model": result.model,
        "change": _change(result.total.difference),
        "later": _signed(result.first.difference * 1000),
        "pairs": number(len(result.pairs)),
    }
    if result.same:
        text = _(
            "Yes, with %(model)s: total time %(change)s, first word %(later)s (medians of %(pairs)s pairs).", **words
        )
        return Finding("terminal", FindingState.OK, text)
    text = _("No, with %(model)s: total time %(change)s, first word %(later)s (medians of %(pairs)s pairs).", **words)
    if result.uncertain:
        mend = _("The engine’s own times differ as much from one answer to the next: ask again when nothing else runs.")
        return Finding("terminal", FindingState.WARNING, text, mend)
    return Finding("terminal", FindingState.BAD, text, _mend(result))


def _mend(result: Comparison) -> str:
    if result.pace.difference * RATIO < 1:
        return str(
            _("Writing is slowed down: other programs take CPU, or the engine does: try one ENGINE_THREADS less.")
        )
    if result.first.difference * 1000 > LATER_MS:
        return str(_("The time goes by before the first word: look at other programs and at the disk of INSTANCE_DIR."))
    return str(_("The time goes by after the last word: look at the disk of INSTANCE_DIR."))


def _signed(ms: float) -> str:
    """Format a difference of times."""
    if ms >= 0:
        return str(_("%(time)s later", time=duration(ms)))
    return str(_("%(time)s sooner", time=duration(-ms)))


def _change(ratio: float) -> str:
    """Format a ratio as a change: 1.02 is "+2 %"."""
    rounded = round((ratio - 1) * 100)
    return ("±" if rounded == 0 else "+" if rounded > 0 else "−") + percent(abs(rounded) / 100)


def _refusal(error: NotComparedError) -> Finding:
    state, text, mend = {
        "away": (
            FindingState.BAD,
            _("The server does not answer at its own address (%(detail)s).", detail=error.detail),
            _("Start it: make run, or sudo systemctl start couachgpt"),
        ),
        "stranger": (
            FindingState.BAD,
            _("What answers at the server’s address does not know its accounts (%(detail)s).", detail=error.detail),
            _("HOST, PORT, INSTANCE_DIR and SECRET_KEY must be those that the server was started with."),
        ),
        "other_engine": (
            FindingState.BAD,
            _("The server uses %(engine)s, but would now choose another engine.", engine=error.detail),
            _("Start the server again, or say which one with ENGINE=… in .env."),
        ),
        "refused": (
            FindingState.BAD,
            _("The server refused the question: %(detail)s", detail=error.detail),
            _("Mend that, then ask again."),
        ),
        "engine": (
            FindingState.BAD,
            _("The engine failed during the comparison: %(detail)s", detail=error.detail),
            _("See the engine’s log."),
        ),
        "no_model": (FindingState.UNKNOWN, _("No model is installed."), _("Install one: flask models pull …")),
        "nobody": (
            FindingState.UNKNOWN,
            _("There is no administrator yet, for whom a question could be asked."),
            _("Create the first account on the site."),
        ),
        "busy": (
            FindingState.UNKNOWN,
            _("People are being answered: a comparison would slow them down, and be wrong."),
            _("Ask again when the server is calm."),
        ),
        "crowded": (
            FindingState.UNKNOWN,
            _("Somebody asked a question meanwhile: the comparison gave way."),
            _("Ask again when the server is calm."),
        ),
        "slow": (
            FindingState.UNKNOWN,
            _("The model took longer than two minutes for one answer."),
            _("Choose a smaller default model, or compare when nothing else runs."),
        ),
        "short": (
            FindingState.UNKNOWN,
            _("The model’s answers were too short to be compared."),
            _("Ask again, or with another default model."),
        ),
    }.get(
        error.code, (FindingState.BAD, _("The comparison failed: %(detail)s", detail=error.detail), _("See the log."))
    )
    return Finding("terminal", state, str(text), str(mend))


def answers_table(records: Sequence[Record]) -> list[dict[str, str]]:
    """Return the table's rows, one for each model."""
    return [
        {
            "model": row.model,
            "answers": number(row.answers),
            "first": NO_FIGURE if row.first_ms is None else duration(row.first_ms),
            "reading": NO_FIGURE if row.reading is None else number(row.reading, 1),
            "writing": NO_FIGURE if row.writing is None else number(row.writing, 1),
            "cached": NO_FIGURE if row.cached is None else percent(row.cached),
            "overhead": NO_FIGURE if row.overhead_ms is None else duration(row.overhead_ms),
        }
        for row in medians(records)
    ]


def waits_facts(records: Sequence[Record]) -> dict[str, Any] | None:
    """Return announced and real waits as text; None if no answer had to wait."""
    found = waits(records)
    return None if found is None else {**found.texts, "count": found.count}

"""The state of the server: what slows answers down, whether the pages are as quick as the engine, and what mends it."""

from typing import Any

from flask import Flask, Response, current_app, jsonify, redirect, render_template, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _

from app.admin.views import blueprint
from app.doctor.beat import beats
from app.doctor.checks import TITLES, State, count
from app.doctor.figures import duration, number
from app.doctor.job import Job
from app.doctor.pairs import Comparison
from app.doctor.records import last_records
from app.doctor.report import quick_findings
from app.doctor.tables import answers_table, waits_facts
from app.doctor.terminal import compare_here
from app.doctor.verdict import table, verdict
from app.guards import admin, current_user
from app.web import STREAM_HEADERS, generation

# On the page what is wrong comes first.
ORDER = (State.BAD, State.WARNING, State.OK, State.UNKNOWN)


@blueprint.get("/doctor")
@admin
def doctor() -> str:
    """All that is known at once; the comparison as far as it is."""
    records = last_records()
    findings = quick_findings(current_app.config, generation().registry, records)
    return render_template(
        "admin/doctor.html",
        page="admin",
        findings=sorted(findings, key=lambda finding: ORDER.index(finding.state)),
        bad=count(findings, State.BAD),
        doubtful=count(findings, State.WARNING),
        proxy_title=str(TITLES["proxy"]),
        comparison=_comparison(),
        queue=_queue(),
        ahead=_ahead(),
        waits=waits_facts(records),
        answers=answers_table(records),
        answers_count=len(records),
    )


@blueprint.post("/doctor/comparison")
@admin
def start_comparison() -> Any:
    """Begin to compare, unless that is under way."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    user_id = current_user.id
    _job().start(lambda tell: compare_here(app, user_id, tell))
    return redirect(url_for("admin.doctor", _anchor="comparison"))


@blueprint.get("/doctor/comparison")
@admin
def comparison() -> Response:
    """How far it is, and what came of it: as data, and as the part of the page."""
    found = _comparison()
    return jsonify(found | {"html": render_template("admin/_comparison.html", comparison=found)})


@blueprint.get("/doctor/beat")
@admin
def beat() -> Response:
    """A second of beats, by which the page hears whether something holds streams back."""
    return Response(beats(), mimetype="text/event-stream", headers=STREAM_HEADERS)


def _job() -> Job:
    found: Job = current_app.extensions["comparison"]
    return found


def _comparison() -> dict[str, Any]:
    """`state`: idle, running or over; in the reader's language."""
    progress, outcome = _job().progress, _job().outcome
    if progress is not None:
        return {"state": "running", "phase": progress.phase, "step": progress.step, "steps": progress.steps}
    if outcome is None:
        return {"state": "idle"}
    finding = verdict(outcome.result)
    return {
        "state": "over",
        "finding": {"state": str(finding.state), "sentence": finding.sentence, "fix": finding.fix},
        "rows": table(outcome.result) if isinstance(outcome.result, Comparison) else [],
        "ended_at": format_datetime(outcome.ended_at.astimezone(), "short", rebase=False),
    }


def _queue() -> dict[str, Any]:
    status = generation().status()
    wait = status["eta_s"]
    return status | {"wait": wait if wait is None else duration(wait * 1000) if wait else _("none")}


def _ahead() -> dict[str, Any] | None:
    """What reading ahead took of the engine, None if nothing."""
    cost = generation().prefill.cost
    if not cost.started:
        return None
    return {
        "started": number(cost.started),
        "aborted": number(cost.aborted),
        "count": cost.tokens,
        "tokens": number(cost.tokens),
        "time": duration(cost.seconds * 1000),
    }

"""The measuring runs: the list, one with its charts, its progress, cancel and resume, its exports."""

from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Response, flash, jsonify, redirect, url_for
from flask_babel import gettext as _

from app.bench import names
from app.bench.figures import ranking
from app.bench.records import readings, removal
from app.bench.showing import charts, exports, report, trends, troubles
from app.bench.tasks.reading import Tasks
from app.errors import AppError
from app.lab.pages import labo, page
from app.models.lab import LabRun
from app.security import current_user

WRITERS = {
    "csv": ("text/csv", exports.csv_text),
    "json": ("application/json", exports.json_text),
    "md": ("text/markdown", exports.markdown),
    "html": ("text/html", lambda run_ids: report.build(run_ids, labo().tasks().categories)),
}


def runs() -> str:
    """All runs, those at work first with their progress."""
    lines, tasks = readings.runs(), labo().tasks()
    working = [line.run for line in lines if line.run.state in readings.ACTIVE]
    active = [{"run": run, "progress": _progress(run, tasks)} for run in working]
    return page("runs", "runs", lines=lines, active=active)


def run(run_id: int) -> str:
    """One run: how far it is, what came of it, its charts."""
    found = readings.run_of(run_id)
    entries = ranking.leaderboard(run_ids=[run_id])
    return page(
        "run",
        "runs",
        run=found,
        line=readings.line_of(found),
        progress=_progress(found, labo().tasks()),
        active=found.state in readings.ACTIVE,
        removable=current_user.is_admin and removal.removable(found),
        campaigns=removal.campaigns_on(run_id),
        by=readings.name_of(found.user_id),
        failure=troubles.of_run(found),
        entries=entries,
        charts=charts.of_entries(entries),
        worse=trends.worse(found.machine_id, [run_id]),
    )


def progress(run_id: int) -> Response:
    """How far it is: as data, and as the part of the page."""
    found = readings.run_of(run_id)
    told = _progress(found, labo().tasks())
    part = page("_progress", "runs", run=found, progress=told)
    return jsonify(told | {"state": str(told["state"]), "over": told["state"] not in readings.ACTIVE, "html": part})


def cancel(run_id: int) -> Any:
    """End it; what was taken stays."""
    labo().cancel(run_id)
    return redirect(url_for("lab.run", run_id=run_id))


def resume(run_id: int) -> Any:
    """Go on with what was not taken."""
    labo().resume(run_id)
    return redirect(url_for("lab.run", run_id=run_id))


def delete(run_id: int) -> Any:
    """With all its samples, for good."""
    name = run_name(readings.run_of(run_id))
    labo().delete(run_id)
    flash(_("“%(name)s” is deleted, with its samples.", name=name), "success")
    return redirect(url_for("lab.runs"))


def run_name(run: LabRun) -> str:
    """Its title, else its number."""
    return run.title or _("Run %(number)s", number=run.id)


def export(run_id: int, form: str) -> Response:
    """One run as a file: csv, json, md, or html, the report with its charts."""
    readings.run_of(run_id)
    if form not in WRITERS:
        raise AppError("not_found")
    mimetype, write = WRITERS[form]
    if form == "json":
        write = partial(exports.json_text, whole=current_user.is_admin)
    headers = {"Content-Disposition": f'attachment; filename="labo-{run_id}.{form}"'}
    return Response(write([run_id]), mimetype=mimetype, headers=headers)


def _progress(run: LabRun, tasks: Tasks) -> dict[str, Any]:
    """With the sample in hand in words."""
    found = labo().progress(run.id)
    if found is None:
        raise AppError("not_found")
    return asdict(found) | {
        "prompt": names.prompt_name(found.kind, found.prompt, tasks.tasks) if found.kind else "",
        "left": names.seconds(found.remaining_s) if found.remaining_s else "",
        "kind_name": str(names.KINDS.get(found.kind, "")),
    }

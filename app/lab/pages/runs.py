"""Pages of runs: list, one run with charts and progress, cancel, resume, delete, export; and the history of figures."""

from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _

from app.errors import AppError
from app.lab.pages import blueprint
from app.lab.pages.shared import current_lab, number_asked, page
from app.lab.presentation import charts, display, exports, sentences
from app.lab.runs import queries
from app.lab.stats import ranking
from app.lab.task_files import Tasks
from app.models.lab import LabRun
from app.security import admin_required, current_user, login_required

WRITERS = {
    "csv": ("text/csv", exports.csv_text),
    "json": ("application/json", exports.json_text),
    "md": ("text/markdown", exports.markdown),
    "html": ("text/html", lambda run_ids: exports.build_report(run_ids, current_lab().tasks().categories)),
}


@blueprint.get("/runs")
@login_required
def runs() -> str:
    """The list of runs, with the progress of the active ones on top."""
    lines, tasks = queries.runs(), current_lab().tasks()
    working = [line.run for line in lines if line.run.state in queries.ACTIVE]
    active = [{"run": run, "progress": _progress(run, tasks)} for run in working]
    return page("runs", "runs", lines=lines, active=active)


@blueprint.get("/runs/<int:run_id>")
@login_required
def run(run_id: int) -> str:
    """One run: its progress, results and charts."""
    found = queries.run_of(run_id)
    entries = ranking.leaderboard(run_ids=[run_id])
    return page(
        "run",
        "runs",
        run=found,
        line=queries.line_of(found),
        progress=_progress(found, current_lab().tasks()),
        active=found.state in queries.ACTIVE,
        removable=current_user.is_admin and queries.removable(found),
        campaigns=queries.campaigns_on(run_id),
        by=queries.name_of(found.user_id),
        failure=sentences.run_trouble(found),
        entries=entries,
        charts=charts.entry_charts(entries),
        worse=charts.regressions_shown(found.machine_id, [run_id]),
    )


@blueprint.get("/runs/<int:run_id>/progress")
@login_required
def progress(run_id: int) -> Response:
    """A run's progress as JSON, with the rendered part of the page in `html`."""
    found = queries.run_of(run_id)
    told = _progress(found, current_lab().tasks())
    part = page("_progress", "runs", run=found, progress=told)
    return jsonify(told | {"state": str(told["state"]), "over": told["state"] not in queries.ACTIVE, "html": part})


@blueprint.post("/runs/<int:run_id>/cancel")
@admin_required
def cancel(run_id: int) -> Any:
    """Cancel a run; its finished samples are kept."""
    current_lab().cancel(run_id)
    return redirect(url_for("lab.run", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/resume")
@admin_required
def resume(run_id: int) -> Any:
    """Resume a run for its waiting samples."""
    current_lab().resume(run_id)
    return redirect(url_for("lab.run", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/delete")
@admin_required
def delete(run_id: int) -> Any:
    """Delete a run with all its samples."""
    name = display.run_name(queries.run_of(run_id))
    current_lab().delete(run_id)
    flash(_("“%(name)s” is deleted, with its samples.", name=name), "success")
    return redirect(url_for("lab.runs"))


@blueprint.get("/runs/<int:run_id>/export/<string:form>")
@login_required
def export(run_id: int, form: str) -> Response:
    """Download a run as csv, json, md, or html (the report with charts); only administrators get the whole JSON."""
    queries.run_of(run_id)
    if form not in WRITERS:
        raise AppError("not_found")
    mimetype, write = WRITERS[form]
    if form == "json":
        write = partial(exports.json_text, whole=current_user.is_admin)
    headers = {"Content-Disposition": f'attachment; filename="labo-{run_id}.{form}"'}
    return Response(write([run_id]), mimetype=mimetype, headers=headers)


def _progress(run: LabRun, tasks: Tasks) -> dict[str, Any]:
    """A run's progress as a dictionary, with display texts for the current sample. Raises not_found."""
    found = current_lab().progress(run.id)
    if found is None:
        raise AppError("not_found")
    return asdict(found) | {
        "prompt": display.prompt_name(found.kind, found.prompt, tasks.tasks) if found.kind else "",
        "left": display.seconds(found.remaining_s) if found.remaining_s else "",
        "kind_name": str(display.KINDS.get(found.kind, "")),
    }


@blueprint.get("/history")
@login_required
def history() -> str:
    """One machine's history: its regressions first, then the charts of one figure."""
    machines = [machine for machine in queries.machines() if not machine.source]
    wanted = number_asked("machine")
    machine = next((machine for machine in machines if machine.id == wanted), machines[0] if machines else None)
    found = charts.trend_charts(machine.id if machine else 0, request.args.get("figure", ""))
    return page("history", "history", machines=machines, machine=machine, found=found, figures=charts.FIGURES)

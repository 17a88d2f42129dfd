"""Pages of runs, their samples and tasks: lists, one of each, the forms for a new run and a new task, the history."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.errors import AppError
from app.lab import task_files, wording
from app.lab.measuring.plan import combinations
from app.lab.pages import blueprint, by_category, page
from app.lab.presentation import charts, display, exports, sentences
from app.lab.runs import queries
from app.lab.runs.planning import GROUPS, DurationEstimate, blind_of, estimate_duration, left_out_of
from app.lab.service import current_lab
from app.lab.stats import ranking
from app.lab.task_files import DOCUMENTS, Tasks
from app.lab.votes import campaigns
from app.models.lab import ACTIVE, LabRun, LabSample, SampleKind, Verdict
from app.security import admin_required, current_user
from app.text import clean
from app.web import generation, number_asked, plain_text

# In characters: a verdict's note, and a task's TOML.
LONGEST_NOTE, LONGEST_TASK = 1000, 60_000
MOST_SETTINGS = 20
# Fields of the form's advanced part, which is shown open when one of them is given or single tasks are chosen.
ADVANCED = ("readings", "crowds", "context", "temperature", "max_tokens", "seed")

# The form's names of a plan's fields.
LABELS: dict[str, LazyString] = {
    "models": _l("Models"),
    "kinds": _l("What is measured"),
    "tasks": _l("Questions"),
    "repeats": _l("Repeats"),
    "think": _l("Thinking"),
    "threads": _l("Threads"),
    "readings": _l("Lengths to read"),
    "crowds": _l("People at once"),
    "context": _l("Context"),
    "temperature": _l("Temperature"),
    "max_tokens": _l("Longest answer"),
    "seed": _l("Seed of the order"),
}


@blueprint.get("/runs")
def runs() -> str:
    """The list of runs, with the progress of the active ones on top."""
    lines, tasks = queries.runs(), current_lab().tasks()
    working = [line.run for line in lines if line.run.state in ACTIVE]
    active = [{"run": run, "progress": _progress(run, tasks)} for run in working]
    return page("runs", "runs", lines=lines, active=active)


@blueprint.get("/runs/<int:run_id>")
def run(run_id: int) -> str:
    """One run: its progress, results and charts."""
    found = queries.get_run(run_id)
    entries = ranking.leaderboard(run_ids=[run_id])
    return page(
        "run",
        "runs",
        run=found,
        line=queries.run_line(found),
        progress=_progress(found, current_lab().tasks()),
        active=found.state in ACTIVE,
        removable=current_user.is_admin and queries.removable(found),
        campaigns=queries.campaigns_on(run_id),
        by=queries.user_name(found.user_id),
        failure=sentences.failure_sentence(found),
        entries=entries,
        charts=charts.entry_charts(entries),
        worse=charts.regressions_shown(found.machine_id, [run_id]),
    )


@blueprint.get("/runs/<int:run_id>/progress")
def progress(run_id: int) -> Response:
    """A run's progress as JSON, with the rendered part of the page in `html`."""
    found = queries.get_run(run_id)
    now = _progress(found, current_lab().tasks())
    part = page("_progress", "runs", run=found, progress=now)
    return jsonify(now | {"state": str(now["state"]), "over": now["state"] not in ACTIVE, "html": part})


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
    name = display.run_name(queries.get_run(run_id))
    current_lab().delete(run_id)
    flash(_("“%(name)s” is deleted, with its samples.", name=name), "success")
    return redirect(url_for("lab.runs"))


@blueprint.get("/runs/<int:run_id>/export/<string:form>")
def export(run_id: int, form: str) -> Response:
    """Download a run as csv, json, md, or html (the report with charts); only administrators get it whole."""
    queries.get_run(run_id)
    if form not in exports.WRITERS:
        raise AppError("not_found")
    mimetype, write = exports.WRITERS[form]
    of_samples = {"csv": exports.csv_text, "json": exports.json_text}
    if form in of_samples:
        write = partial(of_samples[form], whole=current_user.is_admin)
    headers = {"Content-Disposition": f'attachment; filename="labo-{run_id}.{form}"'}
    return Response(write([run_id]), mimetype=mimetype, headers=headers)


def _progress(run: LabRun, tasks: Tasks) -> dict[str, Any]:
    """A run's progress as a dictionary, with display texts for the current sample. Raises not_found."""
    found = current_lab().progress(run.id)
    return asdict(found) | {
        "prompt": display.prompt_name(found.kind, found.prompt, tasks.tasks) if found.kind else "",
        "left": display.seconds(found.remaining_s) if found.remaining_s else "",
        "kind_name": str(display.KINDS.get(found.kind, "")),
    }


@blueprint.get("/history")
def history() -> str:
    """One machine's history: its regressions first, then the charts of one figure."""
    machines = [machine for machine in queries.machines() if not machine.source]
    wanted = number_asked("machine")
    machine = next((machine for machine in machines if machine.id == wanted), machines[0] if machines else None)
    figure = request.args.get("figure", "")
    if figure not in charts.FIGURES:
        figure = next(iter(charts.FIGURES))
    trends, worse = charts.trends(machine.id, figure) if machine else ([], [])
    return page(
        "history",
        "history",
        machines=machines,
        machine=machine,
        figure=figure,
        figures=charts.FIGURES,
        charts=trends,
        worse=worse,
    )


# A new run


@blueprint.get("/runs/new")
@admin_required
def new_run() -> str:
    """The form with the default plan, or with `preset=documents` that of questions about documents alone; only the
    models of the query's `model` are ticked, if it has any."""
    wanted = request.args.getlist("model")
    models = [model.name for model in generation().registry.models]
    chosen = [("model", name) for name in models if not wanted or name in wanted]
    if request.args.get("preset") == DOCUMENTS:
        return _form(MultiDict([*chosen, ("kind", str(SampleKind.TASK)), ("tasks", DOCUMENTS)]))
    return _form(MultiDict([*chosen, *(("kind", str(kind)) for kind in SampleKind)]))


@blueprint.post("/runs")
@admin_required
def launch() -> Any:
    """Launch the run, or only show its estimate (`look`), or show the form with its error."""
    form = request.form
    try:
        plan = _plan(form)
        if form.get("look"):
            return _form(form, coming=estimate_duration(plan, generation().registry, current_lab().tasks()))
        run = current_lab().launch(plan, current_user.id, plain_text(form.get("title"))[:200])
    except AppError as error:
        return _form(form, sentences.refusal_sentence(error, LABELS), error.params.get("field", "")), error.status
    if missing := sentences.left_out_sentence(left_out_of(run), blind_of(run, current_lab().tasks())):
        flash(missing, "info")
    return redirect(url_for("lab.run", run_id=run.id))


def _plan(form: MultiDict[str, str]) -> dict[str, Any]:
    """Read a plan from the form; None stands for the default. Raises nothing_to_measure, invalid_field."""
    if not form.getlist("model") or not form.getlist("kind"):
        raise AppError("nothing_to_measure")
    return {
        "models": form.getlist("model"),
        "kinds": form.getlist("kind"),
        "tasks": form.getlist("task") or [form.get("tasks") or "short"],
        "settings": combinations(
            think={"both": (False, True), "with": (True,)}.get(form.get("think", "")),
            threads=_numbers(form, "threads"),
            context=_numbers(form, "context"),
            # The comma may be a decimal one.
            temperature=_numbers(form, "temperature", separators=r"[\s;]+", kind=float),
        ),
        "readings": _numbers(form, "readings"),
        "crowds": _numbers(form, "crowds"),
        **{name: _number(form, name) for name in ("repeats", "max_tokens", "seed")},
    }


def _numbers(
    form: Mapping[str, str], name: str, separators: str = r"[\s,;.]+", kind: type[int] | type[float] = int
) -> list[float] | None:
    """The numbers in a field, None without any; the plan checks their range. Raises invalid_field."""
    words = [word.replace(",", ".") for word in re.split(separators, form.get(name, "")) if word]
    try:
        return [kind(word) for word in words[:MOST_SETTINGS]] or None
    except ValueError:
        raise AppError("invalid_field", field=name) from None


def _number(form: Mapping[str, str], name: str) -> float | None:
    found = _numbers(form, name) or []
    if len(found) > 1:
        raise AppError("invalid_field", field=name)
    return found[0] if found else None


def _form(given: MultiDict[str, str], wrong: str = "", field: str = "", coming: DurationEstimate | None = None) -> str:
    registry, tasks = generation().registry, list(current_lab().tasks().tasks.values())
    counts = {name: sum(map(wanted, tasks)) for name, wanted in GROUPS.items()}
    return page(
        "launch",
        "runs",
        given=given,
        wrong=wrong,
        field=field,
        labels=LABELS,
        coming=coming,
        missing=sentences.left_out_sentence(coming.left_out, coming.blind) if coming else "",
        models=registry.models,
        reachable=registry.reachable,
        adjusts=registry.engine.adjusts,
        thinking=any(model.thinking for model in registry.models),
        counts=counts,
        documents=given.get("tasks") == DOCUMENTS and given.getlist("kind") == [SampleKind.TASK],
        groups=by_category(tasks),
        advanced=bool(given.getlist("task")) or any(given.get(name) for name in ADVANCED),
    )


# Samples


@blueprint.get("/samples")
def samples() -> str:
    """The samples that match the query (run, machine, model, setting, kind, prompt), by pages of `queries.PAGE`."""
    numbers = {name: number_asked(name) for name in ("run", "machine")}
    words = {name: request.args.get(name, "")[:200] or None for name in ("model", "kind", "prompt")}
    filters = {name: value for name, value in {**numbers, **words}.items() if value is not None}
    number = number_asked("page") or 1
    found, count = queries.find_samples(filters, request.args.get("setting", "")[:60], number)
    asked = {name: value for name, value in request.args.items() if name in (*queries.FILTERS, "setting")}
    return page(
        "samples",
        "runs",
        samples=found,
        withheld=campaigns.Withheld() if current_user.is_admin else campaigns.withheld_answers(),
        count=count,
        asked=asked,
        number=number,
        last=max(1, -(-count // queries.PAGE)),
        tasks=current_lab().tasks().tasks,
    )


@blueprint.get("/samples/<int:sample_id>")
def sample(sample_id: int) -> str:
    """One sample with all its figures and texts."""
    return _sample_page(queries.get_sample(sample_id))


@blueprint.post("/samples/<int:sample_id>/verdict")
@admin_required
def overrule(sample_id: int) -> Any:
    """Store an administrator's verdict with its note; an empty verdict restores the judgement."""
    found, given = queries.get_sample(sample_id), request.form.get("verdict", "")
    note = plain_text(request.form.get("note"))
    if given and given not in tuple(Verdict):
        raise AppError("invalid_field", field="verdict")
    if given and not 0 < len(note) <= LONGEST_NOTE:
        return _sample_page(found, _("Say why in a few words: 1,000 characters at most."), note), 422
    queries.overrule(found, Verdict(given) if given else None, note, current_user.id)
    current_lab().publish()
    flash(_("Your verdict is kept.") if given else _("The judgement counts again."), "success")
    return redirect(url_for("lab.sample", sample_id=sample_id, _anchor="verdict"))


def _sample_page(found: LabSample, wrong: str = "", note: str = "") -> str:
    judgement = found.judgement
    before, after = queries.neighbours(found)
    return page(
        "sample",
        "runs",
        sample=found,
        wrong=wrong,
        note=note or found.overruled_note,
        before=before,
        after=after,
        tasks=current_lab().tasks().tasks,
        reason=wording.sentence(judgement["code"], judgement.get("params")) if judgement.get("code") else "",
        failure=sentences.failure_sentence(found),
        withheld=campaigns.is_withheld(found) and not current_user.is_admin,
        retaken=queries.retaken(found),
        by=queries.user_name(found.overruled_by),
        chart=charts.course(found),
    )


# Tasks


@blueprint.get("/tasks")
def tasks() -> str:
    """All tasks by category, the errors of task files, and the form for a new task."""
    return _tasks_page()


@blueprint.get("/tasks/<string:task_id>")
def task(task_id: str) -> str:
    """One task: its question, its checks, an answer that passes."""
    found = current_lab().tasks().get(task_id)
    if found is None:
        raise AppError("not_found")
    return page("task", "tasks", task=found)


@blueprint.post("/tasks")
@admin_required
def add_task() -> Any:
    """Store a custom task, or show the form with its error."""
    text = clean(request.form.get("text", "")).replace("\r\n", "\n")
    if len(text) > LONGEST_TASK:
        raise AppError("too_large", limit=LONGEST_TASK)
    try:
        made = task_files.add_custom_task(text, current_lab().task_folder, current_lab().tasks())
    except AppError as error:
        return _tasks_page(text, error.sentence), error.status
    flash(_("The task “%(name)s” is added.", name=made.name), "success")
    return redirect(url_for("lab.task", task_id=made.id))


def _tasks_page(text: str = "", wrong: str = "") -> str:
    found = current_lab().tasks()
    return page(
        "tasks",
        "tasks",
        groups=by_category(found.tasks.values()),
        count=len(found.tasks),
        problems=found.problems,
        text=text or task_files.EXAMPLE_TASK.read_text(),
        wrong=wrong,
    )

"""Pages of the tasks: list, one task, and the form that adds a custom task."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from app.errors import AppError
from app.lab import task_files, wording
from app.lab.pages import blueprint, by_category, current_lab, page
from app.security import admin_required, login_required
from app.web import clean

LONGEST = 60_000


@blueprint.get("/tasks")
@login_required
def tasks() -> str:
    """All tasks by category, the errors of task files, and the form for a new task."""
    return _tasks_page()


@blueprint.get("/tasks/<string:task_id>")
@login_required
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
    if len(text) > LONGEST:
        raise AppError("too_large", limit=LONGEST)
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
        problems=[
            (problem.file, problem.line, wording.sentence(problem.code, problem.params)) for problem in found.problems
        ],
        text=text or task_files.EXAMPLE_TASK.read_text(),
        wrong=wrong,
    )

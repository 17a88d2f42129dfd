"""The tasks that models are measured by, and adding one's own."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from app.bench import words
from app.bench.tasks import own
from app.bodies import clean
from app.errors import AppError
from app.lab.pages import labo, page

LONGEST = 60_000


def tasks() -> str:
    """All tasks by what they are about, and what could not be read."""
    return _page()


def task(task_id: str) -> str:
    """One task: its question, its checks, an answer that passes."""
    found = labo().tasks().get(task_id)
    if found is None:
        raise AppError("not_found")
    return page("task", "tasks", task=found)


def add_task() -> Any:
    """Keep a task of one's own, or say what is wrong with it."""
    text = clean(request.form.get("text", "")).replace("\r\n", "\n")
    if len(text) > LONGEST:
        raise AppError("too_large", limit=LONGEST)
    try:
        made = own.add(text, labo().task_folder, labo().tasks())
    except AppError as error:
        return _page(text, error.sentence), error.status
    flash(_("The task “%(name)s” is added.", name=made.name), "success")
    return redirect(url_for("lab.task", task_id=made.id))


def _page(text: str = "", wrong: str = "") -> str:
    found = labo().tasks()
    groups = {name: [task for task in found.tasks.values() if task.category == name] for name in words.CATEGORIES}
    return page(
        "tasks",
        "tasks",
        groups={name: tasks for name, tasks in groups.items() if tasks},
        count=len(found.tasks),
        problems=[
            (problem.file, problem.line, words.sentence(problem.code, problem.params)) for problem in found.problems
        ],
        text=text or own.EXAMPLE.read_text(),
        wrong=wrong,
    )

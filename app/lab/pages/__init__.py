"""The Labo's pages: which model to choose, runs and their samples, tasks, votes; and what these pages share."""

from collections.abc import Collection
from typing import Any

from flask import Blueprint, render_template

from app.js_messages import renderer_messages
from app.lab import wording
from app.lab.presentation import display
from app.lab.runs import queries
from app.lab.task_files import Task
from app.web import generation

blueprint = Blueprint("lab", __name__, url_prefix="/lab")


def page(template: str, current: str, **values: Any) -> str:
    """Render a template of the Labo; `current`: its entry in the sidebar."""
    return render_template(
        f"lab/{template}.html",
        page="lab",
        current=f"lab.{current}",
        display=display,
        wording=wording,
        setting_key=queries.setting_key,
        default=generation().registry.default().effective,
        texts=renderer_messages(),
        **values,
    )


def by_category(tasks: Collection[Task]) -> dict[str, list[Task]]:
    """The tasks of each category that has any, in the order of the categories."""
    groups = {name: [task for task in tasks if task.category == name] for name in wording.CATEGORIES}
    return {name: found for name, found in groups.items() if found}


# Importing these modules registers their routes on the blueprint.
from app.lab.pages import choice, runs, votes  # noqa: E402

__all__ = ["blueprint", "choice", "runs", "votes"]

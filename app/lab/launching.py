"""The form of a measuring run: what is measured, on which models, how often."""

import re
from collections.abc import Mapping
from typing import Any

from flask import redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from app.bodies import plain_text
from app.errors import AppError
from app.lab.pages import labo, page
from app.models.lab import Kind
from app.web import generation

MOST_SETTINGS = 20


def new_run() -> str:
    """The form, as the default plan has it; `model` is ticked alone."""
    wanted = request.args.getlist("model")
    models = [model.name for model in generation().inventory.models]
    chosen = [name for name in models if not wanted or name in wanted]
    return _form(MultiDict([("kind", str(kind)) for kind in Kind] + [("model", name) for name in chosen]))


def launch() -> Any:
    """Begin, or say what is wrong with the form."""
    try:
        run = labo().launch(plan_of(request.form), current_user.id, plain_text(request.form.get("title"))[:200])
    except AppError as error:
        return _form(request.form, error.sentence), error.status
    return redirect(url_for("lab.run", run_id=run.id))


def plan_of(form: MultiDict[str, str]) -> dict[str, Any]:
    """The plan that the form asks for; what is missing stays the default."""
    if not form.getlist("model") or not form.getlist("kind"):
        raise AppError("nothing_to_measure")
    thinking = {"both": (False, True), "with": (True,)}.get(form.get("think", ""), (False,))
    return {
        "models": form.getlist("model"),
        "kinds": form.getlist("kind"),
        "tasks": [form.get("tasks") or "short"],
        "settings": [{"think": think, "threads": count} for think in thinking for count in _threads(form)],
        "repeats": _whole(form, "repeats", 3),
    }


def _threads(form: Mapping[str, str]) -> list[int]:
    """Numbers with anything between them; none: as the server is set."""
    given = form.get("threads", "")
    if not re.fullmatch(r"[\d\s,;.]*", given):
        raise AppError("invalid_field", field="threads")
    return [int(number[:9]) for number in re.findall(r"\d+", given)][:MOST_SETTINGS] or [0]


def _whole(form: Mapping[str, str], name: str, default: int) -> int:
    given = form.get(name, "").strip()
    if given and not re.fullmatch(r"\d{1,9}", given):
        raise AppError("invalid_field", field=name)
    return int(given or default)


def _form(given: MultiDict[str, str], wrong: str = "") -> str:
    inventory, tasks = generation().inventory, labo().tasks().tasks.values()
    code = sum(bool(task.code) for task in tasks)
    return page(
        "launch",
        "runs",
        given=given,
        wrong=wrong,
        models=inventory.models,
        reachable=inventory.reachable,
        adjusts=inventory.engine.adjusts,
        thinking=any(model.thinking for model in inventory.models),
        counts={"office": len(tasks) - code, "code": code, "all": len(tasks)},
    )

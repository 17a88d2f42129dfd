"""The form that launches a run, or only estimates how long it would take."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.errors import AppError
from app.lab.messages import CATEGORIES
from app.lab.pages import blueprint
from app.lab.pages.shared import current_lab, page
from app.lab.presentation import sentences
from app.lab.runs import planning, progress
from app.models.lab import SampleKind
from app.security import admin_required, current_user
from app.web import generation, plain_text

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


@blueprint.get("/runs/new")
@admin_required
def new_run() -> str:
    """The form with the default plan; only the models of the query's `model` are ticked, if it has any."""
    wanted = request.args.getlist("model")
    models = [model.name for model in generation().registry.models]
    chosen = [name for name in models if not wanted or name in wanted]
    return _form(MultiDict([("kind", str(kind)) for kind in SampleKind] + [("model", name) for name in chosen]))


@blueprint.post("/runs")
@admin_required
def launch() -> Any:
    """Launch the run, or only show its estimate (`look`), or show the form with its error."""
    form = request.form
    try:
        plan = plan_of(form)
        if form.get("look"):
            return _form(form, coming=progress.estimate_duration(plan, generation().registry, current_lab().tasks()))
        run = current_lab().launch(plan, current_user.id, plain_text(form.get("title"))[:200])
    except AppError as error:
        return _form(form, sentences.refusal_sentence(error, LABELS), error.params.get("field", "")), error.status
    if missing := sentences.left_out_sentence(planning.left_out_of(run)):
        flash(missing, "info")
    return redirect(url_for("lab.run", run_id=run.id))


def plan_of(form: MultiDict[str, str]) -> dict[str, Any]:
    """Read a plan from the form; missing fields keep their defaults. Raises nothing_to_measure, invalid_field."""
    if not form.getlist("model") or not form.getlist("kind"):
        raise AppError("nothing_to_measure")
    thinking = {"both": (False, True), "with": (True,)}.get(form.get("think", ""), (False,))
    settings = product(
        thinking, _numbers(form, "threads") or [0], _numbers(form, "context") or [0], _decimals(form, "temperature")
    )
    names = ("think", "threads", "context", "temperature")
    plan = {
        "models": form.getlist("model"),
        "kinds": form.getlist("kind"),
        "tasks": form.getlist("task") or [form.get("tasks") or "short"],
        "settings": [dict(zip(names, values, strict=True)) for values in settings],
        "repeats": _whole(form, "repeats", 3),
        "readings": _numbers(form, "readings"),
        "crowds": _numbers(form, "crowds"),
        "max_tokens": _whole(form, "max_tokens", 0),
    }
    if form.get("seed", "").strip():
        plan["seed"] = _whole(form, "seed", 0)
    return {name: value for name, value in plan.items() if value != []}


def _numbers(form: Mapping[str, str], name: str) -> list[int]:
    """Whole numbers separated by spaces or punctuation; empty for the default. Raises invalid_field."""
    given = form.get(name, "")
    if not re.fullmatch(r"[\d\s,;.]*", given) or not given.isascii():
        raise AppError("invalid_field", field=name)
    return [int(number[:9]) for number in re.findall(r"\d+", given)][:MOST_SETTINGS]


def _decimals(form: Mapping[str, str], name: str) -> list[float | None]:
    """Decimal numbers separated by spaces or semicolons, with point or comma; [None] for the default.

    Raises invalid_field.
    """
    given = form.get(name, "").replace(";", " ").replace(",", ".").split()
    if not all(re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", number) for number in given):
        raise AppError("invalid_field", field=name)
    found: list[float | None] = [float(number) for number in given[:MOST_SETTINGS]]
    return found or [None]


def _whole(form: Mapping[str, str], name: str, default: int) -> int:
    given = form.get(name, "").strip()
    if given and not re.fullmatch(r"[0-9]{1,9}", given):
        raise AppError("invalid_field", field=name)
    return int(given or default)


def _form(
    given: MultiDict[str, str], wrong: str = "", field: str = "", coming: progress.DurationEstimate | None = None
) -> str:
    registry, tasks = generation().registry, current_lab().tasks().tasks.values()
    code = sum(bool(task.code) for task in tasks)
    groups = {name: [task for task in tasks if task.category == name] for name in CATEGORIES}
    return page(
        "launch",
        "runs",
        given=given,
        wrong=wrong,
        field=field,
        labels=LABELS,
        coming=coming,
        missing=sentences.left_out_sentence(coming.left_out) if coming else "",
        models=registry.models,
        reachable=registry.reachable,
        adjusts=registry.engine.adjusts,
        thinking=any(model.thinking for model in registry.models),
        counts={"office": len(tasks) - code, "code": code, "all": len(tasks)},
        groups={name: found for name, found in groups.items() if found},
        advanced=bool(given.getlist("task")) or any(given.get(name) for name in ADVANCED),
    )

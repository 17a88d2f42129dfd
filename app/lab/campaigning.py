"""An administrator's part of the blind votes: which models on which questions, and closing a campaign."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.bench.showing import troubles
from app.bench.votes import campaigns as domain
from app.bench.words import CATEGORIES
from app.bodies import plain_text
from app.errors import AppError
from app.lab.pages import labo, page
from app.security import current_user
from app.web import generation


def new_campaign() -> str:
    """The form; the tasks of a short run are ticked, but those that are programs."""
    tasks = labo().tasks().tasks.values()
    return _form(MultiDict([("prompt", task.id) for task in tasks if task.short and not task.code]))


def make_campaign() -> Any:
    """Begin, or say what is wrong with the form."""
    form, title = request.form, plain_text(request.form.get("title"))[:200]
    try:
        made = domain.create(labo(), form.getlist("model"), form.getlist("prompt"), current_user.id, title)
    except AppError as error:
        return _form(form, troubles.of_error(error)), error.status
    return redirect(url_for("lab.campaign", campaign_id=made.id))


def close_campaign(campaign_id: int) -> Any:
    """No more votes from now on; everyone sees the results."""
    domain.close(domain.of(campaign_id))
    flash(_("The campaign is closed: everyone sees its results."), "success")
    return redirect(url_for("lab.results", campaign_id=campaign_id))


def _form(given: MultiDict[str, str], wrong: str = "") -> str:
    tasks = labo().tasks().tasks.values()
    groups = {name: [task for task in tasks if task.category == name] for name in CATEGORIES}
    registry = generation().registry
    return page(
        "vote_new",
        "campaigns",
        given=given,
        wrong=wrong,
        models=registry.models,
        reachable=registry.reachable,
        groups={name: found for name, found in groups.items() if found},
        limits=domain,
    )

"""The Labo's addresses and who may use them; what answers is loaded with the first request."""

from importlib import import_module
from typing import Any

from flask import Blueprint

from app.security import admin_required, login_required

blueprint = Blueprint("lab", __name__, url_prefix="/lab")


def _pages(module: str) -> Any:
    """One of the modules beside this one. A server whose Labo nobody opens does not pay for it with memory."""
    return import_module(f"app.lab.{module}")


@blueprint.get("/")
@login_required
def tradeoff() -> Any:
    """The whole page; `machine` chooses among several, `preset` or the three weights say what counts."""
    return _pages("tradeoff").tradeoff()


@blueprint.get("/recommendation")
@login_required
def recommendation() -> Any:
    """What the weights of the address recommend: the card, each line's score, the chart."""
    return _pages("tradeoff").recommendation()


@blueprint.get("/runs")
@login_required
def runs() -> Any:
    """All runs, those at work first with their progress."""
    return _pages("runs").runs()


@blueprint.get("/runs/<int:run_id>")
@login_required
def run(run_id: int) -> Any:
    """One run: how far it is, what came of it, its charts."""
    return _pages("runs").run(run_id)


@blueprint.get("/runs/<int:run_id>/progress")
@login_required
def progress(run_id: int) -> Any:
    """How far it is: as data, and as the part of the page."""
    return _pages("runs").progress(run_id)


@blueprint.post("/runs/<int:run_id>/cancel")
@admin_required
def cancel(run_id: int) -> Any:
    """End it; what was taken stays."""
    return _pages("runs").cancel(run_id)


@blueprint.post("/runs/<int:run_id>/resume")
@admin_required
def resume(run_id: int) -> Any:
    """Go on with what was not taken."""
    return _pages("runs").resume(run_id)


@blueprint.post("/runs/<int:run_id>/delete")
@admin_required
def delete(run_id: int) -> Any:
    """With all its samples, for good."""
    return _pages("runs").delete(run_id)


@blueprint.get("/runs/<int:run_id>/export/<string:form>")
@login_required
def export(run_id: int, form: str) -> Any:
    """One run as a file: csv, json, md, or html, the report with its charts."""
    return _pages("runs").export(run_id, form)


@blueprint.get("/runs/new")
@admin_required
def new_run() -> Any:
    """The form, as the default plan has it; `model` is ticked alone."""
    return _pages("launching").new_run()


@blueprint.post("/runs")
@admin_required
def launch() -> Any:
    """Begin, or say what is wrong with the form."""
    return _pages("launching").launch()


@blueprint.get("/samples")
@login_required
def samples() -> Any:
    """Those that the address asks for: run, machine, model, setting, kind, prompt; a hundred a page."""
    return _pages("samples").samples()


@blueprint.get("/samples/<int:sample_id>")
@login_required
def sample(sample_id: int) -> Any:
    """All that was seen of one sample."""
    return _pages("samples").sample(sample_id)


@blueprint.post("/samples/<int:sample_id>/verdict")
@admin_required
def overrule(sample_id: int) -> Any:
    """A person's word with its note, or none any more."""
    return _pages("samples").overrule(sample_id)


@blueprint.get("/tasks")
@login_required
def tasks() -> Any:
    """All tasks by what they are about, and what could not be read."""
    return _pages("tasks").tasks()


@blueprint.get("/tasks/<string:task_id>")
@login_required
def task(task_id: str) -> Any:
    """One task: its question, its checks, an answer that passes."""
    return _pages("tasks").task(task_id)


@blueprint.post("/tasks")
@admin_required
def add_task() -> Any:
    """Keep a task of one's own, or say what is wrong with it."""
    return _pages("tasks").add_task()


@blueprint.get("/history")
@login_required
def history() -> Any:
    """One figure's course at a time, on one machine; what is worse in the last run comes first."""
    return _pages("history").history()


@blueprint.get("/campaigns")
@login_required
def campaigns() -> Any:
    """The blind votes, those that wait for this person first."""
    return _pages("votes").campaigns()


@blueprint.get("/campaigns/new")
@admin_required
def new_campaign() -> Any:
    """The form: models and questions."""
    return _pages("campaigning").new_campaign()


@blueprint.post("/campaigns")
@admin_required
def make_campaign() -> Any:
    """Begin, or say what is wrong with the form."""
    return _pages("campaigning").make_campaign()


@blueprint.post("/campaigns/<int:campaign_id>/close")
@admin_required
def close_campaign(campaign_id: int) -> Any:
    """No more votes from now on."""
    return _pages("campaigning").close_campaign(campaign_id)


@blueprint.get("/campaigns/<int:campaign_id>")
@login_required
def campaign(campaign_id: int) -> Any:
    """The next two answers, or that there are none left."""
    return _pages("votes").campaign(campaign_id)


@blueprint.post("/campaigns/<int:campaign_id>/votes")
@login_required
def vote(campaign_id: int) -> Any:
    """Keep a choice, and go where it is told whose answers they were."""
    return _pages("votes").vote(campaign_id)


@blueprint.get("/campaigns/<int:campaign_id>/votes/<int:vote_id>")
@login_required
def own_vote(campaign_id: int, vote_id: int) -> Any:
    """Whose answers one has chosen between, and what they cost."""
    return _pages("votes").own_vote(campaign_id, vote_id)


@blueprint.get("/campaigns/<int:campaign_id>/results")
@login_required
def results(campaign_id: int) -> Any:
    """What all votes say together."""
    return _pages("votes").results(campaign_id)

"""Pages of blind votes: campaigns, the ballot with two anonymous answers, one's own vote, results, new campaign."""

from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.errors import AppError
from app.lab import wording
from app.lab.pages import blueprint, by_category, page
from app.lab.runs import queries
from app.lab.service import current_lab
from app.lab.votes import campaigns as voting
from app.lab.votes.campaigns import VoterState, expected, voter_state
from app.models.lab import LabCampaign
from app.security import admin_required, current_user
from app.web import generation, plain_text


@blueprint.get("/campaigns")
def campaigns() -> str:
    """The list of campaigns, with what the user has left to vote on."""
    return page("votes", "campaigns", lines=voting.listed(current_user.id, _secret()))


@blueprint.get("/campaigns/<int:campaign_id>")
def campaign(campaign_id: int) -> str:
    """The user's next ballot in a campaign, or that there is none left."""
    return _vote_page(voting.get_campaign(campaign_id))


@blueprint.post("/campaigns/<int:campaign_id>/votes")
def vote(campaign_id: int) -> Any:
    """Store a vote; an error is shown above the next ballot."""
    found = voting.get_campaign(campaign_id)
    key, choice = request.form.get("pair", ""), request.form.get("choice", "")
    try:
        made = voting.vote(found, current_user.id, key, choice, _secret())
    except AppError as error:
        return _vote_page(found, error.sentence), error.status
    return redirect(url_for("lab.own_vote", campaign_id=campaign_id, vote_id=made.id))


@blueprint.get("/campaigns/<int:campaign_id>/votes/<int:vote_id>")
def own_vote(campaign_id: int, vote_id: int) -> str:
    """After a vote: the models behind both answers, and what the answers cost."""
    found = voting.get_campaign(campaign_id)
    given = voting.vote_of(found, current_user.id, vote_id)
    samples = [given.first, given.second]
    return page(
        "vote_given",
        "campaigns",
        campaign=found,
        vote=given,
        samples=samples,
        costs=[voting.cost([sample.metrics]) for sample in samples],
        mine=_booth(found),
        tasks=current_lab().tasks().tasks,
    )


@blueprint.get("/campaigns/<int:campaign_id>/results")
def results(campaign_id: int) -> str:
    """The results of all votes. Raises results_hidden."""
    found = voting.get_campaign(campaign_id)
    mine = _booth(found)
    voting.check_results(found, mine, is_admin=current_user.is_admin)
    fit = voting.model_strengths(found)
    votes, people = voting.vote_counts(found)
    return page(
        "vote_results",
        "campaigns",
        campaign=found,
        fit=fit,
        apart=[True, *voting.apart(fit)],
        costs=voting.costs(found),
        votes=votes,
        people=people,
        pairs=len(mine.ballots),
        tasks=current_lab().tasks().tasks,
    )


def _vote_page(found: LabCampaign, wrong: str = "") -> str:
    mine = _booth(found)
    waiting = voting.preparing(found, mine)
    ballot = mine.left[0] if mine.left and not found.closed and not waiting else None
    return page(
        "vote",
        "campaigns",
        campaign=found,
        mine=mine,
        waiting=waiting,
        expected=expected(found),
        ballot=ballot,
        samples=queries.get_samples([ballot.first.id, ballot.second.id]) if ballot else [],
        tasks=current_lab().tasks().tasks,
        wrong=wrong,
    )


def _booth(found: LabCampaign) -> VoterState:
    return voter_state(found, current_user.id, _secret())


def _secret() -> str:
    secret: str = current_app.config["SECRET_KEY"]
    return secret


@blueprint.get("/campaigns/new")
@admin_required
def new_campaign() -> str:
    """The form for a new campaign; the short tasks that are no programs are ticked."""
    tasks = current_lab().tasks().tasks.values()
    return _campaign_form(MultiDict([("prompt", task.id) for task in tasks if task.short and not task.code]))


@blueprint.post("/campaigns")
@admin_required
def make_campaign() -> Any:
    """Create a campaign, or show the form with its error."""
    form, title = request.form, plain_text(request.form.get("title"))[:200]
    try:
        made = voting.create(current_lab(), form.getlist("model"), form.getlist("prompt"), current_user.id, title)
    except AppError as error:
        return _campaign_form(form, wording.error_sentence(error.code, error.params)), error.status
    return redirect(url_for("lab.campaign", campaign_id=made.id))


@blueprint.post("/campaigns/<int:campaign_id>/close")
@admin_required
def close_campaign(campaign_id: int) -> Any:
    """Close a campaign: no more votes, and everyone sees the results."""
    voting.close(voting.get_campaign(campaign_id))
    flash(_("The campaign is closed: everyone sees its results."), "success")
    return redirect(url_for("lab.results", campaign_id=campaign_id))


def _campaign_form(given: MultiDict[str, str], wrong: str = "") -> str:
    registry = generation().registry
    return page(
        "vote_new",
        "campaigns",
        given=given,
        wrong=wrong,
        models=registry.models,
        reachable=registry.reachable,
        groups=by_category(current_lab().tasks().tasks.values()),
        limits=voting,
    )

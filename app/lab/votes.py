"""Colleagues' opinions: two answers side by side without names, one's own votes, and what all of them say."""

from typing import Any

from flask import current_app, redirect, request, url_for

from app.bench.votes import campaigns as domain
from app.bench.votes import tallies
from app.bench.votes.ballots import Booth, booth, expected
from app.errors import AppError
from app.lab.pages import labo, page
from app.models.lab import LabCampaign
from app.security import current_user


def campaigns() -> str:
    """The list, with what is left to vote on."""
    return page("votes", "campaigns", lines=domain.listed(current_user.id, _secret()))


def campaign(campaign_id: int) -> str:
    """The next two answers, or that there are none left."""
    return _page(domain.of(campaign_id))


def vote(campaign_id: int) -> Any:
    """Keep a choice; what is wrong with it is said beside the next two answers."""
    found = domain.of(campaign_id)
    key, choice = request.form.get("pair", ""), request.form.get("choice", "")
    try:
        made = domain.vote(found, current_user.id, key, choice, _secret())
    except AppError as error:
        return _page(found, error.sentence), error.status
    return redirect(url_for("lab.own_vote", campaign_id=campaign_id, vote_id=made.id))


def own_vote(campaign_id: int, vote_id: int) -> str:
    """Whose answers one has chosen between, and what they cost."""
    found = domain.of(campaign_id)
    given = domain.vote_of(found, current_user.id, vote_id)
    samples = [given.first, given.second]
    return page(
        "vote_given",
        "campaigns",
        campaign=found,
        vote=given,
        samples=samples,
        costs=[tallies.cost([sample.metrics]) for sample in samples],
        mine=_booth(found),
        task=_task_name(samples[0].prompt),
    )


def results(campaign_id: int) -> str:
    """What all votes say together; raises results_hidden."""
    found = domain.of(campaign_id)
    mine = _booth(found)
    domain.check_results(found, mine, is_admin=current_user.is_admin)
    fit = tallies.scores(found)
    votes, people = tallies.tally(found)
    return page(
        "vote_results",
        "campaigns",
        campaign=found,
        fit=fit,
        apart=[True, *tallies.apart(fit)],
        costs=tallies.costs(found),
        votes=votes,
        people=people,
        pairs=len(mine.ballots),
        prompts=[_task_name(prompt) for prompt in found.prompts],
    )


def _page(found: LabCampaign, wrong: str = "") -> str:
    mine = _booth(found)
    waiting = domain.preparing(found, mine)
    ballot = mine.left[0] if mine.left and not found.closed and not waiting else None
    return page(
        "vote",
        "campaigns",
        campaign=found,
        mine=mine,
        waiting=waiting,
        expected=expected(found),
        ballot=ballot,
        samples=domain.texts([ballot.first.id, ballot.second.id]) if ballot else [],
        task=_task_name(ballot.first.prompt) if ballot else "",
        wrong=wrong,
    )


def _task_name(task_id: str) -> str:
    found = labo().tasks().get(task_id)
    return found.name if found else task_id


def _booth(found: LabCampaign) -> Booth:
    return booth(found, current_user.id, _secret())


def _secret() -> str:
    secret: str = current_app.config["SECRET_KEY"]
    return secret

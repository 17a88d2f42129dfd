"""The results of a campaign: the models' strengths, the significance of their order, and the cost of their answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from sqlalchemy import func, select

from app.extensions import db
from app.lab.votes.ballots import answers
from app.lab.votes.bradley_terry import FEWEST, STOP, Fit, Game, Score, fit
from app.models.lab import LabCampaign, LabSample, LabVote, VoteChoice

# Prompts that need votes before the votes can decide anything.
FEWEST_PROMPTS = 3
# The points of a choice for the first of the two answers.
WON = {VoteChoice.FIRST: 1.0, VoteChoice.SECOND: 0.0, VoteChoice.ALIKE: 0.5}


@dataclass(frozen=True, slots=True)
class Cost:
    """The median time and energy of a model's answers, None when not measured; `method`: how energy is known."""

    time_s: float | None
    energy_wh: float | None
    method: str


def model_strengths(campaign: LabCampaign) -> Fit:
    """Fit the models' strengths to all votes of a campaign."""
    first, second = (select(LabSample.id, LabSample.model).subquery() for _side in range(2))
    rows = db.session.execute(
        select(first.c.model, second.c.model, LabVote.choice)
        .join(first, LabVote.first_id == first.c.id)
        .join(second, LabVote.second_id == second.c.id)
        .where(LabVote.campaign_id == campaign.id)
        .order_by(LabVote.id)
    )
    return fit((Game(one, other, WON[VoteChoice(choice)]) for one, other, choice in rows), campaign.models)


def apart(found: Fit) -> list[bool]:
    """For each model but the last: whether it is significantly better than the next one."""
    return [_apart(found, one, other) for one, other in pairwise(found.scores)]


def clear(found: Fit) -> bool:
    """Whether the whole order of the models is significant."""
    return all(apart(found))


def broad(campaign: LabCampaign) -> bool:
    """Whether the votes cover at least `FEWEST_PROMPTS` prompts, and at most half of them are on one prompt.

    Otherwise a single good answer could decide.
    """
    rows = db.session.execute(
        select(LabSample.prompt, func.count())
        .join(LabVote, LabVote.first_id == LabSample.id)
        .where(LabVote.campaign_id == campaign.id)
        .group_by(LabSample.prompt)
    )
    counts = [count for _prompt, count in rows]
    return len(counts) >= FEWEST_PROMPTS and 2 * max(counts) <= sum(counts)


def vote_counts(campaign: LabCampaign) -> tuple[int, int]:
    """The numbers of votes and of voters."""
    people = func.count(LabVote.user_id.distinct())
    row = db.session.execute(select(func.count(), people).where(LabVote.campaign_id == campaign.id)).one()
    return row[0], row[1]


def costs(campaign: LabCampaign) -> dict[str, Cost]:
    """The cost of each model's answers in a campaign, by model."""
    rows = db.session.execute(
        select(LabSample.model, LabSample.metrics).where(LabSample.id.in_([answer.id for answer in answers(campaign)]))
    ).all()
    return {model: cost(metrics for name, metrics in rows if name == model) for model in campaign.models}


def cost(metrics: Iterable[dict[str, float | str | None]]) -> Cost:
    """The cost of samples with these metrics."""
    told = list(metrics)
    method = next((str(one["energy_method"]) for one in told if one.get("energy_method")), "")
    return Cost(_middle(told, "total_ms", 1000), _middle(told, "energy_j", 3600), method)


def _middle(told: list[dict[str, float | str | None]], name: str, unit: float) -> float | None:
    known = [float(one[name] or 0) for one in told if one.get(name) is not None]
    return median(known) / unit if known else None


def _apart(found: Fit, one: Score, other: Score) -> bool:
    enough = min(one.games, other.games) >= FEWEST
    return enough and one.strength - other.strength > STOP * found.error(one.name, other.name)

"""What the votes of a campaign say: the models' strengths, how sure their order is, and what their answers cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from sqlalchemy import func, select

from app.extensions import db
from app.lab.votes.ballots import answers
from app.lab.votes.bradley_terry import FEWEST, STOP, Fit, Game, Score, fit
from app.models.lab import Choice, LabCampaign, LabSample, LabVote

# With votes on fewer questions nothing is said of a model.
FEWEST_PROMPTS = 3
# What a choice is worth to the first of the two.
WON = {Choice.FIRST: 1.0, Choice.SECOND: 0.0, Choice.ALIKE: 0.5}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a model's answers, in the middle; None where nothing was measured."""

    time_s: float | None
    energy_wh: float | None
    method: str


def model_strengths(campaign: LabCampaign) -> Fit:
    """The models' strengths by all votes."""
    first, second = (select(LabSample.id, LabSample.model).subquery() for _side in range(2))
    rows = db.session.execute(
        select(first.c.model, second.c.model, LabVote.choice)
        .join(first, LabVote.first_id == first.c.id)
        .join(second, LabVote.second_id == second.c.id)
        .where(LabVote.campaign_id == campaign.id)
        .order_by(LabVote.id)
    )
    return fit((Game(one, other, WON[Choice(choice)]) for one, other, choice in rows), campaign.models)


def apart(found: Fit) -> list[bool]:
    """Whether each model but the last is beyond doubt better than the one after it."""
    return [_apart(found, one, other) for one, other in pairwise(found.scores)]


def clear(found: Fit) -> bool:
    """Whether the whole order is beyond doubt."""
    return all(apart(found))


def broad(campaign: LabCampaign) -> bool:
    """Whether votes are on several questions, most of them on no single one: one good answer is no good model."""
    rows = db.session.execute(
        select(LabSample.prompt, func.count())
        .join(LabVote, LabVote.first_id == LabSample.id)
        .where(LabVote.campaign_id == campaign.id)
        .group_by(LabSample.prompt)
    )
    counts = [count for _prompt, count in rows]
    return len(counts) >= FEWEST_PROMPTS and 2 * max(counts) <= sum(counts)


def vote_counts(campaign: LabCampaign) -> tuple[int, int]:
    """How many votes, of how many people."""
    people = func.count(LabVote.user_id.distinct())
    row = db.session.execute(select(func.count(), people).where(LabVote.campaign_id == campaign.id)).one()
    return row[0], row[1]


def costs(campaign: LabCampaign) -> dict[str, Cost]:
    """Of each model's answers in this campaign."""
    rows = db.session.execute(
        select(LabSample.model, LabSample.metrics).where(LabSample.id.in_([answer.id for answer in answers(campaign)]))
    ).all()
    return {model: cost(metrics for name, metrics in rows if name == model) for model in campaign.models}


def cost(metrics: Iterable[dict[str, float | str | None]]) -> Cost:
    """Of these samples."""
    told = list(metrics)
    method = next((str(one["energy_method"]) for one in told if one.get("energy_method")), "")
    return Cost(_middle(told, "total_ms", 1000), _middle(told, "energy_j", 3600), method)


def _middle(told: list[dict[str, float | str | None]], name: str, unit: float) -> float | None:
    known = [float(one[name] or 0) for one in told if one.get(name) is not None]
    return median(known) / unit if known else None


def _apart(found: Fit, one: Score, other: Score) -> bool:
    enough = min(one.games, other.games) >= FEWEST
    return enough and one.strength - other.strength > STOP * found.error(one.name, other.name)

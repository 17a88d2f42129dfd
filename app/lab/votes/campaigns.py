"""Blind votes: campaigns, the pairs of answers that each user votes on, the votes, and their results."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from statistics import median
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.errors import AppError
from app.extensions import db
from app.lab.runs.queries import get_row
from app.lab.service import Lab
from app.lab.stats.configurations import SETTING
from app.lab.votes.bradley_terry import Fit, Game, fit
from app.models import User
from app.models.base import utcnow
from app.models.lab import (
    ACTIVE,
    Closed,
    LabCampaign,
    LabMachine,
    LabRun,
    LabSample,
    LabVote,
    SampleKind,
    SampleState,
    VoteChoice,
)

# The number of pairs, and so of votes needed, grows with the square of the models.
FEWEST_MODELS, MOST_MODELS, MOST_PROMPTS = 2, 4, 30
# Prompts that need votes before the votes can decide anything.
FEWEST_PROMPTS = 3
# The points of a choice for the first of the two answers.
WON = {VoteChoice.FIRST: 1.0, VoteChoice.SECOND: 0.0, VoteChoice.ALIKE: 0.5}
Withheld = frozenset[tuple[str, str]]
# A sample's fields that quote, measure or judge the answer, with what replaces them while it is withheld: the number of
# its words alone tells whose it is.
HIDDEN: dict[str, Any] = {
    "answer": "", "thinking": "", "judgement": {}, "metrics": {}, "series": [], "verdict": None, "score": None,
    "overruled": None, "overruled_note": "", "started_at": None, "finished_at": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign in a user's list: its votes by all users, its pairs, and the pairs the user has left."""

    campaign: LabCampaign
    votes: int
    pairs: int
    left: int


def create(lab: Lab, models: Sequence[str], prompts: Sequence[str], user_id: int, title: str) -> LabCampaign:
    """Create a campaign on the answers of a finished run that has them all; else launch a run that asks for them.

    Raises campaign_models, campaign_prompts, and what launching a run raises.
    """
    models, prompts = list(dict.fromkeys(models)), list(dict.fromkeys(prompts))
    if not FEWEST_MODELS <= len(models) <= MOST_MODELS:
        raise AppError("campaign_models", fewest=FEWEST_MODELS, limit=MOST_MODELS)
    if not 0 < len(prompts) <= MOST_PROMPTS:
        raise AppError("campaign_prompts", limit=MOST_PROMPTS)
    run_id = _answered(models, prompts)
    if run_id is None:
        plan = {"models": models, "kinds": [str(SampleKind.TASK)], "tasks": prompts, "repeats": 1}
        run = lab.launch(plan, user_id, title)
        run_id, models, prompts = run.id, run.plan["models"], run.plan["tasks"]
    made = LabCampaign(title=title.strip()[:200], run_id=run_id, user_id=user_id, models=models, prompts=prompts)
    db.session.add(made)
    db.session.commit()
    return made


def get_campaign(campaign_id: int) -> LabCampaign:
    """Get a campaign by its id. Raises not_found."""
    return get_row(LabCampaign, campaign_id)


def listed(user_id: int, secret: str) -> list[CampaignLine]:
    """All campaigns as one user sees them, open ones first, then the newest first."""
    votes = db.session.execute(select(LabVote.campaign_id, func.count()).group_by(LabVote.campaign_id))
    counts = {row[0]: row[1] for row in votes}
    rows = db.session.scalars(select(LabCampaign).order_by(LabCampaign.closed != "", LabCampaign.id.desc()))
    lines = []
    for campaign in rows:
        mine = voter_state(campaign, user_id, secret)
        lines.append(CampaignLine(campaign, counts.get(campaign.id, 0), len(mine.ballots), len(mine.left)))
    return lines


def _answered(models: Sequence[str], prompts: Sequence[str]) -> int | None:
    """The id of the newest finished run with an answer of each model to each prompt; None without one.

    Runs measured by hand do not count.
    """
    over = select(LabRun.id).join(LabMachine).where(LabRun.state.not_in(ACTIVE), LabMachine.source == "")
    found = _usable(list(db.session.scalars(over)), models, prompts)
    whole = [run_id for run_id, answers in found.items() if len(answers) == len(models) * len(prompts)]
    return max(whole, default=None)


def close(campaign: LabCampaign, why: Closed = Closed.ENDED) -> None:
    """Close a campaign; no effect when it is closed already."""
    closing = update(LabCampaign).where(LabCampaign.id == campaign.id, LabCampaign.closed == "")
    db.session.execute(closing.values(closed=why, closed_at=utcnow()))
    db.session.commit()


# Ballots


@dataclass(frozen=True, slots=True)
class Answer:
    """A sample to vote on, without its texts."""

    id: int
    model: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Ballot:
    """Two answers to the same prompt in the order that one user sees; `key` identifies them in the form."""

    key: str
    pair: str
    first: Answer
    second: Answer


@dataclass(frozen=True, slots=True)
class VoterState:
    """One user's ballots in a campaign, in voting order, and those `left` to vote on."""

    ballots: tuple[Ballot, ...]
    left: tuple[Ballot, ...]

    @property
    def voted(self) -> int:
        """The number of ballots that the user has voted on."""
        return len(self.ballots) - len(self.left)

    def find(self, key: str) -> Ballot | None:
        """The ballot with the key that a form sent back, or None."""
        return next((ballot for ballot in self.ballots if ballot.key == key), None)


def voter_state(campaign: LabCampaign, user_id: int, secret: str) -> VoterState:
    """A user's ballots in a campaign, pairs with the fewest votes first.

    Order and sides derive from `secret`, so a reload or a second tab shows the same ballot.
    """
    rows = db.session.execute(select(LabVote.pair, LabVote.user_id).where(LabVote.campaign_id == campaign.id)).all()
    counts = Counter(pair for pair, _user in rows)
    mine = {pair for pair, user in rows if user == user_id}
    by_prompt = groupby(sorted(_answers(campaign), key=lambda one: (one.prompt, one.id)), key=lambda one: one.prompt)
    ballots = [
        _ballot(one, other, f"{campaign.id}:{user_id}", secret)
        for _prompt, answered in by_prompt
        for one, other in combinations(answered, 2)
    ]
    ballots.sort(key=lambda ballot: (counts[ballot.pair], ballot.key))
    return VoterState(tuple(ballots), tuple(ballot for ballot in ballots if ballot.pair not in mine))


def _answers(campaign: LabCampaign) -> list[Answer]:
    """One answer of each model to each prompt, where there is one: with the default setting, undisturbed if possible,
    the first repeat."""
    return list(_usable([campaign.run_id], campaign.models, campaign.prompts).get(campaign.run_id, {}).values())


def _usable(
    run_ids: Sequence[int], models: Sequence[str], prompts: Sequence[str]
) -> dict[int, dict[tuple[str, str], Answer]]:
    """The answers of these runs that can be voted on, by run, then by model and prompt."""
    rows = db.session.execute(
        select(LabSample.run_id, LabSample.id, LabSample.model, LabSample.prompt, LabSample.setting)
        .where(LabSample.run_id.in_(run_ids), LabSample.kind == SampleKind.TASK, LabSample.state == SampleState.DONE)
        .where(LabSample.warmup.is_(False), LabSample.model.in_(models), LabSample.prompt.in_(prompts))
        .order_by(LabSample.disturbed, LabSample.repeat, LabSample.id)
    )
    found: dict[int, dict[tuple[str, str], Answer]] = {}
    for run_id, sample_id, model, prompt, setting in rows:
        if SETTING | setting == SETTING:
            found.setdefault(run_id, {}).setdefault((model, prompt), Answer(sample_id, model, prompt))
    return found


def expected(campaign: LabCampaign) -> int:
    """The number of pairs once every model has answered every prompt."""
    models = len(campaign.models)
    return len(campaign.prompts) * models * (models - 1) // 2


def _ballot(one: Answer, other: Answer, whose: str, secret: str) -> Ballot:
    pair = f"{one.id}-{other.id}"
    # An HMAC: order and sides cannot be guessed, and need not be stored.
    drawn = hmac.new(secret.encode(), f"ballot:{whose}:{pair}".encode(), hashlib.sha256).digest()
    first, second = (other, one) if drawn[0] & 1 else (one, other)
    return Ballot(drawn[1:17].hex(), pair, first, second)


def preparing(campaign: LabCampaign, mine: VoterState) -> bool:
    """Whether the campaign's run still has to write answers; voting starts when all are there."""
    return campaign.run.state in ACTIVE and (len(mine.ballots) < expected(campaign) or _to_come(campaign))


def _to_come(campaign: LabCampaign) -> bool:
    """Whether a disturbed answer is still to be measured again."""
    waiting = select(LabSample.id).where(
        LabSample.run_id == campaign.run_id, LabSample.attempt > 1, LabSample.state == SampleState.WAITING
    )
    return db.session.scalar(waiting.limit(1)) is not None


# Votes


def vote(campaign: LabCampaign, user_id: int, key: str, choice: str, secret: str) -> LabVote:
    """Store a user's choice on the ballot `key` and close the campaign if that decides it.

    Idempotent: the same choice sent twice is one vote. Raises invalid_field for an unknown choice, pair_gone for an
    unknown ballot, vote_given when the user chose otherwise before, campaign_closed.
    """
    if choice not in tuple(VoteChoice):
        raise AppError("invalid_field", field="choice")
    ballot = voter_state(campaign, user_id, secret).find(key)
    if ballot is None:
        raise AppError("pair_gone")
    before = _given(campaign.id, user_id, ballot.pair, choice)
    if before is not None:
        return before
    made = LabVote(
        campaign_id=campaign.id,
        user_id=user_id,
        pair=ballot.pair,
        first_id=ballot.first.id,
        second_id=ballot.second.id,
        choice=VoteChoice(choice),
    )
    try:
        _hold_open(campaign.id)
        db.session.add(made)
        db.session.commit()
    except IntegrityError:
        # A second click stored the vote first, or the answers have just been deleted.
        db.session.rollback()
        before = _given(campaign.id, user_id, ballot.pair, choice)
        if before is None:
            raise AppError("pair_gone") from None
        return before
    _settle(campaign, len(voter_state(campaign, user_id, secret).ballots))
    return made


def vote_of(campaign: LabCampaign, user_id: int, vote_id: int) -> LabVote:
    """Get one of the user's own votes. Raises not_found, also for another user's vote."""
    found = get_row(LabVote, vote_id)
    if found.user_id != user_id or found.campaign_id != campaign.id:
        raise AppError("not_found")
    return found


def _given(campaign_id: int, user_id: int, pair: str, choice: str) -> LabVote | None:
    """The user's earlier vote on this pair, if any. Raises vote_given when its choice differs."""
    wanted = select(LabVote).where(LabVote.campaign_id == campaign_id, LabVote.user_id == user_id)
    found: LabVote | None = db.session.scalar(wanted.where(LabVote.pair == pair))
    if found is not None and found.choice != choice:
        raise AppError("vote_given")
    return found


def _hold_open(campaign_id: int) -> None:
    """Lock the open campaign's row until the vote is committed, so that it cannot be closed in between.

    Raises campaign_closed.
    """
    held = update(LabCampaign).where(LabCampaign.id == campaign_id, LabCampaign.closed == "").values(closed="")
    if not db.session.execute(held).rowcount:  # type: ignore[attr-defined]
        db.session.rollback()
        raise AppError("campaign_closed")


def _settle(campaign: LabCampaign, pairs: int) -> None:
    """Close the campaign when the votes decide the order, or when every user has voted on every pair."""
    votes, _people = vote_counts(campaign)
    if _broad(campaign) and all(apart(model_strengths(campaign))):
        close(campaign, Closed.DECIDED)
    elif votes >= pairs * (db.session.scalar(select(func.count(User.id))) or 0):
        close(campaign, Closed.COMPLETE)


def _broad(campaign: LabCampaign) -> bool:
    """Whether the votes cover at least `FEWEST_PROMPTS` prompts, and at most half of them are on one prompt.

    Otherwise a single good answer could decide.
    """
    votes = select(func.count()).select_from(LabSample).join(LabVote, LabVote.first_id == LabSample.id)
    counts = db.session.scalars(votes.where(LabVote.campaign_id == campaign.id).group_by(LabSample.prompt)).all()
    return len(counts) >= FEWEST_PROMPTS and 2 * max(counts) <= sum(counts)


# Results


def check_results(campaign: LabCampaign, mine: VoterState, *, is_admin: bool) -> None:
    """Raise results_hidden while a user who is no administrator can still vote, so that results do not sway him."""
    if not is_admin and not campaign.closed and (mine.left or preparing(campaign, mine)):
        raise AppError("results_hidden", left=len(mine.left))


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
    return [found.apart(one, other) for one, other in pairwise(found.scores)]


def vote_counts(campaign: LabCampaign) -> tuple[int, int]:
    """The numbers of votes and of voters."""
    people = func.count(LabVote.user_id.distinct())
    votes, voters = db.session.execute(select(func.count(), people).where(LabVote.campaign_id == campaign.id)).one()
    return votes, voters


def costs(campaign: LabCampaign) -> dict[str, Cost]:
    """The cost of each model's answers in a campaign, by model."""
    rows = db.session.execute(
        select(LabSample.model, LabSample.metrics).where(LabSample.id.in_([answer.id for answer in _answers(campaign)]))
    ).all()
    return {model: cost(metrics for name, metrics in rows if name == model) for model in campaign.models}


def cost(metrics: Iterable[dict[str, float | str | None]]) -> Cost:
    """The cost of samples with these metrics."""
    measured = list(metrics)
    method = next((str(one["energy_method"]) for one in measured if one.get("energy_method")), "")
    return Cost(_middle(measured, "total_ms", 1000), _middle(measured, "energy_j", 3600), method)


def _middle(measured: list[dict[str, float | str | None]], name: str, unit: float) -> float | None:
    known = [float(one[name] or 0) for one in measured if one.get(name) is not None]
    return median(known) / unit if known else None


# Withheld answers


def withheld_answers() -> Withheld:
    """Model and prompt of all answers in open campaigns.

    They are withheld in every run, since a model answers the same prompt alike in another run.
    """
    campaigns = db.session.scalars(select(LabCampaign).where(LabCampaign.closed == ""))
    return frozenset((model, prompt) for one in campaigns for model in one.models for prompt in one.prompts)


def is_withheld(sample: LabSample) -> bool:
    """Whether a sample's answer is withheld while an open campaign votes on it."""
    return sample.kind == SampleKind.TASK and (sample.model, sample.prompt) in withheld_answers()


def redacted(values: Mapping[str, Any], withheld: Withheld) -> dict[str, Any]:
    """A row's values as shown to users who are not administrators: without error causes and withheld answers."""
    stored = {**values, "error_cause": None}
    if values.get("kind") == SampleKind.TASK and (values.get("model"), values.get("prompt")) in withheld:
        stored |= HIDDEN
    return stored

"""The pairs of answers each user votes on, in a secret order; and what is hidden of answers while a vote is open."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.lab.stats.configurations import SETTING
from app.models.lab import LabCampaign, LabSample, LabVote, SampleKind, SampleState

Withheld = frozenset[tuple[str, str]]
# A sample's fields that quote or judge the answer, with what replaces them while it is withheld.
TEXTS: dict[str, Any] = {"answer": "", "thinking": "", "judgement": {}}


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
    by_prompt = groupby(sorted(answers(campaign), key=lambda one: (one.prompt, one.id)), key=lambda one: one.prompt)
    ballots = [
        _ballot(one, other, f"{campaign.id}:{user_id}", secret)
        for _prompt, answered in by_prompt
        for one, other in combinations(answered, 2)
    ]
    ballots.sort(key=lambda ballot: (counts[ballot.pair], ballot.key))
    return VoterState(tuple(ballots), tuple(ballot for ballot in ballots if ballot.pair not in mine))


def answers(campaign: LabCampaign) -> list[Answer]:
    """One answer of each model to each prompt, where there is one: with the default setting, undisturbed if possible,
    the first repeat."""
    return list(usable([campaign.run_id], campaign.models, campaign.prompts).get(campaign.run_id, {}).values())


def usable(
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
        stored |= TEXTS
    return stored

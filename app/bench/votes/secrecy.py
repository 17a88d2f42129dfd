"""What stays untold while colleagues vote: who wrote the answers of open campaigns; and causes of failures, always."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models.lab import Kind, LabCampaign, LabSample

Kept = frozenset[tuple[str, str]]
# What a sample says in the model's own words, or about them.
TEXTS: dict[str, Any] = {"answer": "", "thinking": "", "judgement": {}}


def kept() -> Kept:
    """Model and prompt of the answers that are voted on now. Another run's are left out too: asked in the same way,
    a model says the same."""
    campaigns = db.session.scalars(select(LabCampaign).where(LabCampaign.closed == ""))
    return frozenset((model, prompt) for one in campaigns for model in one.models for prompt in one.prompts)


def is_kept(sample: LabSample) -> bool:
    """Whether this one is among them."""
    return sample.kind == Kind.TASK and (sample.model, sample.prompt) in kept()


def veiled(values: Mapping[str, Any], withheld: Kept) -> dict[str, Any]:
    """A stored row as others than administrators may read it."""
    told = {**values, "error_cause": None}
    if values.get("kind") == Kind.TASK and (values.get("model"), values.get("prompt")) in withheld:
        told |= TEXTS
    return told

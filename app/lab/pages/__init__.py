"""The blueprint of the Labo's pages: trade-off, runs and samples, tasks, votes."""

from flask import Blueprint

blueprint = Blueprint("lab", __name__, url_prefix="/lab")

# Importing these modules registers their routes on the blueprint.
from app.lab.pages import launch, runs, samples, tasks, tradeoff, votes  # noqa: E402

__all__ = ["blueprint", "launch", "runs", "samples", "tasks", "tradeoff", "votes"]

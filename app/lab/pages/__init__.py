"""The Labo's pages: which model to choose, the measuring runs and their samples, the tasks, the blind votes."""

from flask import Blueprint

blueprint = Blueprint("lab", __name__, url_prefix="/lab")

# Each of them adds its addresses to the blueprint.
from app.lab.pages import launch, runs, samples, tasks, tradeoff, votes  # noqa: E402

__all__ = ["blueprint", "launch", "runs", "samples", "tasks", "tradeoff", "votes"]

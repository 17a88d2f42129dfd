"""The chat: its pages, and the JSON and event streams for their scripts."""

from flask import Blueprint

blueprint = Blueprint("chat", __name__)

# Each module adds its routes to the blueprint.
from app.chat import conversations, messages, search, sharing, transfer, views  # noqa: E402, F401

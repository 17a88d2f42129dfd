"""The chat: its pages, and the JSON and event streams that their scripts use."""

from flask import Blueprint

blueprint = Blueprint("chat", __name__)

# Each of them adds its addresses to the blueprint.
from app.chat import conversations, messages, search, sharing, status, transfer, trash, views  # noqa: E402

__all__ = [
    "blueprint",
    "conversations",
    "messages",
    "search",
    "sharing",
    "status",
    "transfer",
    "trash",
    "views",
]

"""The chat: its pages, and the JSON and event streams that their scripts use."""

from flask import Blueprint

blueprint = Blueprint("chat", __name__)

# They add their addresses to the blueprint.
from app.chat import (
    bin,
    branches,
    conversations,
    folders,
    instructions,
    messages,
    pages,
    prompts,
    ratings,
    search,
    sharing,
    status,
    transfer,
    writing,
)

__all__ = [
    "bin",
    "blueprint",
    "branches",
    "conversations",
    "folders",
    "instructions",
    "messages",
    "pages",
    "prompts",
    "ratings",
    "search",
    "sharing",
    "status",
    "transfer",
    "writing",
]

"""The chat: its pages, and the JSON and event streams that their scripts use."""

from flask import Blueprint

blueprint = Blueprint("chat", __name__)

from . import conversations, messages, pages, status  # noqa: E402 - they add their addresses to the blueprint

__all__ = ["blueprint", "conversations", "messages", "pages", "status"]

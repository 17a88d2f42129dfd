"""Conversations as files: our own format, exports for reading, and imports from other programs."""

from app.chat.transfer import views

__all__ = ["views"]

"""Export and import of conversations: our own format, readable exports, other programs' files."""

from app.chat.transfer import views

__all__ = ["views"]

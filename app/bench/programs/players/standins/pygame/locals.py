"""Stand-in for `pygame.locals`: what programs import with a star."""

from .constants import VALUES
from .shapes import Color, Rect

globals().update(VALUES)
__all__ = ["Color", "Rect", *VALUES]  # noqa: PLE0604 - they are names

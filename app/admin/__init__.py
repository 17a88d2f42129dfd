"""The administrator's pages."""

from .views import blueprint

__all__ = ["blueprint"]

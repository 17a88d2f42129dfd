"""The administrator's pages: engine and models, diagnostics, ratings, people."""

from app.admin import people
from app.admin.views import blueprint

__all__ = ["blueprint", "people"]

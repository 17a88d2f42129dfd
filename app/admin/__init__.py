"""The administrator's pages: engine and models, diagnostics, ratings."""

from app.admin.views import blueprint

__all__ = ["blueprint"]

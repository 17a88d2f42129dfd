"""The administrator's pages."""

from app.admin.views import blueprint

__all__ = ["blueprint"]

"""The administrator's pages."""

from app.admin import doctor, ratings
from app.admin.views import blueprint

__all__ = ["blueprint", "doctor", "ratings"]

"""The administrator's pages."""

from . import doctor, ratings
from .views import blueprint

__all__ = ["blueprint", "doctor", "ratings"]

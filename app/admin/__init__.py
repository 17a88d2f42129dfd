"""The administrator's pages."""

from . import doctor
from .views import blueprint

__all__ = ["blueprint", "doctor"]

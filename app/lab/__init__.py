"""The Labo's pages: which model to choose, the measuring runs and their samples, the tasks."""

from .views import blueprint

__all__ = ["blueprint"]

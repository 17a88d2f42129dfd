"""The Labo's pages: which model to choose, the measuring runs and their samples, the tasks."""

from app.lab.views import blueprint

__all__ = ["blueprint"]

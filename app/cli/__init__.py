"""The administrator's commands: `flask users …` and `flask models …`."""

from flask import Flask

from .models import models
from .users import users


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(users)
    app.cli.add_command(models)

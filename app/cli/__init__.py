"""The administrator's commands: `flask users …`, `flask models …` and `flask doctor`."""

from flask import Flask

from .doctor import doctor
from .models import models
from .users import users


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(users)
    app.cli.add_command(models)
    app.cli.add_command(doctor)

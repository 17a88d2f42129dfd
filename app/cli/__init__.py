"""The administrator's commands: `flask users …`, `flask models …`, `flask doctor` and `flask labo …`."""

import click
from flask import Flask

from app.cli.doctor import doctor
from app.cli.models import models
from app.cli.users import users


class Labo(click.Group):
    """Its commands are imported when one is called: the web process, which needs none, knows these too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return self._group().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The one of that name."""
        return self._group().get_command(ctx, cmd_name)

    def _group(self) -> click.Group:
        from app.cli.labo import labo  # noqa: PLC0415

        return labo


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(users)
    app.cli.add_command(models)
    app.cli.add_command(doctor)
    app.cli.add_command(Labo("labo", help="Measure models on this server: run, compare, report."))

"""Register the administrator's commands: `flask users …`, `models …`, `libraries …`, `doctor`, `labo …`, `backup …`."""

import socket

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from app.cli.backup import backup, db
from app.cli.doctor import doctor
from app.cli.lab import labo
from app.cli.library import libraries
from app.cli.models import models
from app.cli.users import users
from app.diagnostics.client import EVERYWHERE
from app.models import User
from app.security import first_account_code

HERE = ("127.0.0.1", "::1", "localhost")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (users, models, libraries, doctor, labo, backup, db):
        app.cli.add_command(command)


def _lan_address() -> str:
    """Return this machine's LAN address, "" if it has none; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _first_account(app: Flask) -> str:
    """Return how the first account is made from another machine; "" if there is an account, or no other machine."""
    if app.config["HOST"] in HERE and not app.config["TRUSTED_PROXIES"]:
        return ""
    try:
        return "" if User.exists() else _("from another machine with the code %(code)s", code=first_account_code())
    except SQLAlchemyError:
        return ""


def banner(app: Flask, problem: str) -> str:
    """Return the lines that the server prints at its start; `problem`: why the engine cannot start, or ""."""
    host, port = app.config["HOST"], app.config["PORT"]
    lan = _lan_address() if host in EVERYWHERE else ""
    with app.app_context():
        lines = [
            (_("Here"), f"http://{'localhost' if host in EVERYWHERE else host}:{port}/"),
            (_("On the network"), f"http://{lan}:{port}/" if lan else ""),
            (_("Engine"), f"{app.extensions['generation'].engine.label} ({app.config['ENGINE_REASON']})"),
            (_("Problem"), problem),
            (_("Data"), app.config["INSTANCE_DIR"]),
            (_("First account"), _first_account(app)),
        ]
        shown = "\n".join(f"  {name:16}{value}" for name, value in lines if value)
    return f"\n  {app.config['PRODUCT_NAME']}\n{shown}\n"

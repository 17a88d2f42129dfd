"""What the administrator reads when the server starts: where to go, which engine and why, where the data is."""

import socket

from flask import Flask
from flask_babel import gettext as _

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def lan_address() -> str:
    """This machine's address on its network, found without sending anything; "" when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def banner(app: Flask, problem: str) -> str:
    """The lines to print; `problem` says what keeps the engine from starting, if anything does."""
    host, port = app.config["HOST"], app.config["PORT"]
    lan = lan_address() if host in EVERYWHERE else ""
    with app.app_context():
        lines = [
            (_("Here"), f"http://{'localhost' if host in EVERYWHERE else host}:{port}/"),
            (_("On the network"), f"http://{lan}:{port}/" if lan else ""),
            (_("Engine"), f"{app.extensions['generation'].engine.label} ({app.config['ENGINE_REASON']})"),
            (_("Problem"), problem),
            (_("Data"), app.config["INSTANCE_DIR"]),
        ]
        shown = "\n".join(f"  {name:16}{value}" for name, value in lines if value)
    return f"\n  {app.config['PRODUCT_NAME']}\n{shown}\n"

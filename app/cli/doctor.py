"""`flask doctor`: print what slows answers down on this server, and how to fix it."""

import sys
from typing import Any

import click
from flask import Flask
from flask.cli import with_appcontext
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from app.cli.output import table_lines
from app.diagnostics import TITLES, Finding, FindingState, count
from app.diagnostics.checkup import quick_findings
from app.diagnostics.client import NotComparedError, first_administrator, is_answering, own_address
from app.diagnostics.comparison import (
    Comparison,
    ComparisonProgress,
    compare_here,
    comparison_finding,
    comparison_table,
)
from app.diagnostics.history import last_records
from app.extensions import current_application

SIGNS = {FindingState.OK: "✓", FindingState.WARNING: "!", FindingState.BAD: "✗", FindingState.UNKNOWN: "?"}
# Findings that must not be bad for the comparison to run.
NEEDED = ("server", "database", "engine")


@click.command("doctor")
@click.option("--quick", is_flag=True, help="Leave the comparison with the terminal out.")
@with_appcontext
def doctor(quick: bool) -> None:
    """Find what slows answers down on this server, with causes and fixes; exit code 1 if something is bad."""
    app = current_application()
    found = [_server(app.config), *_quick(app)]
    width = max(len(str(title)) for title in TITLES.values())
    for finding in found:
        _show(finding, width)
    if not quick and not any(finding.code in NEEDED and finding.state == FindingState.BAD for finding in found):
        result = _compared(app)
        found.append(comparison_finding(result))
        _show(found[-1], width)
        if isinstance(result, Comparison):
            _show_table(result, width + 4)
    raise SystemExit(1 if count(found, FindingState.BAD) else 0)


def _quick(app: Flask) -> list[Finding]:
    registry = app.extensions["generation"].registry
    registry.refresh()
    try:
        found = quick_findings(app.config, registry, last_records())
    except SQLAlchemyError as error:
        cause = _("It cannot be used: %(cause)s", cause=str(error).splitlines()[0])
        return [
            Finding("database", FindingState.BAD, cause, _("Start the server once: it makes the tables (make run)."))
        ]
    return [
        *found,
        Finding("proxy", FindingState.UNKNOWN, _("Only a browser sees one: open /admin/doctor through it.")),
    ]


def _server(settings: dict[str, Any]) -> Finding:
    address = own_address(settings)
    if is_answering(address):
        return Finding("server", FindingState.OK, _("It answers at %(address)s.", address=address))
    cause = _("No server answers at %(address)s: the comparison with the terminal needs it.", address=address)
    return Finding("server", FindingState.BAD, cause, _("Start it: make run, or sudo systemctl start couachgpt"))


def _compared(app: Flask) -> Comparison | NotComparedError:
    """Run the comparison in the name of the first administrator; show its progress if stderr is a terminal."""
    user_id = first_administrator()
    if user_id is None:
        return NotComparedError("nobody")
    try:
        return compare_here(app, user_id, _tell)
    except NotComparedError as error:
        return error
    finally:
        click.echo("\r\033[K" if _to_a_terminal() else "", err=True, nl=False)


def _tell(progress: ComparisonProgress) -> None:
    if _to_a_terminal():
        words = _(
            "Comparing with the terminal: %(step)s of %(steps)s answers…", step=progress.step, steps=progress.steps
        )
        click.echo(f"\r{words}", err=True, nl=False)


def _to_a_terminal() -> bool:
    return sys.stderr.isatty()


def _show(finding: Finding, width: int) -> None:
    """Print a finding on a line, its title `width` characters wide, and its fix below."""
    click.echo(f"{SIGNS[finding.state]} {finding.title:{width}}  {finding.sentence}")
    if finding.fix:
        click.echo(f"  {'':{width}}  → {finding.fix}")


def _show_table(result: Comparison, indent: int) -> None:
    head = {"name": "", "direct": _("Engine itself"), "web": _("Through the pages"), "difference": _("Difference")}
    rows = [[row[column] for column in head] for row in (head, *comparison_table(result))]
    for line in table_lines(rows, left=0):
        click.echo(" " * indent + line)

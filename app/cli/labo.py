"""`flask labo`: models measured, compared and reported from the shell, by the same code as the pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import gettext as _
from flask_babel import ngettext

from app.cli import labo_asked as asking
from app.cli import labo_shown as shown
from app.cli.labo_here import labo_of, look, measuring
from app.errors import AppError
from app.lab.presentation import exports, report, sentences
from app.lab.presentation.display import cell_name
from app.lab.runs import archive, planning, queries
from app.lab.stats.ranking import energy_is_estimated, leaderboard, side_by_side
from app.models.lab import LabState

labo = AppGroup("labo", help="Measure models on this server: run, compare, report.")
WRITERS = {
    ".html": lambda run_ids: report.build_report(run_ids, labo_of(_app()).tasks().categories),
    ".json": exports.json_text,
    ".csv": exports.csv_text,
    ".md": exports.markdown,
}


@labo.command("run")
@click.option("--models", default="", help="Names, with commas; all models when left out.")
@click.option("--prompts", default="", help="Tasks: short (the default), office, code, all, or their names.")
@click.option("--kinds", default="", help="What is measured: load, reading, task, crowd; all when left out.")
@click.option("--repeat", "repeats", type=int, help="How often each sample is taken (3).")
@click.option(
    "--think", type=click.Choice(list(asking.THINKING)), default="no", help="With thinking, for models that can."
)
@click.option("--threads", default="", help="Threads to try, with commas; as the server is set when left out.")
@click.option("--context", default="", help="Contexts to try, in tokens.")
@click.option("--temperature", default="", help="Temperatures to try (0).")
@click.option("--lengths", "readings", default="", help="Texts to read, in tokens (100,1000,4000).")
@click.option("--people", "crowds", default="", help="People at once (1,2,4).")
@click.option("--max-tokens", type=int, help="Longest answer; each task's own when left out.")
@click.option("--seed", type=int, help="Of the order, for the same one again.")
@click.option("--title", default="", help="What the run is called.")
@click.option("--report", "file", type=click.Path(dir_okay=False, path_type=Path), help="Written at the end: .html …")
def run(title: str, file: Path | None, **asked: Any) -> None:
    """Measure; without options all models on a short list of tasks. Samples are kept as they are taken."""
    app = _app()
    _check(file)
    try:
        with measuring(app) as here:
            launched = here.launch(asking.plan(asked), title=title)
            if missing := sentences.left_out_sentence(planning.left_out_of(launched)):
                click.echo(missing, err=True)
            _carry(app, here, launched.id, file)
    except AppError as error:
        raise _explained(error) from None


@labo.command("resume")
@click.argument("number", type=int)
@click.option("--report", "file", type=click.Path(dir_okay=False, path_type=Path), help="Written at the end: .html …")
def resume(number: int, file: Path | None) -> None:
    """Go on with a run that was cancelled, given up or interrupted."""
    app = _app()
    _check(file)
    try:
        with measuring(app) as here:
            progress = here.progress(number)
            if progress is None or progress.state not in queries.ACTIVE:
                here.resume(number)
            here.start()
            _carry(app, here, number, file)
    except AppError as error:
        raise _explained(error) from None


@labo.command("cancel")
@click.argument("number", type=int)
def cancel(number: int) -> None:
    """End a run; what was measured stays."""
    try:
        labo_of(_app()).cancel(number)
    except AppError as error:
        raise _explained(error) from None
    click.echo(_("Run %(number)s is cancelled.", number=number))


@labo.command("delete")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Without being asked first.")
def delete(number: int, yes: bool) -> None:
    """Delete a run with its samples, for good; what was measured by hand stays."""
    here = labo_of(_app())
    look(_app())
    try:
        line = queries.line_of(queries.run_of(number))
        if not yes:
            name = line.run.title or _("Run %(number)s", number=number)
            asking.confirm(ngettext(
                "Delete “%(name)s” with its %(num)s sample?", "Delete “%(name)s” with its %(num)s samples?", line.over,
                name=name,
            ))  # fmt: skip
        here.delete(number)
    except AppError as error:
        raise _explained(error) from None
    click.echo(_("Run %(number)s is deleted.", number=number))


@labo.command("runs")
def runs() -> None:
    """List the runs, the newest first."""
    look(_app())
    shown.run_lines(queries.runs())


@labo.command("compare")
@click.argument("first")
@click.argument("second")
def compare(first: str, second: str) -> None:
    """Hold two models, or two runs by their numbers, against each other."""
    look(_app())
    try:
        pairs = side_by_side(first, second)
    except AppError as error:
        raise _explained(error) from None
    several = len({cell.machine.id for one, other, _changes in pairs for cell in (one, other)}) > 1
    for one, other, changes in pairs:
        before, after = cell_name(one.model, one.setting), cell_name(other.model, other.setting)
        if before == after:
            before, after = (f"{name} ({cell.runs[0].id})" for name, cell in ((before, one), (after, other)))
        if several:
            before, after = (f"{name} ({cell.machine.name})" for name, cell in ((before, one), (after, other)))
        shown.comparison(before, after, changes, estimated=energy_is_estimated(one, other))


@labo.command("report")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default="labo.html", help="labo.html")
def report_runs(numbers: Sequence[int], output: Path) -> None:
    """Write a report of runs, the newest finished one when left out: .html, .md, .csv or .json."""
    look(_app())
    _check(output)
    _write(numbers or _newest(), output)


@labo.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("numbers", type=int, nargs=-1)
def export(file: Path, numbers: Sequence[int]) -> None:
    """Write runs to a file, all when left out; a .json can be imported on another server."""
    look(_app())
    _check(file)
    _write(numbers or [line.run.id for line in queries.runs()][::-1], file)


@labo.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_runs(file: Path) -> None:
    """Read runs from another server's .json; those that are here already are left alone."""
    look(_app())
    try:
        made = archive.import_archive(file.read_text(errors="replace"))
        labo_of(_app()).publish()
    except AppError as error:
        raise _explained(error) from None
    click.echo(ngettext("%(num)s run imported.", "%(num)s runs imported.", len(made)))


def _carry(app: Flask, here: Any, run_id: int, file: Path | None) -> None:
    """Follow a run to its end, then show and write what came of it."""
    try:
        progress = shown.follow(app, here, run_id)
    except KeyboardInterrupt:
        hint = f"flask labo resume {run_id}, flask labo cancel {run_id}"
        raise click.ClickException(_("Interrupted; what was measured is kept: %(commands)s", commands=hint)) from None
    with app.app_context():
        shown.ranking(leaderboard(run_ids=[run_id]))
        if file is not None:
            _write([run_id], file)
        if progress.state != LabState.DONE:
            ended = queries.run_of(run_id)
            raise click.ClickException(shown.trouble(ended) if ended.error_code else _("The run was cancelled."))


def _newest() -> list[int]:
    done = [line.run for line in queries.runs() if line.run.state == LabState.DONE]
    # What the company measured by hand before is not what was measured last.
    found = [run.id for run in done if not run.machine.source]
    if not found:
        raise click.ClickException(_("Nothing was measured so far: flask labo run"))
    return found[:1]


def _check(file: Path | None) -> None:
    """Before hours of measuring rather than after them."""
    if file is not None and file.suffix not in WRITERS:
        raise click.ClickException(_("Files of these kinds can be written: %(kinds)s", kinds=", ".join(WRITERS)))
    if file is not None and not file.absolute().parent.is_dir():
        raise click.ClickException(_("There is no folder %(folder)s.", folder=file.absolute().parent))


def _write(numbers: Sequence[int], file: Path) -> None:
    try:
        file.write_text(WRITERS[file.suffix](list(numbers)))
    except AppError as error:
        raise _explained(error) from None
    click.echo(_("Written: %(file)s", file=file))


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]


def _explained(error: AppError) -> click.ClickException:
    cause = f"{error.code}: {error.cause}" if error.cause else error.code
    return click.ClickException(f"{sentences.refusal_sentence(error, asking.OPTIONS)} ({cause})")

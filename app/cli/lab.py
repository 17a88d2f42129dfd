"""`flask labo`: measure, compare and report models from the shell, with the same code as the pages."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import gettext as _
from flask_babel import ngettext

from app import database
from app.engines import gguf_library, registry
from app.errors import AppError
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.generation.queue import RunQueue
from app.lab import wording
from app.lab.presentation import charts, display, exports, sentences
from app.lab.presentation.display import configuration_name
from app.lab.runs import archive, planning, queries
from app.lab.runs.queries import RunLine
from app.lab.runs.repository import RunProgress
from app.lab.service import Lab
from app.lab.stats.changes import FigureChange, energy_is_estimated, side_by_side
from app.lab.stats.ranking import Entry, leaderboard
from app.models.lab import ACTIVE, LabRun, LabState
from app.models.model_choice import default_model

THINKING = {"no": (False,), "yes": (True,), "both": (False, True)}
# Part of a plan → the option that sets it, for error messages.
PLAN_OPTIONS = {
    "models": "--models",
    "tasks": "--prompts",
    "kinds": "--kinds",
    "repeats": "--repeat",
    "think": "--think",
    "threads": "--threads",
    "context": "--context",
    "temperature": "--temperature",
    "readings": "--lengths",
    "crowds": "--people",
    "max_tokens": "--max-tokens",
    "seed": "--seed",
}
# Seconds that the running sample may take to stop.
FAREWELL_S = 3.0
# Seconds that our own embedded engine may take to load its first model, and between two looks at it.
START_S, ENGINE_POLL_S = 120.0, 0.2
PROGRESS_POLL_S = 0.5
# How many progress lines to print for a run if stderr is no terminal.
TIMES_TOLD = 10
SIGNS = {"passed": "✓", "reserve": "!", "failed": "✗"}


# Options and preparation


def plan_from_options(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the options as a plan's JSON, without those that were not given."""
    settings = product(
        THINKING[asked["think"]],
        _numbers(asked, "threads", int) or [0],
        _numbers(asked, "context", int) or [0],
        _numbers(asked, "temperature", float) or [None],
    )
    names = ("think", "threads", "context", "temperature")
    several = {
        "models": _names(asked["models"]),
        "tasks": _names(asked["prompts"]),
        "kinds": _names(asked["kinds"]),
        "readings": _numbers(asked, "readings", int),
        "crowds": _numbers(asked, "crowds", int),
        "settings": [dict(zip(names, values, strict=True)) for values in settings],
    }
    single = {name: asked[name] for name in ("repeats", "max_tokens", "seed") if asked[name] is not None}
    return {name: value for name, value in several.items() if value} | single


def confirm(question: str) -> None:
    """Ask a yes/no question in the user's language; raises click.Abort unless the answer is yes."""
    # English answers are accepted in every language; click's own confirm() knows English only.
    yes = {"y", "yes", _("y"), _("yes")}
    choice = _("y/N")
    given = click.prompt(f"{question} [{choice}]", default="", show_default=False)
    if given.strip().lower() not in yes:
        raise click.Abort


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(asked: dict[str, Any], name: str, kind: type[int] | type[float]) -> list[Any]:
    try:
        return [kind(number) for number in _names(asked[name])]
    except ValueError:
        said = _("%(option)s takes numbers with commas, not “%(text)s”.", option=PLAN_OPTIONS[name], text=asked[name])
        raise click.ClickException(said) from None


def lab_of(app: Flask) -> Lab:
    """Return the Labo of this process."""
    found: Lab = app.extensions["lab"]
    return found


def prepare_to_read(app: Flask) -> None:
    """Prepare the database for commands that only read: migrate it, and load the company's historical figures."""
    lab = lab_of(app)
    _prepared(app, lab)
    lab.stop()


def _prepared(app: Flask, lab: Lab) -> bool:
    """Take the Labo's lock, and if that succeeds prepare the database as a server does at its start.

    Returns whether it did; False means that a server runs on this instance folder.
    """
    alone = lab.claim()
    if alone:
        database.upgrade(app)
        archive.load_historical()
    return alone


@contextmanager
def measuring(app: Flask) -> Iterator[Lab]:
    """Yield the Labo that carries runs out.

    While a server runs on this instance folder it holds the Labo's lock and takes up the runs from the database, as
    only the server knows when users need the engine. Otherwise this process carries them out, with its own embedded
    engine if that is the chosen one.
    """
    lab = lab_of(app)
    # Log lines would break the progress bar.
    logging.getLogger("app").setLevel(logging.WARNING)
    alone = _prepared(app, lab)
    if alone and app.config["ENGINE"] == "embedded":
        with _embedded(app, lab) as own:
            yield own
        return
    app.extensions["generation"].registry.refresh()
    if not alone:
        click.echo(_("A server runs here: it does the measuring."), err=True)
    try:
        yield lab
    finally:
        lab.stop()


@contextmanager
def _embedded(app: Flask, lab: Lab) -> Iterator[Lab]:
    """Start an embedded engine for this process and yield a Labo on it.

    Its files are in a temporary folder, so that a server that starts meanwhile can have its own engine.
    """
    # Imported here because the other commands do not need it.
    from app.engines.supervisor import Supervisor  # noqa: PLC0415

    if problem := gguf_library.missing_part(app.config):
        raise click.ClickException(problem)
    with TemporaryDirectory(prefix="labo-") as folder:
        settings: dict[str, Any] = {**app.config, "INSTANCE_DIR": folder}
        Path(folder, "models").symlink_to(Path(app.config["INSTANCE_DIR"], "models"))
        supervisor = Supervisor(settings)
        supervisor.start()
        engine = registry.make("embedded", settings)
        queue = RunQueue(lambda: engine.slots, 1)
        model_registry = ModelRegistry(engine, lambda: default_model(app))
        own = lab.on(model_registry, BackgroundSlot(queue))
        try:
            _await(model_registry)
            yield own
        finally:
            own.stop()
            queue.close(FAREWELL_S)
            supervisor.stop()


def _await(model_registry: ModelRegistry) -> None:
    """Wait until the engine answers; raises ClickException after START_S."""
    deadline = time.monotonic() + START_S
    model_registry.refresh()
    while not model_registry.reachable:
        if time.monotonic() > deadline:
            cause = model_registry.failure
            raise click.ClickException(
                _("%(engine)s does not answer: %(cause)s", engine=model_registry.engine.label, cause=cause)
            )
        time.sleep(ENGINE_POLL_S)
        model_registry.refresh()


# Output


def show_progress(app: Flask, lab: Lab, run_id: int) -> RunProgress:
    """Show a run's progress until it ends; return its last state. Raises not_found."""
    tasks = lab.tasks().tasks

    def latest() -> RunProgress:
        # A new context: a new database session sees what other processes wrote.
        with app.app_context():
            found = lab.progress(run_id)
        if found is None:
            raise AppError("not_found")
        return found

    def in_words(progress: RunProgress | None) -> str:
        return (
            ""
            if progress is None
            else progress_text(progress, display.prompt_name(progress.kind, progress.prompt, tasks))
        )

    now = latest()
    label = _("Run %(number)s", number=run_id)
    drawn = _bar if sys.stderr.isatty() else _lines
    with drawn(label, now.total, in_words) as show:
        while True:
            show(now)
            if now.state not in ACTIVE:
                return now
            time.sleep(PROGRESS_POLL_S)
            now = latest()


@contextmanager
def _bar(
    label: str, total: int, in_words: Callable[[RunProgress | None], str]
) -> Iterator[Callable[[RunProgress], None]]:
    drawn = click.progressbar(length=total, label=label, item_show_func=in_words, show_eta=False, file=sys.stderr)
    with drawn as bar:
        yield lambda now: bar.update(now.done - bar.pos, now)


@contextmanager
def _lines(
    label: str, total: int, in_words: Callable[[RunProgress | None], str]
) -> Iterator[Callable[[RunProgress], None]]:
    """Print a line at the beginning, after each tenth of the samples, and at the end."""
    printed = -1

    def show(now: RunProgress) -> None:
        nonlocal printed
        over = now.state not in ACTIVE
        part = TIMES_TOLD * now.done // total if total else 0
        if over or (now.done < total and part > printed):
            words = str(display.RUN_STATES[now.state]) if over else in_words(now)
            click.echo(f"{label} · {now.done}/{total} · {words}", err=True)
            printed = part

    yield show


def progress_text(progress: RunProgress, prompt: str) -> str:
    """Return what a run is doing and how long it still takes; `prompt`: the name of the current one."""
    pauses = {
        "queued": _("waiting for its turn"),
        "people": _("people come first"),
        "engine": _("the engine is away"),
        "storage": _("the disk is full"),
    }
    # Before its first sample, a run has no model yet.
    work = f"{progress.model} · {prompt}" if progress.model else _("Begins…")
    parts = [pauses.get(progress.paused, work)]
    if progress.remaining_s is not None:
        parts.append(_("%(time)s left", time=display.seconds(progress.remaining_s)))
    return ", ".join(parts)


def print_runs(lines: Sequence[RunLine]) -> None:
    """Print one line for each run."""
    for line in lines:
        run = line.run
        state = display.RUN_STATES[run.state]
        title = run.title or ", ".join(run.models)
        click.echo(f"{run.id:>4}  {display.moment(run.created_at)}  {state!s:12}  {line.over}/{line.total}  {title}")
        if run.error_code:
            click.echo(f"      {failure_of(run)}")


def failure_of(run: LabRun) -> str:
    """Return why a run failed."""
    said = sentences.run_trouble(run)
    return f"{said} ({run.error_code}: {run.error_cause})" if run.error_cause else f"{said} ({run.error_code})"


def print_ranking(entries: Sequence[Entry]) -> None:
    """Print the leaderboard as a table, each line followed by its reason."""
    head = (_("Model"), _("Quality"), _("Time"), _("First word"), _("Tokens/s"), "CPU", "RAM", _("Energy"))
    name_of = display.entry_namer(entries)
    rows = [_ranking_row(entry, name_of(entry)) for entry in entries]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row, entry in zip((head, *rows), (None, *entries), strict=True):
        name, *cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        sign = SIGNS.get(entry.verdict or "", " ") if entry else " "
        click.echo(f"{sign} {name.strip():{widths[0]}}  " + "  ".join(cells))
        if entry and entry.reason:
            click.echo(f"  {'':{widths[0]}}  {wording.sentence(entry.reason, entry.params)}")
    _print_extras(entries)


def _print_extras(entries: Sequence[Entry]) -> None:
    """Print, per model, the figures that have no column, without those that were not measured."""
    columns, rows = display.details_table(entries) or ((), ())
    for name, *cells in rows:
        pairs = [pair for pair in zip(columns[1:], cells, strict=True) if pair[1] != display.NOTHING]
        lines = [f"  {_('%(name)s: %(value)s', name=head, value=cell)}" for head, cell in pairs]
        click.echo("\n".join(["", name, *lines]))


def _ranking_row(entry: Entry, name: str) -> tuple[str, ...]:
    def middle(figure: object) -> float | None:
        return getattr(figure, "median", None)

    ram = display.size(middle(entry.ram_bytes)) if entry.ram_bytes else display.share(middle(entry.ram_percent))
    return (
        name,
        display.whole(middle(entry.quality)),
        display.seconds(middle(entry.time_s)),
        display.seconds(middle(entry.first_token_s)),
        display.rate(middle(entry.decode_tps)),
        display.share(middle(entry.cpu)),
        ram,
        display.energy_of(entry.energy_wh, entry.energy_method),
    )


def print_comparison(first: str, second: str, changes: Sequence[FigureChange], *, estimated: bool) -> None:
    """Print a line for each figure: both medians with their intervals, and whether the second is better or worse.

    `estimated`: mark the energy as estimated.
    """
    verdicts = {
        "better": _("better"),
        "worse": _("worse"),
        "none": _("no difference seen"),
        "few": _("too few samples to say"),
    }
    heads = ("", first, second, _("Verdict on %(name)s", name=second))
    rows = [heads] + [_comparison_row(change, verdicts[change.verdict], estimated=estimated) for change in changes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _comparison_row(change: FigureChange, verdict: str, *, estimated: bool) -> tuple[str, ...]:
    kind = charts.FIGURES[change.after.figure]
    name = charts.figure_name(change.after.figure, change.after.prompt)
    if estimated and change.after.figure == "energy":
        name = _("%(energy)s (estimated)", energy=name)
    sides = (
        f"{kind.text(value.median)} ({kind.text(value.low)} – {kind.text(value.high)})"
        for value in (change.before.value, change.after.value)
    )
    return (name, *sides, verdict)


# Commands


labo = AppGroup("labo", help="Measure models on this server: run, compare, report.")
WRITERS = {
    ".html": lambda run_ids: exports.build_report(run_ids, lab_of(_app()).tasks().categories),
    ".json": exports.json_text,
    ".csv": exports.csv_text,
    ".md": exports.markdown,
}


@labo.command("run")
@click.option("--models", default="", help="Names, with commas; all models when left out.")
@click.option("--prompts", default="", help="Tasks: short (the default), office, code, all, or their names.")
@click.option("--kinds", default="", help="What is measured: load, reading, task, crowd; all when left out.")
@click.option("--repeat", "repeats", type=int, help="How often each sample is taken (3).")
@click.option("--think", type=click.Choice(list(THINKING)), default="no", help="With thinking, for models that can.")
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
    """Measure models; without options all models on a short list of tasks. Samples are stored as they are taken."""
    app = _app()
    _check(file)
    try:
        with measuring(app) as here:
            launched = here.launch(plan_from_options(asked), title=title)
            if missing := sentences.left_out_sentence(planning.left_out_of(launched)):
                click.echo(missing, err=True)
            _follow_and_report(app, here, launched.id, file)
    except AppError as error:
        raise _explained(error) from None


@labo.command("resume")
@click.argument("number", type=int)
@click.option("--report", "file", type=click.Path(dir_okay=False, path_type=Path), help="Written at the end: .html …")
def resume(number: int, file: Path | None) -> None:
    """Continue a run that was cancelled, given up or interrupted."""
    app = _app()
    _check(file)
    try:
        with measuring(app) as here:
            progress = here.progress(number)
            if progress is None or progress.state not in ACTIVE:
                here.resume(number)
            here.start()
            _follow_and_report(app, here, number, file)
    except AppError as error:
        raise _explained(error) from None


@labo.command("cancel")
@click.argument("number", type=int)
def cancel(number: int) -> None:
    """Cancel a run; its samples are kept."""
    try:
        lab_of(_app()).cancel(number)
    except AppError as error:
        raise _explained(error) from None
    click.echo(_("Run %(number)s is cancelled.", number=number))


@labo.command("delete")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Without being asked first.")
def delete(number: int, yes: bool) -> None:
    """Delete a run and its samples, for good; figures measured by hand cannot be deleted."""
    here = lab_of(_app())
    prepare_to_read(_app())
    try:
        line = queries.run_line(queries.get_run(number))
        if not yes:
            name = display.run_name(line.run)
            confirm(ngettext(
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
    prepare_to_read(_app())
    print_runs(queries.runs())


@labo.command("compare")
@click.argument("first")
@click.argument("second")
def compare(first: str, second: str) -> None:
    """Compare two models, or two runs by their numbers."""
    prepare_to_read(_app())
    try:
        pairs = side_by_side(first, second)
    except AppError as error:
        raise _explained(error) from None
    several = len({cell.machine.id for one, other, _changes in pairs for cell in (one, other)}) > 1
    for one, other, changes in pairs:
        before, after = configuration_name(one.model, one.setting), configuration_name(other.model, other.setting)
        if before == after:
            before, after = (f"{name} ({cell.runs[0].id})" for name, cell in ((before, one), (after, other)))
        if several:
            before, after = (f"{name} ({cell.machine.name})" for name, cell in ((before, one), (after, other)))
        print_comparison(before, after, changes, estimated=energy_is_estimated(one, other))


@labo.command("report")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default="labo.html", help="labo.html")
def report_runs(numbers: Sequence[int], output: Path) -> None:
    """Write a report of runs (default: the newest finished one) as .html, .md, .csv or .json."""
    prepare_to_read(_app())
    _check(output)
    _write(numbers or _newest(), output)


@labo.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("numbers", type=int, nargs=-1)
def export(file: Path, numbers: Sequence[int]) -> None:
    """Write runs to a file (default: all); a .json can be imported on another server."""
    prepare_to_read(_app())
    _check(file)
    _write(numbers or [line.run.id for line in queries.runs()][::-1], file)


@labo.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_runs(file: Path) -> None:
    """Import runs from another server's .json; runs that exist here already are skipped."""
    prepare_to_read(_app())
    try:
        made = archive.import_archive(file.read_text(errors="replace"))
        lab_of(_app()).publish()
    except AppError as error:
        raise _explained(error) from None
    click.echo(ngettext("%(num)s run imported.", "%(num)s runs imported.", len(made)))


def _follow_and_report(app: Flask, here: Any, run_id: int, file: Path | None) -> None:
    """Show a run's progress to its end, then print its ranking and write `file`."""
    try:
        progress = show_progress(app, here, run_id)
    except KeyboardInterrupt:
        hint = f"flask labo resume {run_id}, flask labo cancel {run_id}"
        raise click.ClickException(_("Interrupted; what was measured is kept: %(commands)s", commands=hint)) from None
    with app.app_context():
        print_ranking(leaderboard(run_ids=[run_id]))
        if file is not None:
            _write([run_id], file)
        if progress.state != LabState.DONE:
            ended = queries.get_run(run_id)
            raise click.ClickException(failure_of(ended) if ended.error_code else _("The run was cancelled."))


def _newest() -> list[int]:
    """Return the number of the newest finished run, in a list."""
    done = [line.run for line in queries.runs() if line.run.state == LabState.DONE]
    # Runs with a `source` are the company's historical figures, not runs of this server.
    found = [run.id for run in done if not run.machine.source]
    if not found:
        raise click.ClickException(_("Nothing was measured so far: flask labo run"))
    return found[:1]


def _check(file: Path | None) -> None:
    """Check that `file` can be written, before hours of measuring rather than after; raises ClickException."""
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
    """Return the application itself rather than its proxy."""
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]


def _explained(error: AppError) -> click.ClickException:
    """Return the error that click prints for an AppError."""
    cause = f"{error.code}: {error.cause}" if error.cause else error.code
    return click.ClickException(f"{sentences.refusal_sentence(error, PLAN_OPTIONS)} ({cause})")

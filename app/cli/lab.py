"""`flask labo`: measure, compare and report models from the shell, with the same code as the pages."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import gettext as _
from flask_babel import ngettext

from app import database
from app.cli.output import AppCommand, engine_unreachable, table_lines, with_code
from app.engines import gguf, registry
from app.engines.supervisor import Supervisor
from app.errors import AppError
from app.extensions import current_application, release_connection
from app.generation.background import BackgroundSlot
from app.generation.model_registry import ModelRegistry
from app.generation.queue import RunQueue
from app.lab import wording
from app.lab.measuring.plan import combinations
from app.lab.presentation import charts, display, exports, sentences
from app.lab.retrieval import LIBRARY, OWN, QUESTIONS, recall
from app.lab.runs import archive, planning, queries
from app.lab.runs.repository import RunProgress
from app.lab.service import Lab, current_lab
from app.lab.stats.changes import FigureChange, energy_is_estimated, side_by_side
from app.lab.stats.ranking import Entry, leaderboard
from app.lab.task_files import Task
from app.models.lab import ACTIVE, LabRun, LabState
from app.models.model_choice import default_model

THINKING = {"no": (False,), "yes": (True,), "both": (False, True)}
# Seconds that the running sample may take to stop.
STOP_S = 3.0
# Seconds that our own embedded engine may take to load its first model, and between two looks at it.
START_S, ENGINE_POLL_S = 120.0, 0.2
PROGRESS_POLL_S = 0.5
# How many progress lines to print for a run if stderr is no terminal.
PROGRESS_LINES = 10
SIGNS = {"passed": "✓", "reserve": "!", "failed": "✗"}
WRITABLE = click.Path(dir_okay=False, path_type=Path)


class LaboCommand(AppCommand):
    """A command whose errors name its options, whose parameters are called like the fields of a plan."""

    def sentence_of(self, error: AppError) -> str:
        """Return the Labo's sentence for an error."""
        return sentences.refusal_sentence(error, {str(parameter.name): parameter.opts[0] for parameter in self.params})


labo = AppGroup("labo", help="Measure models on this server: run, compare, report.")
labo.command_class = LaboCommand


# Measuring


@labo.command("run")
@click.option("--models", default="", help="Names, with commas; all models when left out.")
@click.option(
    "--prompts", "tasks", default="", help="Tasks: short (the default), office, documents, images, code, all, or names."
)
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
@click.option("--report", "file", type=WRITABLE, help="Written at the end: .html …")
def run(title: str, file: Path | None, **asked: Any) -> None:
    """Measure models; without options all models on a short list of tasks. Samples are stored as they are taken."""
    _check(file)
    with _measuring() as lab:
        launched = lab.launch(_plan(asked), title=title)
        if missing := sentences.left_out_sentence(
            planning.left_out_of(launched), planning.blind_of(launched, lab.tasks())
        ):
            click.echo(missing, err=True)
        _follow_and_report(lab, launched.id, file)


@labo.command("resume")
@click.argument("number", type=int)
@click.option("--report", "file", type=WRITABLE, help="Written at the end: .html …")
def resume(number: int, file: Path | None) -> None:
    """Continue a run that was cancelled, given up or interrupted."""
    _check(file)
    with _measuring() as lab:
        if lab.progress(number).state not in ACTIVE:
            lab.resume(number)
        lab.start()
        _follow_and_report(lab, number, file)


def _plan(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `flask labo run` as a plan's JSON; None stands for the default."""
    return {
        "models": _names(asked["models"]),
        "tasks": _names(asked["tasks"]),
        "kinds": _names(asked["kinds"]),
        "readings": _numbers("--lengths", asked["readings"]),
        "crowds": _numbers("--people", asked["crowds"]),
        "settings": combinations(
            think=THINKING[asked["think"]],
            threads=_numbers("--threads", asked["threads"]),
            context=_numbers("--context", asked["context"]),
            temperature=_numbers("--temperature", asked["temperature"], float),
        ),
        **{name: asked[name] for name in ("repeats", "max_tokens", "seed")},
    }


def _names(text: str) -> list[str] | None:
    return [name.strip() for name in text.split(",") if name.strip()] or None


def _numbers(option: str, text: str, kind: type[int] | type[float] = int) -> list[float] | None:
    try:
        return [kind(number) for number in _names(text) or ()] or None
    except ValueError:
        message = _("%(option)s takes numbers with commas, not “%(text)s”.", option=option, text=text)
        raise click.ClickException(message) from None


@contextmanager
def _measuring() -> Iterator[Lab]:
    """Yield the Labo to launch runs with.

    While a server runs on this instance folder it holds the Labo's lock and executes the runs, as only the server knows
    when users need the engine. Otherwise this process executes them, with its own embedded engine if that is the
    chosen one.
    """
    lab = current_lab()
    # Log lines would break the progress bar.
    logging.getLogger("app").setLevel(logging.WARNING)
    alone = _prepare(lab)
    if alone and current_app.config["ENGINE"] == "embedded":
        with _embedded(current_application(), lab) as own:
            yield own
        return
    current_app.extensions["generation"].registry.refresh()
    if not alone:
        click.echo(_("A server runs here: it does the measuring."), err=True)
    try:
        yield lab
    finally:
        lab.stop()


def _prepare(lab: Lab) -> bool:
    """Take the Labo's lock, and if that succeeds prepare the database as a server does at its start.

    Returns whether it did; False means that a server runs on this instance folder.
    """
    alone = lab.claim()
    if alone:
        database.upgrade(current_application())
        archive.load_historical()
    return alone


@contextmanager
def _embedded(app: Flask, lab: Lab) -> Iterator[Lab]:
    """Start an embedded engine for this process and yield a Labo on it.

    Its files are in a temporary folder, so that a server that starts meanwhile can have its own engine.
    """
    if problem := gguf.missing_part(app.config):
        raise click.ClickException(problem)
    with TemporaryDirectory(prefix="labo-") as folder:
        settings: dict[str, Any] = {**app.config, "INSTANCE_DIR": folder}
        Path(folder, "models").symlink_to(Path(app.config["INSTANCE_DIR"], "models"))
        supervisor = Supervisor(settings)
        supervisor.start()
        engine = registry.make("embedded", settings)
        queue = RunQueue(lambda: engine.slots, 1)
        model_registry = ModelRegistry(engine, lambda: default_model(app))
        own = lab.with_engine(model_registry, BackgroundSlot(queue))
        try:
            _await(model_registry)
            yield own
        finally:
            own.stop()
            queue.close(STOP_S)
            supervisor.stop()


def _await(model_registry: ModelRegistry) -> None:
    """Wait until the engine answers; raises ClickException after START_S."""
    deadline = time.monotonic() + START_S
    model_registry.refresh()
    while not model_registry.reachable:
        if time.monotonic() > deadline:
            raise engine_unreachable(model_registry)
        time.sleep(ENGINE_POLL_S)
        model_registry.refresh()


def _follow_and_report(lab: Lab, run_id: int, file: Path | None) -> None:
    """Show a run's progress to its end, then print its ranking and write `file`."""
    try:
        state = _show_progress(lab, run_id)
    except KeyboardInterrupt:
        hint = f"flask labo resume {run_id}, flask labo cancel {run_id}"
        raise click.ClickException(_("Interrupted; what was measured is kept: %(commands)s", commands=hint)) from None
    _print_ranking(leaderboard(run_ids=[run_id]))
    if file is not None:
        _write([run_id], file)
    if state != LabState.DONE:
        ended = queries.get_run(run_id)
        raise click.ClickException(_failure(ended) if ended.error_code else _("The run was cancelled."))


def _show_progress(lab: Lab, run_id: int) -> LabState:
    """Show a run's progress until it ends, as a bar on a terminal, else in lines; return its last state."""
    tasks = lab.tasks().tasks
    label, total = _("Run %(number)s", number=run_id), lab.progress(run_id).total
    terminal = sys.stderr.isatty()
    printed = -1

    def in_words(progress: RunProgress | None) -> str:
        return progress_text(progress, tasks) if progress else ""

    with click.progressbar(
        length=total, label=label, hidden=not terminal, item_show_func=in_words, show_eta=False, file=sys.stderr
    ) as bar:
        for now in _states(lab, run_id):
            bar.update(now.done - bar.pos, now)
            over = now.state not in ACTIVE
            # Lines: at the beginning, after each tenth of the samples, and at the end.
            tenth = PROGRESS_LINES * now.done // total if total else 0
            if not terminal and (over or (now.done < total and tenth > printed)):
                words = display.RUN_STATES[now.state] if over else in_words(now)
                click.echo(f"{label} · {now.done}/{total} · {words}", err=True)
                printed = tenth
    return now.state


def _states(lab: Lab, run_id: int) -> Iterator[RunProgress]:
    """Yield a run's progress again and again, at last that of its end."""
    while True:
        now = lab.progress(run_id)
        # The next look takes a new database session, which sees what other processes wrote.
        release_connection()
        yield now
        if now.state not in ACTIVE:
            return
        time.sleep(PROGRESS_POLL_S)


def progress_text(progress: RunProgress, tasks: dict[str, Task]) -> str:
    """Return what a run is doing and how long it still takes."""
    pauses = {
        "queued": _("waiting for its turn"),
        "people": _("people come first"),
        "engine": _("the engine is away"),
        "storage": _("the disk is full"),
    }
    # Before its first sample, a run has no model yet.
    prompt = display.prompt_name(progress.kind, progress.prompt, tasks)
    work = f"{progress.model} · {prompt}" if progress.model else _("Begins…")
    parts = [pauses.get(progress.paused, work)]
    if progress.remaining_s is not None:
        parts.append(_("%(time)s left", time=display.seconds(progress.remaining_s)))
    return ", ".join(parts)


def _print_ranking(entries: Sequence[Entry]) -> None:
    """Print the leaderboard, each line followed by its reason, then the figures that have no column."""
    name_of = display.entry_namer(entries)
    rows = [[_("Model"), *map(str, display.COLUMNS.values())]]
    rows += [[name_of(entry), *display.ranking_cells(entry, display.middle).values()] for entry in entries]
    head, *lines = table_lines(rows, left=1)
    click.echo(f"  {head}")
    indent = " " * (4 + max(len(row[0]) for row in rows))
    for entry, line in zip(entries, lines, strict=True):
        click.echo(f"{SIGNS.get(entry.verdict or '', ' ')} {line}")
        click.echo(f"{indent}{wording.sentence(entry.reason, entry.params)}")
    columns, details = display.details_table(entries) or ((), ())
    for name, *cells in details:
        click.echo(f"\n{name}")
        for column, cell in zip(columns[1:], cells, strict=True):
            if cell != display.NOTHING:
                click.echo("  " + _("%(name)s: %(value)s", name=column, value=cell))


# Runs that were measured


@labo.command("cancel")
@click.argument("number", type=int)
def cancel(number: int) -> None:
    """Cancel a run; its samples are kept."""
    current_lab().cancel(number)
    click.echo(_("Run %(number)s is cancelled.", number=number))


@labo.command("delete")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Without being asked first.")
def delete(number: int, yes: bool) -> None:
    """Delete a run and its samples, for good; figures measured by hand cannot be deleted."""
    _prepare_to_read()
    line = queries.run_line(queries.get_run(number))
    if not yes:
        name = display.run_name(line.run)
        _confirm(ngettext(
            "Delete “%(name)s” with its %(num)s sample?", "Delete “%(name)s” with its %(num)s samples?", line.over,
            name=name,
        ))  # fmt: skip
    current_lab().delete(number)
    click.echo(_("Run %(number)s is deleted.", number=number))


@labo.command("runs")
def runs() -> None:
    """List the runs, the newest first."""
    _prepare_to_read()
    for line in queries.runs():
        run = line.run
        state = str(display.RUN_STATES[run.state])
        title = run.title or ", ".join(run.models)
        click.echo(f"{run.id:>4}  {display.moment(run.created_at)}  {state:12}  {line.over}/{line.total}  {title}")
        if run.error_code:
            click.echo(f"      {_failure(run)}")


@labo.command("compare")
@click.argument("first")
@click.argument("second")
def compare(first: str, second: str) -> None:
    """Compare two models, or two runs by their numbers."""
    _prepare_to_read()
    pairs = side_by_side(first, second)
    several = len({side.machine.id for one, other, _changes in pairs for side in (one, other)}) > 1
    for one, other, changes in pairs:
        names = [display.configuration_name(side.model, side.setting) for side in (one, other)]
        if names[0] == names[1]:
            names = [f"{name} ({side.runs[0].id})" for name, side in zip(names, (one, other), strict=True)]
        if several:
            names = [f"{name} ({side.machine.name})" for name, side in zip(names, (one, other), strict=True)]
        _print_comparison(names, changes, estimated=energy_is_estimated(one, other))


@labo.command("report")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--output", type=WRITABLE, default="labo.html", help="labo.html")
def report_runs(numbers: Sequence[int], output: Path) -> None:
    """Write a report of runs (default: the newest finished one) as .html, .md, .csv or .json."""
    _prepare_to_read()
    _check(output)
    _write(numbers or [_newest()], output)


@labo.command("export")
@click.argument("file", type=WRITABLE)
@click.argument("numbers", type=int, nargs=-1)
def export(file: Path, numbers: Sequence[int]) -> None:
    """Write runs to a file (default: all); a .json can be imported on another server."""
    _prepare_to_read()
    _check(file)
    _write(numbers or [line.run.id for line in queries.runs()][::-1], file)


@labo.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_runs(file: Path) -> None:
    """Import runs from another server's .json; runs that exist here already are skipped."""
    _prepare_to_read()
    made = archive.import_archive(file.read_text(errors="replace"))
    current_lab().publish()
    click.echo(ngettext("%(num)s run imported.", "%(num)s runs imported.", len(made)))


@labo.command("retrieval")
def retrieval() -> None:
    """Tell how often the search for passages finds the page that answers, also in one's own documents."""
    _prepare_to_read()
    own = current_lab().task_folder / OWN
    for name, folder in ((_("Documents of the program"), LIBRARY), (_("Own documents"), own)):
        if (folder / QUESTIONS).is_file():
            found = recall(folder)
            first, shown = (display.share(100 * count / found.questions) for count in (found.first, found.shown))
            click.echo(_(
                "%(name)s: %(questions)s questions about %(documents)s documents. The right page comes first for "
                "%(first)s of them, and is among the four shown for %(shown)s.",
                name=name, questions=found.questions, documents=found.documents, first=first, shown=shown,
            ))  # fmt: skip


def _prepare_to_read() -> None:
    """Prepare the database for commands that only read: migrate it, and load the company's historical figures."""
    lab = current_lab()
    _prepare(lab)
    lab.stop()


def _confirm(question: str) -> None:
    """Ask a yes/no question in the user's language; raises click.Abort unless the answer is yes."""
    # English answers are accepted in every language; click's own confirm() knows English only.
    yes = {"y", "yes", _("y"), _("yes")}
    choice = _("y/N")
    given = click.prompt(f"{question} [{choice}]", default="", show_default=False)
    if given.strip().lower() not in yes:
        raise click.Abort


def _failure(run: LabRun) -> str:
    """Return why a run failed."""
    return with_code(sentences.failure_sentence(run), run.error_code or "", run.error_cause)


def _print_comparison(names: Sequence[str], changes: Sequence[FigureChange], *, estimated: bool) -> None:
    """Print a line for each figure: both medians with their intervals, and whether the second is better or worse.

    `estimated`: mark the energy as estimated.
    """
    verdicts = {
        "better": _("better"),
        "worse": _("worse"),
        "none": _("no difference seen"),
        "few": _("too few samples to say"),
    }
    rows = [["", *names, _("Verdict on %(name)s", name=names[1])]]
    for change in changes:
        figure = change.after.figure
        name = charts.figure_name(figure, change.after.prompt)
        if estimated and figure == "energy":
            name = _("%(energy)s (estimated)", energy=name)
        text = charts.FIGURES[figure].text
        values = (change.before.value, change.after.value)
        sides = (f"{text(value.median)} ({text(value.low)} – {text(value.high)})" for value in values)
        rows.append([name, *sides, verdicts[change.verdict]])
    for line in table_lines(rows, left=len(rows[0])):
        click.echo(line)


def _newest() -> int:
    """Return the number of the newest finished run; raises ClickException without any."""
    for line in queries.runs():
        # Runs with a `source` are the company's historical figures, not runs of this server.
        if line.run.state == LabState.DONE and not line.run.machine.source:
            return line.run.id
    raise click.ClickException(_("Nothing was measured so far: flask labo run"))


def _check(file: Path | None) -> None:
    """Check that `file` can be written, before hours of measuring rather than after; raises ClickException."""
    if file is None:
        return
    if file.suffix[1:] not in exports.WRITERS:
        kinds = ", ".join(f".{form}" for form in exports.WRITERS)
        raise click.ClickException(_("Files of these kinds can be written: %(kinds)s", kinds=kinds))
    if not file.absolute().parent.is_dir():
        raise click.ClickException(_("There is no folder %(folder)s.", folder=file.absolute().parent))


def _write(numbers: Sequence[int], file: Path) -> None:
    _mimetype, write = exports.WRITERS[file.suffix[1:]]
    file.write_text(write(numbers))
    click.echo(_("Written: %(file)s", file=file))

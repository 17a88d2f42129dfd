"""What `flask labo` prints: progress, runs, the ranking, comparisons."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from flask import Flask
from flask_babel import gettext as _

from app.errors import AppError
from app.lab.presentation import charts, display, messages, sentences, tables
from app.lab.runs.progress import RunProgress
from app.lab.runs.queries import ACTIVE, RunLine
from app.lab.service import Lab
from app.lab.stats.ranking import Entry
from app.lab.stats.regressions import MEASURES, FigureChange
from app.models.lab import LabRun

LOOK_S = 0.5
# How often the progress is told where there is no terminal to draw it on.
TIMES_TOLD = 10
# What kind of sample each figure is from.
ASKED = {measure.name: measure.kind for measure in MEASURES}
SIGNS = {"passed": "✓", "reserve": "!", "failed": "✗"}


def follow(app: Flask, labo: Lab, run_id: int) -> RunProgress:
    """Show how a run goes on until it ends."""
    tasks = labo.tasks().tasks

    def told() -> RunProgress:
        # A context of its own: what another process wrote since is seen.
        with app.app_context():
            found = labo.progress(run_id)
        if found is None:
            raise AppError("not_found")
        return found

    def in_words(progress: RunProgress | None) -> str:
        return (
            "" if progress is None else _in_words(progress, display.prompt_name(progress.kind, progress.prompt, tasks))
        )

    now = told()
    label = _("Run %(number)s", number=run_id)
    drawn = _bar if sys.stderr.isatty() else _lines
    with drawn(label, now.total, in_words) as show:
        while True:
            show(now)
            if now.state not in ACTIVE:
                return now
            time.sleep(LOOK_S)
            now = told()


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
    """A line at the beginning, with each tenth of the samples, and at the end."""
    told = -1

    def show(now: RunProgress) -> None:
        nonlocal told
        over = now.state not in ACTIVE
        part = TIMES_TOLD * now.done // total if total else 0
        if over or (now.done < total and part > told):
            words = str(display.RUN_STATES[now.state]) if over else in_words(now)
            click.echo(f"{label} · {now.done}/{total} · {words}", err=True)
            told = part

    yield show


def _in_words(progress: RunProgress, prompt: str) -> str:
    pauses = {
        "queued": _("waiting for its turn"),
        "people": _("people come first"),
        "engine": _("the engine is away"),
        "storage": _("the disk is full"),
    }
    parts = [pauses.get(progress.paused) or f"{progress.model} · {prompt}"]
    if progress.remaining_s is not None:
        parts.append(_("%(time)s left", time=display.seconds(progress.remaining_s)))
    return ", ".join(parts)


def run_lines(lines: Sequence[RunLine]) -> None:
    """One line for each run."""
    for line in lines:
        run = line.run
        state = display.RUN_STATES[run.state]
        title = run.title or ", ".join(run.models)
        click.echo(f"{run.id:>4}  {display.moment(run.created_at)}  {state!s:12}  {line.over}/{line.total}  {title}")
        if run.error_code:
            click.echo(f"      {trouble(run)}")


def trouble(run: LabRun) -> str:
    """Why a run was given up."""
    said = sentences.run_trouble(run)
    return f"{said} ({run.error_code}: {run.error_cause})" if run.error_cause else f"{said} ({run.error_code})"


def ranking(entries: Sequence[Entry]) -> None:
    """The leaderboard as a table, each line with its reason below."""
    head = (_("Model"), _("Quality"), _("Time"), _("First word"), _("Tokens/s"), "CPU", "RAM", _("Energy"))
    name_of = charts.entry_namer(entries)
    rows = [_figures(entry, name_of(entry)) for entry in entries]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row, entry in zip((head, *rows), (None, *entries), strict=True):
        name, *cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        sign = SIGNS.get(entry.verdict or "", " ") if entry else " "
        click.echo(f"{sign} {name.strip():{widths[0]}}  " + "  ".join(cells))
        if entry and entry.reason:
            click.echo(f"  {'':{widths[0]}}  {messages.sentence(entry.reason, entry.params)}")
    _beside(entries)


def _beside(entries: Sequence[Entry]) -> None:
    """What has no column: a few lines for each model, without what was not measured."""
    columns, rows = tables.details_table(entries) or ((), ())
    for name, *cells in rows:
        pairs = [pair for pair in zip(columns[1:], cells, strict=True) if pair[1] != display.NOTHING]
        told = [f"  {_('%(name)s: %(value)s', name=head, value=cell)}" for head, cell in pairs]
        click.echo("\n".join(["", name, *told]))


def _figures(entry: Entry, name: str) -> tuple[str, ...]:
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


def comparison(first: str, second: str, changes: Sequence[FigureChange], *, estimated: bool) -> None:
    """One line for each figure: both medians with their intervals, and whether the second differs.

    `estimated`: the energy is, of either.
    """
    verdicts = {
        "better": _("better"),
        "worse": _("worse"),
        "none": _("no difference seen"),
        "few": _("too few samples to say"),
    }
    heads = ("", first, second, _("Verdict on %(name)s", name=second))
    rows = [heads] + [_compared(change, verdicts[change.verdict], estimated=estimated) for change in changes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _compared(change: FigureChange, verdict: str, *, estimated: bool) -> tuple[str, ...]:
    kind = charts.TREND_MEASURES[change.after.figure]
    prompt = change.after.prompt
    name = f"{kind.name} · {display.prompt_name(ASKED[change.after.figure], prompt, {})}" if prompt else str(kind.name)
    if estimated and change.after.figure == "energy":
        name = _("%(energy)s (estimated)", energy=name)
    sides = (
        f"{kind.write(value.median * kind.factor)} ({kind.write(value.low * kind.factor)}"
        f" – {kind.write(value.high * kind.factor)})"
        for value in (change.before.value, change.after.value)
    )
    return (name, *sides, verdict)

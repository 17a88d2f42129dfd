"""What the commands print alike: errors in one line, and tables."""

from collections.abc import Sequence
from typing import Any

import click
from flask_babel import gettext as _

from app.errors import AppError
from app.generation.model_registry import ModelRegistry


class AppCommand(click.Command):
    """A command that prints an AppError as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises ClickException for an AppError."""
        try:
            return super().invoke(ctx)
        except AppError as error:
            raise click.ClickException(with_code(self.sentence_of(error), error.code, error.cause)) from None

    def sentence_of(self, error: AppError) -> str:
        """Return the sentence that is printed for an error."""
        return error.sentence


def with_code(sentence: str, code: str, cause: str | None) -> str:
    """Return an error's sentence followed by its code and, if known, its cause."""
    return f"{sentence} ({code}: {cause})" if cause else f"{sentence} ({code})"


def engine_unreachable(registry: ModelRegistry) -> click.ClickException:
    """Return the error that the engine does not answer."""
    cause = registry.failure
    return click.ClickException(_("%(engine)s does not answer: %(cause)s", engine=registry.engine.label, cause=cause))


def table_lines(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return the lines of a table; the first `left` columns are left-aligned, the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [f"{'<' if place < left else '>'}{width}" for place, width in enumerate(widths)]
    return ["  ".join(map(format, row, aligned)).rstrip() for row in rows]

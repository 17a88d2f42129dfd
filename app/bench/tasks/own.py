"""A company's own tasks: each checked and kept as a file of its own."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.bench import words
from app.bench.tasks.reading import Task, Tasks, parse
from app.errors import AppError

# A task with comments in French, which explains the format to whoever begins one.
EXAMPLE = Path(__file__).with_name("library") / "example.toml"


def add(text: str, folder: Path, known: Tasks) -> Task:
    """Keep one task, written in TOML, as `<folder>/<id>.toml`. Raises task_invalid with the line and the reason."""
    found, problems = parse(text, "")
    if problems:
        first = min(problems, key=lambda problem: problem.line)
        raise _refused(first.line, first.code, **first.params)
    if len(found) != 1:
        raise _refused(1, "task_one_at_a_time")
    task = replace(found[0], source=found[0].id)
    if known.get(task.id):
        raise _refused(task.line, "task_taken", id=task.id)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task.id}.toml"
    try:
        # A file of that name that somebody made by hand stays.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text.replace("\r\n", "\n").rstrip() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise _refused(task.line, "task_taken", id=task.id) from None
    except OSError as error:
        path.unlink(missing_ok=True)
        raise AppError("storage_full", cause=str(error)) from None
    return task


def _refused(line: int, code: str, **params: Any) -> AppError:
    return AppError("task_invalid", line=line, reason=words.sentence(code, params))

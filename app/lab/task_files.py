"""The tasks that models are measured by: read from TOML files, a bad one told by its line."""

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.errors import AppError
from app.lab import messages
from app.lab.code_runner import program, verdicts
from app.lab.code_runner.program import CodeTask
from app.lab.grading.checks import KEY_SHOWN, Check, MalformedError, Params, make_check
from app.lab.grading.failures import find_failures
from app.lab.grading.text import LANGUAGES
from app.lab.toml_lines import Lines, cause
from app.models.lab import Verdict

# What comes with the program.
LIBRARY = tuple(Path(__file__).parent / "library" / name for name in ("office", "code"))
CATEGORIES = frozenset(
    {"mail", "summary", "translation", "extraction", "calculation", "format", "reading", "honesty", "code", "other"}
)
ID = re.compile(r"(?=.{2,60}$)[a-z0-9]+(?:-[a-z0-9]+)*")
# Of one file; what more there is, is refused.
MAX_BYTES, MOST_TASKS = 500_000, 200
# Of one task.
LONGEST_NAME, MOST_CHECKS = 120, 30
# A task with comments in French, which explains the format to whoever begins one.
EXAMPLE_TASK = Path(__file__).with_name("library") / "example.toml"


@dataclass(frozen=True, slots=True)
class Task:
    """One question and the checks of its answer. `language`: what the answer must be in, or `any`.

    `good` is an answer that passes; `max_tokens` bounds an answer, thinking apart; `code`: how the program of a
    coding task is tried, which has no checks but an answer `bad` that fails; `short`: among the few of a short run;
    `source` and `line`: the file's name and where it begins there.
    """

    id: str
    name: str
    category: str
    question: str
    language: str = "fr"
    max_tokens: int = 300
    good: str = ""
    checks: tuple[Check, ...] = ()
    code: CodeTask | None = None
    bad: str = ""
    short: bool = False
    source: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a task file, and in which line (sentences: `app/lab/messages.py`)."""

    file: str
    line: int
    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks by id, in the order of the files, and what could not be read."""

    tasks: dict[str, Task] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def get(self, task_id: str) -> Task | None:
        """A task by its id."""
        return self.tasks.get(task_id)

    @property
    def categories(self) -> dict[str, str]:
        """What kind of task each is of."""
        return {task.id: task.category for task in self.tasks.values()}


def load_tasks(folders: Iterable[Path]) -> Tasks:
    """All tasks of the folders' `.toml` files. What is wrong in one file or task leaves the others alone."""
    tasks: dict[str, Task] = {}
    problems: list[Problem] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        try:
            with path.open("rb") as file:
                written = file.read(MAX_BYTES + 1)
            text = written.decode(errors="strict" if len(written) <= MAX_BYTES else "ignore")
        except OSError:
            problems.append(Problem(path.name, 1, "task_unreadable"))
            continue
        except UnicodeDecodeError as error:
            problems.append(Problem(path.name, 1 + error.object[: error.start].count(b"\n"), "task_not_utf8"))
            continue
        found, wrong = parse_tasks(text, path.name)
        problems.extend(wrong)
        problems.extend(Problem(path.name, one.line, "task_taken", {"id": one.id}) for one in found if one.id in tasks)
        tasks |= {one.id: one for one in found if one.id not in tasks}
    return Tasks(tasks, tuple(problems))


@lru_cache(maxsize=100)
def parse_tasks(text: str, file: str) -> tuple[tuple[Task, ...], tuple[Problem, ...]]:
    """The tasks of one file, and what is wrong with the others; remembered, as proving the checks takes a while."""
    lines = Lines(text)
    if len(text.encode()) > MAX_BYTES:
        return (), (Problem(file, 1, "task_too_large", {"limit": MAX_BYTES // 1000}),)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return (), (Problem(file, lines.of_error(str(error)), cause(str(error))),)
    tasks: list[Task] = []
    problems: list[Problem] = []
    for number, (task_id, values) in enumerate(tables.items()):
        if number == MOST_TASKS:
            problems.append(Problem(file, lines.of(task_id), "task_too_many", {"limit": MOST_TASKS}))
            break
        try:
            tasks.append(_task(task_id, values, Path(file).stem, lines.of(task_id)))
        except MalformedError as error:
            table = f"{task_id}.{error.within}" if error.within else task_id
            problems.append(Problem(file, lines.of(table, error.check, error.key), error.code, error.params))
    return tuple(tasks), tuple(problems)


def _task(task_id: str, values: Any, source: str, line: int) -> Task:
    if not isinstance(values, dict):
        raise MalformedError("task_not_a_table", task_id)
    if not ID.fullmatch(task_id):
        raise MalformedError("task_bad_id", id=task_id[:KEY_SHOWN])
    params = Params({key: value for key, value in values.items() if key != "check"})
    task = Task(
        id=task_id,
        name=params.text("name", longest=LONGEST_NAME),
        category=params.choice("category", CATEGORIES, "other"),
        question=params.text("question").strip(),
        language=params.choice("language", LANGUAGES | {"any"}, "fr"),
        max_tokens=params.count("max_tokens", 300) or 300,
        good=params.text("good", "").strip(),
        checks=_checks(values.get("check", [])),
        code=_code(params.table("code")),
        bad=params.text("bad", "").strip(),
        short=params.flag("short"),
        source=source,
        line=line,
    )
    params.done()
    if task.code:
        _prove_program(task, task.code)
    else:
        _prove(task)
    return task


def _checks(tables: Any) -> tuple[Check, ...]:
    if not isinstance(tables, list) or not all(isinstance(values, dict) for values in tables):
        raise MalformedError("task_want_checks")
    made = []
    for number, values in enumerate(tables, start=1):
        try:
            if number > MOST_CHECKS:
                raise MalformedError("task_many_checks", limit=MOST_CHECKS)
            made.append(make_check(values))
        except MalformedError as error:
            raise _placed(error, "check", number) from None
    return tuple(made)


def _code(table: dict[str, Any]) -> CodeTask | None:
    try:
        return program.read_code_task(table) if table else None
    except MalformedError as error:
        raise _placed(error, "code") from None


def _placed(error: MalformedError, within: str, number: int = 0) -> MalformedError:
    error.within, error.check = within, number
    return error


def _prove_program(task: Task, code: CodeTask) -> None:
    """Refuse a coding task whose good answer fails by its text alone, or whose bad one does not."""
    if task.checks:
        raise MalformedError("task_code_and_checks")
    for key, fails in (("good", False), ("bad", True)):
        if not getattr(task, key):
            raise MalformedError("task_missing_key", key)
        judgement = verdicts.judge_code(code, getattr(task, key))
        if (judgement.verdict is Verdict.FAILED) != fails:
            raise MalformedError(f"task_program_{key}", key)


def _prove(task: Task) -> None:
    """Refuse checks that cannot fail, and those that the task's own good answer fails."""
    if not task.checks:
        raise MalformedError("task_without_checks")
    if task.bad:
        raise MalformedError("task_unknown_key", "bad")
    if not task.good:
        raise MalformedError("task_missing_key", "good")
    if seen := find_failures(task.question, task.good, "", "stop", language=task.language):
        raise MalformedError("task_good_is_a_failure", "good", failure=seen[0])
    for number, one in enumerate(task.checks, start=1):
        good, bad = one.result(task.good, task.question), one.result(one.bad, task.question)
        if None in (good.passed, bad.passed):
            raise _placed(MalformedError("task_slow_pattern", "pattern"), "check", number)
        if not good.passed:
            raise _placed(MalformedError("task_good_fails", check=one.kind, detail=good.detail), "check", number)
        if bad.passed:
            raise _placed(MalformedError("task_bad_passes", "bad", check=one.kind), "check", number)


def add_custom_task(text: str, folder: Path, known: Tasks) -> Task:
    """Keep one task, written in TOML, as `<folder>/<id>.toml`. Raises task_invalid with the line and the reason."""
    found, problems = parse_tasks(text, "")
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
    return AppError("task_invalid", line=line, reason=messages.sentence(code, params))

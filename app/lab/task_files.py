"""The tasks that models are measured by: read from TOML files; the error of a bad one names its line."""

import os
import re
import tomllib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from app.errors import AppError, disk_failure
from app.generation import prompt
from app.lab import wording
from app.lab.code_runner import programs
from app.lab.code_runner.programs import CodeTask
from app.lab.grading.checks import AnyCheck
from app.lab.grading.schemas import (
    KEY_SHOWN,
    AnyText,
    Count,
    MalformedError,
    Table,
    Text,
    one_of,
    read_table,
)
from app.lab.grading.text import LANGUAGES, find_failures
from app.models.lab import Verdict

# What comes with the program.
LIBRARY = tuple(Path(__file__).parent / "library" / name for name in ("office", "attached", "pictures", "code"))
# The category of questions about documents, a group of its own since reading them takes long.
DOCUMENTS = "documents"
# The category of those about pictures, which only some models see, and where the pictures are.
IMAGES = "images"
PICTURES = Path(__file__).parent / "library" / "pictures"
ID = re.compile(r"(?=.{2,60}$)[a-z0-9]+(?:-[a-z0-9]+)*")
# Of one file.
MAX_BYTES, MOST_TASKS = 500_000, 200
# Of one task.
LONGEST_NAME, MOST_CHECKS, MAX_TOKENS = 120, 30, 300
MOST_PAGES, MOST_PASSAGES = 20, 10
# Parts of TOML, for the lines that errors name: a text over several lines, a table's head, a key.
LONG_TEXT = re.compile(r'"{3}(?:\\.|[^\\])*?"{3}|\'{3}.*?\'{3}', re.DOTALL)
HEAD = re.compile(r"\s*\[(?P<list>\[?)(?P<table>[^\[\],=]+)\]{1,2}\s*(?:#.*)?$")
KEY = re.compile(r"\s*[\"']?([\w.-]+)[\"']?\s*=")
# A task with comments in French that explain the format.
EXAMPLE_TASK = Path(__file__).with_name("library") / "example.toml"


# A text that is not blank, without white space around it.
Stripped = Annotated[Text, AfterValidator(str.strip)]


def _few(checks: Any) -> tuple[Any, ...]:
    if not isinstance(checks, list):
        raise MalformedError("task_want_checks")
    if len(checks) > MOST_CHECKS:
        raise MalformedError("task_many_checks", MOST_CHECKS, limit=MOST_CHECKS)
    return tuple(checks)


class TaskDocument(Table):
    """A document that the model reads whole before the question, by its pages."""

    name: Text
    pages: Annotated[list[Stripped], Field(min_length=1, max_length=MOST_PAGES)]


class TaskPassage(Table):
    """A passage that the model may answer from; it is cited by its place in the list, from 1."""

    name: Text
    page: Count
    text: Stripped


class EarlierTurn(Table):
    """A question and its answer that stand before the question of a task."""

    question: Stripped
    answer: Stripped


class TaskTable(Table):
    """What a task file says about one question and of the checks of its answer.

    `document`, `passages` or `image`, the name of one of PICTURES, are put before the first question as the chat does,
    which is that of `before` if there is one. `language`: what the answer must be in, or `any`; `max_tokens` bounds an
    answer, thinking apart; `good` is an answer that passes; `code`: how the program of a coding task is tried, which
    has no checks but an answer `bad` that fails; `short`: among the few of a short run.
    """

    name: str = Field(pattern=r"\S", max_length=LONGEST_NAME)
    category: Annotated[str, one_of(wording.CATEGORIES)] = "other"
    document: TaskDocument | None = None
    image: AnyText = ""
    passages: Annotated[list[TaskPassage], Field(max_length=MOST_PASSAGES, alias="passage")] = []
    before: EarlierTurn | None = None
    question: Stripped
    language: Annotated[str, one_of(LANGUAGES | {"any"})] = "fr"
    max_tokens: Annotated[Count, AfterValidator(lambda count: count or MAX_TOKENS)] = MAX_TOKENS
    good: AnyText = ""
    checks: Annotated[tuple[AnyCheck, ...], BeforeValidator(_few), Field(alias="check")] = ()
    code: CodeTask | None = None
    bad: AnyText = ""
    short: bool = False


class Task(TaskTable):
    """A task with its id, its file's name without the ending, and the line where it begins there."""

    id: str
    source: str = ""
    line: int = 1

    @property
    def turns(self) -> tuple[str, ...]:
        """The conversation, a person's texts and the model's by turns; the last one is the question."""
        first, *others = (self.before.question, self.before.answer, self.question) if self.before else (self.question,)
        return "\n\n".join(filter(None, (self._attached, first))), *others

    @property
    def images(self) -> tuple[str, ...]:
        """The pictures that go with the first question, in base64."""
        return (b64encode((PICTURES / self.image).read_bytes()).decode(),) if self.image else ()

    @property
    def _attached(self) -> str:
        """What the model reads before the first question, in the words of the chat."""
        if self.image:
            return prompt.picture_text(self.image)
        if self.document:
            return prompt.document_text(self.document.name, list(enumerate(self.document.pages, start=1)))
        if self.passages:
            numbered = enumerate(self.passages, start=1)
            return prompt.passages_text(
                [prompt.passage_text(number, one.name, one.page, one.text) for number, one in numbered]
            )
        return ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a task file, and in which line (sentences: `app/lab/wording.py`)."""

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
    if len(text.encode()) > MAX_BYTES:
        return (), (Problem(file, 1, "task_too_large", {"limit": MAX_BYTES // 1000}),)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return (), (_not_toml(file, text, error),)
    lines = _lines(text)
    tasks: list[Task] = []
    problems: list[Problem] = []
    for number, (task_id, values) in enumerate(tables.items()):
        if number == MOST_TASKS:
            problems.append(Problem(file, _line(lines, task_id), "task_too_many", {"limit": MOST_TASKS}))
            break
        try:
            tasks.append(_task(task_id, values, Path(file).stem, _line(lines, task_id)))
        except MalformedError as error:
            problems.append(Problem(file, _line(lines, task_id, *error.place), error.code, error.params))
    return tuple(tasks), tuple(problems)


def _not_toml(file: str, text: str, error: Exception) -> Problem:
    """Where the reader of TOML stopped: the last line when it ran out of text, or does not say."""
    # Python says the line in the message alone before 3.14.
    position = re.search(r"\(at line (\d+), column", str(error))
    line = int(position[1]) if position else max(1, len(text.rstrip("\n").split("\n")))
    if isinstance(error, RecursionError):
        return Problem(file, line, "task_toml_deep")
    # Python refuses to read a number of thousands of digits.
    return Problem(file, line, "task_bad_toml" if isinstance(error, tomllib.TOMLDecodeError) else "task_toml_number")


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """In which line each table, each one of a list of tables (from 0) and each key begins, by its place."""
    flat = LONG_TEXT.sub(lambda found: "\n" * found[0].count("\n"), text)
    lines: dict[tuple[str | int, ...], int] = {}
    counts: Counter[tuple[str | int, ...]] = Counter()
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(flat.split("\n"), start=1):
        if head := HEAD.match(line):
            table = tuple(part.strip(" \t\"'") for part in head["table"].split("."))
            if head["list"]:
                counts[table] += 1
                table = (*table, counts[table] - 1)
            for end in range(1, len(table) + 1):
                lines.setdefault(table[:end], number)
        elif key := KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines


def _line(lines: dict[tuple[str | int, ...], int], *place: str | int) -> int:
    """The line of that place, or of the nearest around it."""
    return next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)


def _task(task_id: str, values: Any, source: str, line: int) -> Task:
    if not isinstance(values, dict):
        raise MalformedError("task_not_a_table", key=task_id[:KEY_SHOWN])
    if not ID.fullmatch(task_id):
        raise MalformedError("task_bad_id", id=task_id[:KEY_SHOWN])
    task = Task.model_construct(**dict(read_table(TaskTable, values)), id=task_id, source=source, line=line)
    if sum(map(bool, (task.document, task.passages, task.image))) > 1:
        raise MalformedError("task_several_attached", "image" if task.image else "passage")
    if task.image and task.image not in {path.name for path in PICTURES.glob("*.jpg")}:
        raise MalformedError("task_no_such_image", "image", name=task.image[:KEY_SHOWN])
    if task.code:
        _prove_program(task, task.code)
    else:
        _prove(task)
    return task


def _prove_program(task: Task, code: CodeTask) -> None:
    """Refuse a coding task whose good answer fails by its text alone, or whose bad one does not."""
    if task.checks:
        raise MalformedError("task_code_and_checks")
    for key, fails in (("good", False), ("bad", True)):
        if not getattr(task, key):
            raise MalformedError("task_missing_key", key)
        judgement = programs.judge_code(code, getattr(task, key))
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
    if seen := find_failures(task.turns[-1], task.good, "", "stop", language=task.language):
        raise MalformedError("task_good_is_a_failure", "good", failure=seen[0])
    for number, one in enumerate(task.checks):
        good, bad = one.result(task.good, task.question), one.result(one.bad, task.question)
        if None in (good.passed, bad.passed):
            raise MalformedError("task_slow_pattern", "check", number, "pattern")
        if not good.passed:
            raise MalformedError("task_good_fails", "check", number, check=one.kind, detail=good.detail)
        if bad.passed:
            raise MalformedError("task_bad_passes", "check", number, "bad", check=one.kind)


def add_custom_task(text: str, folder: Path, known: Tasks) -> Task:
    """Keep one task, written in TOML, as `<folder>/<id>.toml`. Raises task_invalid with the line and the reason."""
    found, problems = parse_tasks(text, "")
    if problems:
        first = min(problems, key=lambda problem: problem.line)
        raise _refused(first.line, first.code, **first.params)
    if len(found) != 1:
        raise _refused(1, "task_one_at_a_time")
    task = found[0].model_copy(update={"source": found[0].id})
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
        raise disk_failure(error) from None
    return task


def _refused(line: int, code: str, **params: Any) -> AppError:
    return AppError("task_invalid", line=line, reason=wording.sentence(code, params))

"""Task files with mistakes: the line and the reason, and the other tasks go on; one's own tasks are kept as files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.ctx import AppContext
from flask_babel import Babel

from app.errors import AppError
from app.lab import wording
from app.lab.code_runner.programs import CodeTask
from app.lab.grading.checks import CHECK_KINDS, make_check
from app.lab.grading.schemas import MalformedError, Table, read_table
from app.lab.task_files import EXAMPLE_TASK, MOST_TASKS, Tasks, TaskTable, add_custom_task, load_tasks, parse_tasks

HEAD = '[one]\nname = "Une"\nquestion = "Dis bonjour."\ngood = "Bonjour."\n'
DOCUMENT = 'document = { name = "a.pdf", pages = ["Prix : douze euros."] }\n'
PASSAGE = '[[one.passage]]\nname = "a.pdf"\npage = 1\ntext = "Prix : douze euros."\n'
CHECK = '[[one.check]]\ntype = "contains"\nany = ["bonjour"]\nbad = "Bonsoir."\n'
GOOD = HEAD + CHECK
PROGRAM = (
    '[sum]\nname = "Somme"\nquestion = "Écris total(a, b)."\n'
    'good = "```python\\ndef total(a, b):\\n    return a + b\\n```"\n'
    'bad = "Je ne sais pas."\n'
    '[sum.code]\nplay = "calls"\nfunction = "total"\n[[sum.code.calls]]\nargs = [1, 2]\nreturns = 3\n'
)


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("[one\nname = 1", 1, "task_bad_toml"),
        (GOOD + 'max_tokens = "', 9, "task_bad_toml"),
        (GOOD + '[one]\nname = "Deux"', 9, "task_bad_toml"),
        (HEAD + "short = true true\n", 5, "task_bad_toml"),
        (HEAD + "short true\n", 5, "task_bad_toml"),
        (HEAD + "short = oui\n", 5, "task_bad_toml"),
        (HEAD + "short = 2026-02-31\n", 5, "task_bad_toml"),
        (HEAD + 'bad = "\\q"\n', 5, "task_bad_toml"),
        (HEAD + "check = [3 4]\n", 5, "task_bad_toml"),
        (HEAD + "max_tokens = " + "9" * 5000, 5, "task_toml_number"),
        (HEAD + "check = " + "[" * 5000, 5, "task_toml_deep"),
        (HEAD + "# \x01\n", 5, "task_bad_toml"),
        ('# rien\nname = "Une"\n', 2, "task_not_a_table"),
        (GOOD.replace("[one", "[Une tâche").replace("[Une tâche", '["Une tâche"'), 1, "task_bad_id"),
        (GOOD.replace('name = "Une"\n', ""), 1, "task_missing_key"),
        (GOOD.replace('good = "Bonjour."\n', ""), 1, "task_missing_key"),
        (GOOD.replace('"Une"', '" "'), 2, "task_want_text"),
        (GOOD.replace('"Une"', "3"), 2, "task_want_text"),
        (HEAD, 1, "task_without_checks"),
        ("\n" + CHECK, 2, "task_missing_key"),
        (HEAD + "check = 3\n", 5, "task_want_checks"),
        (HEAD + 'catégorie = "mail"\n' + CHECK, 5, "task_bad_toml"),
        (HEAD + 'categorie = "mail"\n' + CHECK, 5, "task_unknown_key"),
        (HEAD + 'category = "mails"\n' + CHECK, 5, "task_want_choice"),
        (HEAD + 'language = "klingon"\n' + CHECK, 5, "task_want_choice"),
        (HEAD + "max_tokens = -1\n" + CHECK, 5, "task_want_count"),
        (HEAD + "max_tokens = true\n" + CHECK, 5, "task_want_count"),
        (HEAD + 'short = "oui"\n' + CHECK, 5, "task_want_flag"),
        (HEAD + 'bad = "Bonsoir."\n' + CHECK, 5, "task_unknown_key"),
        (HEAD + "code = 3\n" + CHECK, 5, "task_want_table"),
        (HEAD + DOCUMENT + PASSAGE + CHECK, 6, "task_several_attached"),
        (HEAD + 'document = { name = "a.pdf", pages = [] }\n' + CHECK, 5, "task_missing_key"),
        (HEAD + 'document = "a.pdf"\n' + CHECK, 5, "task_want_table"),
        (HEAD + PASSAGE.replace("page = 1\n", "") + CHECK, 5, "task_missing_key"),
        (HEAD + PASSAGE * 11 + CHECK, 5, "task_many_entries"),
        (HEAD + "before = { question = 'Bonjour ?' }\n" + CHECK, 5, "task_missing_key"),
        (GOOD.replace('"contains"', '"contain"'), 6, "task_want_choice"),
        (GOOD.replace('type = "contains"\n', ""), 5, "task_missing_key"),
        (GOOD.replace('bad = "Bonsoir."\n', ""), 5, "task_missing_key"),
        (GOOD.replace("any =", "some ="), 7, "task_unknown_key"),
        (GOOD.replace('any = ["bonjour"]\n', ""), 5, "task_missing_key"),
        (GOOD + "essentiel = true\n", 9, "task_unknown_key"),
        (GOOD.replace('["bonjour"]', "[3]"), 7, "task_want_texts"),
        (GOOD.replace('["bonjour"]', '["bonsoir"]'), 5, "task_good_fails"),
        (GOOD.replace("Bonsoir", "Bonjour"), 8, "task_bad_passes"),
        (GOOD + CHECK.replace("Bonsoir", "Bonjour, vous"), 12, "task_bad_passes"),
        (GOOD.replace('good = "Bonjour."', 'good = "Hello, this is the answer that you have been waiting for."'), 4,
         "task_good_is_a_failure"),
        (GOOD.replace('any = ["bonjour"]', "").replace("contains", "numbers") + 'all = "douze"', 9,
         "task_want_numbers"),
        (GOOD.replace('any = ["bonjour"]', 'pattern = "bonjour|(o|oo)+$"').replace("contains", "regex")
         .replace("Bonsoir.", "o" * 60 + "!"), 7, "task_slow_pattern"),
        (GOOD.replace('any = ["bonjour"]', 'pattern = "((bon){300}){400}"').replace("contains", "regex"), 7,
         "task_slow_pattern"),
        (GOOD.replace('any = ["bonjour"]', 'pattern = "(a"').replace("contains", "regex"), 7, "task_bad_pattern"),
        (GOOD.replace('any = ["bonjour"]', 'schema = {"$ref" = "http://elsewhere"}').replace("contains", "json"), 7,
         "task_schema_elsewhere"),
        (GOOD.replace('any = ["bonjour"]', 'schema = {type = "texte"}').replace("contains", "json"), 7,
         "task_bad_schema"),
        (GOOD.replace('any = ["bonjour"]', 'schema = {pattern = "(a"}').replace("contains", "json"), 7,
         "task_bad_pattern"),
        (GOOD.replace('any = ["bonjour"]', 'schema = {patternProperties = {a = true}}').replace("contains", "json"),
         7, "task_schema_pattern"),
        (GOOD.replace('any = ["bonjour"]', 'schema = {"$ref" = "#"}').replace("contains", "json"), 5,
         "task_good_fails"),
        (GOOD.replace('any = ["bonjour"]', "all = 1" + "0" * 400).replace("contains", "numbers"), 7,
         "task_want_numbers"),
        (GOOD.replace('any = ["bonjour"]', "all = nan").replace("contains", "numbers"), 7, "task_want_numbers"),
        (GOOD.replace('"Une"', f'"{"U" * 121}"'), 2, "task_long_text"),
        (GOOD.replace('["bonjour"]', f'["{"b" * 501}"]'), 7, "task_long_text"),
        (GOOD.replace('["bonjour"]', f'{["bonjour"] * 101}'), 7, "task_many_entries"),
        (GOOD.replace('any = ["bonjour"]', f'pattern = "{"b" * 1001}"').replace("contains", "regex"), 7,
         "task_long_text"),
        (HEAD + CHECK * 31, 125, "task_many_checks"),
        (HEAD + "max_tokens = 1000001\n" + CHECK, 5, "task_want_count"),
        (HEAD + 'category = ["mail"]\n' + CHECK, 5, "task_want_choice"),
        (HEAD + '[one.code]\nplay = "chess"\n', 6, "task_want_choice"),
        (HEAD + '[one.code]\nplay = "game"\nseconds = 99\n', 7, "task_code_seconds"),
        (HEAD + 'code = {play = "chess"}\n', 5, "task_want_choice"),
        (PROGRAM + CHECK.replace("one", "sum"), 1, "task_code_and_checks"),
        (PROGRAM.replace('bad = "Je ne sais pas."\n', ""), 1, "task_missing_key"),
        (PROGRAM.replace("def total", "def totally"), 4, "task_program_good"),
        (PROGRAM.replace("Je ne sais pas.", "```python\\ndef total(a, b):\\n    pass\\n```"), 5, "task_program_bad"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_line_and_reason(text: str, line: int, code: str) -> None:
    tasks, (problem,) = parse_tasks(text, "mine.toml")
    assert (problem.line, problem.code, problem.file) == (line, code, "mine.toml")
    assert tasks == ()
    with _language():
        assert "%(" not in wording.sentence(problem.code, problem.params)
        assert wording.sentence(problem.code, problem.params) != str(wording.UNKNOWN)


NUMBERS = (True, -1, 3, 0.5, float("nan"), 10**400)
WRONG = (None, *NUMBERS, "", " ", "x" * 30_000, [], [[]], [""], [None] * 101, {}, {"a": 1})


def keys_of(table: type[Table]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def refusals(read: Callable[[dict[str, Any]], object], right: dict[str, Any], key: str) -> set[str]:
    """The codes of all wrong values of a key."""
    codes = set()
    for value in WRONG:
        try:
            read(right | {key: value})
        except MalformedError as error:
            codes.add(error.code)
    return codes


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind in CHECK_KINDS for key in keys_of(CHECK_KINDS[kind])])
def test_each_wrong_value_of_a_check_has_its_sentence(kind: str, key: str) -> None:
    codes = refusals(make_check, {"type": kind, "bad": "x"}, key)
    assert codes
    assert codes <= set(wording.SENTENCES)


@pytest.mark.parametrize("key", keys_of(TaskTable))
def test_each_wrong_value_of_a_task_has_its_sentence(key: str) -> None:
    codes = refusals(lambda values: read_table(TaskTable, values), {"name": "Une", "question": "Dis bonjour."}, key)
    assert codes
    assert codes <= set(wording.SENTENCES)


@pytest.mark.parametrize("key", ["play", "seconds", "function", "calls", "runs"])
def test_each_wrong_value_of_a_coding_task_has_its_sentence(key: str) -> None:
    right = {"play": "calls", "function": "f", "calls": [{"args": [], "returns": 1}]}
    codes = refusals(lambda values: read_table(CodeTask, values), right, key)
    assert codes
    assert codes <= set(wording.SENTENCES)


def test_no_sentence_of_a_mistake_is_in_another_language() -> None:
    """What the readers of TOML, JSON and expressions say themselves is English."""
    told = {code: str(sentence) for code, sentence in wording.SENTENCES.items() if code.startswith("task_")}
    assert not {code for code, sentence in told.items() if "%(cause)" in sentence}


def test_a_file_has_so_many_tasks_and_not_more() -> None:
    text = "".join(GOOD.replace("one", f"task-{number}") for number in range(MOST_TASKS + 2))
    tasks, (problem,) = parse_tasks(text, "mine.toml")
    assert len(tasks) == MOST_TASKS
    assert (problem.code, problem.line) == ("task_too_many", 8 * MOST_TASKS + 1)


def test_a_coding_task_has_programs_instead_of_checks() -> None:
    (task,), problems = parse_tasks(PROGRAM, "mine.toml")
    assert problems == ()
    assert (task.checks, task.bad, task.category) == ((), "Je ne sais pas.", "other")
    assert task.code is not None
    assert [(call.args, call.returns) for call in task.code.calls] == [([1, 2], 3)]


def test_text_over_several_lines_is_not_taken_for_tables_and_keys() -> None:
    question = 'question = """\nRéponds :\n[one.check]\n[[one.check]]\nbad = 3\n"""'
    text = GOOD.replace('question = "Dis bonjour."', question).replace("Bonsoir", "Bonjour, vous")
    (problem,) = parse_tasks(text, "mine.toml")[1]
    assert (problem.line, problem.code) == (13, "task_bad_passes")


def test_a_mistake_leaves_the_other_tasks_and_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD + GOOD.replace("one", "two").replace('"Une"', "2"))
    (tmp_path / "b.toml").write_text("[[[")
    (tmp_path / "c.toml").write_bytes(b"# une t\xc3\xa2che\n# \xff")
    (tmp_path / "d.toml").write_text("\n" + GOOD + GOOD.replace("one", "three"))
    (tmp_path / "e.toml").write_text("#" * 600_000)
    (tmp_path / "notes.txt").write_text("[[[")
    loaded = load_tasks([tmp_path])
    assert list(loaded.tasks) == ["one", "three"]
    assert (loaded.tasks["one"].source, loaded.tasks["three"].line) == ("a", 10)
    assert [(problem.file, problem.line, problem.code) for problem in loaded.problems] == [
        ("a.toml", 10, "task_want_text"),
        ("b.toml", 1, "task_bad_toml"),
        ("c.toml", 2, "task_not_utf8"),
        ("d.toml", 2, "task_taken"),
        ("e.toml", 1, "task_too_large"),
    ]


def test_ones_own_task_is_kept_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "instance" / "tasks"
    with _language():
        task = add_custom_task(GOOD.replace("\n", "\r\n"), folder, Tasks())
        assert load_tasks([folder]).tasks["one"].question == task.question == "Dis bonjour."
        with pytest.raises(AppError, match="task_invalid"):
            add_custom_task(GOOD, folder, load_tasks([folder]))
        # A file of that name which could not be read stays as it is.
        (folder / "two.toml").write_text("[")
        with pytest.raises(AppError, match="task_invalid"):
            add_custom_task(GOOD.replace("one", "two"), folder, load_tasks([folder]))
        assert (folder / "two.toml").read_text() == "["


@pytest.mark.parametrize(
    "text", ["", GOOD + GOOD.replace("one", "two"), GOOD.replace("Bonsoir", "Bonjour"), "[" * 5000]
)
def test_what_is_no_task_is_refused_and_nothing_is_written(text: str, tmp_path: Path) -> None:
    with _language(), pytest.raises(AppError) as refused:
        add_custom_task(text, tmp_path / "tasks", Tasks())
    assert refused.value.code == "task_invalid"
    assert refused.value.params["line"] >= 1
    assert refused.value.params["reason"]
    assert not (tmp_path / "tasks").exists()


def test_a_folder_that_takes_nothing_more_is_told(tmp_path: Path) -> None:
    full = Path("/proc/self/fdinfo")
    with _language(), pytest.raises(AppError) as refused:
        add_custom_task(EXAMPLE_TASK.read_text(), full, Tasks())
    assert refused.value.code == "storage_failed"


def _language() -> AppContext:
    app = Flask(__name__)
    Babel(app)
    return app.app_context()

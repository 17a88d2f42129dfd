"""The program of an answer: found among words, parsed, and judged by its text where nothing may be run."""

from pathlib import Path

import pytest

import config
from app.lab.code_runner import programs
from app.lab.code_runner.programs import CodeTask, extract
from app.lab.grading.schemas import MalformedError, read_table
from app.lab.task_files import LIBRARY, load_tasks
from app.models.lab import Verdict

GAME = CodeTask(play="game")
VAT = CodeTask(play="calls", function="prix_ttc", calls=[{"args": [100, 20], "returns": 120}])
ECHO = CodeTask(play="lines", runs=[{"input": "1", "output": ["1"]}])
LOOP = "while True:\n    key = input()\n    print(key)"


def source(answer: str) -> str:
    program = extract(answer)
    assert program
    return program.source


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("Voici :\n\n```python\nprint(1)\n```\nVoilà.", "print(1)"),
        ("~~~py\nprint(1)\n~~~", "print(1)"),
        ("```\nprint(1)\n```", "print(1)"),
        ("1. Le code :\n   ```python\n   if True:\n       print(1)\n   ```", "if True:\n    print(1)"),
        # The answer was cut: the fence never ends.
        ("```python\nx = 1\nprint(x)", "x = 1\nprint(x)"),
        ("```bash\npip install pygame\n```\n```python\nimport pygame\n```", "import pygame"),
        ("```\npip install pygame\n```\n```python\nimport pygame\n```", "import pygame"),
        # Explained once more below: the whole program counts.
        (
            f"```python\n{LOOP}\nprint(2)\nprint(3)\n```\nExplication :\n```python\nprint(2)\n```",
            f"{LOOP}\nprint(2)\nprint(3)",
        ),
        # Given in pieces: they belong together.
        (
            "```python\nimport os\nx = 1\n```\nPuis :\n```python\ny = 2\nz = 3\n```\nEnfin :\n```python\nprint(x)\n```",
            "import os\nx = 1\n\ny = 2\nz = 3\n\nprint(x)",
        ),
        ("import os\nprint(os.name)", "import os\nprint(os.name)"),
        ("Voici le jeu :\nimport os\n\nprint(os.name)\n\nCe programme affiche un nom.", "import os\n\nprint(os.name)"),
        ("```python\r\nprint(1)\r\n```\r\n", "print(1)"),
    ],
)
def test_the_program_is_found(answer: str, program: str) -> None:
    assert source(answer) == program


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Je ne peux pas.",
        "x = 3 est une affectation.",
        "```javascript\nlet x = 1;\n```",
        "```python\n\n```",
        "```bash\nls\n```",
    ],
)
def test_what_is_no_program_is_none(answer: str) -> None:
    assert extract(answer) is None
    assert programs.judge_code(GAME, answer).code == "code_none"


def test_a_long_wrong_program_is_not_replaced_by_the_right_lines_beside_it() -> None:
    wrong = "def f()\n" + "    print(1)\n" * 20
    program = extract(f"```python\n{wrong}```\nPour le lancer :\n```python\nf()\n```")
    assert program
    assert program.tree is None
    assert (program.line, program.error) == (1, "expected ':'")


@pytest.mark.parametrize("answer", ["```python\n" + "(" * 50_000, "```python\nx = '\0'\n```", "a" * 3_000_000])
def test_what_exhausts_a_parser_does_not_exhaust_this_one(answer: str) -> None:
    assert programs.judge_code(GAME, answer).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("text", "needs", "keys"),
    [
        ("import pygame\npygame.K_UP", ["pygame"], ["right", "down", "left", "up"]),
        ("from turtle import *\nonkey(f, 'Up')", ["tkinter"], ["right", "down", "left", "up"]),
        ("import tkinter as tk\nroot.bind('<w>', f)", ["tkinter"], ["d", "s", "a", "w"]),
        ("import pygame\nif event.key == pygame.K_z: pass", ["pygame"], ["d", "s", "q", "z"]),
        ("import pygame, turtle\nfrom tkinter import messagebox", ["pygame", "tkinter"], ["d", "s", "a", "w"]),
        ("def f():\n    import curses\n    return curses.KEY_UP", [], ["right", "down", "left", "up"]),
        ("print(input())", [], ["d", "s", "a", "w"]),
    ],
)
def test_what_a_program_shows_itself_with_and_listens_to(text: str, needs: list[str], keys: list[str]) -> None:
    program = extract(f"```python\n{text}\n```")
    assert program
    assert (program.needs, program.keys) == (needs, keys)


@pytest.mark.parametrize(
    ("task", "program", "verdict", "code"),
    [
        (GAME, LOOP, Verdict.RESERVE, "code_not_run"),
        (GAME, "print('serpent')", Verdict.FAILED, "code_lacks_goes_on"),
        (GAME, "import time\nwhile True:\n    time.sleep(1)", Verdict.FAILED, "code_lacks_hears"),
        (GAME, "while True\n    pass", Verdict.FAILED, "code_syntax"),
        (VAT, "def prix_ttc(a, b):\n    return 0", Verdict.RESERVE, "code_not_run"),
        (VAT, "def prix_ttc(a, b=20, *, c=1):\n    return 0", Verdict.RESERVE, "code_not_run"),
        (VAT, "def prix_ttc(*prix):\n    return 0", Verdict.RESERVE, "code_not_run"),
        (VAT, "def prix_ttc(a):\n    return 0", Verdict.FAILED, "code_lacks_function"),
        (VAT, "def prix(a, b):\n    return 0", Verdict.FAILED, "code_lacks_function"),
        (ECHO, "print(1)", Verdict.FAILED, "code_lacks_reads"),
        (ECHO, "print(input())", Verdict.RESERVE, "code_not_run"),
        (CodeTask(play="window"), "import tkinter\ntkinter.Tk().mainloop()", Verdict.RESERVE, "code_not_run"),
    ],
)
def test_the_verdict_by_the_text_alone(task: CodeTask, program: str, verdict: Verdict, code: str) -> None:
    judgement = programs.judge_code(task, f"```python\n{program}\n```")
    assert (judgement.verdict, judgement.code) == (verdict, code)
    assert judgement.log == ""


def test_a_program_that_was_cut_is_told_from_a_wrong_one() -> None:
    cut = programs.judge_code(GAME, "```python\nwhile True:\n    print(", "length")
    assert (cut.code, cut.failures) == ("code_cut", ("cut",))
    assert programs.judge_code(GAME, "```python\nwhile True:\n    print(").code == "code_syntax"


def test_failures_of_small_models_are_counted_but_repeated_lines_of_code_are_none() -> None:
    lines = "        return False, None, None\n" * 9
    assert programs.judge_code(GAME, f"```python\ndef f():\n    if x:\n{lines}\n```").failures == ()
    assert programs.judge_code(GAME, "Je vais écrire le jeu. " * 40).failures == ("loop",)
    assert programs.judge_code(GAME, "", thinking="Voyons.", think=True).failures == ("endless_thinking",)
    assert programs.judge_code(GAME, "Non.", think=True).failures == ("empty_thinking",)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({}, "task_missing_key"),
        ({"play": "chess"}, "task_want_choice"),
        ({"play": ["game"]}, "task_want_choice"),
        ({"play": "game", "secnods": 5}, "task_unknown_key"),
        ({"play": "game", "seconds": 3600}, "task_code_seconds"),
        ({"play": "game", "seconds": [1, 2]}, "task_code_seconds"),
        ({"play": "game", "seconds": True}, "task_code_seconds"),
        ({"play": "calls", "function": "f"}, "task_code_no_calls"),
        ({"play": "calls", "function": "f()", "calls": [{"args": [], "returns": 1}]}, "task_code_no_calls"),
        ({"play": "calls", "function": "f" * 81, "calls": [{"args": [], "returns": 1}]}, "task_long_text"),
        ({"play": "calls", "function": "f", "calls": [{"args": 1, "returns": 1}]}, "task_code_call"),
        ({"play": "calls", "function": "f", "calls": [{"args": [], "returns": 1}] * 51}, "task_many_entries"),
        ({"play": "lines"}, "task_code_no_runs"),
        ({"play": "lines", "runs": [3]}, "task_want_tables"),
        ({"play": "lines", "runs": [{"input": "x"}]}, "task_code_run"),
        ({"play": "lines", "runs": [{"input": "x", "output": ["("]}]}, "task_bad_pattern"),
        ({"play": "lines", "runs": [{"input": "x", "output": ["(a{999}){999}"]}]}, "task_slow_pattern"),
    ],
)
def test_a_table_that_is_wrong_says_so(table: dict[str, object], code: str) -> None:
    with pytest.raises(MalformedError) as refused:
        read_table(CodeTask, table)
    assert refused.value.code == code


def test_running_programs_must_be_allowed_by_name() -> None:
    assert config.load({}, env_file=None)["LAB_RUN_CODE"] is False
    assert config.load({"LAB_RUN_CODE": "yes"}, env_file=None)["LAB_RUN_CODE"] is True
    with pytest.raises(config.SettingError, match="LAB_RUN_CODE"):
        config.load({"LAB_RUN_CODE": "1"}, env_file=None)


def test_the_library_has_the_companys_question_and_five_more() -> None:
    loaded = load_tasks([folder for folder in LIBRARY if folder.name == "code"])
    assert loaded.problems == ()
    assert loaded.tasks["snake"].question == "Tu peux me générer le jeu snake en python"
    assert len(loaded.tasks) == 6
    assert all(task.category == "code" and task.code for task in loaded.tasks.values())


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[1].glob("samples/programs/snake*.txt")), ids=lambda path: path.stem
)
def test_real_programs_by_their_text(path: Path) -> None:
    judgement = programs.judge_code(GAME, f"Voici le jeu :\n```python\n{path.read_text()}```")
    expected = {
        "snake_pygame_syntax": "code_syntax",
        "snake_pygame_ends": "code_lacks_goes_on",
        # It reads its events, but never asks for a key.
        "snake_pygame_still": "code_lacks_hears",
    }.get(path.stem, "code_not_run")
    assert judgement.code == expected

"""Real programs, played in the sandbox: right ones pass, wrong ones fail with their reason."""

from pathlib import Path

import pytest

from app.bench.answers.judgement import Judgement
from app.bench.programs import coding
from app.bench.programs.code_task import CodeTask
from app.bench.tasks.reading import LIBRARY, load
from app.models.lab import Verdict
from tests.support.apart import needs_sandbox

pytestmark = needs_sandbox

PROGRAMS = Path(__file__).parents[1] / "samples/programs"
GAME = CodeTask("game")
CODE = load([folder for folder in LIBRARY if folder.name == "code"]).tasks


def played(source: str, task: CodeTask = GAME) -> Judgement:
    return coding.judge(task, f"Voici :\n```python\n{source}\n```", run=True)


@pytest.mark.parametrize(
    ("name", "verdict", "code", "line"),
    [
        ("snake_pygame", Verdict.PASSED, "code_plays", None),
        ("snake_pygame_menu", Verdict.PASSED, "code_plays", None),
        ("snake_pygame_crash", Verdict.FAILED, "code_crashed", 16),
        ("snake_pygame_syntax", Verdict.FAILED, "code_syntax", 6),
        ("snake_pygame_ends", Verdict.FAILED, "code_ended_at_once", None),
        ("snake_pygame_still", Verdict.RESERVE, "code_nothing_moves", None),
        ("snake_turtle", Verdict.PASSED, "code_plays", None),
        ("snake_turtle_timer", Verdict.PASSED, "code_plays", None),
        ("snake_turtle_crash", Verdict.FAILED, "code_crashed", 8),
        ("snake_tkinter", Verdict.PASSED, "code_plays", None),
        ("snake_tkinter_crash", Verdict.FAILED, "code_crashed", 10),
        ("snake_curses", Verdict.PASSED, "code_plays", None),
        ("snake_curses_crash", Verdict.FAILED, "code_crashed", 9),
        ("snake_text", Verdict.PASSED, "code_plays", None),
        ("snake_msvcrt", Verdict.RESERVE, "code_windows_only", None),
    ],
)
def test_a_snake(name: str, verdict: Verdict, code: str, line: int | None) -> None:
    judgement = played((PROGRAMS / f"{name}.txt").read_text())
    assert (judgement.verdict, judgement.code) == (verdict, code), (judgement.params, judgement.log)
    assert judgement.params.get("line") == line
    if code == "code_crashed":
        assert "Error" in judgement.log or "error" in judgement.log


@pytest.mark.parametrize("name", sorted(CODE))
def test_the_librarys_answers_are_judged_as_they_should(name: str) -> None:
    task = CODE[name]
    assert task.code
    good, bad = (coding.judge(task.code, answer, run=True) for answer in (task.good, task.bad))
    assert (good.verdict, good.score) == (Verdict.PASSED, 1), (good.code, good.params, good.log)
    assert (bad.verdict, bad.score) == (Verdict.FAILED, 0), bad.code


@pytest.mark.parametrize(
    ("source", "verdict", "code"),
    [
        # The title says what each does wrong, or what only this place lacks.
        ("import pygame\npygame.init()\nwhile True: pass", Verdict.FAILED, "code_hung"),
        ("import signal\nsignal.pause()", Verdict.FAILED, "code_shows_nothing"),
        ("import pygame\nfont = pygame.font.SysFont('arial', 20)", Verdict.FAILED, "code_crashed"),
        ("import pygame\npygame.snake()", Verdict.FAILED, "code_crashed"),
        ("import pygame\npygame.init()\npygame.scrap.init()", Verdict.RESERVE, "code_beyond_player"),
        ("import pygame.gfxdraw", Verdict.RESERVE, "code_beyond_player"),
        ("import snake_engine\nsnake_engine.run()", Verdict.RESERVE, "code_needs_module"),
        ("import tkinter\nwindow = tkinter.Tk()\nwindow.mainloop()", Verdict.RESERVE, "code_nothing_moves"),
        ("import tkinter\nwindow = tkinter.Tk()\nwindow.snake()", Verdict.RESERVE, "code_beyond_player"),
        ("import os\nos.kill(os.getppid(), 9)\nwhile True: pass", Verdict.FAILED, "code_killed"),
        ("while True:\n    input('?')\n    exit()", Verdict.FAILED, "code_ended_at_once"),
    ],
)
def test_what_else_goes_wrong(source: str, verdict: Verdict, code: str) -> None:
    judgement = played(source, CodeTask("game", seconds=1))
    assert (judgement.verdict, judgement.code) == (verdict, code), (judgement.params, judgement.log)


def test_time_is_skipped_but_passes_for_the_program() -> None:
    slow = """
import time
import pygame
pygame.init()
screen = pygame.display.set_mode((100, 100))
begin = time.monotonic()
while time.monotonic() - begin < 30:
    for event in pygame.event.get():
        pass
    time.sleep(1)
    screen.fill((int(time.monotonic() - begin), 0, 0))
    pygame.display.flip()
raise RuntimeError("half a minute was over")
"""
    judgement = played(slow, CodeTask("game", seconds=60))
    assert judgement.code == "code_crashed"
    assert "half a minute" in judgement.params["error"]
    assert judgement.params["seconds"] >= 30


def test_half_of_the_results_right_is_a_reserve() -> None:
    task = CodeTask("calls", function="f", calls=(((1,), 1), ((2,), 4)))
    assert played("def f(x):\n    return x", task).verdict is Verdict.RESERVE
    assert played("def f(x):\n    return x * x", task).verdict is Verdict.PASSED
    assert played("def f(x):\n    return x * x\nprint(f(int(input('x ? '))))", task).verdict is Verdict.PASSED
    assert played("def f(x):\n    while True: x += 1", task).code == "code_hung"

"""Real programs, played in the sandbox: right ones pass, wrong ones fail with their reason."""

from pathlib import Path

import pytest

from app.lab.code_runner import programs
from app.lab.code_runner.programs import CodeTask
from app.lab.grading.checks import Judgement
from app.lab.task_files import LIBRARY, load_tasks
from app.models.lab import Verdict
from tests.support.apart import needs_parts, needs_sandbox

pytestmark = [needs_sandbox, needs_parts, pytest.mark.slow]

PROGRAMS = Path(__file__).parents[1] / "samples/programs"
GAME = CodeTask(play="game")
PYGAME = (
    "import pygame\npygame.init()\nscreen = pygame.display.set_mode((90, 90))\nclock = pygame.time.Clock()\nx = 0\n"
)
MOVING = "while True:\n    x += 1\n    screen.fill((x, 0, 0))\n    pygame.display.flip()\n    clock.tick(30)"
TK = "import tkinter as tk\nwindow = tk.Tk()\n"
TURTLE = """
import turtle
def step():
    turtle.forward(3)
    turtle.ontimer(step, 50)
turtle.onkey(lambda: turtle.left(90), "Up")
step()
turtle.done()
"""
CURSES = """
import curses
def play(screen):
    while True:
        screen.addstr(5, 5, "O")
        screen.getch()
curses.wrapper(play)
"""
CODE = load_tasks([folder for folder in LIBRARY if folder.name == "code"]).tasks


def played(source: str, task: CodeTask = GAME) -> Judgement:
    return programs.judge_code(task, f"Voici :\n```python\n{source}\n```", run=True)


@pytest.mark.parametrize(
    ("name", "verdict", "code", "line"),
    [
        ("snake_pygame", Verdict.PASSED, "code_plays", None),
        ("snake_pygame_menu", Verdict.PASSED, "code_plays", None),
        ("snake_pygame_crash", Verdict.FAILED, "code_crashed", 16),
        ("snake_pygame_syntax", Verdict.FAILED, "code_syntax", 6),
        ("snake_pygame_ends", Verdict.FAILED, "code_ended_at_once", None),
        ("snake_pygame_still", Verdict.RESERVE, "code_nothing_moves", None),
        ("snake_pygame_corner", Verdict.PASSED, "code_plays", None),
        ("snake_pygame_adrift", Verdict.RESERVE, "code_deaf", None),
        ("snake_pygame_lost", Verdict.FAILED, "code_crashed", 26),
        ("snake_turtle", Verdict.PASSED, "code_plays", None),
        ("snake_turtle_timer", Verdict.PASSED, "code_plays", None),
        ("snake_turtle_letters", Verdict.PASSED, "code_plays", None),
        ("snake_turtle_crash", Verdict.FAILED, "code_crashed", 8),
        ("snake_tkinter", Verdict.PASSED, "code_plays", None),
        ("snake_tkinter_functions", Verdict.PASSED, "code_plays", None),
        ("snake_tkinter_crash", Verdict.FAILED, "code_crashed", 10),
        ("snake_curses", Verdict.PASSED, "code_plays", None),
        ("snake_curses_crash", Verdict.FAILED, "code_crashed", 9),
        ("snake_text", Verdict.PASSED, "code_plays", None),
        ("snake_terminal", Verdict.PASSED, "code_plays", None),
        ("snake_msvcrt", Verdict.RESERVE, "code_windows_only", None),
    ],
)
def test_a_snake(name: str, verdict: Verdict, code: str, line: int | None) -> None:
    judgement = played((PROGRAMS / f"{name}.txt").read_text())
    assert (judgement.verdict, judgement.code) == (verdict, code), (judgement.params, judgement.log)
    assert judgement.params.get("line") == line
    if code == "code_crashed":
        assert str(judgement.params["error"]) in judgement.log


@pytest.mark.parametrize("name", sorted(CODE))
def test_the_librarys_answers_are_judged_as_they_should(name: str) -> None:
    task = CODE[name]
    assert task.code
    good, bad = (programs.judge_code(task.code, answer, run=True) for answer in (task.good, task.bad))
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
        (
            "import pygame\npygame.font.init()\npygame.font.Font(None, 20).render(7, True, 'red')",
            Verdict.FAILED,
            "code_crashed",
        ),
        (PYGAME + "while True:\n    pygame.draw.circle(screen, 'red', (9, 9))", Verdict.FAILED, "code_crashed"),
        (
            PYGAME + "while True:\n    screen.fill('red')\n    pygame.event.get()\n    clock.tick(30)",
            Verdict.FAILED,
            "code_shows_nothing",
        ),
        (PYGAME + MOVING, Verdict.RESERVE, "code_deaf"),
        ("import pygame.harbour", Verdict.FAILED, "code_crashed"),
        ("import snake_engine\nsnake_engine.run()", Verdict.RESERVE, "code_needs_module"),
        ("import tkinter\nwindow = tkinter.Tk()\nwindow.mainloop()", Verdict.RESERVE, "code_nothing_moves"),
        (TK + "window.bind('<Left>', print)", Verdict.FAILED, "code_ended_at_once"),
        (TK + "window.snake()", Verdict.FAILED, "code_crashed"),
        (TK + "tk.Lable(window)", Verdict.FAILED, "code_crashed"),
        (TK + "tk.Label(window).pak()", Verdict.FAILED, "code_crashed"),
        (TK + "tk.Label(window, txt='Bonjour')", Verdict.FAILED, "code_crashed"),
        (TK + "tk.Canvas(window).creat_oval(1, 1, 9, 9)", Verdict.FAILED, "code_crashed"),
        (TK + "tk.Canvas(window).create_oval(1, 1, 9, 9, colour='red')", Verdict.FAILED, "code_crashed"),
        (TK + "tk.Canvas(window).create_oval(1, 1, 9, 9, fill='rouge')", Verdict.FAILED, "code_crashed"),
        ("import turtle\nturtle.shape('carré')\nturtle.done()", Verdict.FAILED, "code_crashed"),
        (TURTLE, Verdict.RESERVE, "code_deaf"),
        (CURSES, Verdict.RESERVE, "code_nothing_moves"),
        ("import os\nos.kill(os.getppid(), 9)\nwhile True: pass", Verdict.FAILED, "code_killed"),
        ("while True:\n    input('?')\n    exit()", Verdict.FAILED, "code_ended_at_once"),
    ],
)
def test_what_else_goes_wrong(source: str, verdict: Verdict, code: str) -> None:
    judgement = played(source, CodeTask(play="game", seconds=2))
    assert (judgement.verdict, judgement.code) == (verdict, code), (judgement.params, judgement.log)


@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [
        ("text.config(text=str(count))", Verdict.PASSED, "code_plays"),
        ("pass", Verdict.RESERVE, "code_nothing_moves"),
        ("text.config(txt=str(count))", Verdict.FAILED, 'code_crashed TclError: unknown option "-txt"'),
        ("other += 1", Verdict.FAILED, "code_crashed UnboundLocalError: cannot access local variable 'other'"),
        ("messagebox.showinfo('Compte', str(count)); text.config(text=str(count))", Verdict.PASSED, "code_plays"),
        ("fenetre.destroy()", Verdict.FAILED, "code_ended_at_once"),
    ],
)
def test_a_windows_button_is_pressed(change: str, verdict: Verdict, code: str) -> None:
    source = f"""
import tkinter as tk
from tkinter import messagebox
count, other = 0, 0
def more():
    global count
    count += 1
    {change}
fenetre = tk.Tk()
text = tk.Label(fenetre, text="0")
text.pack()
tk.Entry(fenetre).pack()
tk.Button(fenetre, text="Encore", command=more).pack()
tk.Button(fenetre, text="Quitter", command=fenetre.destroy).pack()
fenetre.mainloop()
"""
    judgement = played(source, CodeTask(play="window", seconds=3))
    assert judgement.verdict == verdict, (judgement.params, judgement.log)
    assert f"{judgement.code} {judgement.params.get('error', '')}".startswith(code)


def test_a_game_of_pygame_may_ask_through_a_window() -> None:
    source = (PROGRAMS / "snake_pygame_corner.txt").read_text()
    asks = "\nfrom tkinter import Tk, messagebox\nTk().withdraw()\nmessagebox.showinfo('Serpent', 'On part ?')\n"
    judgement = played(source.replace("\nCASE", f"{asks}CASE", 1))
    assert (judgement.verdict, judgement.code) == (Verdict.PASSED, "code_plays"), judgement.log


def test_the_display_and_its_program_share_one_bound_of_memory() -> None:
    lines = """
import tkinter as tk
window = tk.Tk()
kept = []
def more():
    # Pictures of 16 MB each, which the display holds.
    picture = tk.PhotoImage(width=2000, height=2000)
    picture.put("red", to=(0, 0, 2000, 2000))
    tk.Label(window, image=picture).place(x=0, y=0)
    kept.append(picture)
    window.after(10, more)
more()
window.mainloop()
"""
    assert played(lines, CodeTask(play="game", seconds=30)).code == "code_memory"


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
    judgement = played(slow, CodeTask(play="game", seconds=60))
    assert judgement.code == "code_crashed"
    assert "half a minute" in judgement.params["error"]
    played_for = {check.check: check.detail for check in judgement.checks}["lives"]
    assert float(played_for.removesuffix(" s")) >= 30


def test_half_of_the_results_right_is_a_reserve() -> None:
    task = CodeTask(play="calls", function="f", calls=[{"args": [1], "returns": 1}, {"args": [2], "returns": 4}])
    assert played("def f(x):\n    return x", task).verdict is Verdict.RESERVE
    assert played("def f(x):\n    return x * x", task).verdict is Verdict.PASSED
    assert played("def f(x):\n    return x * x\nprint(f(int(input('x ? '))))", task).verdict is Verdict.PASSED
    assert played("def f(x):\n    while True: x += 1", task).code == "code_hung"

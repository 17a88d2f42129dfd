"""Files are short, modules say what they are for, views stay thin, and nothing of one machine is written down."""

import ast
import re

from tests.structure.sources import ROOT, files, functions, name_of, tracked

LONGEST = 250
LONGEST_VIEW = 15
MODULES = [*files("app", ".py"), *(ROOT / name for name in ("config.py", "wsgi.py", "gunicorn.conf.py"))]
MAP_ROW = re.compile(r"^\| `([\w/.]+\.py)` \| (.+) \|$", re.MULTILINE)
GUARDS = {"public", "member", "admin", "token_holder"}
# The rows are the models' business. Left: one statement that only asks whether the database answers, the end of
# the one use case that spreads over two settings, and making the session usable again after a taken name.
ROWS = re.compile(r"\bselect\(|\bdb\.session\b")
ROWS_LEFT = {"app/auth/views.py": 2, "app/chat/status.py": 1, "app/cli/users.py": 2}
# Paths of one machine, and hosts that packages come from on one network only.
PRIVATE = re.compile(
    "|".join(("/wor[k]/", "/roo[t]/", "/home/[a-z]+/", "artifactor[y]", "nexu[s]", r"\bregistry\.[a-z]+\."))
)


def test_no_file_is_long() -> None:
    sources = [
        *files("app", ".py"),
        *files("templates", ".html"),
        *files("static/js", ".js"),
        *files("static/css", ".css"),
        *files("tests", ".py"),
        *files("tests", ".js"),
    ]
    long = {name_of(path): lines for path in sources if (lines := len(path.read_text().splitlines())) > LONGEST}
    assert long == {}


def test_every_module_says_its_responsibility_and_the_readme_repeats_it() -> None:
    told = {}
    for path in MODULES:
        words = ast.get_docstring(ast.parse(path.read_text()))
        assert words, f"{name_of(path)} has no docstring"
        told[name_of(path)] = words.splitlines()[0]
    mapped = dict(MAP_ROW.findall((ROOT / "README.md").read_text().partition("## Module map")[2]))
    assert mapped == told


def test_every_module_of_the_browser_says_its_responsibility() -> None:
    silent = [name_of(path) for path in files("static/js", ".js") if not re.match(r"//|/\*", path.read_text())]
    assert silent == []


def test_views_are_short() -> None:
    views = {
        f"{name_of(path)}:{view.name}": sum(isinstance(node, ast.stmt) for node in ast.walk(view)) - 1
        for path in files("app", ".py")
        for view in functions(path)
        if any(isinstance(mark, ast.Name) and mark.id in GUARDS for mark in view.decorator_list)
    }
    assert len(views) > 15
    assert {name: count for name, count in views.items() if count > LONGEST_VIEW} == {}


def test_pages_and_commands_leave_the_rows_to_the_models() -> None:
    found = {}
    for folder in ("app/auth", "app/chat", "app/lab", "app/admin", "app/api", "app/cli"):
        for path in files(folder, ".py"):
            if count := len(ROWS.findall(path.read_text())):
                found[name_of(path)] = count
    assert found == ROWS_LEFT


def test_nothing_of_one_machine_is_written_down() -> None:
    found = {}
    for path in tracked():
        if "vendor" not in path.parts and (match := PRIVATE.search(path.read_bytes().decode(errors="replace"))):
            found[name_of(path)] = match[0]
    assert found == {}


def test_nothing_is_left_to_do() -> None:
    words = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
    sources = [path for path in tracked() if path.suffix in (".py", ".js", ".css", ".html", ".sh", ".mjs", ".md")]
    left = [name_of(path) for path in sources if "vendor" not in path.parts and words.search(path.read_text())]
    assert left == []

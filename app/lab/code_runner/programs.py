"""The program of an answer: found, checked by its source, run in the sandbox if it may be, and graded."""

import ast
import math
import re
import textwrap
import warnings
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, field_validator, model_validator

from app.lab.code_runner import sandbox
from app.lab.grading.checks import CheckResult, Judgement
from app.lab.grading.schemas import (
    MalformedError,
    Table,
    Texts,
    UndecidedError,
    compile_pattern,
    one_of,
    search_pattern,
)
from app.lab.grading.text import find_failures, loops
from app.models.lab import Verdict

# Characters of an answer that are parsed; a longer one could exhaust the parser.
LONGEST = 100_000
FENCE = re.compile(
    r"^[ \t]*(?P<mark>```+|~~~+)[ \t]*(?P<name>[\w+#.-]*)[^\n]*\n(?P<body>.*?)(?:^[ \t]*(?P=mark)|\Z)", re.M | re.S
)
PYTHON = {"", "python", "python3", "py"}
# The first line of a program that stands outside of any code fence.
FIRST_LINE = re.compile(r"^(?:import |from \w|def |class |#!|[A-Za-z_]\w* ?= ?)", re.M)
# Lines that can only be code, no prose.
CODE_LINE = re.compile(r"^\s*(?:import \w|from \w+ import |def \w+\(|class \w|while .*:$|for .*:$|print\()", re.M)
# When one block has this share of all lines of code, the others are taken for excerpts of it.
MAIN_SHARE = 0.5
WINDOWS_ONLY = {"msvcrt", "winsound", "winreg"}
# The modules by which a program shows itself, and the part of the sandbox that each needs.
PARTS = {"pygame": "pygame", "turtle": "tkinter", "tkinter": "tkinter"}
READS_KEYBOARD = re.compile(
    r"\bK_\w+|KEYDOWN|get_pressed|\bonkey\w*|\bbind(?:_all)?\(|\b(?:getch|get_wch|getkey|input|is_pressed)\(|stdin"
)
MAIN_LOOP = re.compile(r"\bmainloop\(|\bontimer\(|\.after\(|\bexitonclick\(|\bTimer\(")
# The sets of keys that are tried: right, down, left, up; and the names by which a program asks for them.
ARROWS, ZQSD, WASD = ["right", "down", "left", "up"], ["d", "s", "q", "z"], ["d", "s", "a", "w"]
NAMES_ARROWS = re.compile(r"K_UP\b|KEY_UP\b|Up\b|K_LEFT\b|KEY_LEFT\b|\[A\b")
NAMES_ZQSD = re.compile(r"K_z\b|['\"<-]z['\">]")
PLAYS = ("game", "window", "calls", "lines")
SECONDS, FEWEST_SECONDS, MOST_SECONDS = 5.0, 1, 60
# Calls or runs, expressions of one output, and letters of a name or an input.
MOST_TRIES, LONGEST_NAME, LONGEST_INPUT = 50, 80, 20_000
# Scores of programs that start but fall short: nothing moves; ended early or ignores the keys; cannot be decided.
STILL, EARLY, UNCLEAR = 0.3, 0.4, 0.5
# With at least this share of right results, the verdict is a reserve instead of a failure.
HALF = 0.5
# The number of different pictures that counts as movement, for a game and for a window.
MOVES = {"game": 3, "window": 2}
# A game reacts to keys when at least this share of its pictures does not appear in a play without keys.
STEERED = 0.25
# The score of a program that looks right but was not run.
UNSEEN = 0.5
# What programs may need besides Python: its name, and how an administrator installs it.
INSTALLED_BY = {
    "pygame": ("pygame-ce", ".venv/bin/pip install -r requirements-lab.txt"),
    "tkinter": ("tkinter", "apt install python3-tk"),
    "Xvfb": ("Xvfb", "apt install xvfb"),
}


# Programs in answers


@dataclass(frozen=True, slots=True)
class Program:
    """A program as written in an answer; `tree` is None when it is no valid Python, as `error` and `line` say."""

    source: str
    error: str = ""
    line: int | None = None
    tree: ast.Module | None = None

    @property
    def modules(self) -> list[str]:
        """The top-level names of the modules it imports."""
        found: dict[str, None] = {}
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.partition(".")[0]] = None
        return list(found)

    @property
    def needs(self) -> list[str]:
        """What it needs to show a window ("pygame", "tkinter"); empty for a program in a terminal."""
        return list(dict.fromkeys(PARTS[name] for name in self.modules if name in PARTS))

    @property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The functions at module level, by name."""
        body = self.tree.body if self.tree else []
        return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}

    @property
    def reads_keyboard(self) -> bool:
        """Whether its source contains a name that reads the keyboard."""
        return bool(READS_KEYBOARD.search(self.source))

    @property
    def has_loop(self) -> bool:
        """Whether it has a `while` loop or hands over to a window's main loop or timer."""
        loops = (node for node in ast.walk(self.tree) if isinstance(node, ast.While)) if self.tree else ()
        return any(loops) or bool(MAIN_LOOP.search(self.source))

    @property
    def keys(self) -> list[str]:
        """The keys it seems to use for right, down, left and up."""
        if NAMES_ARROWS.search(self.source):
            return ARROWS
        return ZQSD if NAMES_ZQSD.search(self.source) else WASD


def extract(answer: str) -> Program | None:
    """Extract the program of an answer, joining its code blocks if they belong together; None without code."""
    answer = answer[:LONGEST].replace("\r\n", "\n")
    blocks = [
        textwrap.dedent(match["body"]).strip("\n")
        for match in FENCE.finditer(answer)
        if match["name"].lower() in PYTHON and match["body"].strip()
    ]
    if not blocks:
        # Fenced text in another language is no program; without any fence the answer may be one.
        return None if FENCE.search(answer) else _bare(answer)
    programs = [parsed(block) for block in blocks]
    longest = max(programs, key=_lines)
    right = [program for program in programs if program.tree and program.tree.body]
    # A long invalid program is not replaced by a few valid lines in another block.
    if not right or (longest not in right and max(map(_lines, right)) < MAIN_SHARE * _lines(longest)):
        return longest
    whole = parsed("\n\n".join(program.source for program in right))
    longest = max(right, key=_lines)
    return whole if whole.tree and _lines(longest) < MAIN_SHARE * sum(map(_lines, right)) else longest


def parsed(source: str) -> Program:
    """Parse a source into a `Program`; a parser's error is recorded in it, not raised."""
    try:
        with warnings.catch_warnings():
            # Invalid escapes in strings would only warn.
            warnings.simplefilter("ignore")
            return Program(source, tree=ast.parse(source))
    except SyntaxError as error:
        return Program(source, error=str(error.msg), line=error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return Program(source, error=type(error).__name__)


def _bare(answer: str) -> Program | None:
    """Find a program without a code fence: from its first line on, dropping paragraphs at the end until it parses."""
    begin = FIRST_LINE.search(answer)
    if not begin:
        return None
    lines = textwrap.dedent(answer[begin.start() :]).splitlines()
    program = parsed("\n".join(lines))
    if program.tree is None:
        # Drop whole paragraphs: the prose after a program follows a blank line.
        ends = [place for place, line in enumerate(lines) if not line.strip()]
        for end in reversed(ends[-50:]):
            shorter = parsed("\n".join(lines[:end]))
            if shorter.tree and len(shorter.tree.body) > 1:
                return shorter
    # One assignment in prose is no program.
    return program if len(CODE_LINE.findall(program.source)) > 1 else None


def _lines(program: Program) -> int:
    return len(program.source.splitlines())


# Coding tasks of task files


class CodeCall(Table):
    """One call of a task's function, and what it must return."""

    args: list[Any]
    returns: Any

    @model_validator(mode="before")
    @classmethod
    def _has_both(cls, values: Any) -> Any:
        if isinstance(values, dict) and (set(values) != {"args", "returns"} or not isinstance(values["args"], list)):
            raise MalformedError("task_code_call")
        return values


class CodeRun(Table):
    """One run of a program: its input, and regular expressions that its output must match."""

    input: str = Field(max_length=LONGEST_INPUT)
    output: Texts

    @model_validator(mode="before")
    @classmethod
    def _has_both(cls, values: Any) -> Any:
        if isinstance(values, dict) and set(values) != {"input", "output"}:
            raise MalformedError("task_code_run")
        return values

    @field_validator("output")
    @classmethod
    def _compiles(cls, output: list[str]) -> list[str]:
        for expression in output:
            compile_pattern(expression, case=True)
        return output


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not FEWEST_SECONDS <= value <= MOST_SECONDS:
        raise MalformedError("task_code_seconds", least=FEWEST_SECONDS, most=MOST_SECONDS)
    return float(value)


class CodeTask(Table):
    """How the programs of a coding task are tried: the `[code]` table of a task file."""

    play: Annotated[str, one_of(PLAYS)]
    seconds: Annotated[float, PlainValidator(_seconds)] = SECONDS
    function: str = Field("", max_length=LONGEST_NAME)
    calls: list[CodeCall] = Field([], max_length=MOST_TRIES)
    runs: list[CodeRun] = Field([], max_length=MOST_TRIES)

    @model_validator(mode="after")
    def _has_tries(self) -> Self:
        if self.play == "calls" and not (self.function.isidentifier() and self.calls):
            raise MalformedError("task_code_no_calls", "play")
        if self.play == "lines" and not self.runs:
            raise MalformedError("task_code_no_runs", "play")
        return self


# Reports of the sandbox


def verdict_of_run(task: CodeTask, report: dict[str, Any]) -> Judgement:
    """The verdict on a program with a window or in a terminal: does it start, move, react to keys, keep running?"""
    pictures, different = int(report["pictures"]), len(set(report["shown"]))
    lives = report["ended"] == "survived"
    checks = (
        CheckResult("starts_up", pictures > 0, str(pictures)),
        CheckResult("moves", different >= MOVES[task.play], str(different)),
        CheckResult("listens", bool(report["heard"]), str(int(report["pressed"]))),
        CheckResult("lives", lives, f"{report['seconds']} s"),
    )
    if report["ended"] == "crashed":
        return _crashed(report["error"], checks)
    if report["ended"] == "stuck":
        return Judgement(Verdict.FAILED, 0.0, "code_hung", {}, checks)
    return _verdict_of_checks(checks, lives, max(1, round(float(report["seconds"]))), int(report["pressed"]))


def compare_without_keys(seen: Judgement, report: dict[str, Any], alone: dict[str, Any]) -> Judgement:
    """The verdict on a game that plays well, after comparing it with a second play without keys (`alone`).

    When both show the same pictures, the game ignores the keys.
    """
    if alone["ended"] == "crashed":
        return _crashed(alone["error"], seen.checks)
    if alone["ended"] == "stuck":
        return Judgement(Verdict.FAILED, 0.0, "code_hung", {}, seen.checks)
    pictures = set(report["shown"])
    if len(pictures - set(alone["shown"])) >= STEERED * len(pictures):
        return seen
    checks = (replace(check, passed=check.passed and check.check != "listens") for check in seen.checks)
    return Judgement(Verdict.RESERVE, EARLY, "code_deaf", {}, tuple(checks))


def _verdict_of_checks(checks: tuple[CheckResult, ...], lives: bool, seconds: int, keys: int) -> Judgement:
    """The verdict on a program that neither crashed nor hung, by its checks."""
    shows, moves, listens, _ = (check.passed for check in checks)
    if lives and not shows:
        return Judgement(Verdict.FAILED, 0.0, "code_shows_nothing", {}, checks)
    if not lives and moves:
        return Judgement(Verdict.RESERVE, EARLY, "code_ended_early", {"seconds": seconds}, checks)
    if not lives:
        return Judgement(Verdict.FAILED, 0.0, "code_ended_at_once", {}, checks)
    if not moves:
        return Judgement(Verdict.RESERVE, STILL, "code_nothing_moves", {}, checks)
    if not listens:
        return Judgement(Verdict.RESERVE, EARLY, "code_deaf", {}, checks)
    return Judgement(Verdict.PASSED, 1.0, "code_plays", {"seconds": seconds, "keys": keys}, checks)


def results(task: CodeTask, report: dict[str, Any]) -> Judgement:
    """The verdict on a function's return values, or on the output of a program that reads lines."""
    if report["ended"] == "crashed":
        return _crashed(report["error"])
    if report["results"] is None:
        return Judgement(Verdict.FAILED, 0.0, "code_lacks_function", {"name": task.function})
    calls = task.play == "calls"
    wanted: list[Any] = [call.returns for call in task.calls] if calls else [tuple(run.output) for run in task.runs]
    right = _same if calls else _matches
    try:
        checks = tuple(
            CheckResult("result", "value" in got and right(got["value"], want), _result_detail(got, want))
            for got, want in zip(report["results"], wanted, strict=True)
        )
    except UndecidedError:
        return Judgement(Verdict.RESERVE, UNCLEAR, "check_undecided", {"check": "result"})
    count = sum(check.passed is True for check in checks)
    share = count / len(checks)
    verdict = Verdict.PASSED if share == 1 else Verdict.RESERVE if share >= HALF else Verdict.FAILED
    return Judgement(verdict, share, "code_results", {"right": count, "all": len(checks)}, checks)


def _crashed(error: dict[str, Any] | None, checks: tuple[CheckResult, ...] = ()) -> Judgement:
    error = error or {}
    missing = str(error.get("missing") or "").partition(".")[0]
    if missing in WINDOWS_ONLY:
        return Judgement(Verdict.RESERVE, UNCLEAR, "code_windows_only", {"name": missing}, checks)
    # A part of pygame that does not exist is the program's own error.
    if missing and missing not in PARTS:
        return Judgement(Verdict.RESERVE, UNCLEAR, "code_needs_module", {"name": missing}, checks)
    said = ": ".join(part for part in (str(error.get("type") or "?"), str(error.get("message") or "")) if part)
    params = {"error": said[:300], "line": int(error.get("line") or 0)}
    return Judgement(Verdict.FAILED, 0.0, "code_crashed", params, checks)


def _same(got: Any, want: Any) -> bool:
    """Whether two JSON values are equal, numbers within a tolerance; True is not 1."""
    if isinstance(want, bool) or isinstance(got, bool) or want is None or got is None:
        return got is want
    if isinstance(want, int | float) and isinstance(got, int | float):
        return math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-6)
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(map(_same, got, want))
    if isinstance(want, dict) and isinstance(got, dict):
        return got.keys() == want.keys() and all(_same(got[key], want[key]) for key in want)
    return bool(got == want)


def _matches(written: Any, wanted: Any) -> bool:
    patterns = (compile_pattern(pattern, "output", case=True) for pattern in wanted)
    return all(search_pattern(pattern, str(written)) for pattern in patterns)


def _result_detail(got: dict[str, Any], want: Any) -> str:
    error = got.get("error") or {}
    value = repr(got["value"]) if "value" in got else f"{error.get('type')}: {error.get('message')}"
    return f"{value[:150]} / {want!r:.150}"


# Grades


def judge_code(
    task: CodeTask, answer: str, reason: str = "stop", *, run: bool = False, thinking: str = "", think: bool = False
) -> Judgement:
    """Grade an answer with a program; `run`: the administrator allows running it in the sandbox.

    `reason`: why the engine stopped ("stop", "length"); `think`: whether thinking was requested.
    """
    seen = find_failures("", answer, thinking, reason, think=think)
    # Loops count only in the prose, since programs repeat lines.
    failures = tuple(failure for failure in seen if failure != "loop" or loops(FENCE.sub("", answer)))
    return replace(_judge_program(task, extract(answer), reason, run), failures=failures)


def _judge_program(task: CodeTask, program: Program | None, reason: str, run: bool) -> Judgement:
    if program is None:
        return Judgement(Verdict.FAILED, 0.0, "code_none")
    if program.tree is None:
        params = {"line": program.line or 0, "error": program.error}
        code = "code_cut" if reason == "length" else "code_syntax"
        return Judgement(Verdict.FAILED, 0.0, code, params, (CheckResult("parses", False, program.error),))
    checks = (CheckResult("parses", True), *_source_checks(task, program))
    if not run:
        return _judge_source("code_not_run", {"cause": ""}, checks)
    state, cause = sandbox.state()
    if state is not sandbox.SandboxState.READY:
        return _judge_source(f"code_sandbox_{state}", {"cause": cause}, checks)
    return _judge_run(task, program, checks)


def _judge_source(code: str, params: dict[str, Any], checks: tuple[CheckResult, ...], log: str = "") -> Judgement:
    """The judgement by the source alone; `code` says why the program was not run."""
    if lacking := next((check for check in checks if not check.passed), None):
        params = {"name": lacking.detail}
        return Judgement(Verdict.FAILED, 0.0, f"code_lacks_{lacking.check}", params, checks, log=log)
    return Judgement(Verdict.RESERVE, UNSEEN, code, params, checks, log=log)


def _source_checks(task: CodeTask, program: Program) -> list[CheckResult]:
    match task.play:
        case "calls":
            function = program.functions.get(task.function)
            fits = function is not None and _takes(function.args, len(task.calls[0].args))
            return [CheckResult("function", fits, task.function)]
        case "lines":
            hears = re.search(r"\binput\(|stdin|fileinput|open\(0", program.source)
            return [CheckResult("reads", bool(hears))]
        case _:
            return [
                CheckResult("goes_on", program.has_loop),
                CheckResult("hears", program.reads_keyboard or task.play == "window"),
            ]


def _takes(arguments: ast.arguments, count: int) -> bool:
    """Whether a function can be called with `count` positional arguments."""
    places = len(arguments.posonlyargs) + len(arguments.args)
    needed = places - len(arguments.defaults)
    return needed <= count and (count <= places or arguments.vararg is not None)


def _judge_run(task: CodeTask, program: Program, checks: tuple[CheckResult, ...]) -> Judgement:
    """Run the program in the sandbox and judge what it did."""
    kind = task.play if task.play in ("calls", "lines") else "shown" if program.needs else "terminal"
    job = {
        "kind": kind,
        "needs": program.needs,
        "source": program.source,
        "keys": program.keys,
        "clicks": task.play == "window",
        "function": task.function,
        "calls": [call.args for call in task.calls],
        "inputs": [run.input for run in task.runs],
    }
    outcome = sandbox.run(job, seconds=task.seconds)
    report, log = outcome.report, outcome.log
    if report is None:
        code = {sandbox.Ended.TIME: "code_hung", sandbox.Ended.MEMORY: "code_memory"}.get(outcome.ended, "code_killed")
        return Judgement(Verdict.FAILED, 0.0, code, {}, checks, log=log)
    try:
        if report["ended"] == "lacking":
            name, how = INSTALLED_BY[report["lacks"]]
            return _judge_source("code_not_installed", {"name": name, "how": how}, checks, log)
        seen = results(task, report) if kind in ("calls", "lines") else verdict_of_run(task, report)
        if task.play == "game" and seen.verdict is Verdict.PASSED:
            alone = sandbox.run({**job, "keys": []}, seconds=task.seconds)
            if alone.report is not None:
                before, seen = seen, compare_without_keys(seen, report, alone.report)
                log = log if seen is before else alone.log
    except (AttributeError, KeyError, TypeError, ValueError):
        # The program can tamper with the report: a malformed one counts as none.
        return Judgement(Verdict.FAILED, 0.0, "code_killed", {}, checks, log=log)
    return replace(seen, checks=(*checks, *seen.checks), log=log)

"""Extract the program from an answer and analyse its source; read the `[code]` table of a task file."""

import ast
import re
import textwrap
import warnings
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, field_validator, model_validator

from app.lab.grading.schemas import MalformedError, Table, Texts, compile_pattern, one_of

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

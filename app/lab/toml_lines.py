"""In which line of a TOML file a table or a key stands, for people who are told what is wrong there."""

import re
from collections import Counter

HEAD = re.compile(r"^\s*(\[{1,2})([^\[\],=]+)\]{1,2}\s*(?:#.*)?$")
KEY = re.compile(r"^\s*[\"']?([\w.-]+)[\"']?\s*=")
FENCE = re.compile(r"\"{3}|'{3}")
TOLD = re.compile(r"\(at line (\d+)")
# What the reader of TOML says in its own words, and the sentence for it; the first that is in there counts.
CAUSES = (
    ("Expected newline", "task_toml_rest"),
    ("Expected '='", "task_toml_equals"),
    ("Expected ']", "task_toml_brackets"),
    ("Unclosed array", "task_toml_brackets"),
    ("Unclosed inline", "task_toml_brackets"),
    ("key part", "task_toml_key"),
    ("Invalid statement", "task_toml_key"),
    ("Cannot ", "task_toml_twice"),
    ("Duplicate", "task_toml_twice"),
    ("Unescaped", "task_toml_escape"),
    ("hex value", "task_toml_escape"),
    ("Escaped character", "task_toml_escape"),
    ("Unterminated", "task_toml_quotes"),
    ("Illegal character", "task_toml_quotes"),
    ("Expected ", "task_toml_quotes"),
    ("invalid character", "task_toml_letter"),
    ("date", "task_toml_value"),
    ("Invalid value", "task_toml_value"),
    ("Exceeds the limit", "task_toml_number"),
    ("recursion", "task_toml_deep"),
)


class Lines:
    """The places of one file: tables by name, those of a list by name and number (from 1), keys within."""

    def __init__(self, text: str) -> None:
        self._last = max(1, text.count("\n") + (not text.endswith("\n")))
        self._places: dict[tuple[str, int, str], int] = {}
        counts: Counter[str] = Counter()
        table, inside = ("", 0), ""
        for number, line in enumerate(text.splitlines(), start=1):
            was_inside = inside
            inside = _fence(line, inside)
            if was_inside:
                continue
            if head := HEAD.match(line):
                name = re.sub(r"[\s\"']", "", head[2])
                counts[name] += 1
                table = (name, counts[name] if head[1] == "[[" else 0)
                self._places.setdefault((*table, ""), number)
            elif key := KEY.match(line):
                self._places.setdefault((*table, key[1]), number)

    def of(self, table: str, number: int = 0, key: str = "") -> int:
        """The line of a key or of the table of that name, else of the table around it or of its first part."""
        parent, _, last = table.rpartition(".")
        tried = (
            *((table, number, key), (f"{table}.{key}", 0, ""), (table, number, ""), ("", 0, table)),
            *((parent, 0, last), (parent, 0, "")),
        )
        if found := next((self._places[place] for place in tried if place in self._places), 0):
            return found
        return next((line for (name, _, _), line in self._places.items() if name.startswith(f"{table}.")), 1)

    def of_error(self, message: str) -> int:
        """The line that the reader of TOML complains of; the last one where it ran out of text."""
        told = TOLD.search(message)
        return int(told[1]) if told else self._last


def cause(message: str) -> str:
    """The code of what the reader of TOML complains of."""
    return next((code for words, code in CAUSES if words in message), "task_bad_toml")


def _fence(line: str, inside: str) -> str:
    """The kind of quotes that a text over several lines is still in after this line."""
    for found in FENCE.finditer(line):
        if inside in ("", found[0]):
            inside = "" if inside else found[0]
    return inside

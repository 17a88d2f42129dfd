"""Detect typical failures of small models: loops, wrong language, bad thinking, cut answers, repeated questions."""

import re
import zlib
from collections import Counter
from itertools import groupby

from app.lab.grading.text import MAX_CHARACTERS, WORD, foreign_language, normalize

# The failures that give a score of 0, worst first; the others lower it or are only counted.
FATAL = ("endless_thinking", "loop", "wrong_language", "echo")
# A larger share in another language cannot be a quotation.
FOREIGN_SHARE = 0.5
# A line or sentence that occurs so often, in all or in a row, is a loop.
SAME_LINES, SAME_IN_A_ROW = 4, 3
# A loop: of all sequences of RUN words, a smaller share is distinct; tested from so many sequences on.
RUN, FEW_DIFFERENT, ENOUGH_WORDS = 6, 0.6, 40
# A loop: zlib compresses it below this share (prose: a third to a half); tested from so many bytes on.
PACKED, ENOUGH_LETTERS = 0.14, 800
# A loop: the text ends with the same piece of at most so many characters, repeated so many times.
TAIL_PIECE, TAIL_TIMES = 120, 6
# Endless thinking: so many times the words of the answer, and at least so many words.
THINKING_TIMES, THINKING_WORDS = 40, 1500
# An echo: the answer repeats this share of the question's sequences of so many words.
ECHO_RUN, ECHO_SHARE = 5, 0.8


def find_failures(
    question: str, answer: str, thinking: str, reason: str, *, language: str = "any", think: bool = False
) -> tuple[str, ...]:
    """The names of the failures that an answer shows.

    `reason`: why the engine stopped ("stop", "length"); `language`: the expected language's code, or "any"; `think`:
    whether thinking was requested.
    """
    seen = {
        "endless_thinking": _endless(answer, thinking, reason),
        "loop": loops(answer),
        "wrong_language": language != "any" and foreign_language(answer[:MAX_CHARACTERS], language)[1] > FOREIGN_SHARE,
        "echo": echoes(question, answer),
        "empty_thinking": not thinking.strip() and (think or bool(thinking)),
        "cut": reason == "length",
    }
    return tuple(name for name, is_so in seen.items() if is_so)


def loops(text: str) -> bool:
    """Whether the text loops: repeated lines, repeated sequences of words, or the same piece again and again."""
    text = text[:MAX_CHARACTERS]
    return _same_lines(text) or _same_runs(text) or _packed(text) or _same_tail(text)


def echoes(question: str, answer: str) -> bool:
    """Whether the answer repeats most of the question instead of answering it."""
    asked = _runs(normalize(question), ECHO_RUN)
    if len(asked) < ECHO_RUN:
        return False
    said = set(_runs(normalize(answer[:MAX_CHARACTERS]), ECHO_RUN))
    return sum(run in said for run in asked) / len(asked) >= ECHO_SHARE


def _endless(answer: str, thinking: str, reason: str) -> bool:
    """Whether the thinking left no answer, is far longer than the answer, or loops until the token limit."""
    if not thinking.strip():
        # An unclosed tag in the answer: the model never finished thinking.
        return answer.lstrip().startswith("<think>") and "</think>" not in answer
    if not answer.strip():
        return True
    long = len(WORD.findall(thinking)) > max(THINKING_WORDS, THINKING_TIMES * len(WORD.findall(answer)))
    return long or (reason == "length" and loops(thinking))


def _same_lines(text: str) -> bool:
    pieces = re.split(r"\n+|(?<=[.!?…])\s+", text)
    # Without numbers, so that « 1. Oui. 2. Oui. » is a loop too; without tables, whose rows may look alike.
    bare = [
        WORD.findall(re.sub(r"\d+", " ", normalize(piece))) for piece in pieces if not piece.lstrip().startswith("|")
    ]
    said = [tuple(piece) for piece in bare if len(piece) >= 3]
    in_a_row = any(len(list(same)) >= SAME_IN_A_ROW for _, same in groupby(said))
    return in_a_row or any(count >= SAME_LINES for count in Counter(said).values())


def _runs(text: str, length: int) -> list[tuple[str, ...]]:
    tokens = WORD.findall(text)
    return [tuple(tokens[place : place + length]) for place in range(len(tokens) - length + 1)]


def _same_runs(text: str) -> bool:
    runs = _runs(normalize(text), RUN)
    return len(runs) >= ENOUGH_WORDS and len(set(runs)) / len(runs) < FEW_DIFFERENT


def _packed(text: str) -> bool:
    raw = text.encode(errors="replace")
    return len(raw) >= ENOUGH_LETTERS and len(zlib.compress(raw)) / len(raw) < PACKED


def _same_tail(text: str) -> bool:
    tail = re.sub(r"[.!?…]$", "", text.rstrip())[-TAIL_PIECE * TAIL_TIMES :]
    for size in range(1, len(tail) // TAIL_TIMES + 1):
        piece = tail[-size:]
        # A row of dashes or dots may be a horizontal rule or a table's border: more repeats are needed.
        times = TAIL_TIMES if WORD.search(piece) else 8 * TAIL_TIMES
        if len(piece) * times >= 24 and tail.endswith(piece * times):
            return True
    return False

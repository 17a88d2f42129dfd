"""How small models fail: loops, the wrong language, empty or endless thinking, an answer cut or parroted."""

import re
import zlib
from collections import Counter
from itertools import groupby

from app.lab.grading.text import MAX_CHARACTERS, WORD, foreign_language, normalize

# What makes an answer worthless, worst first; the others cost it something or are only counted.
FATAL = ("endless_thinking", "loop", "wrong_language", "echo")
# A share of the text in another language that is no quotation any more.
FOREIGN_SHARE = 0.5
# So often does nobody write the same line or sentence, in all and one right after the other.
SAME_LINES, SAME_IN_A_ROW = 4, 3
# Of all runs of six words, so few are different ones in a text that goes round; counted from so many words on.
RUN, FEW_DIFFERENT, ENOUGH_WORDS = 6, 0.6, 40
# Prose shrinks to a third or half when packed, a loop to much less; counted from so many characters on.
PACKED, ENOUGH_LETTERS = 0.14, 800
# A piece of up to so many characters that ends the text so many times over.
TAIL_PIECE, TAIL_TIMES = 120, 6
# So much longer than the answer is thinking that has lost its way, from so many words on.
THINKING_TIMES, THINKING_WORDS = 40, 1500
# The share of the question's runs of five words that an answer repeats when it parrots.
ECHO_RUN, ECHO_SHARE = 5, 0.8


def find_failures(
    question: str, answer: str, thinking: str, reason: str, *, language: str = "any", think: bool = False
) -> tuple[str, ...]:
    """The names of what went wrong; `language` is the expected one, `think` whether thinking was asked for."""
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
    """Whether the text goes round: the same line, the same runs of words, or the same letters at its end."""
    text = text[:MAX_CHARACTERS]
    return _same_lines(text) or _same_runs(text) or _packed(text) or _same_tail(text)


def echoes(question: str, answer: str) -> bool:
    """Whether the answer repeats the question, instruction and all."""
    asked = _runs(normalize(question), ECHO_RUN)
    if len(asked) < ECHO_RUN:
        return False
    said = set(_runs(normalize(answer[:MAX_CHARACTERS]), ECHO_RUN))
    return sum(run in said for run in asked) / len(asked) >= ECHO_SHARE


def _endless(answer: str, thinking: str, reason: str) -> bool:
    """Thinking that took all the room, goes round, or is out of all proportion."""
    if not thinking.strip():
        # Tags left open in the answer: nothing came after the thinking.
        return answer.lstrip().startswith("<think>") and "</think>" not in answer
    if not answer.strip():
        return True
    long = len(WORD.findall(thinking)) > max(THINKING_WORDS, THINKING_TIMES * len(WORD.findall(answer)))
    return long or (reason == "length" and loops(thinking))


def _same_lines(text: str) -> bool:
    pieces = re.split(r"\n+|(?<=[.!?…])\s+", text)
    # Figures left out: « 1. Oui. 2. Oui. » goes round too; rows of a table may look alike.
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
        # Dashes and dots in a row are a rule or a table's line.
        times = TAIL_TIMES if WORD.search(piece) else 8 * TAIL_TIMES
        if len(piece) * times >= 24 and tail.endswith(piece * times):
            return True
    return False

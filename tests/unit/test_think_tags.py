"""Thinking in tags is told apart wherever the stream is cut."""

import pytest

from app.engines.base import Done, EngineEvent, Reading, Text, Thinking
from app.engines.transport import split_thinking


def heard(pieces: list[str]) -> tuple[str, str]:
    events: list[EngineEvent] = [Reading(1, 1), *(Text(piece) for piece in pieces), Done("stop")]
    result = list(split_thinking(iter(events)))
    assert isinstance(result[0], Reading)
    assert isinstance(result[-1], Done)
    thinking = "".join(event.text for event in result if isinstance(event, Thinking))
    return thinking, "".join(event.text for event in result if isinstance(event, Text))


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("<think>un</think>\n\ndeux", "un", "deux"),
        (
            "\n<think>\nun < deux </th\n</think>Oui, <think> est une balise.",
            "\nun < deux </th\n",
            "Oui, <think> est une balise.",
        ),
        ("Bonjour <think>non</think>", "", "Bonjour <think>non</think>"),
        ("<thin", "", "<thin"),
        ("<think>sans fin </thi", "sans fin </thi", ""),
        ("<think></think>Bonjour", "", "Bonjour"),
        ("  ", "", "  "),
    ],
)
def test_the_same_wherever_it_is_cut(text: str, thinking: str, answer: str) -> None:
    for size in range(1, len(text) + 1):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert heard(pieces) == (thinking, answer), size


def test_thinking_of_its_own_is_left_alone() -> None:
    events = [Thinking("un"), Text("<think>"), Text("deux"), Done("stop")]
    assert list(split_thinking(iter(events))) == events

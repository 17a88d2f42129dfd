"""Thinking in tags is told apart wherever the stream is cut."""

from collections.abc import Iterator

import pytest

from app.engines.base import Done, EngineEvent, Reading, Retold, Text, Thinking
from app.engines.thinking import MARKS, ThinkingSplitter


def told(events: list[EngineEvent]) -> tuple[str, str]:
    """Thinking and text as a reader has them at the end."""
    thinking = text = ""
    for event in events:
        match event:
            case Thinking(more):
                thinking += more
            case Text(more):
                text += more
            case Retold(thinking):
                text = ""
    return thinking, text


def heard(pieces: list[str], *, opened: bool = False, reason: str = "stop") -> tuple[str, str]:
    events: list[EngineEvent] = [Reading(1, 1), *(Text(piece) for piece in pieces), Done(reason)]
    result = list(ThinkingSplitter(opened=opened).split(iter(events)))
    assert isinstance(result[0], Reading)
    assert isinstance(result[-1], Done)
    return told(result)


def cuts(text: str) -> Iterator[list[str]]:
    for size in range(1, len(text) + 1):
        yield [text[start : start + size] for start in range(0, len(text), size)]


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
        *((f"{opening}un{closing}\ndeux", "un", "deux") for opening, closing in MARKS.items()),
        # The closing mark alone: the template has opened the thinking.
        ("Voyons.\n</think>\n\nDeux.", "Voyons.\n", "Deux."),
        ("Voyons.</think>\n\nDeux.", "Voyons.", "Deux."),
        ("Voyons.\n</think>Deux.", "Voyons.\n", "Deux."),
        ("Voyons.[/THINK]\nDeux.", "Voyons.", "Deux."),
        ("\n</think>\n\nDeux.", "", "Deux."),
        ("Voyons.\n</think>", "Voyons.\n", ""),
        # Spoken of.
        ("La balise </think> ferme.", "", "La balise </think> ferme."),
        ("En code :\n```\n</think>\n```\nVoilà.", "", "En code :\n```\n</think>\n```\nVoilà."),
        ("Ouvrez :\n<think>\npuis :\n</think>\nVoilà.", "", "Ouvrez :\n<think>\npuis :\n</think>\nVoilà."),
        ("a </think> b\n</think>\nc", "a </think> b\n", "c"),
        # Channels.
        (
            "<|channel|>analysis<|message|>Voyons.<|end|><|start|>assistant<|channel|>final<|message|>Deux.<|return|>",
            "Voyons.",
            "Deux.",
        ),
        ("<|start|>assistant<|channel|>final <|constrain|>json<|message|>{}<|end|>", "", "{}"),
        ("<|channel|>commentary<|message|>un<|end|><|channel|>final<|message|>a <| b <|x|> c", "un", "a <| b <|x|> c"),
        ("<|channel|>analysis<|message|>sans fin <|e", "sans fin <|e", ""),
        ("<|channel", "", "<|channel"),
    ],
)
def test_the_same_wherever_it_is_cut(text: str, thinking: str, answer: str) -> None:
    for pieces in cuts(text):
        assert heard(pieces) == (thinking, answer), pieces


def test_what_is_known_of_a_template_helps_its_next_answer() -> None:
    for pieces in cuts("Voyons.\n</think>\n\nDeux."):
        events = list(ThinkingSplitter(opened=True).split(iter([*map(Text, pieces), Done("stop")])))
        # Nothing is told as text that is taken back.
        assert not [event for event in events if isinstance(event, Retold)]
        assert told(events) == ("Voyons.\n", "Deux.")
        assert heard(["<think>", *pieces], opened=True) == ("Voyons.\n", "Deux.")
    # The limit came while it thought; or it did not think this time.
    assert heard(["Voyons"], opened=True, reason="length") == ("Voyons", "")
    assert heard(["Deux", "."], opened=True) == ("", "Deux.")


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("Voyons.\n</think>\n\nDeux.", True),
        ("</think>\n\nDeux.", True),
        ("<think>Voyons.</think>Deux.", None),
        ("Deux.", None),
        ("Deux. " * 500, False),
    ],
)
def test_an_answer_shows_what_its_template_does(text: str, opened: bool | None) -> None:
    splitter = ThinkingSplitter()
    list(splitter.split(iter([Text(text), Done("stop")])))
    assert splitter.opened is opened


def test_thinking_of_its_own_is_left_alone() -> None:
    events = [Thinking("un"), Text("<think>"), Text("deux"), Done("stop")]
    assert list(ThinkingSplitter().split(iter(events))) == events

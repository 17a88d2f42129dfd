"""The text is the same however its bytes are cut or joined on the way."""

from contextlib import ExitStack

import pytest

from tests.engines.conftest import Subject, stand_in
from tests.engines.listening import answer, done, question, text_of
from tests.fakes.scenario import Scenario

TEXT = (
    "Déjà « naïf » : 模型 🙂👩\u200d👩\u200d👧 — “c\u2019est ça”\u2028ligne\n\n"
    "```py\nprint('\\n')\t#\x85 fin\r\n```\n  data: [DONE] {} "
)


@pytest.mark.parametrize(
    "scenario",
    [Scenario.pieces(1, TEXT), Scenario.pieces(7, TEXT), Scenario.together(TEXT), Scenario.crlf(TEXT)],
    ids=["1 byte at a time", "7 bytes at a time", "all in one read", "CRLF"],
)
def test_bytes_in_any_pieces_make_the_same_text(faked: Subject, scenario: Scenario) -> None:
    faked.behind.script(scenario)
    events = answer(faked.engine, question(faked.model))
    assert text_of(events) == TEXT
    assert done(events).reason == "stop"


def test_a_very_long_line_is_one_text(faked: Subject) -> None:
    text = "é" * 1_000_000
    faked.behind.script(Scenario.one_token(text))
    assert text_of(answer(faked.engine, question(faked.model))) == text


def test_an_empty_answer_is_an_answer(faked: Subject) -> None:
    faked.behind.script(Scenario.answer(""))
    events = answer(faked.engine, question(faked.model))
    assert text_of(events) == ""
    assert done(events).reason == "stop"


def test_an_end_without_figures_is_an_end(faked: Subject) -> None:
    faked.behind.script(Scenario.without_metrics("Bonjour"))
    events = answer(faked.engine, question(faked.model))
    assert text_of(events) == "Bonjour"
    assert done(events).usage is not None


@pytest.mark.parametrize("kind", ["llama-server", "other-vendor"])
def test_comments_between_events_say_nothing(kind: str, stack: ExitStack) -> None:
    subject = stand_in(kind, stack, pings=True)
    subject.behind.script(Scenario.answer(TEXT))
    assert text_of(answer(subject.engine, question(subject.model))) == TEXT

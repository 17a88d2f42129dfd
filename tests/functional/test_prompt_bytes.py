"""Each turn is sent as the very bytes of the one before, with more after them."""

import json
from collections.abc import Callable

from tests.functional.test_instructions import about, instruct
from tests.functional.test_prefill import LONG, messages_of, raw
from tests.support.person import Person

__all__ = ["raw"]


def test_each_turn_begins_with_the_bytes_of_the_one_before_and_its_answer(alice: Person, raw: list[bytes]) -> None:
    conversation = alice.start()
    follow_each_other(alice, conversation, raw)


def test_also_with_instructions_while_the_person_changes_theirs_and_the_language(
    alice: Person, raw: list[bytes]
) -> None:
    about(alice, "Je suis «\u202fÉlan\u202f» 🙂\nligne\u2028deux")
    conversation = alice.start()
    instruct(alice, conversation, "En tableau.")

    def meanwhile() -> None:
        about(alice, f"Autre texte {len(raw)}")
        alice.submit("/preferences", {"locale": "en"})

    follow_each_other(alice, conversation, raw, meanwhile)
    assert b"lan" in raw[-1]
    assert b"Autre texte" not in raw[-1]


def follow_each_other(
    alice: Person, conversation: str, raw: list[bytes], meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Three turns, each of which must begin with the one before."""
    answers = []
    for question in (LONG, "Deux\n«\u202f?\u202f»", "Trois"):
        answers.append(alice.ask(conversation, question).end().text())
        meanwhile()
    assert len(raw) == 3
    for before, after, answer in zip(raw, raw[1:], answers, strict=False):
        sent = messages_of(after)
        assert sent.startswith(messages_of(before) + b",")
        rest = sent[len(messages_of(before)) + 1 :].decode().lstrip()
        turn, end = json.JSONDecoder().raw_decode(rest)
        assert turn == {"role": "assistant", "content": answer}
        assert json.loads(rest[end:].lstrip(", "))["role"] == "user"

"""Each turn is sent as the very bytes of the one before, with more after them."""

import json

from tests.functional.test_prefill import LONG, messages_of, raw
from tests.support.person import Person

__all__ = ["raw"]


def test_each_turn_begins_with_the_bytes_of_the_one_before_and_its_answer(alice: Person, raw: list[bytes]) -> None:
    conversation = alice.start()
    answers = [alice.ask(conversation, question).end().text() for question in (LONG, "Deux\n«\u202f?\u202f»", "Trois")]
    assert len(raw) == 3
    for before, after, answer in zip(raw, raw[1:], answers, strict=False):
        sent = messages_of(after)
        assert sent.startswith(messages_of(before) + b",")
        rest = sent[len(messages_of(before)) + 1 :].decode().lstrip()
        turn, end = json.JSONDecoder().raw_decode(rest)
        assert turn == {"role": "assistant", "content": answer}
        assert json.loads(rest[end:].lstrip(", "))["role"] == "user"

"""Good or bad: stored with the answer, changed and taken back."""

from typing import Any

import pytest

from app.models import Rating
from tests.support.person import Person, problem
from tests.support.site import Site


@pytest.fixture
def answer(alice: Person) -> int:
    return alice.ask(alice.start(), "Est-ce bien ?").end().message_id


def rate(person: Person, answer: int, body: Any) -> Any:
    return person.api("PUT", f"/messages/{answer}/rating", body)


def rating(site: Site, answer: int) -> Any:
    with site.rows() as rows:
        found = rows.get(Rating, answer)
        return found and (found.good, found.reason)


def shown(person: Person) -> Any:
    conversation = person.get("/api/conversations").json["conversations"][0]["id"]
    return person.messages(conversation)[1]["rating"]


def test_an_answer_is_called_good_then_bad_with_a_reason_then_nothing(site: Site, alice: Person, answer: int) -> None:
    assert shown(alice) is None
    assert rate(alice, answer, {"good": True}).json == {"good": True, "reason": ""}
    assert rating(site, answer) == (True, "")
    assert rate(alice, answer, {"good": False, "reason": " Trop \n long. "}).json["reason"] == "Trop long."
    assert rating(site, answer) == (False, "Trop long.")
    assert shown(alice) == {"good": False, "reason": "Trop long."}
    for _ in range(2):
        assert alice.api("DELETE", f"/messages/{answer}/rating").status_code == 204
        assert rating(site, answer) is None
    assert shown(alice) is None


def test_an_opinion_that_is_none(site: Site, alice: Person, bob: Person, answer: int) -> None:
    for body, refusal in (
        ({}, (400, "missing_field")),
        ({"good": None}, (400, "missing_field")),
        ({"good": "yes"}, (422, "invalid_field")),
        ({"good": 1}, (422, "invalid_field")),
        ({"good": True, "reason": 7}, (422, "invalid_field")),
        ({"good": True, "reason": "x" * 1001}, (413, "too_large")),
    ):
        assert problem(rate(alice, answer, body)) == refusal
    assert problem(rate(bob, answer, {"good": True})) == (404, "not_found")
    assert problem(rate(alice, answer - 1, {"good": True})) == (404, "not_found")
    assert problem(bob.api("DELETE", f"/messages/{answer}/rating")) == (404, "not_found")
    assert rating(site, answer) is None


def test_a_rating_goes_with_its_conversation(site: Site, alice: Person, answer: int) -> None:
    rate(alice, answer, {"good": True, "reason": "Juste."})
    with site.rows() as rows:
        rows.delete(rows.get(Rating, answer).message.conversation)
        rows.commit()
    assert rating(site, answer) is None

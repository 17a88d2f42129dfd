"""What an administrator learns of the ratings: counts and reasons by model, and nothing else."""

import re
from collections.abc import Callable

import pytest

from app.models import Rating, ratings
from app.models.ratings import REASONS
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.site import Site

OTHER = "deepseek-r1:1.5b"
Rated = Callable[..., str]


@pytest.fixture
def rated(ollama: FakeOllama) -> Rated:
    """An answer that somebody rates; its conversation."""

    def make(person: Person, good: bool, reason: str = "", **body: str) -> str:
        ollama.script(Scenario.answer("Une réponse secrète."))
        conversation = person.start()
        answer = person.ask(conversation, "Une question secrète ?", **body).end().message_id
        assert person.api("PUT", f"/messages/{answer}/rating", {"good": good, "reason": reason}).status_code == 200
        return conversation

    return make


def words(person: Person) -> str:
    """The page's words, one space between them."""
    page = person.get("/admin/ratings").text
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_before_any_rating_it_says_so(alice: Person) -> None:
    assert "Personne n’a encore noté de réponse" in words(alice)


def test_counts_and_reasons_by_model(alice: Person, bob: Person, rated: Rated) -> None:
    rated(bob, True, "Claire & <b>juste</b>.")
    rated(bob, False, "Trop longue.")
    rated(alice, True)
    rated(bob, False, "En anglais.", model=OTHER)
    bob.ask(bob.start(), "Sans avis.").end()
    shown = words(alice)
    assert "phi3:mini 4 2 1 67\u202f%" in shown
    assert f"{OTHER} 1 0 1 0\u202f%" in shown
    assert shown.index("phi3:mini") < shown.index(OTHER)
    reasons = ("Trop longue.", "Claire &amp; &lt;b&gt;juste&lt;/b&gt;.", "En anglais.")
    assert [shown.index(reason) for reason in reasons] == sorted(shown.index(reason) for reason in reasons)
    for secret in ("secrète", "bob", "Bob", "Sans avis"):
        assert secret not in shown


def test_what_its_person_deleted_does_not_count(alice: Person, bob: Person, rated: Rated) -> None:
    kept, gone = rated(bob, True, "À garder."), rated(bob, False, "À jeter.")
    assert kept != gone
    bob.api("DELETE", f"/conversations/{gone}")
    shown = words(alice)
    assert "À jeter." not in shown
    assert "phi3:mini 1 1 0 100\u202f%" in shown


def test_of_many_reasons_the_newest_are_shown(alice: Person, site: Site, rated: Rated) -> None:
    conversation = rated(alice, True, "La dernière.")
    answer = alice.messages(conversation)[1]["id"]
    for _ in range(REASONS):
        answer = alice.regenerate(answer).end().message_id
        alice.api("PUT", f"/messages/{answer}/rating", {"good": False, "reason": "Encore une."})
    with site.rows() as rows:
        (found,) = ratings.ratings_by_model()
        assert (found.good, found.bad, found.reasons) == (1, REASONS, REASONS + 1)
        assert {reason.text for reason in ratings.newest_reasons(found.model)} == {"Encore une."}
        assert rows.query(Rating).count() == REASONS + 1
    assert f"Les {REASONS} plus récentes, sur {REASONS + 1}." in words(alice)


def test_only_an_administrator_sees_it(alice: Person, bob: Person) -> None:
    assert alice.get("/admin/ratings").status_code == 200
    assert bob.get("/admin/ratings").status_code == 403

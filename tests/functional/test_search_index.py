"""The index of words follows the rows: new titles, corrections, deletions, and answers once they have ended."""

from collections.abc import Callable

from sqlalchemy import text

from app.models import Conversation, Message, User
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_search import find, marked, talk, titles
from tests.support.person import Person
from tests.support.site import Site

__all__ = ["talk"]
INDEXED = "SELECT count(*) FROM message_search_docsize"


def test_a_new_title_is_found_and_the_old_one_is_not(alice: Person, talk: Callable[..., str]) -> None:
    made = talk("Sujet", "Texte")
    alice.api("PATCH", f"/conversations/{made}", {"title": "Compte rendu"})
    hits = find(alice, "compte")
    assert [marked(hit["title"]) for hit in hits] == [["Compte"]]
    # The question itself still says it.
    assert [marked(hit["excerpt"]) for hit in find(alice, "sujet")] == [["Sujet"]]
    assert marked(find(alice, "sujet")[0]["title"]) == []


def test_a_corrected_question_is_found_by_its_new_words(alice: Person, talk: Callable[..., str]) -> None:
    made = talk("Avec une fote", "Texte")
    alice.api("PATCH", f"/conversations/{made}", {"title": "Autre"})
    alice.api("PATCH", f"/messages/{alice.messages(made)[0]['id']}", {"content": "Avec une faute"})
    assert (titles(alice, "faute"), titles(alice, "fote")) == (["Autre"], [])


def test_a_turn_that_is_taken_out_and_put_back(alice: Person, talk: Callable[..., str], ollama: FakeOllama) -> None:
    made = talk("Début", "Texte")
    ollama.script(Scenario.answer("Une carène planante"))
    alice.ask(made, "Et la coque ?").end()
    place = alice.api("DELETE", f"/messages/{alice.messages(made)[2]['id']}").json["removed"]
    assert titles(alice, "planante") == titles(alice, "coque") == []
    assert alice.api("POST", f"/conversations/{made}/turns", place).status_code == 200
    assert titles(alice, "planante") == titles(alice, "coque") == ["Début"]


def test_an_answer_enters_the_index_at_its_end_and_not_before(
    site: Site, alice: Person, ollama: FakeOllama, talk: Callable[..., str]
) -> None:
    talk("Avant", "Texte")
    ollama.script(Scenario.hold(after=1))
    made = alice.start()
    stream = alice.ask(made, "Pendant")
    stream.until("text")
    with site.rows() as rows:
        # What the two-second copies do.
        answer = rows.get(Message, stream.message_id)
        answer.content = "Une partie"
        rows.commit()
        assert rows.scalar(text(INDEXED)) == 2
    assert titles(alice, "partie") == []
    ollama.release()
    stream.end()
    assert titles(alice, "pendant") == ["Pendant"]
    with site.rows() as rows:
        assert rows.scalar(text(INDEXED)) == 4


def test_an_answer_that_is_gone_on_with_is_indexed_anew(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.cut(2), Scenario.answer(" marsouin"))
    made = alice.start()
    answer = alice.ask(made, "Suite").end().message_id
    alice.go_on(answer).end()
    assert titles(alice, "marsouin") == ["Suite"]


def test_what_is_erased_leaves_nothing_in_the_index(site: Site, alice: Person, talk: Callable[..., str]) -> None:
    made = talk("Un", "1")
    talk("Deux", "2")
    with site.rows() as rows:
        rows.delete(rows.get(Conversation, made))
        rows.commit()
        assert rows.scalar(text(INDEXED)) == 2
        rows.delete(rows.get(User, 1))
        rows.commit()
        assert rows.scalar(text(INDEXED)) == 0
        # FTS5's own check: the index holds exactly the words of what it is of.
        rows.execute(text("INSERT INTO message_search(message_search) VALUES ('integrity-check')"))

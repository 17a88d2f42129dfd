"""A question at the end of a conversation that another page has gone on with: refused, and nothing is hidden by it."""

import threading

from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem

MOVED = (409, "conversation_moved")


def words(person: Person, conversation: str) -> list[str]:
    return [message["content"] for message in person.messages(conversation)]


def test_what_goes_on_already_is_not_asked_beside(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(*(Scenario.answer(text) for text in "123"))
    made = alice.start()
    first = alice.ask(made, "Un", parent_id=None, at_end=True).end().message_id
    second = alice.ask(made, "Deux", parent_id=first, at_end=True, client_id="deux").end().message_id
    for parent in (first, None):
        assert problem(alice.post(made, "Autre", parent_id=parent, at_end=True)) == MOVED
    assert words(alice, made) == ["Un", "1", "Deux", "2"]
    assert alice.messages(made)[2]["siblings"] == [alice.messages(made)[2]["id"]]
    # The same question once more is the same question.
    assert alice.ask(made, "Deux", parent_id=first, at_end=True, client_id="deux").end().message_id == second
    # Whoever wants it beside gets it there.
    alice.ask(made, "Deux bis", parent_id=first).end()
    assert words(alice, made) == ["Un", "1", "Deux bis", "3"]


def test_another_version_that_is_shown_elsewhere_moves_nothing(alice: Person) -> None:
    made = alice.start()
    first = alice.ask(made, "Un").end().message_id
    again = alice.regenerate(first).end().message_id
    assert alice.messages(made)[-1]["id"] == again
    alice.ask(made, "Deux", parent_id=first, at_end=True).end()
    assert [message["id"] for message in alice.messages(made)][1] == first


def test_of_two_at_the_same_moment_one_is_asked(alice: Person) -> None:
    made = alice.start()
    end = alice.ask(made, "Un").end().message_id
    other = Person(alice.app, alice.name)
    other.sign_in()
    assert alice.token
    assert other.token
    statuses, start = list[int](), threading.Barrier(2)

    def ask(person: Person) -> None:
        start.wait()
        answer = person.post(made, "Deux", parent_id=end, at_end=True)
        statuses.append(answer.status_code)
        answer.get_data()
        answer.close()

    pages = [threading.Thread(target=ask, args=(person,)) for person in (alice, other)]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    assert sorted(statuses) == [200, 409]
    assert len(alice.messages(made)) == 4


def test_whether_it_is_at_the_end_is_yes_or_no(alice: Person) -> None:
    assert problem(alice.post(alice.start(), "Un", at_end="yes")) == (422, "invalid_field")

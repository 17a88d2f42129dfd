"""Streams whose session or token is revoked while they are followed."""

import threading
from collections.abc import Callable
from itertools import islice

import pytest
from werkzeug.test import TestResponse

from app.generation import events
from app.models import AccessToken, LoginSession
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD, Person
from tests.support.program import Program, refusal, token_of
from tests.support.site import Site

ACCOUNT = "/settings/account"
Revoke = Callable[[Site, Person], None]


class Reading(threading.Thread):
    """Somebody who reads a stream as it comes."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.heard = b""
        self._answer = answer
        self.start()

    def run(self) -> None:
        for frame in self._answer.response:
            self.heard += frame
        self._answer.close()

    def to_the_end(self) -> bytes:
        """All that came; it must end soon, long before the next sign of life."""
        self.join(5)
        assert not self.is_alive()
        return self.heard


@pytest.fixture
def elsewhere(site: Site, alice: Person) -> Person:
    """The same person at another computer."""
    person = Person(site.app, alice.name)
    person.sign_in()
    return person


def one_of(site: Site, person: Person) -> None:
    with site.rows() as rows:
        newest = rows.query(LoginSession).order_by(LoginSession.id.desc()).first().id
    person.submit(f"{ACCOUNT}/sessions/{newest}/revoke", {})


def all_others(_site: Site, person: Person) -> None:
    person.submit(f"{ACCOUNT}/sessions/revoke-others", {})


def another_password(_site: Site, person: Person) -> None:
    new = "une autre phrase assez longue"
    person.submit(f"{ACCOUNT}/password", {"current": PASSWORD, "password": new, "confirm": new})


@pytest.mark.parametrize("revoke", [one_of, all_others, another_password])
def test_it_ends_with_its_session_and_the_others_go_on(
    site: Site, alice: Person, elsewhere: Person, ollama: FakeOllama, revoke: Revoke
) -> None:
    ollama.script(Scenario.hold(3))
    asking = alice.ask(alice.start(), "Bonjour")
    asking.until("text")
    path = f"/messages/{asking.message_id}/stream"
    theirs, own = Reading(elsewhere.api("GET", path)), Reading(alice.api("GET", path))
    revoke(site, alice)
    assert b"event: done" not in theirs.to_the_end()
    assert own.is_alive()
    ollama.release()
    asking.end()
    assert b"event: done" in own.to_the_end()


def test_signing_out_ends_what_other_tabs_follow(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(3))
    reading = Reading(alice.post(alice.start(), "Bonjour"))
    ollama.reached(Phase.DECODING)
    alice.submit("/logout", {})
    assert b"event: done" not in reading.to_the_end()
    ollama.release()


@pytest.mark.parametrize("stream", [True, False])
def test_a_program_is_cut_off_with_its_token(site: Site, alice: Person, ollama: FakeOllama, stream: bool) -> None:
    ollama.script(Scenario.hold(3))
    program = Program(site.app, token_of(alice))
    answers: list[TestResponse] = []
    asking = threading.Thread(target=lambda: answers.append(program.ask("Bonjour", stream=stream)))
    asking.start()
    made = ollama.reached(Phase.DECODING)
    with site.rows() as rows:
        token = rows.query(AccessToken).one().id
    if stream:
        asking.join()
    alice.submit(f"/settings/tokens/{token}/revoke", {})
    ollama.wait_until(lambda: made.phase == Phase.ENDED)
    asking.join()
    (answer,) = answers
    if stream:
        heard = Reading(answer).to_the_end()
        assert b"invalid_api_key" in heard
        assert b"[DONE]" not in heard
    else:
        assert refusal(answer) == (401, "invalid_api_key", None)


def test_a_session_that_a_command_ended_is_missed_at_the_next_sign_of_life(
    site: Site, alice: Person, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    ollama.script(Scenario.hold(3))
    answer = alice.post(alice.start(), "Bonjour")
    coming = iter(answer.response)
    assert events.HEARTBEAT in islice(coming, 1000)
    with site.rows() as rows:
        rows.query(LoginSession).delete()
        rows.commit()
    assert len(list(islice(coming, 1000))) < 1000
    ollama.release()
    answer.close()

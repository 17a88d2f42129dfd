"""Streams whose session or token is revoked while they are followed."""

import select
import socket
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from app.generation import hub
from app.models import AccessToken, LoginSession, User
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD, Person
from tests.support.program import Program, token_of
from tests.support.site import Site

ACCOUNT = "/settings/account"
Revoke = Callable[[Site, Person], None]


class Wire:
    """A connection that an answer goes out on, as the server hands it over."""

    def __init__(self) -> None:
        self.server, self.browser = socket.socketpair()
        self.browser.settimeout(10)
        self.environ = {"gunicorn.socket": self.server}

    def is_open(self) -> bool:
        has_news = select.select([self.browser], [], [], 0)[0]
        return not has_news or self.browser.recv(1, socket.MSG_PEEK) != b""

    def wait_for_the_end(self) -> None:
        while self.browser.recv(65536):
            pass

    def close(self) -> None:
        self.server.close()
        self.browser.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@pytest.fixture
def own() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


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
    site: Site, alice: Person, elsewhere: Person, ollama: FakeOllama, wire: Wire, own: Wire, revoke: Revoke
) -> None:
    ollama.script(Scenario.hold(3))
    conversation = alice.start()
    asking = alice.ask(conversation, "Bonjour")
    asking.until("text")
    path = f"/messages/{asking.message_id}/stream"
    followed = [elsewhere.api("GET", path, environ_overrides=wire.environ)]
    followed.append(alice.api("GET", path, environ_overrides=own.environ))
    revoke(site, alice)
    wire.wait_for_the_end()
    assert own.is_open()
    ollama.release()
    asking.end()
    for answer in followed:
        answer.close()


def test_signing_out_ends_what_other_tabs_follow(alice: Person, ollama: FakeOllama, wire: Wire) -> None:
    ollama.script(Scenario.hold(3))
    path = f"/conversations/{alice.start()}/messages"
    answer = alice.api("POST", path, {"content": "Bonjour"}, environ_overrides=wire.environ)
    assert wire.is_open()
    alice.submit("/logout", {})
    wire.wait_for_the_end()
    ollama.release()
    answer.close()


def test_a_program_is_cut_off_with_its_token(site: Site, alice: Person, ollama: FakeOllama, wire: Wire) -> None:
    ollama.script(Scenario.hold(3))
    program = Program(site.app, token_of(alice))
    body = {"messages": [{"role": "user", "content": "Bonjour"}], "stream": True}
    answer = program.complete(body, environ_overrides=wire.environ)
    (made,) = [made for made in ollama.generations if made.question == "Bonjour"]
    with site.rows() as rows:
        token = rows.query(AccessToken).one().id
    alice.submit(f"/settings/tokens/{token}/revoke", {})
    wire.wait_for_the_end()
    assert b"[DONE]" not in b"".join(answer.response)
    answer.close()
    ollama.wait_until(lambda: made.phase == Phase.ENDED)


def test_a_session_that_a_command_ended_is_missed_at_the_next_sign_of_life(
    site: Site, alice: Person, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT_S", 0.05)
    ollama.script(Scenario.hold(3))
    answer = alice.post(alice.start(), "Bonjour")
    coming = iter(answer.response)
    assert hub.HEARTBEAT in islice(coming, 1000)
    with site.rows() as rows:
        LoginSession.close_all(rows.query(User).one())
        rows.commit()
    assert len(list(islice(coming, 1000))) < 1000
    ollama.release()
    answer.close()

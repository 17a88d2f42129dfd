"""The same thing asked twice: a second click, a page that is loaded again."""

from collections.abc import Callable

import pytest

from app.accounts.settings import KEPT_S, OneTimeTokens
from app.models import AccessToken, LoginSession, Prompt
from tests.support.person import Person
from tests.support.program import SECRET, token_of
from tests.support.site import Site

Ending = Callable[[Site, Person], str]


def of_a_token(site: Site, person: Person) -> str:
    token_of(person, "Éditeur")
    with site.rows() as rows:
        return f"/settings/tokens/{rows.query(AccessToken).one().id}/revoke"


def of_a_session(site: Site, person: Person) -> str:
    Person(site.app, person.name).sign_in()
    with site.rows() as rows:
        newest = rows.query(LoginSession).order_by(LoginSession.id.desc()).first()
        return f"/settings/account/sessions/{newest.id}/revoke"


def of_a_prompt(site: Site, person: Person) -> str:
    person.submit("/settings/prompts", {"name": "Relance", "content": "Écris une relance."})
    with site.rows() as rows:
        return f"/settings/prompts/{rows.query(Prompt).filter_by(name='Relance').one().id}/delete"


def of_a_link(_site: Site, person: Person) -> str:
    conversation = person.start()
    person.ask(conversation, "À partager").end()
    return f"/settings/shares/{person.api('POST', f'/conversations/{conversation}/shares').json['id']}/revoke"


def of_a_deleted_conversation(_site: Site, person: Person) -> str:
    conversation = person.start()
    person.ask(conversation, "À jeter").end()
    person.api("DELETE", f"/conversations/{conversation}")
    return f"/bin/{conversation}/erase"


@pytest.mark.parametrize("made", [of_a_token, of_a_session, of_a_prompt, of_a_link, of_a_deleted_conversation])
def test_what_was_ended_a_moment_ago_is_no_mistake(site: Site, alice: Person, bob: Person, made: Ending) -> None:
    path = made(site, bob)
    assert alice.submit(path, {}).status_code == 404
    first = bob.submit(path, {})
    assert first.status_code == 302
    bob.get(first.location)
    second = bob.submit(path, {})
    assert (second.status_code, second.location) == (302, first.location)
    assert "C’est déjà fait." in bob.get(first.location).text
    assert alice.submit(path, {}).status_code == 404


def test_a_new_token_waits_for_the_page_that_shows_it_and_not_in_the_cookie(site: Site, alice: Person) -> None:
    elsewhere = Person(site.app, "alice")
    elsewhere.sign_in()
    answer = alice.submit("/settings", {"name": "Éditeur"})
    assert (answer.status_code, answer.location) == (302, "/settings")
    with alice.client.session_transaction() as session:
        assert not SECRET.search(str(dict(session)))
    assert not SECRET.search(elsewhere.get("/settings").text)
    assert len(set(SECRET.findall(alice.get("/settings").text))) == 1
    assert not SECRET.search(alice.get("/settings").text)


def test_a_token_whose_page_was_never_fetched_is_forgotten() -> None:
    now = 0.0
    fresh = OneTimeTokens(lambda: now)
    fresh.put("one", "first")
    fresh.put("two", "second")
    assert fresh.take("two") == "second"
    now = KEPT_S
    assert fresh.take("one") == ""

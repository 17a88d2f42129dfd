"""« Utilisateurs »: who is listed, what is done to accounts, and what helpers may not do."""

import pytest

from app.models import AccountRole, AccountState, Conversation, Run, RunState, User
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.program import Program, token_of
from tests.support.site import Site

STATES = "/admin/people/states"


def state_of(site: Site, name: str) -> str:
    with site.rows():
        found = User.named(name)
        return found.state if found else "gone"


@pytest.fixture
def helper(site: Site, alice: Person, bob: Person) -> Person:
    """Bob, who may approve and help."""
    alice.submit("/admin/people/2/role", {"role": "helper"})
    return bob


def test_people_are_listed_and_found(alice: Person, bob: Person) -> None:
    page = alice.get("/admin/people").text
    assert "2 comptes." in page.replace("\u00a0", " ")
    assert "/admin/people/1" in page
    assert "/admin/people/2" in page
    found = alice.get("/admin/people?q=BOB").text
    assert "/admin/people/2" in found
    assert "/admin/people/1" not in found
    assert "Personne n’est trouvé." in alice.get("/admin/people?q=zzz&state=active&page=9").text
    assert alice.get("/admin/people?page=x").status_code == 422


def test_suspending_ends_what_the_person_does_at_once(
    site: Site, alice: Person, bob: Person, ollama: FakeOllama
) -> None:
    ollama.script(Scenario.hold(3))
    token = token_of(bob)
    first = bob.ask(bob.start(), "Première")
    first.until("text")
    second = bob.ask(bob.start(), "Deuxième")
    second.until("queued")
    waiting = len(ollama.generations)
    alice.submit(STATES, {"change": "suspend", "ids": "2"})
    ollama.release()
    assert bob.get("/").status_code == 302
    assert Program(site.app, token).get("/models").status_code == 401
    assert len(ollama.generations) == waiting
    assert site.generation.status()["waiting"] == 0
    with site.rows() as rows:
        wait_until(lambda: not rows.rollback() and {run.state for run in rows.query(Run)} == {RunState.STOPPED}, 5)


def test_several_are_suspended_and_restored_and_the_last_administrator_stays(
    site: Site, alice: Person, bob: Person
) -> None:
    carol = Person(site.app, "carol")
    carol.register()
    answer = alice.send(
        "POST",
        STATES,
        data={"csrf_token": alice.token, "change": "suspend", "ids": ["1", "2", "3"]},
        follow_redirects=True,
    )
    assert "2 comptes sont modifiés." in answer.text.replace("\u00a0", " ")
    assert "au moins un administrateur actif" in answer.text
    assert [state_of(site, name) for name in ("alice", "bob", "carol")] == ["active", "suspended", "suspended"]
    alice.send("POST", STATES, data={"csrf_token": alice.token, "change": "restore", "ids": ["2", "3"]})
    assert [state_of(site, name) for name in ("bob", "carol")] == ["active", "active"]
    assert alice.submit(STATES, {"change": "promote", "ids": "2"}).status_code == 422


def test_a_helper_approves_and_makes_links_and_nothing_else(site: Site, alice: Person, helper: Person) -> None:
    alice.submit("/admin/registration", {"mode": "approval"})
    Person(site.app, "carol").register()
    assert "Carol" in helper.get("/admin/people").text
    assert helper.submit(STATES, {"change": "approve", "ids": "3"}).status_code == 302
    assert state_of(site, "carol") == "active"
    assert helper.submit("/admin/people/3/link", {}).status_code == 200
    refused = (
        (STATES, {"change": "suspend", "ids": "3"}),
        ("/admin/people/1/link", {}),
        ("/admin/people/2/link", {}),
        ("/admin/people/3/role", {"role": "administrator"}),
        ("/admin/people/3/erase", {"name": "carol"}),
        ("/admin/registration", {"mode": "open"}),
        ("/admin/invitations", {"uses": "1", "days": "1"}),
    )
    for path, fields in refused:
        assert helper.submit(path, fields).status_code == 403, path
    assert helper.get("/admin/models").status_code == 403
    assert state_of(site, "carol") == "active"


def test_a_person_is_erased_by_name(site: Site, alice: Person, bob: Person) -> None:
    conversation = bob.start()
    alice.submit("/admin/people/2/erase", {"name": "alice"})
    assert state_of(site, "bob") == "active"
    alice.submit("/admin/people/2/erase", {"name": "Bob"})
    assert state_of(site, "bob") == "gone"
    assert bob.sign_in().status_code == 422
    assert alice.get("/admin/people/2").status_code == 404
    assert "/admin/people/2" not in alice.get("/admin/people").text
    with site.rows() as rows:
        assert rows.get(Conversation, conversation) is None
    assert bob.register().status_code == 302
    alice.submit("/admin/people/1/erase", {"name": "alice"})
    assert state_of(site, "alice") == "active"


def test_nothing_that_somebody_wrote_is_on_the_pages(
    site: Site, alice: Person, bob: Person, ollama: FakeOllama
) -> None:
    bob.ask(bob.start(), "Un secret de Bob").end()
    for path in ("/admin/people", "/admin/people/2", "/admin/registration"):
        assert "Un secret" not in alice.get(path).text


def test_the_role_is_changed(site: Site, alice: Person, bob: Person) -> None:
    for role in AccountRole:
        alice.submit("/admin/people/2/role", {"role": role})
        with site.rows():
            found = User.named("bob")
            assert found is not None
            assert found.role == role
            assert found.state == AccountState.ACTIVE
    assert alice.submit("/admin/people/2/role", {"role": "chef"}).status_code == 422
    assert "Administration" in bob.get("/").text


def test_a_command_erases_only_while_the_server_is_stopped(site: Site, alice: Person, bob: Person) -> None:
    run = site.app.test_cli_runner().invoke
    assert run(args=["users", "erase", "bob", "--name", "alice"]).exit_code == 1
    assert state_of(site, "bob") == "active"
    assert run(args=["users", "erase", "bob", "--name", "bob"]).exit_code == 0
    assert state_of(site, "bob") == "gone"

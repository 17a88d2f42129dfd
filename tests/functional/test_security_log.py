"""The security log: who came in, who was refused, what was changed, and no secrets."""

import json
import logging

import pytest

from tests.support.person import PASSWORD, Person
from tests.support.program import Program, token_of
from tests.support.site import Site

NEW = "une autre phrase longue"


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def told(log: pytest.LogCaptureFixture) -> list[tuple[str, str | None]]:
    """Each event with whose account it concerns, since the last look."""
    lines = [
        json.loads(each.getMessage().partition(" ")[2]) for each in log.records if each.name == "couachgpt.security"
    ]
    log.clear()
    assert all(line["address"] == "127.0.0.1" and line["view"] for line in lines)
    return [(line["event"], line["user"]) for line in lines]


def test_who_comes_in_and_who_does_not(site: Site, events: pytest.LogCaptureFixture) -> None:
    alice = Person(site.app, "alice")
    alice.register()
    assert told(events) == [("registered", "alice"), ("logged_in", "alice")]
    alice.submit("/logout", {})
    alice.sign_in()
    assert told(events) == [("logged_out", "alice"), ("logged_in", "alice")]
    Person(site.app, "alice").sign_in("pas le bon du tout")
    Person(site.app, "mon mot de passe").sign_in("pas le bon du tout")
    assert told(events) == [("password_wrong", "alice"), ("password_wrong", None)]
    for _ in range(5):
        Person(site.app, "alice").sign_in("pas le bon du tout")
    assert told(events)[-1] == ("rate_limited", None)


def test_what_is_changed_and_what_is_refused(
    site: Site, alice: Person, bob: Person, events: pytest.LogCaptureFixture
) -> None:
    told(events)
    token = token_of(bob)
    bob.submit("/settings/tokens/1/revoke", {})
    bob.submit("/settings/account/password", {"current": PASSWORD, "password": NEW, "confirm": NEW})
    assert told(events) == [(event, "bob") for event in ("token_made", "token_revoked", "password_changed")]
    bob.get("/admin/models")
    bob.send("POST", "/logout")
    Program(site.app, token).get("/models")
    assert told(events) == [("forbidden", "bob"), ("csrf_failed", "bob"), ("invalid_token", None)]


def test_what_is_done_to_accounts(site: Site, alice: Person, bob: Person, events: pytest.LogCaptureFixture) -> None:
    told(events)
    alice.submit("/admin/people/2/role", {"role": "helper"})
    alice.submit("/admin/people/2/link", {})
    alice.submit("/admin/invitations", {"uses": "1", "days": "1"})
    for change in ("suspend", "restore"):
        alice.submit("/admin/people/states", {"change": change, "ids": "2"})
    alice.submit("/admin/people/2/erase", {"name": "bob"})
    assert told(events) == [
        ("role_given", "bob"), ("password_link_made", "bob"), ("invitation_made", "alice"), ("suspended", "bob"),
        ("restored", "bob"), ("erased", "bob"),
    ]  # fmt: skip


def test_nothing_secret_is_written(site: Site, alice: Person, events: pytest.LogCaptureFixture) -> None:
    token = token_of(alice)
    conversation = alice.start()
    alice.ask(conversation, "Une question confidentielle").end()
    share = alice.api("POST", f"/conversations/{conversation}/shares").json["id"]
    alice.send("POST", f"/s/{share}/copy")
    Program(site.app, token).ask("Une autre")
    Program(site.app, token[:-1]).get("/models")
    Person(site.app, "erreur de champ").sign_in("pas le bon du tout")
    alice.submit("/settings/account/erase", {"own_password": PASSWORD})
    cookie = alice.client.get_cookie("couachgpt")
    assert cookie
    written = events.text
    assert "erased_everything" in written
    for secret in (token[:-1], PASSWORD, "pas le bon", "erreur de champ", "confidentielle", cookie.value, share):
        assert secret not in written, secret


def test_a_name_cannot_write_lines_of_its_own(site: Site, events: pytest.LogCaptureFixture) -> None:
    told(events)
    Person(site.app, "a\u2028security {}").register()
    assert "\u2028" not in events.text


def test_commands_are_written_too(site: Site, events: pytest.LogCaptureFixture) -> None:
    for command in (("create", "carol"), ("promote", "carol"), ("reset-password", "carol")):
        site.app.test_cli_runner().invoke(args=["users", *command])
    lines = [each.getMessage() for each in events.records if each.name == "couachgpt.security"]
    kinds = [json.loads(line.partition(" ")[2])["event"] for line in lines]
    assert kinds == ["registered", "role_given", "password_reset"]

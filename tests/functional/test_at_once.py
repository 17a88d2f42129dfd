"""What another request deletes between two statements of this one is gone, which is no crash."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from app.errors import AppError
from app.extensions import db
from app.models import Conversation, Message
from tests.functional.test_double_clicks import of_a_link, of_a_prompt, of_a_session, of_a_token
from tests.support.person import Person
from tests.support.program import Program, token_of
from tests.support.site import DATABASE, Site

Meanwhile = Callable[[str], None]


@pytest.fixture
def meanwhile(site: Site, instance: Path) -> Iterator[Meanwhile]:
    """Have another connection execute a statement once, just before the next request's first change."""
    waiting: list[str] = []

    def execute(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if waiting and statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            other = sqlite3.connect(instance / DATABASE)
            with other:
                other.execute(waiting.pop())
            other.close()

    event.listen(site.database, "before_cursor_execute", execute)
    yield waiting.append
    event.remove(site.database, "before_cursor_execute", execute)
    assert not waiting


@pytest.mark.parametrize(
    ("made", "table"),
    [(of_a_session, "login_sessions"), (of_a_token, "access_tokens"), (of_a_prompt, "prompts"), (of_a_link, "shares")],
)
def test_what_is_ended_twice_is_ended(
    site: Site, alice: Person, bob: Person, meanwhile: Meanwhile, made: Callable[[Site, Person], str], table: str
) -> None:
    path = made(site, bob)
    assert bob.token
    meanwhile(f"DELETE FROM {table}")
    assert bob.submit(path, {}).status_code == 302


def test_all_others_are_signed_out_twice(site: Site, alice: Person, meanwhile: Meanwhile) -> None:
    for _ in range(3):
        Person(site.app, "alice").sign_in()
    assert alice.token
    meanwhile("DELETE FROM login_sessions WHERE id > 2")
    assert alice.submit("/settings/account/sessions/revoke-others", {}).status_code == 302


def test_what_is_changed_and_gone_is_not_found(site: Site, alice: Person, meanwhile: Meanwhile) -> None:
    conversation, path = alice.start(), of_a_prompt(site, alice).removesuffix("/delete")
    folder = alice.api("POST", "/folders", {"name": "Devis"}).json["id"]
    assert alice.token
    meanwhile("DELETE FROM prompts")
    assert alice.submit(path, {"name": "Relance", "content": "Deux"}).status_code == 404
    meanwhile("DELETE FROM folders")
    assert alice.api("PATCH", f"/folders/{folder}", {"name": "Factures"}).status_code == 404
    meanwhile("DELETE FROM conversations")
    assert alice.api("PATCH", f"/conversations/{conversation}", {"title": "Deux"}).status_code == 404


def test_a_question_to_a_conversation_that_is_erased_is_not_found(
    site: Site, alice: Person, meanwhile: Meanwhile
) -> None:
    conversation = alice.start()
    meanwhile("DELETE FROM conversations")
    assert alice.post(conversation, "Bonjour").status_code == 404


def test_a_token_that_is_revoked_while_it_is_used(site: Site, alice: Person, meanwhile: Meanwhile) -> None:
    program = Program(site.app, token_of(alice))
    meanwhile("DELETE FROM access_tokens")
    assert program.get("/models").status_code == 200
    assert program.get("/models").status_code == 401


def test_an_answer_that_is_taken_away_while_its_conversation_is_read(site: Site, alice: Person) -> None:
    conversation = alice.start()
    alice.ask(conversation, "Bonjour").end()
    with site.rows() as rows:
        found = rows.get(Conversation, conversation)
        with site.database.begin() as other:
            other.execute(db.delete(Message))
        with pytest.raises(AppError, match="conversation_moved"):
            found.branch()

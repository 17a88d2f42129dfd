"""What bad input gets: a status, a stable code and a sentence, never a crash, and nothing half-stored."""

import io
import json
import re
from typing import Any

import pytest

from app.models import Message
from app.web import MAX_CONTENT, MAX_FORM_BYTES
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site

MEGABYTE = 1024 * 1024
# What is sent, and what is stored of it.
UNUSUAL = {
    "un\0deux": "undeux",
    "moitié \ud83d": "moitié \ufffd",
    "\udc00\ud800": "\ufffd\ufffd",
    "مرحبا \u202eabc\u202c": "مرحبا \u202eabc\u202c",
    "👩\u200d👩\u200d👧 e\u0301 é": "👩\u200d👩\u200d👧 e\u0301 é",
    "<script>alert(1)</script> & {{ 7*7 }}": "<script>alert(1)</script> & {{ 7*7 }}",
    "  gardé\r\n  tel quel \n": "  gardé\r\n  tel quel \n",
}
WRONG_CHANGES: tuple[dict[str, Any], ...] = (
    {"title": 7}, {"title": " \n"}, {"title": "x" * 201}, {"pinned": 1}, {"archived": "oui"},
    {"deleted": True}, {"deleted": 0}, {"folder_id": False},
)  # fmt: skip
NO_OBJECTS = (
    b'{"content": "\xff\xfe"}', b"\xff\xfe\xfd", b"not json", b'{"content": "x"', b"[1, 2]", b'"text"', b"null", b"7",
    b"[" * 100_000, b'{"content": ' + b"[" * 100_000,
)  # fmt: skip
WRONG_KINDS: tuple[dict[str, Any], ...] = (
    {"content": 7}, {"content": ["x"]}, {"content": {"a": 1}}, {"content": True},
    {"think": "yes"}, {"think": 1}, {"think": 0},
    {"model": 7}, {"model": False}, {"model": []}, {"model": "x" * 201}, {"model": "a\nb"},
    {"client_id": 7}, {"client_id": "x" * 65}, {"client_id": "a b"}, {"client_id": "é\n"},
    {"parent_id": "1"}, {"parent_id": 1.5}, {"parent_id": True}, {"parent_id": 2**63},
)  # fmt: skip


@pytest.fixture
def conversation(alice: Person) -> str:
    return alice.start()


def raw(person: Person, conversation: str, body: bytes, mimetype: str = "application/json") -> Any:
    path = f"/conversations/{conversation}/messages"
    return person.api("POST", path, data=body, content_type=mimetype)


def test_a_blank_question(alice: Person, conversation: str) -> None:
    for content in ("", "   ", "\n\t \u00a0", "\0\0", " \0 "):
        assert problem(alice.post(conversation, content)) == (422, "blank_message"), repr(content)
    assert alice.messages(conversation) == []


def test_the_longest_question_is_taken_and_one_more_character_is_not(
    site: Site, alice: Person, conversation: str, ollama: FakeOllama
) -> None:
    refused = alice.post(conversation, "é" * (MAX_CONTENT + 1))
    assert problem(refused) == (413, "too_large")
    assert "200\u202f000" in refused.json["detail"]
    assert alice.messages(conversation) == []
    longest = "🙂" * MAX_CONTENT
    alice.ask(conversation, longest).end()
    assert alice.messages(conversation)[0]["content"] == longest


def test_unusual_text_is_stored_exactly_or_mended(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    for sent, stored in UNUSUAL.items():
        ollama.script(Scenario.answer("Oui."))
        stream = alice.ask(conversation, sent).end()
        assert stream.data("accepted")["user_message"]["content"] == stored
        assert alice.messages(conversation)[-2]["content"] == stored
        assert ollama.received("/api/chat")[-1]["messages"][-1]["content"] == stored
    assert alice.get(f"/c/{conversation}").status_code == 200


def test_an_answer_with_unusual_text_is_stored_exactly(alice: Person, conversation: str, ollama: FakeOllama) -> None:
    text = "مرحبا 👩\u200d👧 <b>\u2028 fin"
    ollama.script(Scenario.one_token(text))
    assert alice.ask(conversation, "Bonjour").end().text() == text
    assert alice.messages(conversation)[1]["content"] == text


def test_a_body_that_is_no_json_object(alice: Person, conversation: str) -> None:
    for body in NO_OBJECTS:
        assert problem(raw(alice, conversation, body)) == (400, "bad_request"), body[:40]
    assert alice.messages(conversation) == []


def test_a_body_that_does_not_say_it_is_json(alice: Person, conversation: str) -> None:
    for mimetype in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        status, _ = problem(raw(alice, conversation, b'{"content": "x"}', mimetype))
        assert status in (400, 415, 422), mimetype
    assert alice.messages(conversation) == []


def test_a_field_of_the_wrong_kind(alice: Person, conversation: str) -> None:
    for fields in WRONG_KINDS:
        answer = alice.api("POST", f"/conversations/{conversation}/messages", {"content": "Bonjour"} | fields)
        assert problem(answer) == (422, "invalid_field"), fields
        assert next(iter(fields)) in answer.json["detail"]
    assert alice.messages(conversation) == []


def test_a_change_of_the_wrong_kind(alice: Person, conversation: str) -> None:
    before = alice.get(f"/api/conversations/{conversation}").json
    for fields in WRONG_CHANGES:
        answer = alice.api("PATCH", f"/conversations/{conversation}", {"title": "Autre"} | fields)
        assert problem(answer) == (422, "invalid_field"), fields
        assert next(iter(fields)) in answer.json["detail"]
    assert alice.get(f"/api/conversations/{conversation}").json == before


def test_a_number_too_large_for_the_database(alice: Person, conversation: str) -> None:
    for parent in (2**63, 10**30, -(2**63) - 1):
        assert alice.post(conversation, "Bonjour", parent_id=parent).status_code == 422
    for path in ("/messages/9223372036854775808/stop", f"/messages/{10**30}/regenerate"):
        assert problem(alice.api("POST", path)) == (404, "not_found")
    assert problem(alice.get(f"/api/messages/{10**30}/stream")) == (404, "not_found")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model": "inconnu"}, "unknown_model"),
        ({"model": "nomic-embed-text"}, "not_a_chat_model"),
        ({"model": "phi3:mini", "think": True}, "thinking_unsupported"),
    ],
)
def test_a_model_that_cannot(
    site: Site, alice: Person, conversation: str, ollama: FakeOllama, fields: dict[str, Any], code: str
) -> None:
    site.generation.registry.refresh()
    answer = alice.post(conversation, "Bonjour", **fields)
    assert problem(answer) == (422, code)
    assert fields["model"] in answer.json["detail"]
    assert alice.messages(conversation) == []
    assert ollama.received("/api/chat") == []
    made = alice.api("POST", "/conversations", {"model": fields["model"]})
    assert made.status_code == (201 if "think" in fields else 422)


def test_regenerating_with_a_model_that_cannot_stores_nothing(site: Site, alice: Person, conversation: str) -> None:
    first = alice.ask(conversation, "Bonjour").end().message_id
    for fields, code in (({"model": "inconnu"}, "unknown_model"), ({"think": True}, "thinking_unsupported")):
        site.generation.registry.refresh()
        assert problem(alice.api("POST", f"/messages/{first}/regenerate", fields)) == (422, code)
    assert [message["id"] for message in alice.messages(conversation)][-1] == first
    with site.rows() as rows:
        assert rows.query(Message).count() == 2


@pytest.mark.parametrize("unit", [b"[],", b"{},", b"1,", b'"a":0,'])
def test_a_body_that_would_become_a_large_structure_is_refused(alice: Person, conversation: str, unit: bytes) -> None:
    body = b'{"x": [' + unit * (2 * MEGABYTE // len(unit)) + b"0]}"
    assert problem(raw(alice, conversation, body)) == (413, "request_too_large")


def test_a_table_of_digits_is_no_large_structure(alice: Person, conversation: str) -> None:
    table = "1," * (MAX_CONTENT // 2)
    alice.ask(conversation, table).end()
    assert alice.messages(conversation)[0]["content"] == table


def test_a_form_of_a_great_many_fields_is_refused_before_it_is_read(site: Site) -> None:
    fields = {"data": "a&" * MAX_FORM_BYTES, "content_type": "application/x-www-form-urlencoded"}
    assert Person(site.app).send("POST", "/login", **fields).status_code == 413


def test_a_huge_body_is_refused_before_it_is_read(alice: Person, conversation: str) -> None:
    body = json.dumps({"content": "x" * 4 * MEGABYTE}).encode()
    assert problem(raw(alice, conversation, body)) == (413, "request_too_large")
    page = alice.send("POST", "/preferences", data={"csrf_token": alice.token, "next": "x" * 4 * MEGABYTE})
    assert (page.status_code, page.mimetype) == (413, "text/html")


def test_a_call_without_the_token_of_a_page(alice: Person, conversation: str) -> None:
    for method, path in (
        ("POST", "/api/conversations"),
        ("POST", f"/api/conversations/{conversation}/messages"),
        ("PATCH", f"/api/conversations/{conversation}"),
        ("DELETE", f"/api/conversations/{conversation}"),
        ("POST", "/api/messages/1/stop"),
    ):
        assert problem(alice.send(method, path, json={"content": "x"})) == (400, "csrf_failed")
    assert alice.messages(conversation) == []


def test_a_visitor_is_told_that_the_session_has_ended(site: Site) -> None:
    visitor = Person(site.app)
    assert problem(visitor.get("/api/conversations")) == (401, "login_required")
    assert problem(visitor.api("POST", "/conversations", {})) == (401, "login_required")


def test_what_is_not_there(alice: Person) -> None:
    for path in ("/api/nothing", "/api/conversations/zzz", "/api/messages/x/stream"):
        assert problem(alice.get(path)) == (404, "not_found")


def test_a_method_that_an_address_does_not_take(alice: Person) -> None:
    assert problem(alice.api("PUT", "/conversations")) == (405, "method_not_allowed")
    assert problem(alice.api("GET", "/messages/1/stop")) == (405, "method_not_allowed")


def test_a_host_that_is_no_name(site: Site, alice: Person) -> None:
    for host in ("..", "x..y", "a" * 64 + ".lan"):
        for person in (alice, Person(site.app)):
            for method, path in (("GET", "/"), ("POST", "/login"), ("GET", "/nothing"), ("GET", "/api/status")):
                answer = person.send(method, path, headers={"Host": host})
                assert (answer.status_code, answer.mimetype) == (400, "text/plain"), (host, path)


def test_a_very_long_address(site: Site) -> None:
    for length in (250, 256, 5000):
        assert Person(site.app).get("/static/" + "a" * length).status_code == 404


def test_numbers_of_rows_that_no_database_has(site: Site, alice: Person) -> None:
    for rule in site.app.url_map.iter_rules():
        for number in ("2147483648", "9223372036854775808", "1" * 5000):
            path = re.sub("<[^>]*>", "1", re.sub("<int:[^>]*>", number, rule.rule))
            for method in (rule.methods or set()) if number in path else ():
                answer = alice.send(method, path, headers={"X-CSRFToken": alice.token})
                assert answer.status_code == 404, (method, path)


def test_forms_read_neither_json_nor_files(site: Site, alice: Person) -> None:
    values: tuple[Any, ...] = ({"username": 1, "password": 1, "name": [1], "display_name": {}}, [1], "x", None)
    forms = {"/login": Person(site.app), "/register": Person(site.app)}
    pages = ("", "/prompts", "/account", "/account/password", "/account/erase")
    forms |= {f"/settings{page}": alice for page in pages}
    for path, person in forms.items():
        headers = {"X-CSRFToken": person.token}
        for value in values:
            assert person.send("POST", path, json=value, headers=headers).status_code == 422, (path, value)
        deep = person.send("POST", path, data=b"[" * 100_000, content_type="application/json", headers=headers)
        assert deep.status_code == 422
        files = {name: (io.BytesIO(b"x"), "x.txt") for name in ("username", "password", "name", "display_name")}
        assert person.send("POST", path, data=files, headers=headers).status_code == 422

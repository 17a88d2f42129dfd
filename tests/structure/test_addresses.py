"""Every address: who may use it, how it is written, and that a stranger finds nothing behind another's ids."""

import re

from app.models import AccessToken, Conversation
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.program import Program, token_of
from tests.support.site import Site

FIXED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TYPED = re.compile(r"<(?:string|int(?:\(max=\d+\))?|path):[a-z_]+>")
# Everyone may fetch these.
PUBLIC = {
    "manifest", "accounts.login", "accounts.register", "accounts.preferences", "accounts.accept_invitation",
    "accounts.choose_password", "chat.live", "chat.ready",
}  # fmt: skip
# Pages of administrators that helpers may use too.
HELPER = {"admin.people", "admin.show_person", "admin.change_states", "admin.make_password_link"}

# Pages that everyone sees have forms that only administrators send; libraries are theirs to fill.
ADMIN = {
    "documents.add_to_library", "documents.change_library", "documents.delete_library", "documents.follow_library",
    "documents.make_library", "documents.read_again", "documents.remove_from_library", "documents.show_libraries",
    "documents.show_library",
    "lab.add_task", "lab.cancel", "lab.close_campaign", "lab.delete", "lab.launch", "lab.make_campaign",
    "lab.new_campaign", "lab.new_run", "lab.overrule", "lab.resume",
}  # fmt: skip


def test_only_these_addresses_are_for_others_than_signed_in_people(site: Site) -> None:
    guards = {name: getattr(view, "guard", "member") for name, view in site.app.view_functions.items()}
    assert set(guards.values()) == {"public", "member", "helper", "admin", "token_holder"}
    assert {name for name, guard in guards.items() if guard == "public"} == PUBLIC
    assert {name for name, guard in guards.items() if guard == "admin"} == {
        name for name in guards if name.startswith("admin.") and name not in HELPER
    } | ADMIN
    assert {name for name, guard in guards.items() if guard == "helper"} == HELPER
    assert {name for name, guard in guards.items() if guard == "token_holder"} == {
        name for name in guards if name.startswith("openai_api.")
    }


def test_addresses_are_lower_case_words_and_typed_places(site: Site) -> None:
    for rule in site.app.url_map.iter_rules():
        for part in rule.rule.strip("/").split("/"):
            assert not part or FIXED.fullmatch(part) or TYPED.fullmatch(part), rule.rule


def test_a_visitor_gets_nothing_but_the_public_pages(site: Site) -> None:
    visitor = Person(site.app)
    token = visitor.token
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint in PUBLIC:
            continue
        path = re.sub(r"<[^>]*>", "1", rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = visitor.send(method, path, headers={"X-CSRFToken": token})
            if path.startswith(("/api/", "/v1/")):
                assert answer.status_code == 401, (method, path)
            else:
                assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/login"), (method, path)


def test_a_stranger_finds_nothing_behind_the_ids_of_others(
    site: Site, alice: Person, bob: Person, ollama: FakeOllama
) -> None:
    ollama.script(Scenario.cut(3))
    conversation = bob.start()
    message = bob.ask(conversation, "Un secret").end().message_id
    secret = token_of(bob)
    file = bob.document("secret.txt", b"Un secret")["id"]
    with site.rows() as rows:
        token = rows.query(AccessToken).one().id
    places = {"conversation_id": conversation, "message_id": message, "token_id": token, "file_id": file}
    before = bob.get(f"/api/conversations/{conversation}").json
    tried = 0
    for rule in site.app.url_map.iter_rules():
        if not rule.arguments & set(places):
            continue
        path = site.app.url_map.bind("").build(rule.endpoint, {name: places[name] for name in rule.arguments})
        missing = re.sub(
            rf"/({conversation}|{message}|{token}|{file})(?=/|$)", lambda found: "/" + "0" * len(found[1]), path
        )
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            # Not even the administrator, who is the first account.
            body = {"content": "x", "title": "x"}
            headers = {"X-CSRFToken": alice.token, "Accept": "application/json"}
            answers = [alice.send(method, where, json=body, headers=headers) for where in (path, missing)]
            assert [answer.status_code for answer in answers] == [404, 404], (method, path)
            real, unreal = (
                answer.text.replace(where, "") for answer, where in zip(answers, (path, missing), strict=True)
            )
            assert real == unreal, (method, path)
            tried += 1
    assert tried >= 10
    assert bob.api("GET", f"/files/{file}").json["state"] == "ready"
    assert bob.get(f"/api/conversations/{conversation}").json == before
    assert Program(site.app, secret).get("/models").status_code == 200
    with site.rows() as rows:
        assert rows.get(Conversation, conversation).title == "Un secret"


def test_only_administrators_reach_their_pages(site: Site, alice: Person, bob: Person) -> None:
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint.startswith("admin.") or rule.endpoint in ADMIN:
            path = re.sub(r"<[^>]*>", "1", rule.rule)
            for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
                answer = bob.send(method, path, data={"csrf_token": bob.token})
                assert answer.status_code == 403, (method, path)

"""Prompts: one's own, everyone's and the program's, and who may change which."""

import re
from typing import Any

import pytest

from app.chat.conversations import SUGGESTED, available_prompts
from app.models import Prompt, User
from app.models.prompts import MAX_PROMPT_LENGTH, MAX_PROMPTS_EACH
from tests.support.person import Person, problem
from tests.support.site import Site

PLACE = re.compile(r"\{\{[^{}\n]+\}\}")


def listed(person: Person) -> list[dict[str, Any]]:
    """What the chat offers to this person, without the program's own."""
    answer = person.api("GET", "/prompts")
    assert answer.status_code == 200, answer.text
    return [prompt for prompt in answer.json["prompts"] if prompt["kind"] != "built-in"]


def make(person: Person, name: str = "Relance", content: str = "Relance {{client}}.", **fields: str) -> int:
    """A prompt made on the settings page; its id."""
    before = {row.id for row in rows_of(person)}
    answer = person.submit("/settings/prompts", {"name": name, "content": content, **fields})
    assert (answer.status_code, answer.location) == (302, "/settings/prompts"), answer.text
    return next(row.id for row in rows_of(person) if row.id not in before)


def rows_of(person: Person) -> list[Prompt]:
    with person.app.app_context():
        found: list[Prompt] = Prompt.query.order_by(Prompt.id).all()
        return found


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_programs_own_come_in_the_persons_language(alice: Person, language: str) -> None:
    alice.submit("/preferences", {"locale": language})
    offered = alice.api("GET", "/prompts").json["prompts"]
    assert [prompt["name"] for prompt in offered] == [prompt["name"] for prompt in available_prompts(language).values()]
    page = alice.get("/").text
    for key in SUGGESTED:
        assert available_prompts(language)[key]["name"] in page


def test_both_languages_have_the_same_prompts_with_as_many_places() -> None:
    french, english = available_prompts("fr"), available_prompts("en")
    assert list(french) == list(english)
    for key, prompt in french.items():
        assert set(prompt) == set(english[key]) == {"name", "detail", "icon", "content"}
        assert prompt["icon"] == english[key]["icon"]
        assert len(PLACE.findall(prompt["content"])) == len(PLACE.findall(english[key]["content"])) > 0, key


def test_french_prompts_keep_french_typography() -> None:
    for prompt in available_prompts("fr").values():
        for text in prompt.values():
            assert not re.search(r"(?<=\w)'(?=\w)|\.\.\.|« | »| [;!?:]|[^\u202f\s]»", text), text


def test_a_prompt_of_ones_own_is_made_changed_and_deleted(alice: Person, bob: Person) -> None:
    prompt = make(bob, "  Relance  ", "Relance {{client}}.\r\nMerci.  ")
    assert listed(bob) == [{"kind": "mine", "name": "Relance", "detail": "", "content": "Relance {{client}}.\nMerci."}]
    assert listed(alice) == []
    changed = bob.submit(f"/settings/prompts/{prompt}", {"name": "Relance 2", "content": "Autre"})
    assert changed.status_code == 302
    assert [(item["name"], item["content"]) for item in listed(bob)] == [("Relance 2", "Autre")]
    assert "Relance 2" in bob.get("/settings/prompts").text
    assert bob.submit(f"/settings/prompts/{prompt}/delete", {}).status_code == 302
    assert listed(bob) == []
    assert bob.get(f"/settings/prompts/{prompt}").status_code == 404


def test_an_administrators_shared_prompt_is_everyones_to_use_and_not_to_change(alice: Person, bob: Person) -> None:
    shared = make(alice, "Charte", shared="y")
    assert [(item["kind"], item["name"]) for item in listed(bob)] == [("shared", "Charte")]
    assert bob.get(f"/settings/prompts/{shared}").status_code == 404
    assert bob.submit(f"/settings/prompts/{shared}", {"name": "x", "content": "x"}).status_code == 404
    assert bob.submit(f"/settings/prompts/{shared}/delete", {}).status_code == 404
    assert alice.submit(f"/settings/prompts/{shared}", {"name": "À moi", "content": "x"}).status_code == 302
    assert listed(bob) == []
    assert [(item["kind"], item["name"]) for item in listed(alice)] == [("mine", "À moi")]


def test_only_an_administrator_shares(alice: Person, bob: Person) -> None:
    assert 'name="shared"' in alice.get("/settings/prompts").text
    assert 'name="shared"' not in bob.get("/settings/prompts").text
    refused = bob.submit("/settings/prompts", {"name": "x", "content": "x", "shared": "y"})
    assert refused.status_code == 403
    own = make(bob)
    assert bob.submit(f"/settings/prompts/{own}", {"name": "x", "content": "x", "shared": "y"}).status_code == 403
    assert [item["kind"] for item in listed(bob)] == ["mine"]


def test_anothers_prompt_looks_like_one_that_never_was(alice: Person, bob: Person) -> None:
    prompt = make(bob)
    for path in (f"/settings/prompts/{prompt}", "/settings/prompts/999", "/settings/prompts/9223372036854775808"):
        assert alice.get(path).status_code == 404
        assert alice.submit(path, {"name": "x", "content": "x"}).status_code == 404
        assert alice.submit(f"{path}/delete", {}).status_code == 404
    assert [item["name"] for item in listed(bob)] == ["Relance"]


def test_a_prompt_must_have_a_name_and_a_text_that_fit(alice: Person) -> None:
    for fields in (
        {"name": "", "content": "x"},
        {"name": " ", "content": "x"},
        {"name": "x" * 61, "content": "x"},
        {"name": "a\nb", "content": "x"},
        {"name": "x", "content": " \r\n "},
        {"name": "x", "content": "é" * (MAX_PROMPT_LENGTH + 1)},
    ):
        answer = alice.submit("/settings/prompts", fields)
        assert answer.status_code == 422, fields
        assert 'aria-invalid="true"' in answer.text
    assert listed(alice) == []
    make(alice, "<b>gras</b>", "é" * MAX_PROMPT_LENGTH)
    assert "&lt;b&gt;gras" in alice.get("/settings/prompts").text


def test_so_many_and_no_more(site: Site, alice: Person, bob: Person) -> None:
    with site.rows() as rows:
        owner = User.named(bob.name).id
        rows.add_all(Prompt(user_id=owner, name=f"n{number}", content="x") for number in range(MAX_PROMPTS_EACH))
        rows.commit()
    refused = bob.submit("/settings/prompts", {"name": "Un de trop", "content": "x"})
    assert refused.status_code == 422
    assert len(listed(bob)) == MAX_PROMPTS_EACH
    make(alice)


def test_forms_need_their_mark_and_visitors_are_sent_to_the_log_in(site: Site, alice: Person) -> None:
    assert alice.send("POST", "/settings/prompts", data={"name": "x", "content": "x"}).status_code == 400
    visitor = Person(site.app)
    assert visitor.get("/settings/prompts").location == "/login?next=/settings/prompts"
    assert problem(visitor.get("/api/prompts")) == (401, "login_required")


def test_who_is_gone_leaves_no_prompt(site: Site, alice: Person, bob: Person) -> None:
    make(bob)
    make(alice, shared="y")
    with site.rows() as rows:
        rows.delete(User.named(bob.name))
        rows.commit()
    assert [row.name for row in rows_of(alice)] == ["Relance"]
    assert rows_of(alice)[0].shared

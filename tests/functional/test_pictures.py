"""Pictures: sent, shown, read by models that see, left out for the others."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.extraction import reader
from tests.fakes.ollama import FakeOllama
from tests.support.person import Person, problem
from tests.support.pictures import SECRET, exif, jpeg, png, webp
from tests.support.processes import wait_until
from tests.support.site import Site

SEES, BLIND = "gemma3:4b", "phi3:mini"
LABEL = "Image jointe « étiquette.jpg »."


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A stand-in with a model that sees and one that does not."""
    with FakeOllama([SEES, BLIND]) as running:
        yield running


@pytest.fixture
def picture(alice: Person) -> str:
    """A picture of Alice's."""
    return str(alice.document("étiquette.jpg", jpeg())["id"])


def sent(ollama: FakeOllama) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = ollama.received("/api/chat")[-1]["messages"]
    return messages


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def test_a_picture_is_ready_at_once_and_shown_without_where_it_was_taken(alice: Person, instance: Path) -> None:
    answer = alice.attach("étiquette.jpg", jpeg(40, 20, exif()))
    assert answer.status_code == 201
    file = answer.json
    assert (file["state"], file["kind"], file["pages"], file["tokens"]) == ("ready", "image", 0, 1024)
    shown = alice.get(f"/api/files/{file['id']}/picture")
    assert (shown.data, shown.mimetype) == (jpeg(), "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert not any(SECRET in path.read_bytes() for path in (instance / "files").glob("??/*"))
    assert alice.attach("étiquette.jpg", jpeg(40, 20, exif())).status_code == 200


@pytest.mark.parametrize(
    ("name", "data", "kind"), [("a.png", png(), "png"), ("b.webp", webp(), "webp"), ("facture.pdf", jpeg(), "jpeg")]
)
def test_the_content_says_what_a_picture_is(alice: Person, name: str, data: bytes, kind: str) -> None:
    file = alice.document(name, data)
    assert file["kind"] == "image"
    assert alice.get(f"/api/files/{file['id']}/picture").mimetype == f"image/{kind}"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (jpeg(60_000, 60_000), "image_too_fine"),
        (jpeg()[:-2], "file_damaged"),
        (png()[:-6], "file_damaged"),
        (jpeg() + bytes(10_000_000), "file_too_large"),
    ],
    ids=["too fine", "cut", "cut png", "too large"],
)
def test_a_picture_that_cannot_be_taken_leaves_nothing(alice: Person, instance: Path, data: bytes, code: str) -> None:
    assert problem(alice.attach("photo.jpg", data))[1] == code
    assert not [path for path in (instance / "files").rglob("*") if path.is_file() and path.name != ".lock"]


def test_what_only_calls_itself_a_picture_is_a_document(alice: Person) -> None:
    svg = alice.document("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    assert svg["kind"] == "code"
    assert problem(alice.get(f"/api/files/{svg['id']}/picture")) == (404, "not_found")
    page = alice.document("photo.jpg", b"<html><body>\xff\xd8\xff</body></html>")
    assert page["kind"] != "image"


def test_a_page_hidden_behind_a_picture_is_cut_off(alice: Person) -> None:
    file = alice.document("photo.png", png() + b"<html><script>alert(1)</script></html>")
    shown = alice.get(f"/api/files/{file['id']}/picture")
    assert shown.data == png()
    assert shown.mimetype == "image/png"


def test_pictures_are_nobody_elses_business(alice: Person, bob: Person, picture: str) -> None:
    assert problem(bob.get(f"/api/files/{picture}/picture")) == (404, "not_found")
    assert problem(bob.post(bob.start(), "Que lit-on ?", model=SEES, files=[picture])) == (404, "not_found")


def test_without_a_model_that_sees_one_is_named(make_site: Callable[..., Site]) -> None:
    with FakeOllama([BLIND]) as blind:
        site = make_site(OLLAMA_HOST=blind.url).start(blind)
        person = Person(site.app, "alice")
        person.register()
        answer = person.attach("photo.jpg", jpeg())
        assert problem(answer) == (422, "image_no_model")
        assert "Gemma 3 4B" in answer.json["detail"]


def test_while_no_model_is_known_the_engine_is_to_blame(make_site: Callable[..., Site]) -> None:
    site = make_site(OLLAMA_HOST="http://127.0.0.1:9")
    person = Person(site.app, "alice")
    person.register()
    assert problem(person.attach("photo.jpg", jpeg()))[1] == "engine_unreachable"


def test_pictures_need_no_packages_for_documents(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PACKAGES", ("no_such_package",))
    assert alice.attach("photo.jpg", jpeg()).status_code == 201
    assert problem(alice.attach("note.txt", b"Rendez-vous"))[1] == "documents_not_installed"


def test_the_model_gets_the_picture_with_its_question_and_again_in_the_history(
    alice: Person, picture: str, ollama: FakeOllama
) -> None:
    conversation = alice.start(model=SEES)
    accepted = alice.ask(conversation, "Que lit-on ?", files=[picture]).end().data("accepted")
    first = {"role": "user", "content": f"{LABEL}\n\nQue lit-on ?", "images": [encoded(jpeg())]}
    assert sent(ollama)[-1] == first
    assert [(file["name"], file["kind"]) for file in accepted["user_message"]["files"]] == [("étiquette.jpg", "image")]
    alice.ask(conversation, "Et le poids ?").end()
    assert sent(ollama)[1] == first
    assert "images" not in sent(ollama)[-1]


def test_a_picture_whose_bytes_are_lost_costs_no_answer(
    alice: Person, picture: str, ollama: FakeOllama, instance: Path
) -> None:
    conversation = alice.start(model=SEES)
    alice.ask(conversation, "Que lit-on ?", files=[picture]).end()
    for path in (instance / "files").glob("??/*"):
        path.unlink()
    assert problem(alice.get(f"/api/files/{picture}/picture")) == (404, "not_found")
    assert alice.ask(conversation, "Et le poids ?").end().data("done")["status"] == "done"
    assert not any("images" in message for message in sent(ollama))


def test_a_document_and_a_picture_go_together(alice: Person, picture: str, ollama: FakeOllama) -> None:
    note = alice.document("note.txt", b"Poids maximal : 12 kg.")["id"]
    alice.ask(alice.start(model=SEES), "Est-ce permis ?", files=[picture, note]).end()
    content = sent(ollama)[-1]["content"]
    assert content.startswith("Document joint « note.txt »")
    assert content.endswith(f"{LABEL}\n\nEst-ce permis ?")
    assert sent(ollama)[-1]["images"] == [encoded(jpeg())]


def test_a_model_that_sees_nothing_is_not_asked_about_a_picture(alice: Person, picture: str) -> None:
    answer = alice.post(alice.start(), "Que lit-on ?", model=BLIND, files=[picture])
    assert problem(answer) == (422, "images_unsupported")
    assert BLIND in answer.json["detail"]


def test_a_model_that_sees_nothing_goes_on_without_the_pictures_and_says_so(
    alice: Person, picture: str, ollama: FakeOllama
) -> None:
    conversation = alice.start(model=SEES)
    alice.ask(conversation, "Que lit-on ?", files=[picture]).end()
    heard = alice.ask(conversation, "Résume.", model=BLIND).end()
    assert heard.data("context") == {"left_out": 0, "first_read": None, "unread": ["étiquette.jpg"]}
    assert heard.data("done")["status"] == "done"
    assert not any("images" in message for message in sent(ollama))
    assert sent(ollama)[1]["content"] == f"{LABEL}\n\nQue lit-on ?"
    answer = alice.messages(conversation)[-1]
    assert answer["left_out"] == {"count": 0, "first_read": None, "unread": ["étiquette.jpg"]}


def test_one_picture_a_question(alice: Person, picture: str) -> None:
    other = alice.document("autre.png", png())["id"]
    answer = alice.post(alice.start(model=SEES), "Compare", files=[picture, other])
    assert problem(answer) == (422, "too_many_images")


def test_a_picture_is_read_ahead(site: Site, alice: Person, picture: str, ollama: FakeOllama) -> None:
    site.generation.engine.warm(SEES)
    site.generation.registry.refresh()
    conversation = alice.start(model=SEES)

    def reading(file: str) -> str:
        body = {"files": [file], "model": SEES}
        return str(alice.api("POST", f"/conversations/{conversation}/prefill", body).json["prefill"])

    assert reading(picture) == "started"
    wait_until(lambda: reading(picture) == "warm")
    # Another picture of the same name is another prompt.
    other = alice.document("étiquette.jpg", jpeg(41, 20))["id"]
    assert reading(other) in ("started", "busy")
    wait_until(lambda: reading(other) == "warm")
    alice.ask(conversation, "Que lit-on ?", files=[other]).end()
    assert ollama.generations[-1].cached > 256


def test_the_page_is_told_which_models_see(alice: Person) -> None:
    models = {model["name"]: model["image_tokens"] for model in alice.api("GET", "/models").json["models"]}
    assert models == {SEES: 256, BLIND: 0}

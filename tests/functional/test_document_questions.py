"""Questions about files: what the model reads, what the page is told of it, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from app.engines.base import Usage
from app.generation.prompt import document_text, passage_text, passages_text
from app.models import FileState
from app.models.lab import LabLabel
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.documents import attached, passages
from tests.support.person import Person, problem
from tests.support.site import Site

MODEL, THINKER = "phi3:mini", "deepseek-r1:1.5b"
PAGES = ("Le bateau « Élan » mesure 12 mètres.\nIl a deux cabines.", "Le prix est de 12 450 €.")


def last_sent(ollama: FakeOllama) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = ollama.received("/api/chat")[-1]["messages"]
    return messages


def measured(site: Site, model: str, reading: int | None = 90, abstention: int | None = 90) -> None:
    """Let the Labo have measured this of a model."""
    with site.rows() as rows:
        rows.merge(LabLabel(model=model, reading=reading, abstention=abstention))
        rows.commit()


@pytest.fixture
def contract(site: Site, alice: Person) -> str:
    """A file of Alice's with two pages."""
    return attached(site, "alice", "contrat.pdf", *PAGES, kind="pdf")


def test_a_whole_document_is_read_before_the_question_and_stays_in_the_history(
    site: Site, alice: Person, contract: str, ollama: FakeOllama
) -> None:
    conversation = alice.start()
    accepted = alice.ask(conversation, "Quel prix ?", files=[contract]).end().data("accepted")
    read = document_text("contrat.pdf", list(enumerate(PAGES, 1)))
    assert last_sent(ollama)[-1] == {"role": "user", "content": f"{read}\n\nQuel prix ?"}
    tokens = accepted["user_message"]["files"][0].pop("tokens")
    assert tokens > 30
    assert accepted["user_message"]["files"] == [{"id": contract, "name": "contrat.pdf", "kind": "pdf", "pages": 2}]
    assert (accepted["user_message"]["content"], accepted["user_message"]["passages"]) == ("Quel prix ?", [])
    alice.ask(conversation, "Et la taille ?").end()
    assert last_sent(ollama)[1] == {"role": "user", "content": f"{read}\n\nQuel prix ?"}
    first, _, second, _ = alice.messages(conversation)
    assert [file["name"] for file in first["files"]] == ["contrat.pdf"]
    assert (second["files"], second["passages"]) == ([], [])
    # The file may be gone: what was read of it stays as it was.
    alice.regenerate(first["id"] + 1).end()
    assert last_sent(ollama)[-1]["content"] == f"{read}\n\nQuel prix ?"


def test_several_documents_in_the_order_in_which_they_were_sent(
    site: Site, alice: Person, contract: str, ollama: FakeOllama
) -> None:
    note = attached(site, "alice", "note.txt", "Rendez-vous à 9 h.")
    alice.ask(alice.start(), "Résume", files=[note, contract, note]).end()
    texts = [
        document_text("note.txt", [(1, "Rendez-vous à 9 h.")]),
        document_text("contrat.pdf", list(enumerate(PAGES, 1))),
    ]
    assert last_sent(ollama)[-1]["content"] == "\n\n".join([*texts, "Résume"])


def test_chosen_passages_alone_are_read_with_their_numbers(
    site: Site, alice: Person, contract: str, ollama: FakeOllama
) -> None:
    measured(site, MODEL)
    price, size = passages(site, contract, "Le prix est de 12 450 €.", "Le bateau « Élan » mesure 12 mètres.")
    conversation = alice.start()
    asked = alice.ask(conversation, "Quel prix ?", files=[contract], passages=[price, size]).end().data("accepted")
    read = passages_text(
        [
            passage_text(1, "contrat.pdf", 2, "Le prix est de 12 450 €."),
            passage_text(2, "contrat.pdf", 1, "Le bateau « Élan » mesure 12 mètres."),
        ]
    )
    assert last_sent(ollama)[-1]["content"] == f"{read}\n\nQuel prix ?"
    of_it = {"file_id": contract, "name": "contrat.pdf"}
    shown = [
        {"number": 1, "id": price, "page": 2, "text": "Le prix est de 12 450 €.", **of_it},
        {"number": 2, "id": size, "page": 1, "text": "Le bateau « Élan » mesure 12 mètres.", **of_it},
    ]
    assert asked["user_message"]["passages"] == shown
    assert alice.messages(conversation)[0]["passages"] == shown


def test_from_a_sent_file_to_an_answer_that_was_compared(site: Site, alice: Person, ollama: FakeOllama) -> None:
    measured(site, MODEL)
    notice = b"Notice du treuil\n\nLe cable se graisse tous les six mois avec la graisse RX-204.\n"
    file = alice.document("treuil.txt", notice)["id"]
    found = alice.get(f"/api/passages?files={file}&q=Quelle+graisse+pour+le+cable+?").json["passages"]
    ollama.script(Scenario.answer("La graisse RX-204 [1], tous les 3 mois [2]."))
    asked = {"files": [file], "passages": [passage["id"] for passage in found]}
    answer = alice.ask(alice.start(), "Quelle graisse ?", **asked).end()
    (shown,) = answer.data("accepted")["user_message"]["passages"]
    assert {name: found[0][name] for name in ("id", "file_id", "name", "page", "text")} | {"number": 1} == shown
    assert f"[1] « treuil.txt », page 1 :\n{shown['text']}" in last_sent(ollama)[-1]["content"]
    assert answer.data("done")["sources"] == {"cited": [1], "unknown": [2], "figures": ["3"]}
    # As the server counts it, so does the page: what fits by its tokens is taken whole.
    alice.ask(alice.start(), "Résume", files=[file]).end()
    assert document_text("treuil.txt", [(1, notice.decode().strip())]) in last_sent(ollama)[-1]["content"]


def test_what_is_refused_is_not_stored(site: Site, alice: Person, bob: Person, contract: str) -> None:
    foreign = attached(site, "bob", "paie.pdf", "2 300 €")
    reading = attached(site, "alice", "lent.pdf", state=FileState.EXTRACTING)
    long = attached(site, "alice", "long.pdf", "mot " * 12_000)
    (other,) = passages(site, foreign, "2 300 €")
    heavy = passages(site, long, "mot " * 400, "mot " * 401)
    conversation = alice.start()

    def refused(**body: Any) -> tuple[int, str]:
        return problem(alice.post(conversation, "Quel prix ?", **body))

    assert refused(files=[foreign]) == (404, "not_found")
    assert refused(files=["rien"]) == (404, "not_found")
    assert refused(files=[contract, reading]) == (409, "file_not_ready")
    assert refused(files=[contract, long]) == (422, "files_too_long")
    assert refused(files=[contract] * 11) == (422, "too_many_files")
    assert refused(files=[contract], passages=[other]) == (404, "not_found")
    assert refused(files=[foreign], passages=[other]) == (404, "not_found")
    assert refused(passages=heavy[:1]) == (404, "not_found")
    assert refused(files=[long], passages=[10_000_000]) == (404, "not_found")
    assert refused(files=[long], passages=heavy) == (422, "passages_too_long")
    assert refused(files="x") == (422, "invalid_field")
    assert refused(files=[3]) == (422, "invalid_field")
    assert refused(passages=["1"]) == (422, "invalid_field")
    assert alice.messages(conversation) == []


def test_a_document_that_no_longer_fits_is_named(site: Site, alice: Person, ollama: FakeOllama) -> None:
    first = attached(site, "alice", "premier.pdf", "Un contrat. " * 350)
    second = attached(site, "alice", "second.pdf", "Une annexe. " * 350)
    conversation = alice.start()
    ollama.script(Scenario.answer("Oui."))
    alice.ask(conversation, "Quel prix ?", files=[first]).end()
    ollama.script(Scenario.answer("Non."))
    events = alice.ask(conversation, "Et ici ?", files=[second]).end()
    assert events.data("context")["unread"] == ["premier.pdf"]
    *_, answer = alice.messages(conversation)
    assert answer["left_out"] == {"count": 2, "first_read": answer["parent_id"], "unread": ["premier.pdf"]}


def test_many_questions_with_files_take_no_more_queries(site: Site, alice: Person, contract: str) -> None:
    conversation = alice.start()

    def queries() -> int:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(site.database, "before_cursor_execute", note)
        alice.messages(conversation)
        event.remove(site.database, "before_cursor_execute", note)
        return len(seen)

    alice.ask(conversation, "Un ?", files=[contract]).end()
    few = queries()
    for _ in range(3):
        alice.ask(conversation, "Encore ?", files=[contract]).end()
    assert queries() == few


def test_an_answer_from_passages_is_compared_with_them(
    site: Site, alice: Person, contract: str, ollama: FakeOllama
) -> None:
    measured(site, MODEL)
    (price,) = passages(site, contract, "Le prix est de 12 450 €.")
    conversation = alice.start()
    ollama.script(Scenario.answer("Il est de 12 450 € [1], soit 15 000 € avec la pose [2]."))
    stream = alice.ask(conversation, "Quel prix ?", files=[contract], passages=[price]).end()
    sources = {"cited": [1], "unknown": [2], "figures": ["15 000"]}
    assert stream.data("done")["sources"] == sources
    _, answer = alice.messages(conversation)
    assert answer["sources"] == sources
    assert alice.follow(answer["id"]).end().data("done")["sources"] == sources
    # Nothing to compare with: no passages were chosen for these.
    ollama.script(Scenario.answer("Il est de 15 000 € [2]."), Scenario.answer("Il est de 15 000 € [2]."))
    alice.ask(conversation, "Et avec le document ?", files=[contract]).end()
    alice.ask(conversation, "Et sans ?").end()
    assert [message["sources"] for message in alice.messages(conversation)[3::2]] == [None, None]


def test_only_a_model_that_was_measured_well_answers_from_passages(
    site: Site, alice: Person, contract: str, ollama: FakeOllama
) -> None:
    (price,) = passages(site, contract, "Le prix est de 12 450 €.")
    conversation, asked = alice.start(), {"files": [contract], "passages": [price]}
    assert problem(alice.post(conversation, "Quel prix ?", **asked)) == (422, "model_not_proven")
    measured(site, MODEL, abstention=79)
    assert problem(alice.post(conversation, "Quel prix ?", **asked)) == (422, "model_not_proven")
    assert alice.messages(conversation) == []
    measured(site, MODEL)
    shown = {model["name"]: model for model in alice.get("/api/models").json["models"]}
    assert (shown[MODEL]["proven"], shown[THINKER]["proven"]) == (True, False)
    alice.ask(conversation, "Quel prix ?", **asked).end()
    answer = alice.messages(conversation)[1]["id"]
    again = alice.api("POST", f"/messages/{answer}/regenerate", {"model": THINKER})
    assert problem(again) == (422, "model_not_proven")
    # A whole document may be read by any.
    alice.ask(alice.start(), "Quel prix ?", model=THINKER, files=[contract]).end()


def test_a_server_may_let_every_model_answer_from_passages(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    site = make_site(DOCUMENT_ANSWERS="always").start(ollama)
    alice = Person(site.app)
    alice.register("alice")
    file = attached(site, "alice", "contrat.pdf", *PAGES)
    (price,) = passages(site, file, "Le prix est de 12 450 €.")
    assert alice.ask(alice.start(), "Quel prix ?", files=[file], passages=[price]).end().data("done")["sources"]
    assert all(model["proven"] for model in alice.get("/api/models").json["models"])


def test_a_model_tells_what_it_can_read_and_how_fast(site: Site, alice: Person) -> None:
    def shown() -> dict[str, Any]:
        found = alice.get("/api/models").json["models"]
        return next(model for model in found if model["name"] == MODEL)

    assert shown()["reading_pace"] is None
    assert shown()["document_tokens"] == int(0.55 * site.app.config["CONTEXT_TOKENS"])
    site.generation.estimates.learn(MODEL, 9.0, Usage(prompt_tokens=460, cached_tokens=60, prefill_ms=9000.0))
    assert shown()["reading_pace"] == 44.4

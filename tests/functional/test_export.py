"""Export and import: the same tree comes back, other programs' files become ours, and what is wrong changes nothing."""

import io
import json
import zipfile
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.diagnostics.history import last_records
from app.generation.store import Store
from app.generation.worker import METRICS
from app.models import Conversation, Message, ratings
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person, problem
from tests.support.site import Site

# What a copy has anew: ids, and how it is followed.
ANEW = {"id", "parent_id", "siblings", "stream", "attempt", "last_event"}


@pytest.fixture
def tree(alice: Person, ollama: FakeOllama) -> str:
    """Two versions of a first question, two of an answer, thinking, a rating, instructions, a folder."""
    ollama.script(
        Scenario.answer("Le nord", thinking="D’abord le vent."),
        Scenario.answer("Un"),
        Scenario.answer("Un bis"),
        Scenario.cut(3),
    )
    made = alice.start()
    first = alice.ask(made, "Première <question>", model="deepseek-r1:1.5b", think=True).end().message_id
    second = alice.ask(made, "Deuxième").end().message_id
    alice.regenerate(second).end()
    alice.api("PUT", f"/messages/{first}/rating", {"good": False, "reason": "Trop court"})
    alice.ask(made, "Autre début", parent_id=None).end()
    alice.api("PUT", f"/conversations/{made}/head", {"message_id": second})
    folder = alice.api("POST", "/folders", {"name": "Chantier"}).json["id"]
    alice.api("PATCH", f"/conversations/{made}", {"title": "L’arbre", "folder_id": folder, "pinned": True})
    return made


def shape(site: Site, conversation: str) -> Any:
    """All messages of a conversation, each with what hangs on it, without their ids."""
    with site.rows() as rows:
        messages = rows.query(Message).filter_by(conversation_id=conversation).order_by(Message.id).all()
        places = {message.id: place for place, message in enumerate(messages)}
        head = places[rows.get(Conversation, conversation).head_id]
        found = [
            (
                message.role, message.content, message.thinking, message.created_at, places.get(message.parent_id),
                message.run and (message.run.state, message.run.model, message.run.think, message.run.reason,
                                 message.run.finished_at, message.run.error_code),
                message.rating and (message.rating.good, message.rating.reason),
            )
            for message in messages
        ]  # fmt: skip
        return head, found


def load(person: Person, content: Any) -> TestResponse:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"X-CSRFToken": person.token, "Accept": "application/json"}
    return person.send("POST", "/import", data=data, headers=headers, content_type="application/octet-stream")


def export(person: Person, path: str = "/export", kind: str = "json") -> TestResponse:
    answer = person.get(path, query_string={"format": kind})
    assert answer.status_code == 200, answer.text
    answer.get_data()
    answer.close()
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return answer


def ids(person: Person) -> list[str]:
    return [item["id"] for item in person.get("/api/conversations").json["conversations"]]


@pytest.mark.parametrize("one", [True, False])
def test_what_was_exported_and_deleted_comes_back_as_it_was(site: Site, alice: Person, tree: str, one: bool) -> None:
    before, facts = shape(site, tree), alice.get(f"/api/conversations/{tree}").json
    file = export(alice, f"/c/{tree}/export" if one else "/export").data
    alice.api("DELETE", f"/conversations/{tree}")
    alice.submit("/bin/empty", {})
    assert ids(alice) == []
    answer = load(alice, file)
    assert (answer.status_code, answer.json) == (201, {"conversations": 1, "messages": len(before[1]), "left_out": []})
    (made,) = ids(alice)
    assert shape(site, made) == before
    again = alice.get(f"/api/conversations/{made}").json
    for told in (facts, again):
        for name in ("id", "url", "unread"):
            del told[name]
        told["messages"] = [{key: value for key, value in each.items() if key not in ANEW} for each in told["messages"]]
    assert again == facts
    # It is found by its words, also by those of the branches that are not shown.
    for word in ("arbre", "premiere", "autre debut", "un bis"):
        assert alice.get("/api/search", query_string={"q": word}).json["results"], word
    # And it goes on.
    assert alice.ask(made, "La suite").end().data("done")["status"] == "done"


def told(file: Any) -> list[Any]:
    """Of the only conversation in a file, all that is told of its messages."""
    return [message for conversation in file["conversations"] for message in conversation["messages"]]


def test_figures_and_ratings_reach_another_person_and_say_nothing_of_this_server(
    site: Site, alice: Person, bob: Person, tree: str
) -> None:
    file = export(alice).json
    answers = [message for message in told(file) if message["role"] == "assistant"]
    written = [message["metrics"] for message in answers if message["state"] == "done"]
    assert written
    assert all(set(METRICS) - {"energy_j"} <= figures.keys() <= set(METRICS) for figures in written)
    assert [message.get("rating") for message in answers].count({"good": False, "reason": "Trop court"}) == 1
    with site.rows():
        before = (ratings.ratings_by_model(), last_records(), Store(site.app.app_context).recent_runs())
    assert load(bob, file).status_code == 201
    assert told(export(bob).json) == told(file)
    with site.rows():
        assert (ratings.ratings_by_model(), last_records(), Store(site.app.app_context).recent_runs()) == before


def test_figures_that_cannot_be_true_are_left_out(alice: Person, bob: Person, tree: str) -> None:
    file = export(alice).json
    figures = {
        "total_ms": 1200.5, "queue_ms": 0, "energy_j": None, "prompt_tokens": -1, "load_ms": True, "decode_ms": "x",
        "output_tokens": 10**400, "prefill_ms": [], "overhead_ms": 2e9, "unheard_of": 1,
    }  # fmt: skip
    told(file)[1]["metrics"] = figures
    # A number that no float holds is read as infinite.
    spoilt = json.dumps(file).replace('"prefill_ms": []', '"prefill_ms": 1e999')
    assert load(bob, spoilt.encode()).status_code == 201
    assert told(export(bob).json)[1]["metrics"] == {"total_ms": 1200.5, "queue_ms": 0, "energy_j": None}


def test_what_a_model_read_of_files_comes_back_and_the_files_are_counted(site: Site, alice: Person) -> None:
    file = alice.document("treuil.txt", "Le câble se graisse tous les six mois.".encode())
    made = alice.start()
    alice.ask(made, "Quand graisser ?", files=[file["id"]]).end()
    exported = export(alice, f"/c/{made}/export")
    assert exported.json["conversations"][0]["messages"][0]["files"] == ["treuil.txt"]
    answer = load(alice, exported.data)
    assert answer.json["left_out"] == ["1 fichier joint\u00a0: le modèle garde ce qu’il en a lu"]
    with site.rows() as rows:
        first, second = rows.query(Message).filter_by(role="user").order_by(Message.id)
        assert first.attached == second.attached
        assert "tous les six mois" in second.attached
    for kind in ("markdown", "html"):
        assert "Joint : treuil.txt" in export(alice, f"/c/{made}/export", kind).text.replace("\u00a0", " ")


def test_a_conversation_for_reading(alice: Person, tree: str) -> None:
    file = export(alice, f"/c/{tree}/export", "markdown")
    assert "l-arbre.md" in file.headers["Content-Disposition"]
    assert file.text.startswith("# L’arbre\n")
    assert "Première <question>" in file.text
    assert "Un" in file.text
    assert "Autre début" not in file.text
    page = export(alice, f"/c/{tree}/export", "html").text
    assert "Première &lt;question&gt;" in page
    assert "<question>" not in page


def test_code_in_html_stands_apart(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.answer("Voici :\n```html\n<script>alert(1)</script>\n```\nFini </pre>."))
    made = alice.start()
    alice.ask(made, "Du code").end()
    page = export(alice, f"/c/{made}/export", "html").text
    assert "<pre><code>&lt;script&gt;alert(1)&lt;/script&gt;\n</code></pre>" in page
    assert "<script" not in page
    assert "Fini &lt;/pre&gt;." in page


def test_all_for_reading_are_one_archive(alice: Person, bob: Person, tree: str) -> None:
    other = bob.start()
    bob.ask(other, "De Bob").end()
    bob.document("de Bob.txt", b"Bob")
    alice.document("treuil.txt", b"Le bateau")
    second = alice.start()
    alice.ask(second, "L’arbre").end()
    with zipfile.ZipFile(io.BytesIO(export(alice, kind="markdown").data)) as archive:
        assert archive.namelist() == ["0001-l-arbre.md", "0002-l-arbre.md", "files/0001-treuil.txt"]
        assert archive.read("files/0001-treuil.txt") == b"Le bateau"
        assert "De Bob" not in "".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.parametrize(
    ("sent", "packed"),
    [
        ("<img src=x>: a|b?*.txt", "_img src=x__ a_b__.txt"),
        ("Devis. .", "Devis"),
        ("é" * 190 + ".txt", "é" * 56 + ".txt"),
    ],
)
def test_every_system_can_unpack_the_attached_files(alice: Person, sent: str, packed: str) -> None:
    alice.document(sent, b"Le bateau")
    with zipfile.ZipFile(io.BytesIO(export(alice, kind="html").data)) as archive:
        assert archive.namelist() == [f"files/0001-{packed}"]


def test_an_export_of_nothing(alice: Person) -> None:
    file = export(alice)
    assert file.json["conversations"] == []
    assert problem(load(alice, file.data)) == (422, "import_empty")
    assert alice.get(f"/c/{alice.start()}/export", headers={"Accept": "application/json"}).status_code == 404
    assert problem(alice.get("/export?format=pdf", headers={"Accept": "application/json"})) == (422, "invalid_field")


def test_an_answer_that_is_being_written_is_exported_as_far_as_it_is(alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(after=1))
    made = alice.start()
    stream = alice.ask(made, "Pendant")
    stream.until("text")
    file = export(alice).data
    ollama.release()
    stream.end()
    assert load(alice, file).status_code == 201
    assert alice.messages(ids(alice)[0])[1]["status"] in ("interrupted", "done")
    assert {alice.messages(each)[1]["status"] for each in ids(alice)} == {"interrupted", "done"}


def test_the_page_offers_both(alice: Person) -> None:
    page = alice.get("/transfer").text
    for kind in ("json", "markdown", "html"):
        assert f'href="/export?format={kind}"' in page

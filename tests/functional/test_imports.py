"""Import of what ChatGPT and Open WebUI write today: what can be read is read, and what is left out is told."""

import io
import itertools
import json
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import event

from app.chat.imports import conversation_archive, reader_process
from tests.functional.test_export import ids, load
from tests.functional.test_export_reading import CHATGPT, OPEN_WEBUI, zipped
from tests.support.person import Person, problem
from tests.support.site import Site

# The process itself, which other tests do without.
read_in_process = reader_process.run
LITTLE_MEMORY = (
    "from dataclasses import replace; from app.chat.imports import reader_process;"
    "reader_process.LIMITS = replace(reader_process.LIMITS, memory=200_000_000); reader_process.main()"
)


def chatgpt(*messages: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """A conversation whose messages follow each other, questions first; a text is a message of a usual kind."""
    mapping: dict[str, Any] = {"root": {"message": None, "parent": None}}
    for role, (place, message) in zip(itertools.cycle(["user", "assistant"]), enumerate(messages), strict=False):
        content = {"content_type": "text", "parts": [message]} if isinstance(message, str) else message
        whole = content if "content" in content else {"content": content}
        parent = str(place - 1) if place else "root"
        mapping[str(place)] = {"message": {"author": {"role": role}, **whole}, "parent": parent}
    return {"title": "Titre", "mapping": mapping, "current_node": str(len(messages) - 1), **more}


def open_webui(question: dict[str, Any], answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chat of one question and its answer."""
    messages = {"q": {"role": "user", **question}, "a": {"role": "assistant", "parentId": "q", **answer}}
    return {"title": "Titre", "chat": {"history": {"messages": messages, "currentId": "a"}, **more}}


def left_out(person: Person, content: Any) -> list[str]:
    """Import, and return what is told of it, with plain spaces."""
    answer = load(person, content)
    assert answer.status_code == 201, answer.text
    return [line.replace("\u202f", " ").replace("\u00a0", " ") for line in answer.json["left_out"]]


def shown(person: Person) -> list[str]:
    return [message["content"] for message in person.messages(ids(person)[0])]


def titles(person: Person) -> list[str]:
    return [item["title"] for item in person.get("/api/conversations").json["conversations"]]


def test_an_archive_in_parts_is_read_and_its_other_files_are_not(alice: Person) -> None:
    parts = {
        "chat.html": "<html>", "export_manifest.json": {"files": []}, "shared_conversations.json": [{"title": "x"}],
        "conversations-000.json": [chatgpt("Une ?", "Un.", title="Un")],
        "deep/conversations-001.json": [chatgpt("Deux ?", "Deux.", title="Deux")],
    }  # fmt: skip
    assert left_out(alice, zipped(parts)) == []
    assert sorted(titles(alice)) == ["Deux", "Un"]
    assert left_out(alice, zipped({"chat-export-1.json": [OPEN_WEBUI]})) == []
    assert len(ids(alice)) == 3


def test_one_damaged_conversation_or_file_does_not_cost_the_others(alice: Person) -> None:
    shell: dict[str, Any] = {"title": "Vide", "conversation_id": "x"}
    long = chatgpt("x" * 200_001, title="Trop \u202elong")
    odd: list[Any] = [1, {"mapping": 1}, {"mapping": {"a": 1}, "title": 7}]
    said = left_out(alice, [shell, shell | {"mapping": None}, CHATGPT, long, *odd, chatgpt()])
    assert said[:2] == ["4 conversations abîmées : « Trop long », « 5 », « 6 », « 7 »", "3 conversations sans question"]
    assert titles(alice) == ["Cap au nord"]
    parts = {"conversations-000.json": "[{", "conversations-001.json": [chatgpt("Une ?", "Un.")]}
    assert left_out(alice, zipped(parts)) == ["1 conversation abîmée : « conversations-000.json »"]
    assert titles(alice)[0] == "Titre"


def test_many_damaged_conversations_are_counted_and_a_few_named(alice: Person) -> None:
    said, *_ = left_out(alice, [1] * 3000 + [CHATGPT])
    assert said == "3000 conversations abîmées : « 1 », « 2 », « 3 », « 4 », « 5 », …"


def test_a_long_conversation_lets_others_write_meanwhile(alice: Person, site: Site) -> None:
    moment = "2026-01-02T10:00:00+00:00"
    answer = {"role": "assistant", "content": "B", "created_at": moment, "state": "done", "queued_at": moment}
    messages: list[dict[str, Any]] = []
    for number in range(450):
        messages.append({"role": "user", "content": str(number), "created_at": moment})
        messages.append(answer | {"parent": 2 * number})
    long = {"title": "Long", "created_at": moment, "updated_at": moment, "head": 899, "messages": messages}
    commits: list[object] = []
    note = commits.append
    event.listen(site.database, "commit", note)
    assert left_out(alice, {"format": "couachgpt", "version": 1, "conversations": [long]}) == []
    event.remove(site.database, "commit", note)
    assert len(commits) >= 4
    assert [each["content"] for each in alice.messages(ids(alice)[0])] == ["449", "B"]


def test_our_own_format_keeps_what_is_whole_too(alice: Person) -> None:
    moment = "2026-01-02T10:00:00+00:00"
    answer = {
        "role": "assistant",
        "content": "B",
        "created_at": moment,
        "parent": 0,
        "state": "done",
        "queued_at": moment,
    }
    whole = {
        "title": "Entier", "created_at": moment, "updated_at": moment, "head": 1,
        "messages": [{"role": "user", "content": "A", "created_at": moment}, answer],
    }  # fmt: skip
    damaged = whole | {"title": "Abîmé", "head": 9}
    file = {"format": "couachgpt", "version": 1, "conversations": [damaged, whole]}
    assert left_out(alice, file) == ["1 conversation abîmée : « Abîmé »"]
    assert titles(alice) == ["Entier"]


def test_pictures_recordings_and_files_leave_a_mark(alice: Person) -> None:
    picture = {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}]}
    heard = [{"content_type": "audio_transcription", "text": "À voix haute"}, {"content_type": "audio_asset_pointer"}]
    attached = {
        "content": {"content_type": "text", "parts": ["Résume"]},
        "metadata": {"attachments": [{"name": "plan.pdf"}, {"name": "a.png", "mime_type": "image/png"}, 3]},
    }
    voice = {"content_type": "multimodal_text", "parts": heard}
    silent = {"content_type": "multimodal_text", "parts": heard[1:]}
    drawn = {"author": {"role": "tool"}, "content": picture}
    said = left_out(alice, [chatgpt(picture, "Un voilier.", attached, "Voici.", voice, drawn, silent, "Quoi ?")])
    assert shown(alice) == [
        "[image]", "Un voilier.", "[plan.pdf]\n\n[file]\n\nRésume", "Voici.", "À voix haute", "[image]", "[audio]",
        "Quoi ?",
    ]  # fmt: skip
    assert said == [
        "2 images : « [image] » les remplace", "2 enregistrements", "2 fichiers joints : seuls leurs noms sont gardés",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Grand \ue200cite\ue202turn0search0\ue202turn0search3\ue201.", "Grand."),
        ('À \ue200entity\ue202["city","Brest",0]\ue201.', "À Brest."),
        ('À \ue200entity\ue202["city"]\ue201 \ue200entity\ue202{}\ue201\ue200entity\ue202[\ue201!', "À!"),
        ("Voir \ue200url\ue202le site\ue202turn0\ue201", "Voir le site"),
        ("\ue200genui\ue202{}\ue201Un \ue203deux\ue204 【12†source】trois【x】", "Un deuxtrois【x】"),
        ("Lié \ue200filecite\ue202turn0file0\ue202L1\ue201 ici", "Lié ([Port](https://exemple.fr)) ici"),
        ("Sa \uf8ff pomme", "Sa \uf8ff pomme"),
    ],
)
def test_marks_of_sources_and_names_become_text(alice: Person, written: str, read: str) -> None:
    reference = {"matched_text": "\ue200filecite\ue202turn0file0\ue202L1\ue201", "alt": "([Port](https://exemple.fr))"}
    metadata = {"content_references": [reference, {"matched_text": " ", "alt": "x"}, 1]}
    answer = {"content": {"content_type": "text", "parts": [written]}, "metadata": metadata}
    assert left_out(alice, [chatgpt("Quel port ?", answer)]) == []
    assert shown(alice)[1] == read


def test_an_answer_without_a_model_is_of_the_conversations(alice: Person) -> None:
    for conversation in (
        chatgpt("A ?", "B", default_model_slug="gpt-5"),
        open_webui({"content": "A ?"}, {"content": "B"}, models=["qwen3:8b"]),
        open_webui({"content": "A ?"}, {"content": "B"}, models=["qwen3:8b", "llama3"]),
    ):
        assert left_out(alice, [conversation]) == []
    models = {alice.messages(made)[1]["model"] for made in ids(alice)}
    assert models == {"gpt-5", "qwen3:8b", "?"}


def test_titles_lose_marks_of_direction_and_may_be_missing(alice: Person) -> None:
    assert (
        left_out(alice, [chatgpt("A ?", "B", title="Cap\n\u202enord\u200b\u2066"), chatgpt("Et ?", "B", title=None)])
        == []
    )
    assert sorted(titles(alice)) == ["Cap nord", "Et ?"]


def test_what_is_not_for_the_reader_stays_away(alice: Person) -> None:
    context = {
        "content": {"content_type": "user_editable_context", "user_profile": "Je"},
        "metadata": {"is_visually_hidden_from_conversation": True},
    }
    recap = {"content": {"content_type": "reasoning_recap", "content": "Thought for 5s"}}
    call = {"content": {"content_type": "code", "text": "search()"}, "recipient": "web"}
    assert left_out(alice, [chatgpt(context, recap, "A ?", call, context, "B")]) == ["1 appel d’outil"]
    assert shown(alice) == ["A ?", "B"]
    assert left_out(alice, [chatgpt(context, "Bonjour !", "A ?", "B")]) == ["1 message qui ne suit aucune question"]


def test_thinking_tools_and_files_of_open_webui(alice: Person) -> None:
    said = (
        '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n'
        "&gt; L&#x27;eau est &lt;froide&gt; &amp;amp;.\n&gt; \n&gt; Donc sud.\n</details>\n"
        '<details type="tool_calls" done="true" name="a" result="&quot;vent&quot;">\n<summary>T</summary>\n</details>\n'
        "Le sud."
    )
    question = {
        "content": [{"type": "text", "text": "Quel cap ?"}, {"type": "image_url", "image_url": {"url": "data:"}}],
        "files": [{"type": "file", "file": {"filename": "carte.pdf"}}, {"type": "image", "url": "data:"}],
    }
    assert left_out(alice, [open_webui(question, {"content": said})]) == [
        "2 images : « [image] » les remplace", "1 fichier joint : seul son nom est gardé", "1 appel d’outil",
    ]  # fmt: skip
    assert shown(alice) == ["[carte.pdf]\n\n[image]\n\nQuel cap ?\n\n[image]", "Le sud."]
    answer = alice.messages(ids(alice)[0])[1]
    assert answer["thinking"] == "L'eau est <froide> &amp;.\n\nDonc sud."


def test_tags_of_thinking_that_old_versions_left(alice: Person) -> None:
    said = {"content": "<think>\nL’eau <think> est froide.\n</think>\n\nLe sud, avec <think> dedans."}
    assert left_out(alice, [open_webui({"content": "Quel cap ?"}, said)]) == []
    answer = alice.messages(ids(alice)[0])[1]
    assert (answer["thinking"], answer["content"]) == ("L’eau <think> est froide.", "Le sud, avec <think> dedans.")


def test_people_may_write_what_programs_write(alice: Person) -> None:
    html = '<details type="reasoning">a</details> <details type="tool_calls">b</details>'
    assert left_out(alice, [open_webui({"content": html}, {"content": "B"})]) == []
    assert shown(alice)[0] == html


# The process


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files in a process, as the product does."""
    monkeypatch.setattr(reader_process, "run", read_in_process)


def test_a_file_is_read_in_a_process_that_may_not_take_all_the_memory(
    apart: None, monkeypatch: pytest.MonkeyPatch, alice: Person
) -> None:
    monkeypatch.setattr(reader_process, "COMMAND", LITTLE_MEMORY)
    greedy = zipped({"conversations.json": "[" + ",".join(["{}"] * 2_000_000) + "]"})
    assert len(greedy) < 20_000
    assert problem(load(alice, greedy)) == (422, "import_too_heavy")
    assert load(alice, [CHATGPT]).status_code == 201
    assert titles(alice) == ["Cap au nord"]


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch, alice: Person) -> None:
    monkeypatch.setattr(conversation_archive, "LARGEST_UNPACKED", 1000)
    assert problem(load(alice, zipped({"a.json": " " * 1001}))) == (422, "import_too_heavy")


@pytest.mark.parametrize("command", ["import time; time.sleep(60)", "import os; os.abort()"])
def test_a_process_that_takes_too_long_or_dies_imports_nothing(
    apart: None, monkeypatch: pytest.MonkeyPatch, alice: Person, command: str
) -> None:
    monkeypatch.setattr(reader_process, "COMMAND", command)
    monkeypatch.setattr(reader_process, "LONGEST_S", 0.2 if "sleep" in command else 20)
    assert problem(load(alice, [CHATGPT])) == (422, "import_too_heavy")
    assert ids(alice) == []


def test_no_database_connection_is_held_while_a_file_is_read(
    monkeypatch: pytest.MonkeyPatch, site: Site, alice: Person
) -> None:
    held = []

    def read(*given: Any) -> None:
        held.append(site.database.pool.checkedout())  # type: ignore[attr-defined]
        reader_process.answer(*given)

    monkeypatch.setattr(reader_process, "run", read)
    assert load(alice, [CHATGPT]).status_code == 201
    assert held == [0]


def test_files_are_read_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work = threading.Lock()
    read: list[bool] = []

    def run(_file: Any, result: Any, product: str) -> None:
        read.append(at_work.acquire(blocking=False))
        reader_process.answer(io.BytesIO(json.dumps([CHATGPT]).encode()), result, product)

    def load_one(person: int) -> None:
        with reader_process.place(person) as file, reader_process.reading(file, "") as found:
            assert len(list(found.conversations)) == 1
            at_work.release()

    monkeypatch.setattr(reader_process, "run", run)
    threads = [threading.Thread(target=load_one, args=[person]) for person in range(reader_process.MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert read == [True] * len(threads)


def test_one_person_has_one_import_at_a_time_and_few_people_have_one(alice: Person, bob: Person) -> None:
    with reader_process.place(1):
        assert problem(load(alice, [CHATGPT])) == (503, "import_busy")
        assert load(bob, [CHATGPT]).status_code == 201
        with ExitStack() as places:
            for person in range(10, 9 + reader_process.MOST_AT_ONCE):
                places.enter_context(reader_process.place(person))
            assert problem(load(bob, [CHATGPT])) == (503, "import_busy")
    assert load(alice, [CHATGPT]).status_code == 201

"""Import: other programs' files become ours, and what is wrong, too large or cut short changes nothing."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.chat import transfer
from app.chat.imports import conversation_archive
from tests.functional.test_database import full_disk
from tests.functional.test_export import export, ids, load, tree
from tests.support.person import Person, problem
from tests.support.site import Site

__all__ = ["tree"]
SAMPLES = Path(__file__).parents[1] / "samples"
CHATGPT, OPEN_WEBUI = (json.loads((SAMPLES / f"{name}.json").read_text()) for name in ("chatgpt", "open_webui"))


def texts(person: Person) -> list[str]:
    """Of the newest conversation, what is shown."""
    return [message["content"] for message in person.messages(ids(person)[0])]


def test_an_export_of_chatgpt(alice: Person) -> None:
    assert load(alice, [CHATGPT]).json == {
        "conversations": 1, "messages": 3,
        "left_out": ["1 image\u00a0: «\u202f[image]\u202f» la remplace", "1 appel d’outil"],
    }  # fmt: skip
    shown = alice.messages(ids(alice)[0])
    assert [message["role"] for message in shown] == ["user", "assistant"]
    assert [message["content"] for message in shown] == ["Quel cap ?", "Le\n\n[image]\n\nsud."]
    assert (shown[1]["thinking"], shown[1]["model"], shown[1]["status"]) == ("Je regarde la carte.", "o3", "done")
    assert (shown[0]["created_at"], shown[1]["created_at"]) == ("2023-11-14T22:13:21.000Z", "2023-11-14T22:14:10.000Z")
    assert len(shown[1]["siblings"]) == 2
    (item,) = alice.get("/api/conversations").json["conversations"]
    assert (item["title"], item["updated_at"], item["model"], item["unread"]) == (
        "Cap au nord", "2023-11-14T22:15:00.250Z", None, False,
    )  # fmt: skip
    assert alice.ask(item["id"], "Et maintenant ?").end().data("done")["status"] == "done"


def test_an_export_of_open_webui(alice: Person) -> None:
    assert load(alice, [OPEN_WEBUI]).json == {"conversations": 1, "messages": 5, "left_out": []}
    shown = alice.messages(ids(alice)[0])
    assert [message["content"] for message in shown] == ["Une soupe ?", "Au potiron.", "Et ensuite ?", ""]
    assert shown[1]["thinking"] == "L’hiver\napproche."
    # What nobody answered can be answered now.
    assert shown[3]["status"] == "interrupted"
    assert alice.regenerate(shown[3]["id"], model="phi3:mini").end().data("done")["status"] == "done"
    plain = {"chat": {"messages": [{"role": "user", "content": "Ancien"}, {"role": "assistant", "content": "Format"}]}}
    assert load(alice, plain).json == {"conversations": 1, "messages": 2, "left_out": []}


def test_a_foreign_tree_of_any_shape_becomes_one_of_ours(alice: Person) -> None:
    """Answers without a question, two in a row, two questions in a row, rings and strangers as parents."""

    def node(role: str, text: str, parent: str | None) -> dict[str, Any]:
        return {"role": role, "content": text, "parentId": parent, "timestamp": 1700000000}

    messages = {
        "hello": node("assistant", "Bonjour !", None), "q1": node("user", "A", "hello"), "q2": node("user", "B", "q1"),
        "r1": node("assistant", "C", "q2"), "r2": node("assistant", "D", "r1"), "q3": node("user", "E", "r1"),
        "lost": node("user", "F", "nowhere"), "ring1": node("user", "G", "ring2"), "ring2": node("user", "H", "ring1"),
    }  # fmt: skip
    assert load(alice, {"chat": {"history": {"messages": messages, "currentId": "r2"}}}).status_code == 201
    assert texts(alice) == ["A\n\nB", "C\n\nD"]
    assert load(alice, {"chat": {"history": {"messages": messages, "currentId": "q3"}}}).status_code == 201
    assert texts(alice) == ["A\n\nB", "C", "E", ""]


def zipped(members: dict[str, Any]) -> bytes:
    """An archive of files by name: text, or what becomes JSON."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return file.getvalue()


WRONG: tuple[tuple[str, Any], ...] = (
    ("import_unreadable", b""), ("import_unreadable", b"{"), ("import_unreadable", b"\xff\xfe\x00"),
    ("import_unreadable", b"[" * 200_000), ("import_unreadable", b'{"a": NaN}'), ("import_unreadable", b"PK\x03\x04"),
    ("import_unreadable", b"1" * 10_000), ("import_unknown", b"[]"), ("import_unknown", b"null"),
    ("import_unknown", {}),
    ("import_unknown", [1, 2]), ("import_unknown", {"messages": []}), ("import_unknown", [{"mapping": 1}]),
    ("import_unknown", zipped({"export_manifest.json": {}, "conversations.json": []})),
    ("import_unknown", zipped({"chat.html": "<html>"})), ("import_unreadable", zipped({"a.json": []})[:-9]),
    ("import_damaged", zipped({"a.json": "[{"})), ("import_version", {"format": "couachgpt", "version": 2}),
    ("import_version", {"format": "couachgpt"}), ("import_damaged", {"format": "couachgpt", "version": 1}),
    ("import_damaged", [{"mapping": {"a": 1}}]), ("import_damaged", [{"chat": {"history": {"messages": [1]}}}]),
    ("import_empty", [{"mapping": {}}]), ("import_empty", [{"chat": {"messages": []}}]),
    ("import_damaged", [{"mapping": {"u": {"message": {"author": {"role": "user"}, "content": {
        "content_type": "text", "parts": ["x" * 200_001]}}}}}]),
)  # fmt: skip


def test_a_file_that_is_wrong_changes_nothing_and_says_why(alice: Person) -> None:
    for code, content in WRONG:
        answer = load(alice, content)
        assert problem(answer) == (422, code), content[:60] if isinstance(content, bytes) else content
        assert answer.json["detail"]
        assert ids(alice) == []


def test_our_own_format_is_checked_in_every_part(site: Site, alice: Person, tree: str) -> None:
    file = export(alice).json
    alice.api("PATCH", f"/conversations/{tree}", {"folder_id": None})
    spoilers: list[tuple[str, Any]] = [
        *(("title", value) for value in (7, "x" * 201)), ("messages", []), ("messages", {}), ("messages", [1]),
        *(("head", value) for value in (None, -1, 0, 99, "0", True)), ("created_at", "hier"), ("created_at", None),
        ("updated_at", "0001-01-01T00:00:00+00:00"), ("pinned", "yes"), ("folder", "x" * 61), ("model", []),
        ("instructions", "x" * 10_001),
    ]  # fmt: skip
    parts: list[tuple[int, str, Any]] = [
        (0, "role", "system"), (0, "role", []), (0, "role", "assistant"), (0, "parent", 0), (0, "parent", 5),
        (1, "parent", None), (1, "parent", 1), (1, "parent", -1), (1, "parent", True), (2, "parent", 0),
        (0, "content", None.__class__), (0, "content", "x" * 200_001), (1, "state", "running"), (1, "state", None),
        (1, "created_at", "9"), (1, "rating", "good"), (1, "error_code", "unheard_of"), (1, "queued_at", None),
        (1, "finished_at", 3),
    ]  # fmt: skip
    before = len(ids(alice))

    def refused(spoilt: Any) -> None:
        answer = load(alice, spoilt)
        assert problem(answer) == (422, "import_damaged")
        assert len(ids(alice)) == before

    for name, value in spoilers:
        refused({**file, "conversations": [{**file["conversations"][0], name: value}]})
    for place, name, value in parts:
        spoilt = json.loads(json.dumps(file))
        spoilt["conversations"][0]["messages"][place][name] = 8 if isinstance(value, type) else value
        refused(spoilt)
    spoilt = json.loads(json.dumps(file))
    spoilt["conversations"][0]["messages"][1] |= {"error_code": "too_large", "error_params": {"other": 1}}
    refused(spoilt)


def test_what_a_file_says_of_the_future_and_of_figures_is_not_believed(site: Site, alice: Person, tree: str) -> None:
    file = export(alice).json
    (conversation,) = file["conversations"]
    conversation["updated_at"] = "2999-01-01T00:00:00+00:00"
    conversation["messages"][1]["metrics"] = {"total_ms": "x"}
    conversation["messages"][1]["queued_at"] = "2999-01-01T00:00:00+00:00"
    conversation["title"] = "Un\ntitre\u202e \0"
    assert load(alice, file).status_code == 201
    made = alice.get("/api/conversations").json["conversations"][0]
    assert (made["title"], made["updated_at"] < "2999") == ("Un titre", True)
    assert alice.messages(made["id"])[1]["metrics"] is None
    site.generation.stop()
    # The next start learns from what was answered before.
    site.generation.start()


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch, alice: Person) -> None:
    monkeypatch.setattr(transfer, "LARGEST_MB", 0.001)
    answer = load(alice, b"[" + b" " * 2000 + b"]")
    assert problem(answer) == (413, "import_too_large")
    monkeypatch.setattr(transfer, "LARGEST_MB", 32)
    assert problem(load(alice, b"[" + b" " * 5_000_000 + b"]")) == (422, "import_unknown")
    monkeypatch.setattr(conversation_archive, "MOST_MESSAGES", 2)
    assert problem(load(alice, [CHATGPT])) == (422, "import_too_many")
    assert ids(alice) == []


def test_too_many_folders_import_nothing(alice: Person, tree: str) -> None:
    file = export(alice).json
    file["conversations"] = [file["conversations"][0] | {"folder": f"Dossier {number}"} for number in range(101)]
    assert problem(load(alice, file)) == (422, "too_many_folders")
    assert (len(ids(alice)), len(alice.get("/api/folders").json["folders"])) == (1, 1)


def test_importing_needs_the_pages_token(alice: Person) -> None:
    answer = alice.send("POST", "/import", data=b"[]", headers={"Accept": "application/json"})
    assert problem(answer) == (400, "csrf_failed")


def test_a_full_disk_imports_nothing(site: Site, alice: Person) -> None:
    many = [CHATGPT] * 300
    with full_disk(site):
        assert problem(load(alice, many)) == (503, "storage_full")
        assert ids(alice) == []
    assert "Cap au nord" not in alice.get("/bin").text
    assert load(alice, many).json["conversations"] == 300

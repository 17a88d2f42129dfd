"""The filters of the search: by folder, by date, and by the model that wrote each answer."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.models import Conversation, Message, search
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.functional.test_search import find, talk, titles
from tests.support.person import Person
from tests.support.site import Site

__all__ = ["talk"]


def test_filters(alice: Person, talk: Callable[..., str], site: Site) -> None:
    old = talk("Coque ancienne", "Texte")
    talk("Coque neuve", "Texte", model="deepseek-r1:1.5b")
    folder = alice.api("POST", "/folders", {"name": "Bureau d’études"}).json["id"]
    alice.api("PATCH", f"/conversations/{old}", {"folder_id": folder})
    past = datetime(2024, 3, 15, 12, tzinfo=UTC)
    with site.rows() as rows:
        for row in (rows.get(Conversation, old), *rows.query(Message).filter_by(conversation_id=old)):
            row.created_at = row.updated_at = past
        rows.commit()
    for query, wanted in (
        ("coque modele:deepseek", ["Coque neuve"]),
        ("modèle:DEEPSEEK coque", ["Coque neuve"]),
        ("model:deepseek", ["Coque neuve"]),
        ("coque avant:2025", ["Coque ancienne"]),
        ("coque avant:2024-03", []),
        ("coque avant:16/03/2024 après:2024-03-15", ["Coque ancienne"]),
        ("après:04/2024", ["Coque neuve"]),
        ("coque apres:2025-01-01", ["Coque neuve"]),
        ("dossier:etudes", ["Coque ancienne"]),
        ('coque dossier:"bureau d’é"', ["Coque ancienne"]),
        ("coque dossier:inconnu", []),
        ("coque dossier:", ["Coque neuve", "Coque ancienne"]),
        ("inconnu:coque", []),
    ):
        assert titles(alice, query) == wanted, query


def test_the_model_is_that_of_each_answer(alice: Person, talk: Callable[..., str], ollama: FakeOllama) -> None:
    """Not that of the conversation, which is the last one's; a question has those of its answers."""
    both = talk("Coque", "Du pin, dit le premier.")
    first = alice.messages(both)[1]["id"]
    ollama.script(Scenario.answer("Du chêne, dit le second."), Scenario.answer("Du pin encore."))
    second = alice.regenerate(first, model="deepseek-r1:1.5b").end().message_id
    alice.ask(both, "Et la quille ?", model="phi3:mini").end()
    for query, place in (
        ("pin modele:phi3", alice.messages(both)[3]["id"]),
        ("premier modele:phi3", first),
        ("chene modele:deepseek", second),
        ("quille modele:phi3", alice.messages(both)[2]["id"]),
    ):
        (hit,) = find(alice, query)
        assert hit["url"] == f"/c/{both}?message={place}", query
    for query in ("pin modele:deepseek", "chene modele:phi3", "quille modele:deepseek", "chene modele:autre"):
        assert titles(alice, query) == [], query
    for query in ("coque modele:phi3", "coque modele:deepseek", "modele:phi3", "modele:deepseek"):
        assert titles(alice, query) == ["Coque"], query


@pytest.mark.parametrize("few", [0, 1, search.FEW_ROWS])
def test_filters_find_the_same_however_much_they_let_through(
    alice: Person, talk: Callable[..., str], ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(search, "FEW_ROWS", few)
    made = talk("Coque", "Du pin.")
    talk("Voile", "Du lin, sur la coque.", model="deepseek-r1:1.5b")
    folder = alice.api("POST", "/folders", {"name": "Chantier"}).json["id"]
    alice.api("PATCH", f"/conversations/{made}", {"folder_id": folder})
    for query, wanted in (
        ("coque modele:phi3", ["Coque"]),
        ("coque modele:deepseek", ["Voile"]),
        ("modele:deepseek", ["Voile"]),
        ("coque dossier:chantier", ["Coque"]),
        ("coque dossier:chantier modele:deepseek", []),
        ("coque apres:2020 avant:2999", ["Coque", "Voile"]),
        ("pin apres:2020 modele:phi3 dossier:chantier", ["Coque"]),
        ("coque apres:2999", []),
    ):
        assert titles(alice, query) == wanted, query


def test_a_date_that_is_none_is_said_and_left_out(alice: Person, talk: Callable[..., str]) -> None:
    talk("Coque", "Texte")
    for value in ("hier", "2024-13", "32/01/2024", "0000", "99999", "2024-"):
        answer = alice.get("/api/search", query_string={"q": f"coque avant:{value}"}).json
        assert len(answer["results"]) == 1
        assert f"avant:{value}" in answer["note"]
    assert alice.get("/api/search?q=coque").json["note"] is None


def test_what_lies_between_two_of_a_folder_is_not_in_it(alice: Person, talk: Callable[..., str]) -> None:
    folder = alice.api("POST", "/folders", {"name": "Chantier"}).json["id"]
    first, _between, last = (talk(f"Coque {name}", "La quille") for name in ("un", "deux", "trois"))
    for made in (first, last):
        alice.api("PATCH", f"/conversations/{made}", {"folder_id": folder})
    for words in ("coque", "quille"):
        assert sorted(titles(alice, f"{words} dossier:chantier")) == ["Coque trois", "Coque un"]
        assert titles(alice, f"{words} dossier:chantier avant:2020") == []
        assert titles(alice, f"{words} dossier:aucun") == []

"""The search finds documents by their name and by the words of their pages, only one's own, and where they are used."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from app.models import FilePage, FileState
from app.models import document_search as searching
from tests.functional.test_search import marked
from tests.support.documents import attached, indexed
from tests.support.person import Person
from tests.support.site import Site

PAGES = ("Le rouet de la pompe se remplace chaque année.", "Les vannes de coque se graissent.\n\nLa coque est étanche.")


@pytest.fixture
def manual(site: Site, alice: Person) -> str:
    return indexed(site, attached(site, alice.name, "Manuel de la vedette.pdf", *PAGES, kind="pdf"))


def find(person: Person, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get("/api/search", query_string={"q": query}).json["documents"]
    return found


def text_of(parts: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for part in parts)


def names(person: Person, query: str) -> list[str]:
    return [text_of(each["name"]) for each in find(person, query)]


@pytest.mark.parametrize("way", ["index", "comparison"])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("vannes coq", ["vannes", "coque"]),
        ("ETANCHES", ["étanche"]),
        ('"vannes de coque"', ["vannes de coque"]),
    ],
)
def test_a_page_is_found_by_its_words(
    monkeypatch: pytest.MonkeyPatch, alice: Person, manual: str, way: str, query: str, words: list[str]
) -> None:
    if way == "comparison":
        monkeypatch.setattr(searching, "is_indexed", lambda: False)
    (hit,) = find(alice, query)
    assert hit["page"] == {"number": 2, "title": ""}
    assert hit["url"] == "/?" + urlencode({"file": manual, "page": 2, "words": " ".join(words)})
    assert (text_of(hit["name"]), hit["kind"]) == ("Manuel de la vedette.pdf", "pdf")
    assert set(words) <= set(marked(hit["excerpt"]))


def test_a_document_is_found_by_its_name(alice: Person, manual: str) -> None:
    (hit,) = find(alice, "vedettes")
    assert (marked(hit["name"]), hit["page"], hit["excerpt"]) == (["vedette"], None, [])
    assert hit["url"] == f"/?file={manual}"


def test_what_has_not_all_words_is_not_found(alice: Person, manual: str) -> None:
    assert find(alice, "rouet vannes") == find(alice, "palier") == find(alice, "") == []


def test_each_document_is_found_once_and_five_at_most(site: Site, alice: Person) -> None:
    for number in range(7):
        indexed(site, attached(site, alice.name, f"Devis {number}", "Un mât.", "Deux mâts."))
    assert len(set(names(alice, "mâts"))) == len(find(alice, "mâts")) == 5
    assert names(alice, "devis 2") == ["Devis 2"]


def test_it_leads_to_the_latest_conversation_that_uses_it(alice: Person, manual: str) -> None:
    first, second = alice.start(), alice.start()
    for conversation in (first, second):
        alice.ask(conversation, "Quand graisser ?", files=[manual]).end()
    assert find(alice, "vannes")[0]["url"] == f"/c/{second}?file={manual}&page=2&words=vannes"
    alice.api("DELETE", f"/conversations/{second}")
    assert find(alice, "vannes")[0]["url"] == f"/c/{first}?file={manual}&page=2&words=vannes"
    alice.api("DELETE", f"/conversations/{first}")
    # Like the conversations themselves.
    assert find(alice, "vannes") == find(alice, "vedette") == []


def test_others_documents_are_not_found(alice: Person, bob: Person, manual: str) -> None:
    assert names(alice, "vannes") == ["Manuel de la vedette.pdf"]
    for query in ("vannes", "vedette", "u1", f"f{manual}", '" OR file : u1 AND "vannes'):
        assert find(bob, query) == [], query


def test_what_could_not_be_read_yet_is_not_found(site: Site, alice: Person) -> None:
    indexed(site, attached(site, alice.name, "devis.pdf", "Un mât.", state=FileState.EXTRACTING))
    assert find(alice, "mât") == find(alice, "devis") == []


def test_filters_are_about_conversations(alice: Person, manual: str) -> None:
    assert find(alice, "modele:phi3 vannes") == find(alice, "avant:2030 vannes") == []


def test_the_title_of_a_page_is_told(site: Site, alice: Person) -> None:
    file = attached(site, alice.name, "Stock.xlsx", "Vis | 12")
    with site.rows() as rows:
        rows.get(FilePage, (file, 1)).title = "Magasin"
        rows.commit()
    indexed(site, file)
    assert find(alice, "vis")[0]["page"] == {"number": 1, "title": "Magasin"}


@pytest.mark.slow
def test_many_pages_are_searched_while_one_types(site: Site, alice: Person) -> None:
    sentence = (
        "Le chantier contrôle la coque, les vannes et les passe-coques avant chaque mise à l’eau, puis note tout. "
    )
    indexed(site, attached(site, alice.name, "tout.pdf", *[f"{sentence * 20} Lot {number}." for number in range(5000)]))
    taken = []
    for query in ("ch", "coque vannes", "lot 4321"):
        began = time.process_time()
        assert len(find(alice, query)) == 1
        taken.append(time.process_time() - began)
    assert max(taken) < 0.5

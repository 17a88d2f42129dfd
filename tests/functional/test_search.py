"""Search: what is found by its words, what never is, filters, and what hostile queries get."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from app.chat.search import parse_query
from app.extensions import db
from app.models import User
from app.models.search import MAX_HITS, Search, search
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.site import Site

HOSTILE = (
    '"', '""', '"""', "*", "a*", "^a", "AND", "OR NOT", "NEAR(a b, 5)", "NEAR(", "(", ")", "a AND", "-a", "+", "a:b",
    "content:a", "{content title} : a", "message_search", "'; DROP TABLE messages; --", "%", "_", "\\", "\0", "a\0b",
    "\ud7ff", "\uffff", "😀", "e\u0301" * 100, "ß İ ŉ", "مرحبا", "日本語", "x" * 10_000, '"' * 10_000, "a " * 5_000,
    "avant:" * 100, "a* b* c*", "œ" * 300, "\u0301", "dossier:% modele:%", "avant:2024 avant:x apres:", "\t\r\n",
)  # fmt: skip


def find(person: Person, query: str) -> list[dict[str, Any]]:
    answer = person.get("/api/search", query_string={"q": query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def titles(person: Person, query: str) -> list[str]:
    return ["".join(part["text"] for part in hit["title"]) for hit in find(person, query)]


def marked(parts: list[dict[str, Any]]) -> list[str]:
    return [part["text"] for part in parts if part["found"]]


@pytest.fixture
def talk(alice: Person, ollama: FakeOllama) -> Callable[..., str]:
    """Make conversations of one question and one answer; `by` asks."""

    def make(question: str, answer: str, *, by: Person = alice, **body: Any) -> str:
        ollama.script(Scenario.answer(answer))
        made = by.start()
        by.ask(made, question, **body).end()
        return made

    return make


def test_words_are_found_whatever_their_accents_and_capitals(alice: Person, talk: Callable[..., str]) -> None:
    talk("Le gelcoat de l’Étrave", "Stocker entre quinze et vingt-cinq degrés, à cœur.")
    for query in ("etrave", "ÉTRAVE", "e\u0301trave", "DEGRES", "degrés", "coeur", "cœur", "vingt-cinq", "l'étrave"):
        assert titles(alice, query + " ") == ["Le gelcoat de l’Étrave"], query
    for query in ("etra ", "trave ", "degres etrave absent", "quinze"[1:]):
        assert titles(alice, query) == [], query


def test_letters_may_be_written_in_other_forms(alice: Person, talk: Callable[..., str]) -> None:
    talk("L’œuvre d’art", "Le coût ﬁnal d’un cœur, 12 m² de Straße, du CO₂, ＣＡＰ, l’oﬃciel ÆTHER.")
    for words in (
        "œuvre", "Œuvre", "ŒUVRE", "oeuvre", "Oeuvre", "OEUVRE", "CŒUR", "coeur", "final", "FINAL", "ﬁnal", "m2", "M²",
        "strasse", "STRASSE", "straße", "co2", "CO₂", "cap", "ＣＡＰ", "officiel", "oﬃciel", "æther", "aether",
        "CO\u0302UT",
    ):  # fmt: skip
        for query in (f"{words} ", words, f'"{words}"'):
            (hit,) = find(alice, query)
            assert marked(hit["title"]) + marked(hit["excerpt"]), query


def test_the_list_is_narrowed_by_titles_in_the_same_way(alice: Person, talk: Callable[..., str]) -> None:
    talk("Œuvres d’été", "Texte")
    for words in ("oeuvre", "ŒUVRE", "OEUVRES D’ETE", "œuvres d’été", "s d"):
        answer = alice.get("/api/conversations", query_string={"q": words}).json
        assert len(answer["conversations"]) == 1, words
    assert alice.get("/api/conversations", query_string={"q": "%"}).json["conversations"] == []


OTHER_FORMS = {
    "bateaux": "bateau", "navire": "navires", "CHEVAUX": "cheval", "Journal": "journaux", "travaux": "travail",
    "Vitrail": "VITRAUX", "jeux": "jeu", "feu": "feux", "mots": "mot", "écoles": "ecole", "Échelle": "échelles",
    "facturée": "facture", "régler": "réglée", "bonne": "bon", "générales": "général", "paiement": "payer",
    "Œuvres": "oeuvre", "NŒUD": "nœuds",
}  # fmt: skip


def test_a_word_is_found_in_its_other_forms(alice: Person, talk: Callable[..., str]) -> None:
    talk("Sujet", ", ".join(OTHER_FORMS))
    for written, asked in OTHER_FORMS.items():
        for query in (asked, f"{asked} "):
            (hit,) = find(alice, query)
            assert marked(hit["excerpt"]) == [written], query
        assert titles(alice, f'"{asked}"') == []


def test_words_that_only_begin_alike_are_others(alice: Person, talk: Callable[..., str]) -> None:
    talk("Le portugais", "Merci du portable, la facturette est dans le bateau-mouche.")
    for query in ("port ", "mer ", "facture ", "portugal ", "bat ", "la porte "):
        assert titles(alice, query) == [], query


def test_the_last_word_may_be_unfinished_and_no_other(alice: Person, talk: Callable[..., str]) -> None:
    talk("Relance du fournisseur", "La livraison est en retard.")
    assert titles(alice, "four") == titles(alice, "fo") == ["Relance du fournisseur"]
    assert titles(alice, "livraison ret") == ["Relance du fournisseur"]
    assert titles(alice, "four ") == titles(alice, "livr retard") == titles(alice, '"four"') == []


def test_words_in_quotes_follow_each_other(alice: Person, talk: Callable[..., str]) -> None:
    talk("Moteur", "Le moteur diesel tourne.")
    assert titles(alice, '"moteur diesel"') == ["Moteur"]
    assert titles(alice, '"diesel moteur"') == []
    assert titles(alice, "diesel moteur") == ["Moteur"]


def test_a_result_shows_where_the_words_are_and_opens_there(alice: Person, talk: Callable[..., str]) -> None:
    made = talk("Question sans rapport", "Un long début. " * 40 + "La quille <b>est</b> là. " + "Une fin. " * 40)
    answer = alice.messages(made)[1]["id"]
    (hit,) = find(alice, "QUILLE la")
    assert hit["url"] == f"/c/{made}?message={answer}"
    assert (marked(hit["title"]), marked(hit["excerpt"])) == ([], ["La", "quille", "là"])
    shown = "".join(part["text"] for part in hit["excerpt"])
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "<b>est</b>" in shown
    assert alice.get(hit["url"]).status_code == 200


def test_titles_come_first_and_a_conversation_comes_once(alice: Person, talk: Callable[..., str]) -> None:
    titled = talk("Gelcoat", "Le gelcoat blanc, le gelcoat gris.")
    other = talk("Autre chose", "Encore du gelcoat.")
    hits = find(alice, "gelcoat")
    assert [hit["id"] for hit in hits] == [titled, other]
    assert marked(hits[0]["title"]) == ["Gelcoat"]
    assert hits[0]["url"] == f"/c/{titled}"
    assert marked(hits[0]["excerpt"]) == ["gelcoat", "gelcoat"]


def test_without_words_the_latest_are_shown(alice: Person, talk: Callable[..., str]) -> None:
    assert find(alice, "") == []
    talk("Un", "1")
    talk("Deux", "2")
    assert titles(alice, "") == titles(alice, "   ") == ["Deux", "Un"]


def test_nobody_finds_what_is_anothers(alice: Person, bob: Person, talk: Callable[..., str]) -> None:
    talk("Le secret", "de Bob", by=bob)
    assert titles(bob, "secret") == ["Le secret"]
    for query in ("secret", "bob", "u2", "owner:u2 secret", '" OR owner : u2 AND "secret'):
        assert find(alice, query) == [], query


def test_what_is_deleted_is_not_found_until_it_is_taken_back(alice: Person, talk: Callable[..., str]) -> None:
    made = talk("À jeter", "Rien à garder.")
    alice.api("DELETE", f"/conversations/{made}")
    assert titles(alice, "jeter") == titles(alice, "garder") == titles(alice, "") == []
    alice.api("PATCH", f"/conversations/{made}", {"deleted": False})
    assert titles(alice, "jeter") == titles(alice, "garder") == ["À jeter"]


def test_hostile_queries_find_nothing_or_something_and_never_fail(alice: Person, talk: Callable[..., str]) -> None:
    talk("Coque", "Texte")
    for query in HOSTILE:
        answer = alice.get("/api/search", query_string={"q": query})
        assert answer.status_code == 200, query[:40]
        assert set(answer.json) == {"results", "documents", "note"}


def test_a_query_of_broken_bytes(alice: Person) -> None:
    assert alice.get("/api/search?q=%ff%fe%00").status_code == 200


def test_plain_comparison_finds_the_same(site: Site, alice: Person, bob: Person, talk: Callable[..., str]) -> None:
    """What databases other than SQLite use."""
    made = talk("Gelcoat", "Un texte")
    other = talk("Autre", "Le gelcoat gris", model="deepseek-r1:1.5b")
    talk("À Bob", "Son gelcoat", by=bob)
    named = talk("À quai", "La Découverte est là")
    with site.app.test_request_context():
        user = db.session.get_one(User, 1)
        usual = ("gelc", "gelcoat modele:deepseek", "gelcoat apres:2020 avant:2999", "texte un", "rien", "%")
        for query in (*usual, "decouverte", "DÉCOUVERTE", "découvertes ", "textes "):
            wanted, _ = parse_query(user, query)
            plain, indexed = (
                [(hit.conversation.id, hit.titled) for hit in backend.find(user, wanted)]
                for backend in (Search(), search())
            )
            assert plain == indexed, query
        assert [hit.conversation.id for hit in search().find(user, parse_query(user, "gelc")[0])] == [made, other]
        assert [hit.conversation.id for hit in search().find(user, parse_query(user, "decouverte")[0])] == [named]


def test_a_large_past_gives_the_newest_conversations(site: Site, alice: Person) -> None:
    """Every one of 3,000 messages has the word: the newest ones are shown, each conversation once."""
    with site.rows() as rows:
        rows.execute(
            text(
                "INSERT INTO conversations (id, user_id, title, pinned, archived, created_at, updated_at)"
                " WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                " SELECT printf('%016x', i), 1, 'Conversation ' || i, 0, 0, :at, :at FROM n"
            ),
            {"at": "2024-01-01"},
        )
        rows.execute(
            text(
                "INSERT INTO messages (id, conversation_id, role, content, thinking, created_at)"
                " WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)"
                " SELECT i + 1, printf('%016x', i / 30 + 1), 'assistant', 'Le mot commun et le mot n' || i,"
                " '', '2024-01-01' FROM n"
            )
        )
        rows.execute(
            text(
                "INSERT INTO runs (message_id, attempt, state, model, think, left_out, queued_at)"
                " SELECT id, 1, 'done', 'm', 0, 0, '2024-01-01' FROM messages"
            )
        )
        rows.commit()
    assert titles(alice, "commun") == [f"Conversation {number}" for number in range(100, 100 - MAX_HITS, -1)]
    assert titles(alice, "commun n31") == ["Conversation 11", "Conversation 2"]
    assert titles(alice, "n31 ") == ["Conversation 2"]

"""Titles, texts, names, sizes, addresses: the small functions that everything else relies on."""

import sys
from datetime import datetime

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from app.engines.catalogue import CATALOGUE, described, same_model
from app.engines.ollama import Ollama
from app.engines.openai_compatible import OpenAICompatible
from app.engines.registry import can_be_pulled
from app.formatting import day, day_and_time, filesize
from app.models.conversations import TITLE_LENGTH, derive_title
from app.models.names import INVISIBLE, normalized
from app.text import clean
from app.web import safe_next
from tests.support.site import Site


@given(st.text(min_size=1))
def test_a_title_is_one_short_line_of_the_question(question: str) -> None:
    title = derive_title(question)
    assert len(title) <= TITLE_LENGTH + 1
    assert title.removesuffix("…").strip() in question
    assert bool(title) == bool(question.strip())


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Bonjour", "Bonjour"),
        ("\n\n  # Un titre\nsuite", "Un titre"),
        ("- un\n- deux", "un"),
        ("> cité", "cité"),
        ("C'est quoi, C#", "C'est quoi, C#"),
        ("***", "***"),
        ("mot " * 30, "mot " * 14 + "mot…"),
        ("x" * 100, "x" * TITLE_LENGTH + "…"),
        ("```\nNotice du moteur\n```", "Notice du moteur"),
        ("```\n```", "```\n```"),
    ],
)
def test_titles(question: str, title: str) -> None:
    assert derive_title(question) == title


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_can_be_stored_and_is_otherwise_the_same(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\0" not in cleaned
    assert clean(cleaned) == cleaned
    assert [c for c in cleaned if c < "\ud800"] == [c for c in text if "\0" < c < "\ud800"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Cap \ud83d\udea4 !", "Cap 🚤 !"),
        ("\udea4\ud83d", "\ufffd\ufffd"),
        ("fin \ud83d", "fin \ufffd"),
        ("\ud83d\ud83d\udea4", "\ufffd🚤"),
        ("a\0b", "ab"),
    ],
)
def test_the_halves_of_a_character_are_joined(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize("target", ["/", "/c/abc?x=1#y", "/é", "/a//b"])
def test_a_path_of_this_site(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "target", [None, "", "x", "//h", "/\\h", "http://h", "/\t/h", "/\n/h", "/\r", "/\0", "\t//h", " /x", "javascript:x"]
)
def test_no_path_of_this_site(target: str | None) -> None:
    assert safe_next(target) is None


def test_names_are_one_whatever_their_case() -> None:
    assert normalized(" ALICE ") == normalized("alice")
    assert normalized("STRASSE") == normalized("straße")


def test_all_characters_that_are_drawn_as_nothing_are_known() -> None:
    ignorable = regex.compile(r"\p{Default_Ignorable_Code_Point}")
    printable = (character for character in map(chr, range(sys.maxunicode + 1)) if character.isprintable())
    unseen = [each for each in printable if ignorable.match(each) and not INVISIBLE.match(each)]
    assert unseen == ["\ufe0f"]


@pytest.mark.parametrize(
    ("locale", "sizes"),
    [
        ("fr", ["0\u202fo", "999\u202fo", "1\u202fko", "2,2\u202fGo", "98,5\u202fMo", "1\u202fGo"]),
        ("en", ["0 B", "999 B", "1 kB", "2.2 GB", "98.5 MB", "1 GB"]),
    ],
)
def test_sizes_in_words(english_site: Site, locale: str, sizes: list[str]) -> None:
    with english_site.app.test_request_context(headers={"Accept-Language": locale}):
        assert [filesize(size) for size in (0, 999, 1000, 2_176_178_913, 98_500_000, 10**9)] == sizes


def test_a_model_without_a_tag_is_the_latest() -> None:
    assert same_model("mistral", "mistral:latest")
    assert same_model("phi3:mini", "phi3:mini")
    assert not same_model("phi3", "phi3:mini")
    assert not same_model("Mistral", "mistral")


def test_what_the_engine_tells_wins_over_the_catalogue() -> None:
    known = described("mistral:latest", size_bytes=7, context=0, quantization="Q4")
    assert (known.name, known.label, known.size_bytes, known.quantization) == ("mistral:latest", "Mistral 7B", 7, "Q4")
    other = described("autre:latest", size_bytes=7)
    assert (other.name, other.label) == ("autre:latest", "autre")


def test_what_can_be_pulled_is_what_is_not_there() -> None:
    ollama = Ollama("http://127.0.0.1:9")
    assert {model.name for model in can_be_pulled(ollama, [])} == set(CATALOGUE) - {"smollm2:135m"}
    assert "mistral" not in {model.name for model in can_be_pulled(ollama, [described("mistral:latest")])}
    assert can_be_pulled(OpenAICompatible("http://127.0.0.1:9", ""), []) == []


@pytest.mark.parametrize(
    ("date", "language", "words"),
    [
        (datetime(2026, 11, 1, 12, 5), "fr", "1er novembre 2026"),
        (datetime(2026, 11, 2, 12, 5), "fr", "2 novembre 2026"),
        (datetime(2026, 11, 11, 12, 5), "fr", "11 novembre 2026"),
        (datetime(2026, 11, 1, 12, 5), "en", "November 1, 2026"),
    ],
)
def test_days_in_words(english_site: Site, date: datetime, language: str, words: str) -> None:
    moment = date.astimezone()
    time = "12:05" if language == "en" else "12\u202fh\u202f05"
    with english_site.app.test_request_context(headers={"Accept-Language": language}):
        assert day(moment) == words
        assert day_and_time(moment) in (f"{words} at {time}", f"{words} à {time}")

"""The demonstration model is asked in the way that suits it, and the page says what to expect of it."""

from collections.abc import Callable, Iterator

import pytest

from app.engines.catalogue import DEMO
from tests.fakes.ollama import FakeOllama
from tests.support.person import Person
from tests.support.site import Site


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """An engine with the demonstration model, its default, and another one."""
    with FakeOllama([DEMO, "mistral"]) as running:
        yield running


@pytest.fixture
def site(make_site: Callable[..., Site], ollama: FakeOllama) -> Site:
    return make_site(DEFAULT_MODEL=DEMO).start(ollama)


def test_it_is_asked_in_english_with_a_steady_hand(alice: Person, ollama: FakeOllama) -> None:
    for model in (DEMO, "mistral"):
        alice.ask(alice.start(), "Hello", model=model).end()
    demo, other = ollama.received("/api/chat")[-2:]
    assert (demo["options"]["temperature"], demo["options"]["repeat_penalty"]) == (0.2, 1.1)
    assert "You answer in English" in demo["messages"][0]["content"]
    assert not other["options"].keys() & {"temperature", "repeat_penalty"}
    assert "Réponds dans la langue de la question" in other["messages"][0]["content"]


def test_the_page_says_what_it_is_for_and_suggests_in_english(
    monkeypatch: pytest.MonkeyPatch, site: Site, alice: Person
) -> None:
    assert "Modèle de démonstration" not in alice.get("/").text
    monkeypatch.setattr(site.generation.registry.engine, "name", "embedded")
    page = alice.get("/").text
    assert "montre seulement comment cette page fonctionne et n’écrit qu’en anglais." in page
    assert "Write an e-mail" in page
    assert "Translate" not in page

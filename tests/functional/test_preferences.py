"""Language and theme: the person's choice, then the browser's, then the setting."""

from collections.abc import Callable

import pytest

from tests.support.person import Person
from tests.support.site import Site

FRENCH, ENGLISH = "Se connecter", "Sign in"


@pytest.mark.parametrize(
    ("accepted", "words"),
    [
        ("", FRENCH),
        ("fr-FR,fr;q=0.9,en;q=0.8", FRENCH),
        ("en-US,en;q=0.9", ENGLISH),
        ("de,en;q=0.5", ENGLISH),
        ("de", FRENCH),
        ("*", FRENCH),
        (";;;q=x", FRENCH),
    ],
)
def test_the_browsers_language_and_else_french(site: Site, accepted: str, words: str) -> None:
    page = Person(site.app, **{"Accept-Language": accepted}).get("/login").text
    assert words in page
    assert f'<html lang="{"fr" if words == FRENCH else "en"}"' in page


def test_the_default_language_is_a_setting(make_site: Callable[..., Site]) -> None:
    assert ENGLISH in Person(make_site(DEFAULT_LOCALE="en").app).get("/login").text


def test_a_chosen_language_stays_with_the_account(site: Site, alice: Person) -> None:
    assert alice.submit("/preferences", {"locale": "en", "next": "/admin/models"}).headers["Location"] == (
        "/admin/models"
    )
    assert 'lang="en"' in alice.get("/").text
    assert "<title>Archived · CouachGPT</title>" in alice.get("/archive").text
    elsewhere = Person(site.app, "alice", **{"Accept-Language": "fr"})
    elsewhere.sign_in()
    assert 'lang="en"' in elsewhere.get("/").text


def test_a_visitors_choice_stays_with_the_browser(site: Site) -> None:
    visitor = Person(site.app)
    visitor.submit("/preferences", {"locale": "en", "theme": "dark", "next": "/login"})
    page = visitor.get("/login").text
    assert 'lang="en"' in page
    assert 'data-theme="dark"' in page
    visitor.register("alice")
    assert 'lang="en"' in visitor.get("/").text


def test_the_theme_follows_the_system_until_one_is_chosen(alice: Person) -> None:
    assert 'data-theme="system"' in alice.get("/").text
    for theme in ("dark", "light", "system"):
        alice.submit("/preferences", {"theme": theme})
        assert f'data-theme="{theme}"' in alice.get("/").text


def test_an_unknown_choice_changes_nothing(alice: Person) -> None:
    assert alice.submit("/preferences", {"theme": "purple", "locale": "xx"}).status_code == 302
    page = alice.get("/").text
    assert 'data-theme="system"' in page
    assert 'lang="fr"' in page


def test_refusals_for_scripts_are_in_the_language_too(alice: Person) -> None:
    french = alice.get("/api/conversations/zzz").json["detail"]
    alice.submit("/preferences", {"locale": "en"})
    english = alice.get("/api/conversations/zzz").json["detail"]
    assert english == "This does not exist, or no longer exists."
    assert french != english

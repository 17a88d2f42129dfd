"""Who has a score in the ranking, what is said of those that have none, and why one is recommended."""

import html
import re

import pytest

from tests.support.measured import machine, run, task
from tests.support.person import Person
from tests.support.site import Site

QUESTIONS = [f"question-{number}" for number in range(8)]


@pytest.fixture
def measured(site: Site) -> Site:
    """Two good ones, one that was asked two other questions, and one whose every answer was wrong, at once."""
    samples = [task(name, 1, 20, model="sober", energy_j=36) for name in QUESTIONS]
    samples += [task(name, 1, 10, model="quick", energy_j=360) for name in QUESTIONS]
    samples += [task(f"other-{number}", 1, 5, model="little-asked") for number in range(2)]
    samples += [task(name, 0, 1, model="useless") for name in QUESTIONS]
    with site.rows():
        run(machine(), samples)
    return site


def why(person: Person, weights: str) -> tuple[str, str]:
    """Who is recommended, and the sentence that says why."""
    card = person.get(f"/lab/recommendation?{weights}").json["html"]
    (name,) = re.findall(r'class="advice__name">([^<]+)<', card)
    (sentence,) = re.findall(r'class="advice__why">([^<]+)<', card)
    return name, html.unescape(sentence).replace("\u202f", " ").replace("\xa0", " ")


def test_the_reason_begins_with_what_counts_most(measured: Site, bob: Person) -> None:
    assert why(bob, "quality=0&speed=0&sobriety=100") == (
        "sober",
        "90 % d’énergie de moins que quick, pour 10 s de plus par réponse, sans différence de qualité visible.",
    )
    assert why(bob, "quality=0&speed=100&sobriety=0") == (
        "quick",
        "10 s de moins par réponse que sober, pour 10 fois plus d’énergie, sans différence de qualité visible.",
    )
    assert why(bob, "quality=100&speed=0&sobriety=0")[1] == (
        "Pas de différence de qualité visible avec sober, mais avec 10 s de moins par réponse, pour 10 fois plus "
        "d’énergie."
    )


def test_who_failed_or_was_asked_little_has_no_score_and_a_line_says_so(measured: Site, bob: Person) -> None:
    scores = bob.get("/lab/recommendation?quality=0&speed=100&sobriety=0").json["scores"]
    assert {key.partition("|")[0] for key in scores} == {"sober", "quick"}
    page = html.unescape(bob.get("/lab/").text).replace("\xa0", " ")
    assert "Un modèle en échec n’a pas de score\u202f; sans aucune réponse utile" in page
    assert "Trop peu de questions communes avec les autres pour un score et pour le graphique : little-asked." in page


def test_where_all_have_a_score_nothing_is_said_of_none(site: Site, bob: Person) -> None:
    with site.rows():
        run(machine(), [task(name, 1, 20) for name in QUESTIONS])
    page = html.unescape(bob.get("/lab/").text)
    assert "Un modèle en échec" not in page
    assert "Trop peu de questions communes" not in page


def test_a_quality_says_on_how_many_questions_it_rests(measured: Site, bob: Person) -> None:
    for path in ("/lab/", "/lab/runs/1"):
        rows = re.findall(r'<tr id="[^"]*" data-key="([^|]+).*?</tr>', bob.get(path).text, re.DOTALL)
        told = re.findall(r'figure__range">(\d+)\s(questions?)<', bob.get(path).text)
        assert dict(zip(rows, told, strict=True)) == {
            name: ("2" if name == "little-asked" else "8", "questions") for name in rows
        }
        assert len(rows) == 4

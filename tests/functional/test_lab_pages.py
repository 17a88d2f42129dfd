"""The Labo's pages about choosing: what is recommended, the ranking, what was measured by hand, the history."""

import html
import re

import pytest

from app.lab.runs import archive
from app.models.lab import LabMachine, LabRun, LabSample
from tests.support.lab import names, seed
from tests.support.person import Person, problem
from tests.support.site import Site
from tests.support.votes import campaign, shown

WEIGHTS = {
    "quality": "?quality=100&speed=0&sobriety=0",
    "speed": "?quality=0&speed=100&sobriety=0",
    "sobriety": "?quality=0&speed=0&sobriety=100",
}


@pytest.fixture
def measured(site: Site) -> Site:
    """Twelve models have been measured, twice."""
    with site.rows():
        seed(12)
    return site


def text_of(page: str) -> str:
    """What is read of a page."""
    words = re.sub(
        r"<(?:\"[^\"]*\"|'[^']*'|[^>\"'])*>", " ", re.sub(r"<head>.*?</head>|<svg.*?</svg>", "", page, flags=re.DOTALL)
    )
    return " ".join(html.unescape(words).split())


def recommended(person: Person, query: str) -> tuple[str, dict[str, int]]:
    """The name in the card, and all scores."""
    answer = person.get("/lab/recommendation" + query)
    assert answer.status_code == 200, answer.text
    (name,) = re.findall(r'class="advice__name">([^<]+)<', answer.json["html"])
    return name, answer.json["scores"]


def test_before_anything_was_measured_the_company_s_own_figures_are_shown(site: Site, bob: Person) -> None:
    with site.rows():
        archive.load_historical()
    words = text_of(bob.get("/lab/").text)
    assert "Rien n’a encore été mesuré sur ce serveur" in words
    assert "Mesures de l’entreprise à la main, juillet 2025" in words
    for seen in (
        "3\u202fmin 41\u202fs",
        "8\u202fmin 35\u202fs",
        "1\u202fmin 30\u202fs",
        "deepseek-r1:1.5b · avec réflexion",
    ):
        assert seen.replace("\u202f", " ") in words.replace("\u202f", " ")
    assert "Recommandé" not in words


def test_every_model_is_ranked_and_each_figure_leads_to_its_samples(measured: Site, bob: Person) -> None:
    page = bob.get("/lab/").text
    rows = re.findall(r'<tr id="([^"]+)" data-key.*?</tr>', page, re.DOTALL)
    assert len(rows) == len(set(rows)) == 12
    for name, _size in names(12):
        assert name in page
    (row,) = re.findall(r'<tr id="[^"]*modele-b[^"]*" data-key.*?</tr>', page, re.DOTALL)
    links = {html.unescape(link) for link in re.findall(r'href="(/lab/samples[^"]+)"', row)}
    assert links
    for link in links:
        found = bob.get(link).text
        assert "modele-b:4b" in found
        assert "modele-c:7b" not in found


def test_the_recommendation_follows_the_weights_and_is_never_a_failure(measured: Site, bob: Person) -> None:
    best = {aspect: recommended(bob, query) for aspect, query in WEIGHTS.items()}
    assert best["quality"][0] != best["speed"][0]
    page = bob.get("/lab/").text
    failed = re.findall(r'data-key="([^"]+)"[^>]*>(?:(?!</tr>).)*badge--danger', page, re.DOTALL)
    for name, scores in best.values():
        assert all(0 <= score <= 100 for score in scores.values())
        assert name not in {html.unescape(key).partition("|")[0] for key in failed}


def test_a_page_with_weights_says_what_the_scripts_would(measured: Site, bob: Person) -> None:
    page = bob.get("/lab/" + WEIGHTS["speed"]).text
    assert f'class="advice__name">{recommended(bob, WEIGHTS["speed"])[0]}<' in page
    assert re.search(r'value="100" data-tradeoff-target="slider"', page)
    assert re.search(r'value="sober" aria-pressed="true"', bob.get("/lab/?preset=sober").text)


def test_the_picture_has_a_point_for_each_and_one_that_is_recommended(measured: Site, bob: Person) -> None:
    spec = bob.get("/lab/recommendation").json["spec"]
    states = [point["state"] for point in spec["points"]]
    assert states.count("recommended") == 1
    assert len(states) == 12
    times = [x for x, _y in spec["front"]]
    qualities = [y for _x, y in spec["front"]]
    assert (times, qualities) == (sorted(times), sorted(qualities))
    page = bob.get("/lab/").text
    for point in spec["points"]:
        assert f'id="{point["href"].removeprefix("#")}"' in page


def test_machines_are_chosen_by_address(measured: Site, bob: Person) -> None:
    with measured.rows() as rows:
        by_hand = rows.query(LabMachine).filter(LabMachine.source != "").first()
    page = text_of(bob.get(f"/lab/?machine={by_hand.id}").text)
    assert "deepseek-r1:1.5b" in page
    assert "Recommandé" not in page
    assert bob.get("/lab/?machine=9999").status_code == 404


@pytest.mark.parametrize("query", ["?machine=x", "?quality=-1", "?quality=²", "?speed=99999999999999999999"])
def test_numbers_that_are_none_are_refused(measured: Site, bob: Person, query: str) -> None:
    answer = bob.get("/lab/recommendation" + query, headers={"Accept": "application/json"})
    assert problem(answer) == (422, "invalid_field")


def test_only_administrators_see_what_only_they_may_do(measured: Site, alice: Person, bob: Person) -> None:
    for path in ("/lab/", "/lab/runs", "/lab/tasks"):
        assert ("Lancer une mesure" in alice.get(path).text) == (path != "/lab/tasks")
        assert "Lancer une mesure" not in bob.get(path).text
    assert "Votre propre question" in alice.get("/lab/tasks").text
    assert "Votre propre question" not in bob.get("/lab/tasks").text


def test_what_became_worse_between_two_versions_is_told(measured: Site, bob: Person) -> None:
    words = text_of(bob.get("/lab/history").text)
    assert "se sont dégradés" in words
    assert "1.0 → 1.1" in words
    assert re.search(r"modele-a:1\.5b Rédaction \S+ \S+ −\d+", words.replace("\u202f", " "))
    # Also where the models are ranked, in one line that leads there.
    line = r'se sont dégradés depuis la mesure précédente\. <a class="link" href="/lab/history\?machine=\d+"'
    with measured.rows() as rows:
        runs = [run.id for run in rows.query(LabRun).filter(LabRun.title.like("Essai %")).order_by(LabRun.id)]
    assert [bool(re.search(line, bob.get(path).text)) for path in ("/lab/", *(f"/lab/runs/{run}" for run in runs))] == [
        True,
        False,
        True,
    ]
    assert not re.search(r"modele-c:7b Rédaction \S+ \S+ −\d+", words.replace("\u202f", " "))


def test_each_figure_has_its_history(measured: Site, bob: Person) -> None:
    page = bob.get("/lab/history").text
    links = [html.unescape(link) for link in re.findall(r'href="(/lab/history\?[^"]+)"', page)]
    assert len(links) == 10
    for link in links:
        assert "data-chart-spec-value=" in bob.get(link).text, link


def test_one_run_has_no_history(site: Site, bob: Person) -> None:
    assert "Deux mesures font un historique" in text_of(bob.get("/lab/history").text)


def test_how_the_energy_is_known_is_said_as_it_is(measured: Site, bob: Person) -> None:
    assert "watts supposés" in text_of(bob.get("/lab/").text)
    with measured.rows() as rows:
        machine = rows.query(LabMachine).filter_by(source="").one()
        told = machine.description["energy"] | {"assumed": False}
        machine.description = machine.description | {"energy": told}
        rows.commit()
    words = text_of(bob.get("/lab/").text)
    assert "watts supposés" not in words
    assert "watts réglés" in words


def test_what_has_no_column_is_behind_a_line_under_the_ranking(measured: Site, bob: Person) -> None:
    (below,) = re.findall(r"<details class=.more.>.*?</details>", bob.get("/lab/").text, re.DOTALL)
    words = text_of(below).replace("\u202f", " ").replace("\xa0", " ")
    assert below.count('<th scope="row">') == 12
    for seen in ("Contexte", "4 096", "Chargement depuis la mémoire", "Tokens/s chacun (personnes : 1 · 2 · 4)"):
        assert seen in words, seen
    assert re.search(r"mauvaise langue \d+ \(sur \d+ réponses\)", words)
    assert "1 échec · 1 perturbé" in words


def test_a_choice_with_a_setting_says_that_the_chat_has_the_server_s(site: Site, alice: Person) -> None:
    with site.rows() as rows:
        run = seed(1)
        for sample in run.samples:
            sample.model = "phi3:mini"
            sample.setting = sample.setting | {"think": True}
        rows.query(LabSample).filter(LabSample.run_id != run.id).delete()
        rows.commit()
    assert "Mesuré ainsi : avec réflexion. Le chat, lui, suit les réglages du serveur." in text_of(
        alice.get("/lab/").text
    ).replace("\xa0", " ")


def test_what_was_voted_says_why_the_campaign_ended_and_how_energy_is_known(
    site: Site, alice: Person, bob: Person
) -> None:
    number = campaign(site)
    form = {"pair": shown(bob, number)[0], "choice": "first"}
    given = bob.submit(f"/lab/campaigns/{number}/votes", form).location
    alice.submit(f"/lab/campaigns/{number}/close", {})
    words = text_of(bob.get(given).text)
    assert "Close par un administrateur." in words
    assert "assez de votes" not in words
    assert re.search(r"Wh \(estimée\)", text_of(bob.get(f"/lab/campaigns/{number}/results").text))

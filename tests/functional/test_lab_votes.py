"""Blind votes by the pages: nobody sees whose answers they are, each pair counts once, campaigns end."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import product

import pytest

from app.models import User
from app.models.lab import LabCampaign, LabSample, LabVote, Verdict, VoteChoice
from tests.functional.test_lab_pages import text_of
from tests.support.lab import names
from tests.support.person import Person, problem
from tests.support.site import Site
from tests.support.votes import MODELS, PROMPTS, campaign, shown, vote, vote_all

PAIRS = len(PROMPTS) * 3
PAIR_FORM = 'name="pair"'


def given(site: Site) -> list[LabVote]:
    with site.rows() as rows:
        return list(rows.query(LabVote).order_by(LabVote.id))


def closed(site: Site, number: int) -> str:
    with site.rows() as rows:
        return str(rows.get(LabCampaign, number).closed)


def test_nothing_tells_whose_answers_they_are(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    pages = [bob.get(path).text for path in ("/lab/campaigns", f"/lab/campaigns/{number}")]
    for page, model in product(pages, MODELS):
        assert model not in page
    with site.rows() as rows:
        ids = [sample.id for sample in rows.query(LabSample)]
    assert not any(str(sample_id) in pages[1] for sample_id in ids)
    main = pages[1].partition('name="pair"')[2]
    assert not re.search(r"\d\s?(?:s|Wh|J)\b", text_of(main))


def test_the_names_time_and_energy_are_told_after_the_vote(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    pair, answers = shown(bob, number)
    sent = vote(bob, number, pair, "first")
    assert sent.status_code == 302
    words = text_of(bob.get(sent.location).text).replace("\u202f", " ")
    [kept] = given(site)
    with site.rows() as rows:
        first, second = (rows.get(LabSample, one) for one in (kept.first_id, kept.second_id))
        assert [first.answer, second.answer] == answers
        assert f"Vous préférez {first.model} à {second.model}" in words
    assert "100 mWh" in words or "0,10 Wh" in words
    assert "Alice" not in words.partition("Vous préférez")[2]


def test_a_reload_and_a_second_tab_show_the_same(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    assert shown(bob, number) == shown(bob, number)
    assert shown(bob, number)[0] != shown(alice, number)[0]


def test_sides_and_order_differ_from_person_to_person(site: Site, person: Callable[[str], Person]) -> None:
    people = [person(f"voisin{index}") for index in range(12)]
    number = campaign(site, MODELS[:2], PROMPTS[:1])
    assert {tuple(shown(one, number)[1]) for one in people} == {
        ("Une **réponse** P", "Une **réponse** M"),
        ("Une **réponse** M", "Une **réponse** P"),
    }


def test_no_figure_tells_whose_an_answer_is_while_it_is_voted_on(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    with site.rows() as rows:
        samples = rows.query(LabSample).filter(LabSample.prompt == PROMPTS[0]).order_by(LabSample.id).all()
        for place, sample in enumerate(samples):
            sample.metrics = sample.metrics | {"output_tokens": 4321 + place, "total_ms": 8_765_000.0}
            sample.verdict, sample.score, sample.started_at = Verdict.PASSED, 0.625, datetime(2031, 5, 4, tzinfo=UTC)
            sample.series = [[0, 1, 2, 3], [8765, 1, 2, 3]]
        rows.commit()
        run, sample_id = samples[0].run_id, samples[0].id
    pages = (
        f"/lab/samples/{sample_id}",
        "/lab/samples",
        *(f"/lab/runs/{run}/export/{form}" for form in ("csv", "json")),
    )
    figures = ("4321", "8765", "2 h 26", "0.625", "2031", "Réussi", "passed")

    def told(person: Person, path: str) -> set[str]:
        text = person.get(path).text
        return {figure for figure in figures if figure in text}

    assert [told(bob, path) for path in pages] == [set()] * len(pages)
    assert all(told(alice, path) for path in pages)
    assert alice.submit(f"/lab/campaigns/{number}/close", {}).status_code == 302
    assert all(told(bob, path) for path in pages)


def test_pairs_with_the_least_votes_come_first(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    for _turn in range(PAIRS - 1):
        vote(alice, number, shown(alice, number)[0], "alike")
    seen = {one.pair for one in given(site)}
    vote(bob, number, shown(bob, number)[0], "alike")
    assert given(site)[-1].pair not in seen


def test_each_pair_counts_once_for_each_person(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    assert vote_all(bob, number) == PAIRS
    assert len({one.pair for one in given(site)}) == PAIRS
    words = text_of(bob.get(f"/lab/campaigns/{number}").text)
    assert "Vous avez voté sur tout" in words
    assert closed(site, number) == ""
    assert vote_all(alice, number) == PAIRS
    assert closed(site, number) == "complete"


def test_the_same_click_twice_is_one_vote(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    pair, _answers = shown(bob, number)
    answers = [vote(bob, number, pair, "second") for _click in range(2)]
    assert [answer.location for answer in answers] == [f"/lab/campaigns/{number}/votes/1"] * 2
    assert len(given(site)) == 1


def test_two_tabs_at_once_keep_one_vote(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    pair, _answers = shown(bob, number)
    tabs = [Person(site.app, "bob") for _tab in range(4)]
    for tab in tabs:
        tab.sign_in()
        assert tab.token
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda tab: vote(tab, number, pair, "first").status_code, tabs))
    assert sent == [302] * 4
    assert len(given(site)) == 1


def test_another_choice_afterwards_is_refused(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    pair, _answers = shown(bob, number)
    vote(bob, number, pair, "first")
    again = vote(bob, number, pair, "alike")
    assert again.status_code == 409
    assert "votre premier choix compte" in text_of(again.text)
    assert PAIR_FORM in again.text
    assert [one.choice for one in given(site)] == ["first"]


@pytest.mark.parametrize(
    ("pair", "choice", "status", "sentence"),
    [
        ("0" * 32, "first", 409, "Ces deux réponses ne sont plus là"),
        ("", "first", 409, "Ces deux réponses ne sont plus là"),
        ("é", "first", 409, "Ces deux réponses ne sont plus là"),
        (None, "both", 422, "choice"),
        (None, "", 422, "choice"),
    ],
)
def test_what_is_no_vote_is_refused_in_words(
    site: Site, alice: Person, bob: Person, pair: str | None, choice: str, status: int, sentence: str
) -> None:
    number = campaign(site)
    answer = vote(bob, number, shown(bob, number)[0] if pair is None else pair, choice)
    assert answer.status_code == status
    assert sentence in text_of(answer.text)
    assert given(site) == []


def test_a_ballot_is_of_one_person_and_a_vote_too(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    assert vote(alice, number, shown(bob, number)[0], "first").status_code == 409
    sent = vote(bob, number, shown(bob, number)[0], "first")
    assert bob.get(sent.location).status_code == 200
    assert alice.get(sent.location).status_code == 404
    other = campaign(site)
    assert bob.get(sent.location.replace(f"campaigns/{number}", f"campaigns/{other}")).status_code == 404


def test_answers_that_were_deleted_meanwhile(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site, MODELS[:2])
    pair, _ = shown(bob, number)
    vote(alice, number, shown(alice, number)[0], "first")
    with site.rows() as rows:
        for sample in rows.query(LabSample):
            rows.delete(sample)
        rows.commit()
    assert vote(bob, number, pair, "first").status_code == 409
    assert given(site) == []
    assert "Il n’y a rien à comparer" in text_of(bob.get(f"/lab/campaigns/{number}").text)
    assert alice.get(f"/lab/campaigns/{number}/results").status_code == 200


def test_results_are_hidden_until_one_has_voted_on_everything(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    path = f"/lab/campaigns/{number}/results"
    assert problem(bob.get(path, headers={"Accept": "application/json"})) == (403, "results_hidden")
    assert alice.get(path).status_code == 200
    vote_all(bob, number)
    words = text_of(bob.get(path).text)
    assert words.index("grand:7b") < words.index("moyen:4b")
    assert "Alice" not in words.partition("Résultats")[2]


def test_an_administrator_closes_it_and_everyone_sees_the_results(site: Site, alice: Person, bob: Person) -> None:
    number = campaign(site)
    pair, _answers = shown(bob, number)
    assert bob.submit(f"/lab/campaigns/{number}/close", {}).status_code == 403
    assert alice.submit(f"/lab/campaigns/{number}/close", {}).status_code == 302
    late = vote(bob, number, pair, "first")
    assert (late.status_code, given(site)) == (409, [])
    assert "Cette campagne est close" in text_of(late.text)
    assert bob.get(f"/lab/campaigns/{number}/results").status_code == 200
    assert alice.submit(f"/lab/campaigns/{number}/close", {}).status_code == 302
    assert closed(site, number) == "ended"


def test_one_question_decides_nothing(site: Site, alice: Person, person: Callable[[str], Person]) -> None:
    prompts = tuple(name for name, _size in names(3))
    number = campaign(site, MODELS[:2], prompts)
    people = [person(f"voisin{index}") for index in range(22)]
    with site.rows() as rows:
        first, second = rows.query(LabSample).filter_by(prompt=prompts[0]).order_by(LabSample.id)
        users = rows.query(User).filter(User.username.in_([one.name for one in people]))
        for place, user in enumerate(users):
            rows.add(
                LabVote(
                    campaign_id=number,
                    user_id=user.id,
                    pair=f"{first.id}-{second.id}",
                    first_id=first.id,
                    second_id=second.id,
                    choice=VoteChoice.SECOND if place < 2 else VoteChoice.FIRST,
                )
            )
        rows.commit()
    assert vote_all(people[0], number, "P") == 2
    assert len(given(site)) == 24
    assert closed(site, number) == ""


def test_it_stops_when_the_order_is_beyond_doubt(site: Site, alice: Person, person: Callable[[str], Person]) -> None:
    prompts = tuple(name for name, _size in names(12))
    number = campaign(site, MODELS[:2], prompts)
    for index in range(3):
        vote_all(person(f"voisin{index}"), number, "P")
    assert closed(site, number) == "decided"
    votes = len(given(site))
    assert 10 <= votes < 3 * len(prompts)
    words = text_of(alice.get(f"/lab/campaigns/{number}/results").text)
    assert "petit:1b est préféré à tous les autres" in words

"""Strengths from votes: known results, what must hold whatever the votes, and when it is decided."""

import random
from itertools import combinations
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.votes.bradley_terry import FEWEST, Fit, Game, fit

# Wins of the row against the column: baseball's American League, Eastern Division, 1987 (Agresti, Categorical Data
# Analysis, 2nd edition, table 10.10).
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = (
    (0, 7, 9, 7, 7, 9, 11),
    (6, 0, 7, 5, 11, 9, 9),
    (4, 6, 0, 7, 7, 8, 12),
    (6, 8, 6, 0, 6, 7, 10),
    (6, 2, 6, 7, 0, 7, 12),
    (4, 4, 5, 6, 6, 0, 6),
    (2, 4, 1, 3, 1, 7, 0),
)
# What the book and R's BradleyTerry2 find, Baltimore being 0; all standard errors are about 0.3.
KNOWN = {"Milwaukee": 1.58, "Detroit": 1.44, "Toronto": 1.29, "New York": 1.25, "Boston": 1.11, "Cleveland": 0.68}

votes = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.sampled_from([0, 0.5, 1])).filter(
        lambda vote: vote[0] != vote[1]
    ),
    max_size=40,
)


def games(wins: dict[tuple[str, str], int]) -> list[Game]:
    return [Game(one, other, 1) for (one, other), count in wins.items() for _ in range(count)]


def baseball() -> list[Game]:
    return games({(one, other): WINS[i][j] for i, one in enumerate(TEAMS) for j, other in enumerate(TEAMS) if i != j})


def strengths(found: Fit) -> dict[str, float]:
    return {score.name: score.strength for score in found.scores}


def test_the_strengths_of_baseball_teams_are_those_of_the_book() -> None:
    found = fit(baseball(), prior=0)
    known = strengths(found)
    assert [score.name for score in found.scores] == list(TEAMS)
    for team, strength in KNOWN.items():
        assert known[team] - known["Baltimore"] == pytest.approx(strength, abs=0.005)
        assert found.error(team, "Baltimore") == pytest.approx(0.33, abs=0.03)
    assert found.decided is None


def test_two_are_the_logarithm_of_their_odds() -> None:
    found = fit(games({("a", "b"): 30, ("b", "a"): 10}), prior=0)
    assert strengths(found)["a"] - strengths(found)["b"] == pytest.approx(log(3))
    # The information of so many votes is n p (1 - p).
    assert found.error("a", "b") == pytest.approx((40 * 0.75 * 0.25) ** -0.5)


def test_alike_is_half_a_win_for_each() -> None:
    halves = fit([Game("a", "b", 0.5)] * 10 + [Game("a", "b", 1)] * 10, prior=0)
    whole = fit([Game("a", "b", 1)] * 15 + [Game("a", "b", 0)] * 5, prior=0)
    assert strengths(halves) == pytest.approx(strengths(whole))
    assert [score.wins for score in halves.scores] == [15, 5]


@given(votes)
def test_whatever_the_votes(found_votes: list[tuple[str, str, float]]) -> None:
    played = [Game(*vote) for vote in found_votes]
    found = fit(played, names="abcd")
    assert {score.name for score in found.scores} == set("abcd")
    assert sum(score.strength for score in found.scores) == pytest.approx(0, abs=1e-9)
    for score in found.scores:
        assert 0 < score.low < score.share < score.high < 100
        assert score.error <= max(found.error(score.name, other) for other in "abcd" if other != score.name)
    assert [score.strength for score in found.scores] == sorted((s.strength for s in found.scores), reverse=True)
    # Shown the other way round it is the same vote.
    turned = fit([Game(game.second, game.first, 1 - game.won) for game in played], names="abcd")
    assert strengths(turned) == pytest.approx(strengths(found), abs=1e-9)


@given(votes, st.sampled_from("bcd"))
def test_one_more_win_never_weakens(found_votes: list[tuple[str, str, float]], loser: str) -> None:
    played = [Game(*vote) for vote in found_votes]
    before = strengths(fit(played, names="abcd"))
    after = strengths(fit([*played, Game("a", loser, 1)], names="abcd"))
    assert after["a"] > before["a"]


def test_who_won_all_is_strong_and_not_infinitely_so() -> None:
    found = fit(games({("a", "b"): 5}))
    more = fit(games({("a", "b"): 50}))
    assert 70 < found.scores[0].share < more.scores[0].share < 100
    with pytest.raises(ValueError, match="infinite"):
        fit(games({("a", "b"): 5}), prior=0)
    with pytest.raises(ValueError, match="infinite"):
        fit(games({("a", "b"): 5, ("b", "a"): 5, ("c", "d"): 5, ("d", "c"): 5}), prior=0)


def test_without_votes_all_are_in_the_middle() -> None:
    found = fit([], names=["a", "b"])
    assert [(score.strength, score.share, score.games) for score in found.scores] == [(0, 50, 0), (0, 50, 0)]
    assert found.decided is None
    assert fit([]).scores == ()
    assert (fit([], names=["a"]).decided, fit([], names=["a"]).scores[0].share) == (None, 50)


def test_it_is_decided_when_the_best_is_beyond_doubt() -> None:
    clear = {("a", "b"): 30, ("b", "a"): 6, ("a", "c"): 30, ("c", "a"): 6, ("b", "c"): 18, ("c", "b"): 18}
    assert fit(games(clear)).decided == "a"
    close = {("a", "b"): 20, ("b", "a"): 16, ("a", "c"): 30, ("c", "a"): 6, ("b", "c"): 18, ("c", "b"): 18}
    assert fit(games(close)).decided is None
    few = games({("a", "b"): FEWEST - 1})
    assert fit(few).decided is None


def test_looking_after_each_vote_seldom_finds_a_winner_where_there_is_none() -> None:
    source = random.Random(5)
    wrong, campaigns = 0, 60
    for _ in range(campaigns):
        played: list[Game] = []
        for _round in range(40):
            played += [Game(one, other, source.choice((0, 1))) for one, other in combinations("abc", 2)]
            if fit(played).decided:
                wrong += 1
                break
    assert wrong / campaigns <= 0.05


def test_intervals_hold_the_true_strengths() -> None:
    source = random.Random(9)
    true = {"a": 0.8, "b": 0.0, "c": -0.8}
    held, fits = 0, 200
    for _ in range(fits):
        played = [
            Game(one, other, float(source.random() < 1 / (1 + exp(true[other] - true[one]))))
            for one, other in combinations("abc", 2)
            for _vote in range(40)
        ]
        found = fit(played)
        held += sum(abs(score.strength - true[score.name]) <= 1.96 * score.error for score in found.scores)
    assert 0.93 <= held / (3 * fits) <= 0.975

"""Bradley and Terry's model of blind votes: each one's strength with its interval, from who was preferred to whom."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, sqrt

# 95 % for what is shown. Whoever looks after every vote and stops at the first clear one errs more often than once
# in twenty, so stopping asks for more.
SHOWN, STOP = 1.96, 2.81
# So many votes at least for each of the two that stopping is decided between.
FEWEST = 10
# Each is taken to have met the others once more, all together, and to have been alike: who won all its votes is
# strong, not infinitely so, and models that were never compared with each other still have a place.
PRIOR = 1.0
UNKNOWN = "a strength is unknown or infinite: somebody won or lost all votes, or was not compared with the others"
ROUNDS, EXACT = 100, 1e-10


@dataclass(frozen=True, slots=True)
class Game:
    """`first` against `second`; `won` is the first one's part: 1, 0, or a half where they were alike."""

    first: str
    second: str
    won: float


@dataclass(frozen=True, slots=True)
class Score:
    """`strength` is a logarithm, 0 in the middle; `share`, `low`, `high`: wins in percent against a middling one."""

    name: str
    strength: float
    error: float
    share: float
    low: float
    high: float
    wins: float
    games: int


@dataclass(frozen=True, slots=True)
class Fit:
    """`scores`: the strongest first; `decided`: the one that is best beyond doubt, if there is one."""

    scores: tuple[Score, ...]
    decided: str | None
    covariance: dict[tuple[str, str], float]

    def error(self, one: str, other: str) -> float:
        """The standard error of the difference of two strengths."""
        square = self.covariance[one, one] + self.covariance[other, other] - 2 * self.covariance[one, other]
        return sqrt(max(0.0, square))


def fit(games: Iterable[Game], names: Iterable[str] = (), prior: float = PRIOR) -> Fit:
    """The strengths that make the votes most likely; `names`: those that may not have been voted on yet.

    Without `prior`, everyone must have lost to and won against the others somehow, else a strength is infinite.
    """
    played = list(games)
    known = sorted({*names, *(name for game in played for name in (game.first, game.second))})
    if not known:
        return Fit((), None, {})
    table = _Table(known, played, prior)
    strengths = table.strengths()
    inverse = _inverse(table.information(strengths))
    # What the shared constant brought in goes out again: strengths are 0 on average, without a doubt about that.
    constant = 1 / len(known)
    covariance = {
        (one, other): inverse[i][j] - constant for i, one in enumerate(known) for j, other in enumerate(known)
    }
    scores = [
        _score(name, strengths[place], sqrt(max(0.0, covariance[name, name])), table.wins[place], table.games[place])
        for place, name in enumerate(known)
    ]
    ordered = tuple(sorted(scores, key=lambda score: (-score.strength, score.name)))
    found = Fit(ordered, None, covariance)
    return Fit(ordered, _decided(found), covariance)


class _Table:
    """Who met whom how often, and won."""

    def __init__(self, names: Sequence[str], games: Sequence[Game], prior: float) -> None:
        self.size = len(names)
        places = {name: place for place, name in enumerate(names)}
        self.wins = [0.0] * self.size
        self.games = [0] * self.size
        self._met: defaultdict[tuple[int, int], float] = defaultdict(float)
        self._points = [0.0] * self.size
        for pair in combinations(range(self.size), 2):
            self._add(*pair, prior / (self.size - 1), 0.5)
        for game in games:
            first, second = places[game.first], places[game.second]
            self.wins[first] += game.won
            self.wins[second] += 1 - game.won
            self._add(first, second, 1, game.won)
            for place in (first, second):
                self.games[place] += 1

    def strengths(self) -> list[float]:
        """By Newton's method, in steps that are not too long; 0 is the middle."""
        strengths = [0.0] * self.size
        for _round in range(ROUNDS):
            slope = self._slope(strengths)
            step = [sum(row[j] * slope[j] for j in range(self.size)) for row in _inverse(self.information(strengths))]
            longest = max(map(abs, step))
            shrink = min(1.0, 1.0 / longest) if longest else 1.0
            strengths = [strength + shrink * each for strength, each in zip(strengths, step, strict=True)]
            middle = sum(strengths) / self.size
            strengths = [strength - middle for strength in strengths]
            if longest < EXACT:
                return strengths
        raise ValueError(UNKNOWN)

    def information(self, strengths: Sequence[float]) -> list[list[float]]:
        """How sharply the likelihood bends; a constant that all strengths share is held at 0."""
        matrix = [[1.0 / self.size] * self.size for _row in range(self.size)]
        for (i, j), count in self._met.items():
            chance = _chance(strengths[i] - strengths[j])
            weight = count * chance * (1 - chance)
            for place in (i, j):
                matrix[place][place] += weight
            matrix[i][j] -= weight
            matrix[j][i] -= weight
        return matrix

    def _slope(self, strengths: Sequence[float]) -> list[float]:
        slope = self._points.copy()
        for (i, j), count in self._met.items():
            chance = _chance(strengths[i] - strengths[j])
            slope[i] -= count * chance
            slope[j] -= count * (1 - chance)
        return slope

    def _add(self, first: int, second: int, weight: float, won: float) -> None:
        self._met[first, second] += weight
        self._points[first] += weight * won
        self._points[second] += weight * (1 - won)


def _score(name: str, strength: float, error: float, wins: float, games: int) -> Score:
    share, low, high = (100 * _chance(strength + side * SHOWN * error) for side in (0, -1, 1))
    return Score(name, strength, error, share, low, high, wins, games)


def _decided(found: Fit) -> str | None:
    """The first, if it is better than every other beyond doubt."""
    if len(found.scores) < 2:
        return None
    best, *others = found.scores
    for other in others:
        if min(best.games, other.games) < FEWEST:
            return None
        if best.strength - other.strength <= STOP * found.error(best.name, other.name):
            return None
    return best.name


def _chance(difference: float) -> float:
    """To be preferred, by the difference of strengths."""
    return 1 / (1 + exp(-difference)) if difference >= 0 else 1 - 1 / (1 + exp(difference))


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """By Gauss and Jordan; a dozen rows at most. Raises ValueError where there is none."""
    size = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda place: abs(rows[place][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column][column]
        if abs(head) < 1e-12:
            raise ValueError(UNKNOWN)
        rows[column] = [value / head for value in rows[column]]
        for place in range(size):
            if place != column and (factor := rows[place][column]):
                rows[place] = [value - factor * base for value, base in zip(rows[place], rows[column], strict=True)]
    return [row[size:] for row in rows]

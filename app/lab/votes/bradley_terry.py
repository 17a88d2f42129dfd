"""The Bradley–Terry model: fit each model's strength, with its interval, to pairwise votes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, sqrt

# Normal quantiles: of the 95 % intervals shown, and of the decision to stop. Testing after every vote would find a
# false difference in more than 5 % of the cases, so stopping asks for more.
SHOWN, STOP = 1.96, 2.81
# Votes that each of two models needs before one can be called better.
FEWEST = 10
# Virtual draws added to each model, spread over all others: they keep the strength of a model that won every vote
# finite, and connect models that were never compared.
PRIOR = 1.0
UNKNOWN = "a strength is unknown or infinite: somebody won or lost all votes, or was not compared with the others"
ROUNDS, EXACT = 100, 1e-10


@dataclass(frozen=True, slots=True)
class Game:
    """One vote between `first` and `second`; `won`: 1 for the first, 0 for the second, 0.5 for a draw."""

    first: str
    second: str
    won: float


@dataclass(frozen=True, slots=True)
class Score:
    """A model's result: `strength` in log-odds (0 on average) with its standard `error`; `share` with `low` and `high`:
    the expected percentage of wins against an average model."""

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
    """The fitted model: `scores`, the strongest first; `covariance` of the strengths, by pairs of names."""

    scores: tuple[Score, ...]
    covariance: dict[tuple[str, str], float]

    @property
    def decided(self) -> str | None:
        """The name of the first model if it is significantly better than every other, else None."""
        best, *others = self.scores or (None,)
        return best.name if best and others and all(self.apart(best, other) for other in others) else None

    def apart(self, one: Score, other: Score) -> bool:
        """Whether `one` is significantly better than `other`."""
        enough = min(one.games, other.games) >= FEWEST
        return enough and one.strength - other.strength > STOP * self.error(one.name, other.name)

    def error(self, one: str, other: str) -> float:
        """The standard error of the difference between two strengths."""
        square = self.covariance[one, one] + self.covariance[other, other] - 2 * self.covariance[one, other]
        return sqrt(max(0.0, square))


def fit(games: Iterable[Game], names: Iterable[str] = (), prior: float = PRIOR) -> Fit:
    """Fit the strengths to the votes by maximum likelihood; `names` adds models without votes; `prior`: see `PRIOR`.

    Raises ValueError with `prior` 0 when a model won or lost all its votes, or is not connected to the others.
    """
    played = list(games)
    known = sorted({*names, *(name for game in played for name in (game.first, game.second))})
    if not known:
        return Fit((), {})
    table = _Table(known, played, prior)
    strengths = table.strengths()
    inverse = _inverse(table.information(strengths))
    # `information` fixes the mean strength by an added constant; here its share of the covariance is removed.
    constant = 1 / len(known)
    covariance = {
        (one, other): inverse[i][j] - constant for i, one in enumerate(known) for j, other in enumerate(known)
    }
    scores = [
        _score(name, strengths[place], sqrt(max(0.0, covariance[name, name])), table.wins[place], table.games[place])
        for place, name in enumerate(known)
    ]
    return Fit(tuple(sorted(scores, key=lambda score: (-score.strength, score.name))), covariance)


class _Table:
    """How often each two models met and won, and the fit of their strengths by Newton's method."""

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
        """The strengths of maximum likelihood, 0 on average, by Newton's method with steps of at most 1.

        Raises ValueError when it does not converge.
        """
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
        """The Fisher information matrix, with a constant added to every cell so that it can be inverted."""
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


def _chance(difference: float) -> float:
    """The probability of being preferred, from the difference of strengths."""
    return 1 / (1 + exp(-difference)) if difference >= 0 else 1 - 1 / (1 + exp(difference))


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """The inverse of a small matrix, by Gauss–Jordan elimination. Raises ValueError when it is singular."""
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

"""The Bradley–Terry model: fit each model's strength, with its interval, to pairwise votes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import exp, sqrt
from operator import mul
from statistics import fmean

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

Matrix = list[list[float]]


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
    size = len(known)
    places = {name: place for place, name in enumerate(known)}
    # won[i][j]: the points of model i in its votes against model j.
    won = [[0.0 if i == j else prior / (size - 1) / 2 for j in range(size)] for i in range(size)]
    for game in played:
        first, second = places[game.first], places[game.second]
        won[first][second] += game.won
        won[second][first] += 1 - game.won
    strengths, inverse = _maximum_likelihood(won)
    # `_derivatives` fixes the mean strength by an added constant; here its share of the covariance is removed.
    covariance = {(one, other): inverse[i][j] - 1 / size for one, i in places.items() for other, j in places.items()}
    scores = [_score(name, strengths[place], covariance[name, name], played) for name, place in places.items()]
    return Fit(tuple(sorted(scores, key=lambda score: (-score.strength, score.name))), covariance)


def _score(name: str, strength: float, variance: float, games: Sequence[Game]) -> Score:
    error = sqrt(max(0.0, variance))
    share, low, high = (100 * _chance(strength + side * SHOWN * error) for side in (0, -1, 1))
    own = [game.won if game.first == name else 1 - game.won for game in games if name in (game.first, game.second)]
    return Score(name, strength, error, share, low, high, sum(own), len(own))


def _maximum_likelihood(won: Matrix) -> tuple[list[float], Matrix]:
    """The strengths, 0 on average, by Newton's method with steps of at most 1; and the inverse of their information.

    Raises ValueError when it does not converge.
    """
    strengths = [0.0] * len(won)
    for _round in range(ROUNDS):
        slope, information = _derivatives(won, strengths)
        inverse = _inverse(information)
        step = [sum(map(mul, row, slope)) for row in inverse]
        longest = max(map(abs, step))
        moved = [strength + each / max(1.0, longest) for strength, each in zip(strengths, step, strict=True)]
        middle = fmean(moved)
        strengths = [strength - middle for strength in moved]
        if longest < EXACT:
            return strengths, inverse
    raise ValueError(UNKNOWN)


def _derivatives(won: Matrix, strengths: Sequence[float]) -> tuple[list[float], Matrix]:
    """The slope of the log-likelihood and the Fisher information, which a constant in each cell makes invertible."""
    size = len(won)
    slope = [0.0] * size
    information = [[1.0 / size] * size for _row in range(size)]
    for i, j in permutations(range(size), 2):
        met, chance = won[i][j] + won[j][i], _chance(strengths[i] - strengths[j])
        slope[i] += won[i][j] - met * chance
        information[i][i] += met * chance * (1 - chance)
        information[i][j] -= met * chance * (1 - chance)
    return slope, information


def _chance(difference: float) -> float:
    """The probability of being preferred, from the difference of strengths."""
    return 1 / (1 + exp(-difference)) if difference >= 0 else 1 - 1 / (1 + exp(difference))


def _inverse(matrix: Matrix) -> Matrix:
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

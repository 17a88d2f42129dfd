"""How much a measuring run puts up with: people in between, a machine that is busy, an engine that is away."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """`cuts`: how often a sample is begun that people come into, before the others are taken first; `late_cuts`: how
    often it is begun after them; `tries`: how often one is taken while the machine is busy with something else;
    `quiet_s`: after somebody came in between, so long without anybody, twice as long each time it happens again, up to
    `quiet_most_s`; `away_s`: how long an engine that does not answer is waited for before the run is given up."""

    cuts: int = 8
    late_cuts: int = 30
    tries: int = 3
    quiet_s: float = 5.0
    quiet_most_s: float = 600.0
    away_s: float = 120.0

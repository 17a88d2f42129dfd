"""How much a measuring run puts up with: people in between, a machine that is busy, an engine that is away."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """`cuts`: how often a sample is begun that people come into; `tries`: how often one is taken while the machine is
    busy with something else; `quiet_s`: after somebody came in between, so long without anybody; `away_s`: how long an
    engine that does not answer is waited for before the run is given up."""

    cuts: int = 8
    tries: int = 3
    quiet_s: float = 5.0
    away_s: float = 120.0

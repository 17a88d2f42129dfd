"""The energy of one answer, where the processor counts it and the model runs on this machine alone at its work."""

import time

from app.engines.base import Engine
from app.engines.rapl import Meter, Zone, find_zones

# How long it is believed that the engine runs elsewhere, or cannot be seen.
ELSEWHERE_S = 600.0


class Energy:
    """Counts whole answers: with the machine's rest, since that is what an answer costs here."""

    def __init__(self, engine: Engine, zones: list[Zone] | None = None) -> None:
        self._engine = engine
        # Looked for with the first answer: making the application reads no files.
        self._zones = zones
        self._is_here = False
        self._looked = -ELSEWHERE_S

    def meter(self) -> Meter | None:
        """Begin to count; None where the figure would not be this answer's."""
        if self._zones is None:
            self._zones = find_zones()
        return Meter(self._zones) if self._zones and self._engine.slots == 1 and self._here() else None

    def _here(self) -> bool:
        # Found once and for all: looking takes longer than all else that is done for an answer.
        if not self._is_here and time.monotonic() - self._looked >= ELSEWHERE_S:
            self._is_here, self._looked = bool(self._engine.pids()), time.monotonic()
        return self._is_here

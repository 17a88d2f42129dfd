"""Row `install`: `make setup` in a fresh clone, with and without the embedded engine."""

from tests.perf.bench import Bench
from tests.perf.clones import Clone
from tests.perf.row import Figures, Line, Row


def measure(bench: Bench) -> Figures:
    """Packages, disk and seconds of both."""
    whole, small = Clone(bench), Clone(bench)
    whole_s, small_s = whole.setup(), small.setup("EMBEDDED=0", "DOCUMENTS=0")
    bench.kept["clone"] = whole
    return {
        "packages": whole.packages(),
        "mb": whole.megabytes(),
        "seconds": whole_s,
        "packages_without_engine": small.packages(),
        "mb_without_engine": small.megabytes(),
        "seconds_without_engine": small_s,
    }


ROW = Row(
    "install",
    "`make setup` in fresh clones of the last commit; what pip keeps of earlier downloads is used",
    (
        Line("packages, with the engine", "packages", "", at_most=53),
        Line(".venv with engine and model", "mb", "MB", at_most=370),
        Line(".venv without them (EMBEDDED=0 DOCUMENTS=0)", "mb_without_engine", "MB", at_most=140),
        Line("time, with the engine", "seconds", "s", at_most=45),
        Line("time, without", "seconds_without_engine", "s", at_most=45),
    ),
    measure,
)

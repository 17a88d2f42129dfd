"""The command behind `make perf`: measures the rows, prints the table, and ends with 0, 1 (a bound missed) or 2."""

import argparse
import signal
import sys
import time
from pathlib import Path

from config import load_or_exit
from tests.perf import table
from tests.perf.bench import Bench
from tests.perf.machine import machine
from tests.perf.report import Report
from tests.perf.row import Figures, Row
from tests.perf.rows import ROWS

LONGEST = 800


def arguments() -> argparse.Namespace:
    """The options, each with the default that the proof is made with."""
    parser = argparse.ArgumentParser(prog="make perf", description="Measure what the web side costs.")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of {','.join(ROWS)}")
    parser.add_argument("--pairs", type=int, default=15, help="alternations of the row stream")
    parser.add_argument("--tokens", type=int, default=200, help="length of its answers")
    parser.add_argument("--out", type=Path, help="the JSON file (default: INSTANCE_DIR/perf/latest.json)")
    options = parser.parse_args()
    options.rows = [name.strip() for name in options.rows.split(",")]
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return options


def main() -> int:
    """Measure each row and write it down at once; one that cannot be measured costs nothing but itself."""
    options = arguments()
    # Ended from outside is ended as by Ctrl-C, which a shell may have switched off: all that was started is stopped.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    report = Report(options.out or Path(load_or_exit()["INSTANCE_DIR"]) / "perf/latest.json", machine(), ROWS)
    measured: list[tuple[Row, Figures]] = []
    failures: list[str] = []
    with Bench(pairs=options.pairs, tokens=options.tokens) as bench:
        for name in options.rows:
            row = ROWS[name]
            print(f"{name}: {row.how}…", file=sys.stderr, flush=True)
            begun = time.monotonic()
            try:
                figures = row.measure(bench)
            except Exception as error:  # noqa: BLE001 - whatever it was: the other rows are still worth measuring
                # A server that does not start says why in its last lines.
                failures.append(f"{name}: {type(error).__name__}: {str(error)[-LONGEST:]}")
                continue
            measured.append((row, figures))
            report.add(row, figures, time.monotonic() - begun)
    print(table.render(measured))
    misses = [words for row, figures in measured for words in table.misses(row, figures)]
    for heading, lines in (("NOT REACHED", misses), ("NOT MEASURED", failures)):
        for line in lines:
            print(f"{heading}: {line}")
    return 2 if failures else 1 if misses else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted; what was measured is kept", file=sys.stderr)
        sys.exit(2)

"""The sandbox's entry script: set resource limits, drop privileges, then run the job read from standard input."""

import json
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[4]
NOBODY = 65534
# More cores than any machine has, since the sandbox hides their number; the kernel ignores those that do not exist.
MOST_CORES = 1024


def main() -> None:
    """Run one job: a JSON object with "source", "kind", "seconds", "keys", "limits", … on standard input.

    The original standard output receives the report only; the program's output goes to standard error.
    """
    with os.fdopen(0, closefd=False) as given:
        job = json.load(given)
    report = os.dup(1)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _lower_priority()
    _limit(job["limits"])
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    os.chdir("/tmp")  # noqa: S108 - the sandbox's own
    sys.argv = ["program.py"]
    sys.path[:0] = [str(HERE), str(HERE / "packages")]
    _play(job, report)


def _lower_priority() -> None:
    """Run at idle priority, and on all cores: the server's own core is needed for users' answers."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):
        os.sched_setaffinity(0, range(MOST_CORES))


def _limit(limits: dict[str, list[int]]) -> None:
    """Set the soft and hard resource limits, by their names without RLIMIT_."""
    for name, (soft, hard) in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (soft, hard))


def _play(job: dict[str, Any], report: int) -> None:
    """Try the program; writes the report and exits."""
    from app.lab.code_runner.players import play, text_programs  # noqa: PLC0415 - the path is set only now

    # With the file in place, tracebacks show the program's source lines.
    Path(play.PROGRAM).write_text(job["source"])
    match job["kind"]:
        case "calls":
            play.leave(report, text_programs.call(job["source"], job["function"], job["calls"]))
        case "lines":
            play.leave(report, text_programs.feed(job["source"], job["inputs"]))
        case "terminal":
            text_programs.play(job["source"], job["seconds"], job["keys"], report)
        case "shown":
            _show(job, report)


def _show(job: dict[str, Any], report: int) -> None:
    """Play a program with windows, a pygame screen or both; reports "lacking" when what it needs is not installed."""
    from app.lab.code_runner.players import play, pygame_games, tkinter_windows  # noqa: PLC0415

    windows, pygame = "tkinter" in job["needs"], "pygame" in job["needs"]
    lacks = (windows and tkinter_windows.lacking()) or (pygame and pygame_games.lacking())
    if lacks:
        play.leave(report, {"ended": "lacking", "lacks": lacks})
    played = play.Play(report, job["seconds"], job["keys"])
    if windows:
        tkinter_windows.take_over(played, job["clicks"])
    if pygame:
        pygame_games.take_over(played)
    play.own_time(played)
    play.run(job["source"], played.end)


if __name__ == "__main__":
    main()

"""`make chaos`: kill, fill, lock and restart a real server at random moments, and count what was lost.

Prints a table, and ends with 1 if a bound is missed. The engine is the stand-in, whose words are numbered, so that a
gap, a double or a loss is seen.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import requests

from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import alive, children, wait_until
from tests.support.server import ROOT, RemotePerson, ServerProcess, refused
from tests.support.site import DATABASE
from tests.support.sse import Stream

WORDS = 250
WORDS_A_SECOND = 100
WHOLE = " ".join(f"w{number}" for number in range(WORDS))
PEOPLE = 4
# Seconds of text that a crash may lose.
LOST_S = 2.0
BACK_S = 30


@dataclass
class Found:
    """What one kind of trouble did. `text_lost_s`, `back_s`: seconds, the most of all times."""

    name: str
    times: int = 0
    questions: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    text_lost_s: float = 0.0
    back_s: float = 0.0
    orphans: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[str]:
        """The line of the table."""
        counts = (self.times, self.questions, self.lost, self.doubled, self.wrong)
        verdict = "ok" if self.is_good else "NOT"
        seconds = (f"{self.text_lost_s:.2f} s", f"{self.back_s:.2f} s")
        return [self.name, *map(str, counts), *seconds, str(self.orphans), verdict]

    @property
    def is_good(self) -> bool:
        """Whether every bound was kept."""
        return not (self.lost or self.doubled or self.wrong or self.orphans or self.problems) and (
            self.text_lost_s <= LOST_S + 1 / WORDS_A_SECOND
        )


HEAD = ["what", "times", "questions", "lost", "doubled", "wrong text", "text lost", "back after", "orphans", ""]


class Asking(Thread):
    """A person's question, followed until the connection breaks or the answer ends."""

    def __init__(self, person: RemotePerson, number: int) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.question = f"Question {number} ?"
        self.client_id = uuid4().hex
        self.conversation = ""
        self.stream: Stream | None = None
        self.start()

    def run(self) -> None:
        """Ask and read; a server that is killed breaks the connection anywhere."""
        try:
            self.conversation = self.conversation or self.person.start()
            self.stream = self.person.ask(self.conversation, self.question, client_id=self.client_id)
            self.stream.end()
        except (requests.RequestException, AssertionError, ValueError):
            pass

    @property
    def accepted(self) -> bool:
        """Whether the server has said that it has the question."""
        return self.stream is not None and any(event.name == "accepted" for event in self.stream.events)

    @property
    def answer(self) -> dict[str, Any]:
        """The answer as it is stored."""
        return self.person.messages(self.conversation)[1]

    def check(self, found: Found) -> None:
        """Compare what was seen with what is stored."""
        if not self.conversation:
            return
        found.questions += 1
        if not self.accepted:
            # A browser sends it again, with the same id.
            self.person.ask(self.conversation, self.question, client_id=self.client_id).end()
        messages = self.person.messages(self.conversation)
        asked = [message for message in messages if message["role"] == "user"]
        found.lost += not asked
        found.doubled += len(asked) > 1
        if len(messages) < 2:
            return
        kept, seen = messages[1]["content"], self.stream.text() if self.stream else ""
        found.wrong += not WHOLE.startswith(kept.rstrip())
        lost_words = len(seen.split()) - len(kept.split())
        found.text_lost_s = max(found.text_lost_s, lost_words / WORDS_A_SECOND)


class Chaos:
    """A server, its engine, and people who ask. `seed`: of the random moments."""

    def __init__(self, folder: Path, engine: FakeOllama, seed: int) -> None:
        self.random = random.Random(seed)
        self.engine = engine
        self.settings = {
            "ENGINE": "ollama",
            "OLLAMA_HOST": engine.url,
            "ENGINE_SLOTS": str(PEOPLE // 2),
            "THREADS": "64",
            "LOG_LEVEL": "error",
        }
        self.server = ServerProcess(folder / "instance", **self.settings)
        self.asked = 0
        self.people: list[RemotePerson] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve, with people who have an account, for a while."""
        with self.server:
            self.people = [RemotePerson(self.server, f"personne-{number}") for number in range(PEOPLE)]
            for person in self.people:
                person.register()
            yield

    def ask_all(self) -> list[Asking]:
        """Let everybody ask at once."""
        self.engine.script(*[Scenario.answer(WHOLE)] * PEOPLE)
        self.asked += PEOPLE
        return [Asking(person, self.asked + nth) for nth, person in enumerate(self.people)]

    def settle(self, asking: list[Asking], found: Found) -> None:
        """Wait until the server is back, then compare."""
        begun = time.monotonic()
        wait_until(self.server.answers, BACK_S)
        found.back_s = max(found.back_s, time.monotonic() - begun)
        for each in asking:
            each.join(BACK_S)
            each.check(found)
        # What still runs must not reach into the next time.
        for each in asking:
            for message in each.person.messages(each.conversation) if each.conversation else ():
                if message["role"] == "assistant" and message["status"] in {"queued", "running"}:
                    each.person.stop(message["id"])
        self.check_database(found)

    def check_database(self, found: Found) -> None:
        """Check every page of the database."""
        with closing(sqlite3.connect(self.server.instance / DATABASE)) as rows:
            if rows.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                found.problems.append("the database is damaged")

    def later(self, most_s: float) -> None:
        """Wait for a random time."""
        time.sleep(self.random.uniform(0, most_s))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the administrator's, with the server's settings."""
        return subprocess.run(
            [Path(sys.executable).with_name("flask"), *words],
            cwd=ROOT,
            env={**os.environ, **self.server.settings},
            capture_output=True,
            text=True,
        )


def kill_worker(chaos: Chaos, times: int) -> Found:
    """kill -9 of the web process at random moments of four answers."""
    found = Found("worker killed", times)
    for _ in range(times):
        asking = chaos.ask_all()
        chaos.later(1.5)
        old = chaos.server.worker
        os.kill(old, signal.SIGKILL)
        wait_until(lambda pid=old: not alive(pid))  # type: ignore[misc]
        chaos.settle(asking, found)
    return found


def kill_master(chaos: Chaos, times: int) -> Found:
    """kill -9 of the master: its worker saves and ends; then a start by hand."""
    found = Found("master killed", times)
    for _ in range(times):
        asking = chaos.ask_all()
        chaos.later(1.5)
        family = children(chaos.server.pid)
        chaos.server.end(signal.SIGKILL)
        begun = time.monotonic()
        chaos.server.launch()
        # Until its worker has ended, the killed master's own answers too.
        wait_until(lambda: bool(children(chaos.server.pid)) and chaos.server.answers(), BACK_S)
        found.back_s = max(found.back_s, time.monotonic() - begun)
        found.orphans += sum(map(alive, family))
        chaos.settle(asking, found)
    return found


def stop_and_start(chaos: Chaos, times: int) -> Found:
    """SIGTERM in the middle of answers: not a word is lost."""
    found = Found("stopped and started", times)
    for _ in range(times):
        asking = chaos.ask_all()
        chaos.later(1.5)
        family = children(chaos.server.pid)
        chaos.server.end(signal.SIGTERM)
        found.orphans += sum(map(alive, family))
        chaos.server.start()
        chaos.settle(asking, found)
    return found


def full(chaos: Chaos, times: int) -> Found:
    """The disk is full until after the end of the answers: their whole text is stored when there is room."""
    found = Found("disk full", times)
    for _ in range(times):
        asking = chaos.ask_all()
        wait_until(lambda asked=asking: all(each.accepted for each in asked))  # type: ignore[misc]
        worker = chaos.server.worker
        usual = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, usual[1]))
        time.sleep(2 * WORDS / WORDS_A_SECOND)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, usual)
        for each in asking:
            each.join(BACK_S)
            try:
                wait_until(lambda asked=each: asked.answer["status"] not in {"queued", "running"}, BACK_S)  # type: ignore[misc]
            except AssertionError:
                found.problems.append("an answer never ended")
            seen = each.stream.text() if each.stream else ""
            # One whose beginning could not be stored has failed; nothing that was seen may be lost.
            found.wrong += not each.answer["content"].startswith(seen)
            found.wrong += each.answer["status"] == "done" and each.answer["content"] != WHOLE
        chaos.settle(asking, found)
    return found


def locked(chaos: Chaos, times: int) -> Found:
    """Another program holds the database for some seconds while answers are written."""
    found = Found("database locked", times)
    for _ in range(times):
        asking = chaos.ask_all()
        wait_until(lambda asked=asking: all(each.accepted for each in asked))  # type: ignore[misc]
        with closing(sqlite3.connect(chaos.server.instance / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(4)
        chaos.settle(asking, found)
    return found


def second_start(chaos: Chaos, times: int) -> Found:
    """Another server on the same folder: refused, and the first one does not notice."""
    found = Found("second start", times)
    for _ in range(times):
        asking = chaos.ask_all()
        second = ServerProcess(chaos.server.instance, **chaos.settings)
        second.log = Path(f"{chaos.server.log}.second")
        second.log.unlink(missing_ok=True)
        if "already runs" not in refused(second):
            found.problems.append("a second server was not refused")
        for each in asking:
            each.join()
            found.wrong += (each.stream.text() if each.stream else "") != WHOLE
        chaos.settle(asking, found)
    return found


def reconnect(chaos: Chaos, times: int) -> Found:
    """Follow an answer again from a random event, while it is written and afterwards."""
    found = Found("reconnected", times)
    (asking, *others) = chaos.ask_all()
    wait_until(lambda: asking.accepted)
    assert asking.stream is not None
    message = asking.stream.message_id
    for _ in range(times):
        after = chaos.random.randrange(1, max(2, len(asking.stream.events)))
        stream = asking.person.follow(message, after)
        if asking.is_alive() and chaos.random.random() < 0.9:
            stream.leave()
            continue
        stream.end()
        numbers = stream.numbers
        found.wrong += numbers != list(range(after + 1, after + 1 + len(numbers)))
    asking.join()
    found.wrong += asking.stream.text() != WHOLE
    chaos.settle([asking, *others], found)
    return found


def restore(chaos: Chaos, times: int) -> Found:
    """An archive made while people ask, put back after more answers."""
    found = Found("restored", times)
    for number in range(times):
        asking = chaos.ask_all()
        wait_until(lambda asked=asking: all(each.accepted for each in asked))  # type: ignore[misc]
        archive = chaos.server.instance.parent / f"{number}.tar"
        made = chaos.command("backup", "create", str(archive))
        chaos.settle(asking, found)
        chaos.settle(chaos.ask_all(), found)
        chaos.server.end(signal.SIGTERM)
        restored = chaos.command("backup", "restore", str(archive))
        found.problems += [each.stderr for each in (made, restored) if each.returncode]
        for aside in chaos.server.instance.glob("before-restore-*"):
            shutil.rmtree(aside)
        chaos.server.start()
        for each in asking:
            found.lost += not each.person.messages(each.conversation)
        chaos.check_database(found)
    return found


def migrations(chaos: Chaos, times: int) -> Found:
    """kill -9 of a start that migrates an old database; then a start that is left alone."""
    found = Found("migration killed", times)
    for number in range(times):
        server = ServerProcess(chaos.server.instance.parent / f"old-{number}", **chaos.settings)
        server.log = chaos.server.instance.parent / "old.log"
        with server:
            pass
        old = subprocess.run(
            [Path(sys.executable).with_name("flask"), "db", "downgrade", "0005"],
            cwd=ROOT, env={**os.environ, **server.settings}, capture_output=True, text=True,
        )  # fmt: skip
        found.problems += [old.stderr] * bool(old.returncode)
        server.launch()
        chaos.later(1.2)
        server.end(signal.SIGKILL, group=True)
        with server:
            found.lost += not server.answers("/login")
    return found


KINDS: dict[Callable[[Chaos, int], Found], tuple[int, int]] = {
    # Times in all, and in the short form.
    kill_worker: (50, 3),
    kill_master: (10, 1),
    stop_and_start: (5, 1),
    full: (2, 1),
    locked: (3, 1),
    second_start: (3, 1),
    reconnect: (2000, 100),
    restore: (3, 1),
    migrations: (10, 1),
}


def main() -> int:
    """Do all of it, print the table, and return 1 if a bound was missed."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Break a server at random moments.")
    parser.add_argument("--short", action="store_true", help="a few times each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows: list[Found] = []
    with (
        tempfile.TemporaryDirectory(prefix="couachgpt-chaos-") as folder,
        FakeOllama(tokens_per_second=WORDS_A_SECOND, parallel=PEOPLE) as engine,
    ):
        chaos = Chaos(Path(folder), engine, options.seed)
        with chaos.running():
            for kind, times in KINDS.items():
                print(f"{kind.__name__}: {kind.__doc__}", file=sys.stderr, flush=True)
                rows.append(kind(chaos, times[options.short]))
            family = [chaos.server.pid, *children(chaos.server.pid)]
        rows[-1].orphans += sum(map(alive, family))
    lines = [HEAD, ["-" * len(cell) for cell in HEAD], *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
    for row in rows:
        for problem in row.problems:
            print(f"{row.name}: {problem}")
    return not all(row.is_good for row in rows)


if __name__ == "__main__":
    sys.exit(main())

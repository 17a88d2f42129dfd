"""What the rows share: the site as a user starts it, engines, people, clocks and statistics."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from tests.perf.row import NotMeasuredError
from tests.perf.wire import Place, request
from tests.support.processes import alive, wait_until
from tests.support.server import ROOT, RemotePerson, ServerProcess

# Room for a crowd that registers at once; nothing else differs from what `make run` serves.
MANY = "100000 per hour"
# What is still put away after an answer's last event: the state of its conversation, on the disk.
PUT_AWAY_S = 2.0


class Site(ServerProcess):
    """gunicorn as `make run` starts it, on a new instance folder."""

    # What answers here, once somebody has asked.
    model = ""

    def __init__(self, folder: Path, **settings: str) -> None:
        usual = {"THREADS": "", "PASSWORD_COST": "", "REGISTER_LIMIT": MANY, "LOGIN_LIMIT": MANY}
        super().__init__(folder / "instance", **usual | settings)
        self.place: Place = ("127.0.0.1", self.port)

    def __enter__(self) -> Self:
        try:
            self.start()
            wait_until(lambda: self.answers("/readyz"), 60)
            if (self.instance / "embedded.json").exists():
                # Questions may be asked before, but the bare engine answers none while it loads.
                wait_until(self._engine_answers, 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            super().__exit__(*exc)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            raise

    @property
    def engine(self) -> tuple[Place, str]:
        """Where the embedded engine listens, and its key."""
        endpoint = json.loads((self.instance / "embedded.json").read_text())
        return place_of(endpoint["url"]), endpoint["key"]

    def ask_engine(self, path: str) -> requests.Response:
        """A small page of the embedded engine."""
        (host, port), key = self.engine
        return requests.get(f"http://{host}:{port}{path}", headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def restart_engine(self, *, forget: bool) -> None:
        """Kill the engine, whose memory is then empty, and wait for the next one; `forget`: what the disk kept too."""
        time.sleep(PUT_AWAY_S)
        old = self.llama
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: not alive(old))
        for state in (self.instance / "states").rglob("*.state") if forget else ():
            state.unlink()
        wait_until(self._engine_answers, 60)

    def _engine_answers(self) -> bool:
        try:
            return bool(self.ask_engine("/health").ok)
        except requests.RequestException:
            return False

    def person(self, name: str) -> "Caller":
        """Somebody new, signed in."""
        return Caller(self, name)

    def people(self, count: int) -> list["Caller"]:
        """As many, registered two at a time: hashing a password takes a core for a while."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(self.person, (f"person{number}" for number in range(count))))


class Caller(RemotePerson):
    """A person whose questions are ready to be written to a socket."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__(site, name)
        self._place = site.place
        answer = self.register()
        if answer.status_code != 302:
            raise NotMeasuredError(f"{name} could not register: {answer.text[:500]}")
        # The page that follows carries the token that questions need.
        self.headers = {"X-CSRFToken": self.token}
        site.model = site.model or self.get("/api/models").json["effective"]
        self._model = site.model

    def hang_up(self) -> None:
        """Close the connections that registering left open."""
        self.client._session.close()

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """A request of the page's scripts, as bytes."""
        cookies = self.client._session.cookies.get_dict()
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return request(self._place, method, path, body, self.headers | {"Cookie": cookie})

    def question(self, text: str, conversation: str = "", **more: Any) -> bytes:
        """A question as the page posts it, in a new conversation unless one is given."""
        path = f"/api/conversations/{conversation or self.start()}/messages"
        body = {"content": text, "model": self._model, "think": False, "at_end": True}
        body["client_id"] = os.urandom(16).hex()
        return self.request("POST", path, body | more)


@dataclass
class Bench:
    """One run of the harness: its options, its temporary folder, and what one row leaves to another."""

    pairs: int = 15
    tokens: int = 200
    kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _stack(self) -> contextlib.ExitStack:
        return contextlib.ExitStack()

    @cached_property
    def root(self) -> Path:
        """The folder of the whole run."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="couachgpt-perf-")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def folder(self) -> Path:
        """A new empty one."""
        return Path(tempfile.mkdtemp(dir=self.root))

    def site(self, **settings: str) -> Site:
        """A new site, for a `with` block."""
        return Site(self.folder(), **settings)

    def keep(self, site: Site) -> Site:
        """Start a site that serves until the end of the run."""
        return self._stack.enter_context(site)

    def once(self, name: str, make: Callable[["Bench"], Any]) -> Any:
        """What several rows of one run need, made by the first of them."""
        if name not in self.kept:
            self.kept[name] = make(self)
        return self.kept[name]


@contextlib.contextmanager
def process(module: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """One of our modules as a process, ended with the block."""
    command = [sys.executable, "-m", module, *options]
    pipe = subprocess.PIPE
    # In a session of its own: Ctrl-C is for this process, which then ends that one.
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as running:
        try:
            yield running
        finally:
            running.terminate()


def place_of(url: str) -> Place:
    """The host and port of an address."""
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 80)


def cpu_s(*pids: int) -> float:
    """CPU seconds that these processes took so far, their ended threads included: /proc's sum, not rounded to ticks."""
    # The kernel's number of another process's clock is made of its id.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def p95(values: list[float]) -> float:
    """What 95 % of the values do not exceed, between the two nearest ones."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=20, method="inclusive")[-1]

"""The real server, gunicorn as a process on a free port, and people who reach it over the network."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import requests

from config import SETTINGS
from tests.support.person import CHEAP_HASH, Person
from tests.support.processes import alive, children, command, wait_until

ROOT = Path(__file__).parents[2]


class ServerProcess:
    """`with ServerProcess(instance, ENGINE="ollama", …) as server:` then `server.url`."""

    def __init__(self, instance: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.instance = instance
        self.log = instance.parent / "server.log"
        # An empty value is as good as none, and wins over a `.env` that lies there.
        self.settings = {setting.name: "" for setting in SETTINGS}
        self.settings |= {"INSTANCE_DIR": str(instance), "HOST": "127.0.0.1", "PORT": str(self.port)}
        # Hundreds of tests make their accounts on one server, from one address.
        self.settings |= {"THREADS": "16", "PASSWORD_COST": CHEAP_HASH, "REGISTER_LIMIT": "100000 per hour"}
        self.settings |= settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGTERM)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the master in a process group of its own, as a terminal does."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name("gunicorn")],
                cwd=ROOT,
                env={**os.environ, **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._process

    def start(self) -> Self:
        """Launch, and return once it answers."""
        process = self.launch()
        wait_until(lambda: process.poll() is not None or self.answers(), 30)
        assert process.poll() is None, self.output
        return self

    def answers(self, path: str = "/healthz") -> bool:
        try:
            return bool(requests.get(self.url + path, timeout=5, allow_redirects=False).ok)
        except requests.RequestException:
            return False

    def end(self, signum: int, *, group: bool = False) -> int:
        """Send a signal to the master, or as Ctrl-C to all of its group, and wait for its end."""
        send = os.killpg if group else os.kill
        send(self.pid, signum)
        assert self._process is not None
        return self._process.wait(15)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def worker(self) -> int:
        """The worker process that lives now."""
        (found,) = [pid for pid in children(self.pid) if "llama_child" not in command(pid)]
        return found

    @property
    def llama(self) -> int:
        """The embedded engine's process."""
        (found,) = [pid for pid in children(self.pid) if "llama_child" in command(pid)]
        return found

    def kill_worker(self) -> None:
        """kill -9, and wait until another worker answers."""
        old = self.worker
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: not alive(old))
        wait_until(self.answers, 20)

    @property
    def output(self) -> str:
        return self.log.read_text()


def refused(server: ServerProcess) -> str:
    """Start a server that must not start; the line that it says after gunicorn's own."""
    process = server.launch()
    try:
        assert process.wait(20) != 0
    except subprocess.TimeoutExpired:
        server.end(signal.SIGTERM)
        raise
    *before, said = server.output.splitlines()
    assert all("Starting gunicorn" in line for line in before), server.output
    return said


class Answer:
    """What came over the network, read as the in-process client's answers are."""

    def __init__(self, raw: requests.Response) -> None:
        self._raw = raw
        self.status_code = raw.status_code
        self.headers = raw.headers
        self.mimetype = raw.headers.get("Content-Type", "").partition(";")[0]
        self.close = raw.close

    @property
    def text(self) -> str:
        return self._raw.text

    @property
    def json(self) -> Any:
        return self._raw.json()

    @property
    def response(self) -> Iterator[bytes]:
        """Bytes as they arrive."""
        return self._raw.iter_content(None)


class Browser:
    """The part of the in-process client that people use, over real connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def open(
        self, path: str, *, method: str, headers: dict[str, str], follow_redirects: bool = False, **kwargs: Any
    ) -> Answer:
        """One request; its body arrives as it is read."""
        url = self._url + path
        return Answer(
            self._session.request(
                method, url, headers=headers, allow_redirects=follow_redirects, stream=True, timeout=30, **kwargs
            )
        )


class RemotePerson(Person):
    """A person at another computer."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.app = None
        self.name = name
        self.client = Browser(server.url)
        self._headers = {}
        self._token = ""

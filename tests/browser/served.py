"""A real server for the browser: gunicorn in a process of its own, as `make run` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import requests

from config import ROOT, SETTINGS
from tests.support.person import PASSWORD, TOKEN

HOST = "couach.test"
START_S = 30.0
STOP_S = 10.0


class Served:
    """`with Served(folder, OLLAMA_HOST=…) as server:`; settings by name, everything else at its default."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.origin = f"http://{HOST}:{self.port}"
        self.log = folder / "server.log"
        # Empty values keep a developer's own environment and `.env` out.
        given = dict.fromkeys((setting.name for setting in SETTINGS), "")
        given |= {"HOST": "127.0.0.1", "PORT": self.port, "INSTANCE_DIR": folder, "ENGINE": "ollama", "THREADS": 64}
        given |= {"LOG_LEVEL": "warning", **settings}
        self._environment = os.environ | {name: str(value) for name, value in given.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self._wait_until_it_answers()
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def kill_worker(self) -> None:
        """What the kernel does when memory runs out: no farewell. The master starts another worker."""
        assert self._process
        master = self._process.pid
        (worker,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)

    def register(self, name: str, display_name: str = "") -> dict[str, str]:
        """Create an account without a browser, for tests about something else; gives its cookies."""
        with requests.Session() as session:
            form = {"csrf_token": self._token(session), "username": name, "display_name": display_name or name.title()}
            form |= {"password": PASSWORD, "confirm": PASSWORD}
            answer = session.post(
                self._url("/register"), form, headers=self._headers, allow_redirects=False, timeout=20
            )
            assert answer.status_code == 302, answer.text[-3000:]
            return session.cookies.get_dict()

    def wait_for_model(self, cookies: dict[str, str]) -> None:
        """Return once the default model is loaded."""
        deadline = time.monotonic() + START_S
        while not self._get("/api/status", cookies).json()["loaded"]:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _token(self, session: requests.Session) -> str:
        page = session.get(self._url("/register"), headers=self._headers, timeout=20).text
        found = TOKEN.search(page)
        assert found, page[:500]
        return found[1]

    def _get(self, path: str, cookies: dict[str, str] | None = None) -> requests.Response:
        return requests.get(self._url(path), cookies=cookies, headers=self._headers, timeout=20)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Host": f"{HOST}:{self.port}", "Accept-Language": "fr"}

    def _wait_until_it_answers(self) -> None:
        assert self._process
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._get("/healthz")
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        self._process.kill()
        self._process.wait()
        raise RuntimeError(f"the server did not start: {self.log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A browser without a screen: does at this server what the pages' scripts do."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests

from app.engines.transport import direct

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - replaced, not bound to
CONNECT_S, ANSWER_S = 2.0, 30.0


class AwayError(Exception):
    """Nothing answers at the server's address."""


class StrangerError(Exception):
    """What answers there does not know this server's sessions."""


class RefusedError(Exception):
    """The server refuses; the text says why, in its own words."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of an answer."""

    name: str
    data: dict[str, Any]


def own_address(settings: dict[str, Any]) -> str:
    """Where this machine reaches the server of these settings."""
    host = str(settings["HOST"])
    host = EVERYWHERE.get(host) or (f"[{host}]" if ":" in host else host)
    return f"http://{host}:{settings['PORT']}"


def answers(address: str) -> bool:
    """Whether a server is there."""
    with suppress(requests.RequestException), direct() as session:
        return session.get(f"{address}/healthz", timeout=CONNECT_S, allow_redirects=False).ok
    return False


class Visitor:
    """One signed-in browser: what it does is what the page's scripts do."""

    def __init__(self, address: str, cookie: dict[str, str], token: str, new_id: Callable[[], str]) -> None:
        self._address = address
        self._cookie = cookie
        self._headers = {"X-CSRFToken": token}
        self._new_id = new_id
        self._session = direct()

    def status(self) -> dict[str, Any]:
        """The queue, as every page sees it."""
        return self._json("/api/status")

    def models(self) -> dict[str, Any]:
        """The models that can be chosen, and the engine."""
        return self._json("/api/models")

    def new_conversation(self) -> str:
        """One that will be removed."""
        return self._new_id()

    def ask(self, conversation: str, question: str, model: str) -> Iterator[Told]:
        """Post a question and follow its answer, as the page does."""
        body = {"content": question, "model": model, "think": False, "client_id": secrets.token_hex(8)}
        path = f"/api/conversations/{conversation}/messages"
        try:
            with self._send("POST", path, json=body, stream=True) as response:
                held = b""
                for piece in response.iter_content(None):
                    *blocks, held = (held + piece).split(b"\n\n")
                    yield from filter(None, map(_told, blocks))
        except requests.RequestException as error:
            raise AwayError(self._address) from error

    def forget(self, conversation: str) -> None:
        """Stop what is being written there, and have the engine forget it; the server may be gone."""
        with suppress(AwayError, StrangerError, RefusedError), direct() as other:
            self._send("DELETE", f"/api/conversations/{conversation}", session=other).close()

    def wait_until_idle(self, patience_s: float, pause_s: float = 0.1) -> bool:
        """Whether nobody is at work or waits within so many seconds."""
        deadline = time.monotonic() + patience_s
        while (status := self.status())["running"] + status["waiting"]:
            if time.monotonic() > deadline:
                return False
            time.sleep(pause_s)
        return True

    def _json(self, path: str) -> dict[str, Any]:
        with self._send("GET", path) as response:
            try:
                found: dict[str, Any] = response.json()
            except ValueError as error:
                raise StrangerError(f"GET {path}: no JSON") from error
        return found

    def _send(
        self, method: str, path: str, session: requests.Session | None = None, **kwargs: Any
    ) -> requests.Response:
        try:
            response = (session or self._session).request(
                method,
                self._address + path,
                headers=self._headers,
                cookies=self._cookie,
                timeout=(CONNECT_S, ANSWER_S),
                allow_redirects=False,
                **kwargs,
            )
        except requests.RequestException as error:
            raise AwayError(self._address) from error
        if response.status_code in (302, 401, 403, 404, 405) or (response.status_code == 400 and method == "POST"):
            response.close()
            raise StrangerError(f"{method} {path}: {response.status_code}")
        if not response.ok:
            raise RefusedError(_detail(response))
        return response


def _told(block: bytes) -> Told | None:
    lines = dict(line.split(": ", 1) for line in block.decode(errors="replace").split("\n") if ": " in line)
    return Told(lines["event"], json.loads(lines["data"])) if "event" in lines and "data" in lines else None


def _detail(response: requests.Response) -> str:
    with response, suppress(ValueError):
        return str(response.json()["detail"])
    return f"{response.status_code} {response.reason}"

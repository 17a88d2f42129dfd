"""The real server as the browser sees it: under a name that is not localhost, on plain HTTP."""

import socket
from pathlib import Path
from typing import Any

from tests.support.processes import wait_until
from tests.support.server import RemotePerson, ServerProcess

HOST = "couach.test"
READY_S = 30.0


class Served(ServerProcess):
    """`with Served(folder, OLLAMA_HOST=…) as server:`; the browser calls `server.origin`."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        given = {"ENGINE": "ollama", "LOG_LEVEL": "warning", "THREADS": 64, **settings}
        super().__init__(folder / "instance", **{name: str(value) for name, value in given.items()})
        self.origin = f"http://{HOST}:{self.port}"

    def register(self, name: str, display_name: str = "") -> RemotePerson:
        """An account made without a browser, for tests about something else."""
        person = RemotePerson(self, name)
        answer = person.register(display_name=display_name or name.title())
        assert answer.status_code == 302, answer.text[-3000:]
        return person


def wait_for_model(person: RemotePerson) -> None:
    """Return once the default model is loaded."""
    wait_until(lambda: person.get("/api/status").json["loaded"], READY_S)


def cookies_of(person: RemotePerson) -> dict[str, str]:
    """A session to go on with in the browser."""
    return dict(person.client._session.cookies.get_dict())


def free_port() -> int:
    """A port for an engine that is started later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

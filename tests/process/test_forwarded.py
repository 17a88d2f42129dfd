"""Headers of a reverse proxy, sent by somebody who is none."""

from pathlib import Path

import requests

from tests.fakes.ollama import FakeOllama
from tests.support.server import ServerProcess

FORGED = ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl", "SCRIPT_NAME: /elsewhere")


def test_headers_of_a_proxy_that_is_not_there_change_nothing(instance: Path, ollama: FakeOllama) -> None:
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        for header in FORGED:
            name, value = header.split(": ")
            answer = requests.get(f"{server.url}/login", headers={name: value}, timeout=5)
            assert answer.status_code == 200
            assert "Secure" not in answer.headers["Set-Cookie"]

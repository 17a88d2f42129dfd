"""Headers of a reverse proxy, sent by somebody who is none, and the first account from another machine."""

import re
import signal
import stat
from pathlib import Path

import requests

from tests.fakes.ollama import FakeOllama
from tests.support.server import RemotePerson, ServerProcess
from tests.support.site import DATABASE

CODE = re.compile(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){2}\b")
FORGED = ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl", "SCRIPT_NAME: /elsewhere")


def test_headers_of_a_proxy_that_is_not_there_change_nothing(instance: Path, ollama: FakeOllama) -> None:
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        for header in FORGED:
            name, value = header.split(": ")
            answer = requests.get(f"{server.url}/login", headers={name: value}, timeout=5)
            assert answer.status_code == 200
            assert "Secure" not in answer.headers["Set-Cookie"]


def test_the_first_accounts_code_is_printed_once_and_files_are_private(instance: Path, ollama: FakeOllama) -> None:
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url, TRUSTED_PROXIES="1") as server:
        (code,) = CODE.findall(server.output)
        alice = RemotePerson(server, "alice")
        alice._headers = {"X-Forwarded-For": "192.0.2.7"}
        assert alice.register().status_code == 422
        assert alice.register(code=code).status_code == 302
        # What the server makes; the database is the test's own copy.
        made = [path for path in instance.iterdir() if path.is_file() and not path.name.startswith(DATABASE)]
        assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
        server.end(signal.SIGTERM)
        assert CODE.findall(server.start().output) == [code]

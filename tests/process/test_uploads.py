"""Files sent to a server that is killed, fills its disk or has slow clients: nothing half stored, nobody held up."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.fakes.ollama import FakeOllama
from tests.support.processes import wait_until
from tests.support.server import RemotePerson, ServerProcess
from tests.support.site import furnished

MB = 1_000_000
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="grand.bin"\r\n\r\n'


@pytest.fixture
def server(instance: Path, ollama: FakeOllama) -> Iterator[ServerProcess]:
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url, FILE_MB="250") as running:
        yield running


@pytest.fixture
def alice(server: ServerProcess) -> RemotePerson:
    made = RemotePerson(server, "alice")
    made.register()
    return made


def begun(server: ServerProcess, person: RemotePerson, size: int, sent: int) -> socket.socket:
    """A connection over which so many bytes of a body of `size` were sent, the beginning of a file."""
    # The page that has it changes the cookie.
    token = person.token
    cookies = "; ".join(f"{name}={value}" for name, value in person.client._session.cookies.items())
    head = (
        f"POST /api/files HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {cookies}\r\n"
        f"X-CSRFToken: {token}\r\nAccept: application/json\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {size}\r\n\r\n"
    )
    client = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    client.sendall(head.encode() + PART + os.urandom(sent))
    return client


def on_disk(server: ServerProcess) -> dict[str, int]:
    """What lies in the folder of files: name → bytes."""
    found = (path for path in (server.instance / "files").rglob("*") if path.is_file() and path.name != ".lock")
    return {path.name: path.stat().st_size for path in found}


def arriving(server: ServerProcess) -> list[int]:
    """The bytes that are there of files that arrive."""
    return [size for name, size in on_disk(server).items() if name.startswith(".arriving-")]


def test_what_a_client_or_a_crash_cuts_leaves_nothing(server: ServerProcess, alice: RemotePerson) -> None:
    with begun(server, alice, 20 * MB, 8 * MB):
        wait_until(lambda: arriving(server) != [] and arriving(server)[0] > 4 * MB)
    wait_until(lambda: on_disk(server) == {})
    with begun(server, alice, 20 * MB, 8 * MB):
        wait_until(lambda: arriving(server) != [])
        server.kill_worker()
    wait_until(lambda: on_disk(server) == {})
    assert "Mes fichiers" in alice.get("/settings/files").text
    assert "grand.bin" not in alice.get("/settings/files").text


@pytest.mark.slow
def test_what_was_being_read_at_a_crash_is_read_afterwards(server: ServerProcess, alice: RemotePerson) -> None:
    texts = [f"# Partie {number}\n\n" + f"Phrase {number}. " * 20_000 for number in range(8)]
    ids = [alice.attach(f"{number}.md", text.encode()).json["id"] for number, text in enumerate(texts)]
    server.kill_worker()
    for number, file in enumerate(ids):
        found = alice.read(file)
        assert (found["state"], found["error"]) == ("ready", None)
        pages = alice.api("GET", f"/files/{file}/pages?count=100").json
        assert len(pages["pages"]) == min(100, found["pages"])
        assert sum(page["text"].count(f"Phrase {number}.") for page in pages["pages"]) == 20_000
    assert len(on_disk(server)) == 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 100 MB, where this process may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "none", place], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    small_disk: Path, empty_database: Path, ollama: FakeOllama
) -> None:
    instance = furnished(small_disk / "instance", empty_database)
    with ServerProcess(instance, ENGINE="ollama", OLLAMA_HOST=ollama.url) as server:
        alice = RemotePerson(server, "alice")
        alice.register()
        with begun(server, alice, 30 * MB, 10 * MB) as client:
            wait_until(lambda: arriving(server) != [] and arriving(server)[0] > 9 * MB)
            filler = small_disk / "filler"
            filler.write_bytes(bytes(85 * MB))
            assert b"storage_full" in sent_to_its_end(client, [bytes(MB)] * 20)
        assert on_disk(server) == {}
        # There is still no room.
        refused = alice.attach("petit.txt", b"Bonjour")
        assert (refused.status_code, refused.json["code"]) == (503, "storage_full")
        filler.unlink()
        assert alice.document("petit.txt", b"Bonjour")["state"] == "ready"


def sent_to_its_end(client: socket.socket, body: Iterable[bytes]) -> bytes:
    """Send as much as the server takes; what it answers."""
    with suppress(OSError):
        for piece in body:
            client.sendall(piece)
    answer = b""
    with suppress(OSError):
        while data := client.recv(65536):
            answer += data
    return answer


def test_uploads_that_stall_hold_up_nobody(server: ServerProcess, alice: RemotePerson) -> None:
    # More than the server has threads.
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(begun(server, alice, 20 * MB, 200_000))
        wait_until(lambda: len(arriving(server)) >= 4)
        taken = []
        for _ in range(10):
            started = time.monotonic()
            assert server.answers("/login")
            taken.append(time.monotonic() - started)
        assert max(taken) < 1
        assert len(arriving(server)) == 4
        assert alice.document("petit.txt", b"Bonjour")["state"] == "ready"
    wait_until(lambda: len(on_disk(server)) == 1)


def most_memory(pid: int) -> int:
    """The most bytes that a process has had in memory."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.slow
def test_a_file_of_200_megabytes_takes_no_memory(server: ServerProcess, alice: RemotePerson) -> None:
    assert alice.document("petit.txt", b"Bonjour")["state"] == "ready"
    before = most_memory(server.worker)
    end = b"\r\n--x--\r\n"
    with begun(server, alice, len(PART) + 200 * MB + len(end), MB) as client:
        answer = sent_to_its_end(client, [*[os.urandom(MB)] * 199, end])
    assert answer.startswith(b"HTTP/1.1 201")
    file = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert file["size"] == 200 * MB
    assert alice.read(file["id"])["state"] == "failed"
    assert most_memory(server.worker) - before < 20 * MB


def test_a_stop_ends_what_is_read(server: ServerProcess, alice: RemotePerson) -> None:
    alice.attach("long.md", b"Phrase. " * 500_000)
    started = time.monotonic()
    server.end(signal.SIGTERM)
    assert time.monotonic() - started < 8

"""An engine behind HTTPS: its answers come as any others, and one that nobody vouches for is not talked to."""

import socket
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import certifi
import pytest

from app.engines.base import Cancel, Text
from app.engines.ollama import OllamaStream
from app.engines.transport import EngineHttpClient
from app.errors import AppError

# For « localhost », signed by itself.
TLS = Path(__file__).parents[1] / "samples" / "tls"
ANSWER = (
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    b'{"message": {"content": "Bonjour"}}\n{"message": {"content": " !"}}\n{"done": true, "done_reason": "stop"}\n'
)


def refused(_status: int, _error: object) -> AppError:
    return AppError("engine_refused")


@pytest.fixture
def engine() -> Iterator[str]:
    """The address of an engine that answers once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    received = b""
                    while b"{}" not in received:
                        received += connection.recv(4096)
                    connection.sendall(ANSWER)
            except ssl.SSLError:
                plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}/api/chat"
        thread.join()


def test_an_answer(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certifi, "where", lambda: str(TLS / "certificate.pem"))
    exchanges = EngineHttpClient("Ollama", read_timeout_s=10)
    with exchanges.post(engine, {}, Cancel(), refused=refused) as response:
        events = list(exchanges.events(response, OllamaStream(partial(refused, 200)).read, Cancel()))
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Bonjour !"


def test_an_engine_that_nobody_vouches_for(engine: str) -> None:
    exchanges = EngineHttpClient("Ollama", read_timeout_s=10)
    with pytest.raises(AppError) as failure, exchanges.post(engine, {}, Cancel(), refused=refused):
        pass
    assert failure.value.code == "engine_unreachable"
    assert "certificate" in failure.value.cause

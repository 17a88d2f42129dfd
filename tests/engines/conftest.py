"""The engines under test: each with what it talks to, a stand-in or the real llama.cpp."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from app.engines.base import Engine
from app.engines.embedded import Embedded
from app.engines.gguf import missing_part
from app.engines.ollama import Ollama
from app.engines.openai_compatible import OpenAICompatible
from app.engines.supervisor import Supervisor
from app.errors import AppError
from tests.fakes.engine import FakeEngine
from tests.fakes.ollama import FakeOllama
from tests.fakes.openai_server import FakeOpenAI

STAND_INS = ("ollama", "llama-server", "other-vendor")
REAL = "llama.cpp"
REAL_CONTEXT = 2048


@dataclass(frozen=True)
class Subject:
    """An engine, a model of it, and the stand-in behind it (None: the real thing)."""

    kind: str
    engine: Engine
    model: str
    fake: FakeEngine | None = None

    @property
    def behind(self) -> FakeEngine:
        """The stand-in, where there must be one."""
        assert self.fake is not None
        return self.fake


def stand_in(kind: str, stack: ExitStack, **habits: Any) -> Subject:
    """An engine on a fresh stand-in; the habits are those of the stand-in."""
    if kind == "ollama":
        ollama = stack.enter_context(FakeOllama(**habits))
        return Subject(kind, Ollama(ollama.url), "phi3:mini", ollama)
    server = stack.enter_context(FakeOpenAI(bare=kind == "other-vendor", **habits))
    return Subject(kind, OpenAICompatible(server.url), "smollm2", server)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes at the end what a test opens on its way."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture(params=STAND_INS)
def faked(request: pytest.FixtureRequest, stack: ExitStack) -> Subject:
    """Each engine on its stand-in."""
    return stand_in(request.param, stack)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """llama.cpp itself with SmolLM2, run as the server's master runs it."""
    instance = str(tmp_path_factory.mktemp("instance"))
    settings = {
        "EMBEDDED_MODEL": "", "ENGINE_SLOTS": 1, "CONTEXT_TOKENS": REAL_CONTEXT, "CACHE_RAM_MB": 64,
        "CACHE_DISK_MB": 64, "ENGINE_THREADS": 1, "INSTANCE_DIR": instance,
    }  # fmt: skip
    assert not missing_part(settings), missing_part(settings)
    supervisor = Supervisor(settings)
    supervisor.start()
    try:
        engine = Embedded(instance)
        await_listening(engine)
        engine.warm("smollm2:135m")
        yield Subject(REAL, engine, "smollm2:135m")
    finally:
        supervisor.stop()


@pytest.fixture(params=(*STAND_INS, REAL))
def subject(request: pytest.FixtureRequest, stack: ExitStack) -> Subject:
    """Every engine there is."""
    if request.param == REAL:
        found: Subject = request.getfixturevalue("real")
        return found
    return stand_in(request.param, stack)


@pytest.fixture
def closed_port() -> str:
    """A URL that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def mute() -> Iterator[str]:
    """A URL where connections are accepted by the kernel and nobody ever answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def black_hole(stack: ExitStack) -> str:
    """A URL whose queue of connections is full: packets to it are dropped, as by a machine that is off."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(2):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def await_listening(engine: Embedded, timeout: float = 20) -> None:
    """Wait until the child accepts connections, a second or so after its start."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            engine.loaded()
        except AppError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def real_slots_busy(subject: Subject) -> bool:
    """Whether the real llama.cpp computes anything now."""
    engine = subject.engine
    assert isinstance(engine, Embedded)
    slots = requests.get(f"{engine.url}/slots", headers=engine._headers(), timeout=10).json()
    return any(slot["is_processing"] for slot in slots)

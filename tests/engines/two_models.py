"""The real llama.cpp with the demonstration model under two names, of which one is in memory at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engines.base import Loading
from app.engines.embedded import Embedded
from app.engines.supervisor import Supervisor
from tests.engines.conftest import await_listening
from tests.engines.gguf_files import demonstration
from tests.engines.listening import answer, done, question, text_of

OWN_CONTEXT = 1024


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration model under two names, in the folder of an instance."""
    made = tmp_path_factory.mktemp("instance")
    (made / "models").mkdir()
    for name in ("petit", "grand"):
        (made / "models" / f"{name}.gguf").symlink_to(demonstration())
    return made


@pytest.fixture(scope="module")
def supervisor(instance: Path) -> Iterator[Supervisor]:
    made = Supervisor({
        "EMBEDDED_MODEL": str(instance / "models"), "ENGINE_SLOTS": 1, "CONTEXT_TOKENS": OWN_CONTEXT,
        "CACHE_RAM_MB": 0, "CACHE_DISK_MB": 256, "ENGINE_THREADS": 1, "INSTANCE_DIR": str(instance),
    }, first="petit")  # fmt: skip
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engine(instance: Path, supervisor: Supervisor) -> Embedded:
    """The engine with the first model loaded."""
    made = Embedded(str(instance), read_timeout_s=60)
    await_listening(made)
    made.warm("petit")
    return made


def loading_of(engine: Embedded, model: str, **options: int) -> list[bool]:
    """What was told of the loading before an answer: whether the model was there."""
    events = answer(engine, question(model, max_tokens=4, **options))
    assert text_of(events)
    assert done(events).usage.output_tokens
    return [event.loaded for event in events if isinstance(event, Loading)]

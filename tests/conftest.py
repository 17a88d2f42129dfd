"""Fixtures of all kinds of tests: an empty migrated database, a stand-in engine, a site, people."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from app.chat.imports import reader_process
from tests.fakes.ollama import FakeOllama
from tests.support.apart import alone, missing_sandbox
from tests.support.person import Person
from tests.support.program import Program, token_of
from tests.support.site import Site, furnished, migrated

# The same examples each time, however slow the machine is.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_xdist_auto_num_workers() -> int:
    """How many tests run at a time with `-n auto`: they wait for a third of their time."""
    return min(8, 3 * len(os.sched_getaffinity(0)) // 2)


@pytest.fixture(autouse=True)
def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of the tests marked `sandbox`, one at a time, and none where bubblewrap does not work."""
    if request.node.get_closest_marker("sandbox") is None:
        yield
        return
    if reason := missing_sandbox():
        pytest.skip(reason)
    # The parent is the same for all worker processes.
    with alone(tmp_path_factory.getbasetemp().parent / "sandbox.lock"):
        yield


@pytest.fixture(autouse=True)
def quick_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read imported files in this process: another one takes a second to start."""
    monkeypatch.setattr(reader_process, "run", reader_process.answer)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and no rows, made once and copied for each test."""
    return migrated(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The application with the default settings, made once and renewed for each test: making it takes 0.1 s."""
    return Site(tmp_path_factory.mktemp("shared") / "instance")


@pytest.fixture
def instance(shared_site: Site, empty_database: Path) -> Path:
    """An instance folder with an empty database."""
    return furnished(Path(shared_site.settings["INSTANCE_DIR"]), empty_database)


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A stand-in Ollama with two models that chat, one of which thinks, and one that does not chat."""
    with FakeOllama() as running:
        yield running


@pytest.fixture
def make_site(instance: Path, ollama: FakeOllama, shared_site: Site) -> Iterator[Callable[..., Site]]:
    """Make sites, with settings by name; at the end of the test they stop, before the stand-in does.

    The first one with the default settings is the shared application, all others have one of their own.
    """
    made: list[Site] = []
    with ExitStack() as stack:

        def make(**settings: Any) -> Site:
            host = settings.get("OLLAMA_HOST", ollama.url)
            if settings.keys() <= {"OLLAMA_HOST"} and shared_site not in made:
                site = shared_site.renew(host)
            else:
                site = Site(instance, **settings | {"OLLAMA_HOST": host})
            made.append(site)
            stack.callback(site.stop)
            return site

        yield make


@pytest.fixture
def site(make_site: Callable[..., Site], ollama: FakeOllama) -> Site:
    """A site whose engine is the stand-in, with the default model loaded."""
    return make_site().start(ollama)


@pytest.fixture
def person(site: Site) -> Callable[[str], Person]:
    """Make people with an account, signed in; the first one is the administrator."""

    def make(name: str) -> Person:
        made = Person(site.app, name)
        answer = made.register()
        assert answer.status_code == 302, answer.text
        return made

    return make


@pytest.fixture
def alice(person: Callable[[str], Person]) -> Person:
    """The first account."""
    return person("alice")


@pytest.fixture
def bob(alice: Person, person: Callable[[str], Person]) -> Person:
    """The second account."""
    return person("bob")


@pytest.fixture
def program(alice: Person) -> Program:
    """A program of Alice's, with her token."""
    return Program(alice.app, token_of(alice))

"""The comparison with the terminal on a server that runs: from the command, from the page, and how it gives way."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.diagnostics import comparison
from app.diagnostics.client import MARK, NotComparedError, first_administrator
from app.diagnostics.comparison import MORE_PAIRS, SPARE_PAIRS, Comparison, compare_here
from app.models import Conversation, LoginSession
from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.processes import wait_until
from tests.support.server import ROOT, RemotePerson, ServerProcess
from tests.support.site import SECRET, Site, furnished


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    """An engine whose answers take a moment."""
    with FakeOllama(tokens_per_second=200) as running:
        yield running


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    return furnished(tmp_path_factory.mktemp("doctor") / "instance", empty_database)


@pytest.fixture(scope="module")
def server(instance: Path, ollama: FakeOllama) -> Iterator[ServerProcess]:
    settings = {"ENGINE": "ollama", "OLLAMA_HOST": ollama.url, "SECRET_KEY": SECRET, "DEFAULT_LOCALE": "en"}
    settings["ENGINE_THREADS"] = "1"
    with ServerProcess(instance, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def alice(server: ServerProcess) -> RemotePerson:
    """The administrator; the default model is loaded."""
    person = RemotePerson(server, "alice")
    assert person.register().status_code == 302
    wait_until(lambda: person.get("/api/status").json["loaded"])
    return person


@pytest.fixture(scope="module")
def site(instance: Path, ollama: FakeOllama, alice: RemotePerson) -> Iterator[Site]:
    """The same settings and rows in this process, as the command has them."""
    made = Site(instance, OLLAMA_HOST=ollama.url, DEFAULT_LOCALE="en", ENGINE_THREADS=1)
    yield made
    made.stop()


def doctor(server: ServerProcess, *words: str, **shell: str) -> subprocess.CompletedProcess[str]:
    return flask(server, "doctor", *words, **shell)


def flask(server: ServerProcess, *words: str, **shell: str) -> subprocess.CompletedProcess[str]:
    """A command, in a shell whose settings are the server's but for these."""
    return subprocess.run(
        [Path(sys.executable).with_name("flask"), *words],
        cwd=ROOT,
        env={**os.environ, **server.settings, **shell},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_commands_ask_the_servers_engine_with_the_servers_options(
    server: ServerProcess, alice: RemotePerson, ollama: FakeOllama
) -> None:
    loads = len(ollama.loads)
    shell = {"ENGINE": "auto", "OLLAMA_HOST": "127.0.0.1:9", "ENGINE_THREADS": "", "CONTEXT_TOKENS": "2048"}
    result = flask(server, "models", "warm", **shell, MAX_OUTPUT_TOKENS="512")
    assert result.returncode == 0, result.stderr
    assert len(ollama.loads) == loads
    assert "phi3:mini is loaded" in result.stdout
    # Whoever names another engine means it.
    assert (
        "llama-server does not answer"
        in flask(server, "models", "list", ENGINE="openai", OPENAI_BASE_URL="http://127.0.0.1:9").stderr
    )


def nothing_left(site: Site) -> bool:
    """No conversation and no session but the person's own."""
    with site.rows() as rows:
        ours = rows.query(Conversation).filter(Conversation.id.startswith(MARK)).count()
        return (ours, rows.query(LoginSession).count()) == (0, 1)


def test_the_command_uses_the_settings_of_the_server_that_runs(server: ServerProcess, alice: RemotePerson) -> None:
    other = doctor(server, "--quick", PORT="1", ENGINE="auto", OLLAMA_HOST="127.0.0.1:1", ENGINE_THREADS="7")
    assert f"It answers at {server.url}" in other.stdout, other.stderr
    assert "Ollama answers, phi3:mini is loaded." in other.stdout


@pytest.mark.slow
def test_the_command_compares_and_leaves_nothing_behind(
    server: ServerProcess, site: Site, alice: RemotePerson, ollama: FakeOllama
) -> None:
    before = len(ollama.received("/api/chat"))
    result = doctor(server)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("✓ Server "), result.stderr
    # Whether it is as quick is for this machine to say; that both ways were gone is not.
    assert any("Same as the terminal" in line and "with phi3:mini: total time" in line for line in lines)
    assert "Through the pages" in result.stdout
    assert result.returncode == ("✗" in result.stdout)
    assert nothing_left(site)
    first, *rest = ollama.received("/api/chat")[before:]
    assert len(rest) == 2 * MORE_PAIRS
    # Both ways send the same but for the number.
    for direct, web in zip(rest[::2], rest[1::2], strict=True):
        assert direct["options"].pop("num_predict") <= web["options"].pop("num_predict")
        numbers = {body["messages"][-1].pop("content").partition(".")[0] for body in (direct, web)}
        assert (len(numbers), direct) == (2, web)
    assert first["model"] == "phi3:mini"
    assert doctor(server, "--quick").returncode == 0
    assert len(ollama.received("/api/chat")) == before + 19


@pytest.mark.slow
def test_the_page_compares_in_the_background(server: ServerProcess, site: Site, alice: RemotePerson) -> None:
    # The redirect would make the page, which is of no interest here.
    alice.submit("/admin/doctor/comparison", {})
    seen = []

    def over() -> bool:
        seen.append(alice.get("/admin/doctor/comparison").json)
        return seen[-1]["state"] == "over"

    wait_until(over, 40)
    assert [found["state"] for found in seen[:-1]] == ["running"] * (len(seen) - 1)
    steps = [found["step"] for found in seen[:-1]]
    assert steps == sorted(steps)
    assert [len(row) for row in seen[-1]["rows"]] == [4, 4, 4], seen[-1]["finding"]
    assert seen[-1]["finding"]["sentence"] in alice.get("/admin/doctor").text
    assert nothing_left(site)


def asked(server: ServerProcess, site: Site) -> Comparison | NotComparedError:
    """A comparison from this process."""
    site.app.config.update(HOST="127.0.0.1", PORT=server.port)
    with site.app.app_context():
        user_id = first_administrator()
        assert user_id is not None
        try:
            return compare_here(site.app, user_id, lambda _progress: None)
        except NotComparedError as error:
            return error


def test_whoever_asks_meanwhile_comes_first(
    server: ServerProcess, site: Site, alice: RemotePerson, ollama: FakeOllama
) -> None:
    nth = len(ollama.generations)
    ollama.script(Scenario.hold(after=2))
    results: list[Comparison | NotComparedError] = []
    thread = threading.Thread(target=lambda: results.append(asked(server, site)))
    thread.start()
    ollama.reached(Phase.DECODING, nth, timeout=20)
    stream = alice.ask(alice.start(), "Bonjour").end()
    thread.join(20)
    assert stream.data("done")["status"] == "done"
    assert ollama.generations[nth].outcome == Outcome.CANCELLED
    (result,) = results
    assert isinstance(result, NotComparedError)
    assert result.code == "crowded"
    assert nothing_left(site)


def test_our_own_question_gives_way_too(
    server: ServerProcess, site: Site, alice: RemotePerson, ollama: FakeOllama
) -> None:
    nth = len(ollama.generations) + 2
    ollama.script(Scenario.answer(), Scenario.answer(), Scenario.hold(after=2))
    results: list[Comparison | NotComparedError] = []
    thread = threading.Thread(target=lambda: results.append(asked(server, site)))
    thread.start()
    ollama.reached(Phase.DECODING, nth, timeout=20)
    stream = alice.ask(alice.start(), "Bonjour").end()
    thread.join(20)
    assert stream.data("done")["status"] == "done"
    assert ollama.generations[nth].outcome == Outcome.CANCELLED
    assert [result.code for result in results if isinstance(result, NotComparedError)] == ["crowded"]
    assert nothing_left(site)


def test_a_busy_server_is_not_disturbed(
    server: ServerProcess, site: Site, alice: RemotePerson, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MAX_IDLE_WAIT_S", 0)
    before = len(ollama.generations)
    ollama.script(Scenario.hold(after=2))
    stream = alice.ask(alice.start(), "Bonjour")
    stream.until("text")
    result = asked(server, site)
    assert isinstance(result, NotComparedError)
    assert result.code == "busy"
    assert len(ollama.generations) == before + 1
    ollama.release()
    assert stream.end().data("done")["status"] == "done"


def test_answers_too_short_and_failures_are_told(
    server: ServerProcess, site: Site, alice: RemotePerson, ollama: FakeOllama
) -> None:
    ollama.script(*[Scenario.answer("Non.")] * (1 + 2 * (MORE_PAIRS + SPARE_PAIRS)))
    result = asked(server, site)
    assert isinstance(result, NotComparedError)
    assert result.code == "short"
    ollama.script(*[Scenario.answer()] * 2, Scenario.mid_stream_error(3))
    result = asked(server, site)
    assert isinstance(result, NotComparedError)
    assert (result.code, "Ollama" in result.detail) == ("refused", True)
    ollama.script(Scenario.cut(3))
    result = asked(server, site)
    assert isinstance(result, NotComparedError)
    assert (result.code, bool(result.detail)) == ("engine", True)
    assert nothing_left(site)


def test_another_secret_is_another_server(server: ServerProcess, instance: Path, alice: RemotePerson) -> None:
    other = Site(instance, SECRET_KEY="something else, of 32 characters", OLLAMA_HOST="127.0.0.1:9")
    result = asked(server, other)
    other.stop()
    assert isinstance(result, NotComparedError)
    assert result.code == "stranger"

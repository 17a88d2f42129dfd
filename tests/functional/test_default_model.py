"""The default model stays in memory: loaded again after a restart or an unload, but never against people's choice.

And a question that comes before the engine has told its models waits for it.
"""

import threading
import time
from collections.abc import Callable

from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.ollama_library import FakeModel
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scenario import Scenario
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.program import Program, token_of
from tests.support.site import Site

MODEL = "phi3:mini"


def look(site: Site) -> None:
    """Have the engine looked at, twice, so that the first look is over."""
    for _ in range(2):
        begun = time.monotonic()
        site.generation.models_changed()
        wait_until(lambda begun=begun: site.generation.registry._polled > begun)


def loads(ollama: FakeOllama) -> list[str]:
    return [load.model for load in ollama.loads]


def test_it_is_loaded_again_after_an_unload_by_others(site: Site, ollama: FakeOllama) -> None:
    ollama.unload_all()
    site.generation.models_changed()
    ollama.wait_until(lambda: loads(ollama) == [MODEL, MODEL])
    wait_until(lambda: MODEL in site.generation.registry.loaded)


def test_it_is_not_fought_over_with_another_program(site: Site, ollama: FakeOllama) -> None:
    for expected in ([MODEL, MODEL], [MODEL, MODEL]):
        ollama.unload_all()
        look(site)
        assert loads(ollama) == expected


def test_it_is_loaded_again_after_a_restart_that_no_look_has_seen(make_site: Callable[..., Site]) -> None:
    with FakeOllama() as first:
        site = make_site(OLLAMA_HOST=first.url).start(first)
        port = first.port
    with FakeOllama(port=port) as second:
        site.generation.models_changed()
        second.wait_until(lambda: loads(second) == [MODEL])


def test_the_model_that_somebody_chose_instead_stays(make_site: Callable[..., Site]) -> None:
    with FakeOllama(max_loaded=1) as ollama:
        site = make_site(OLLAMA_HOST=ollama.url).start(ollama)
        alice = Person(site.app)
        alice.register("alice")
        alice.ask(alice.start(), "Bonjour", model="deepseek-r1:1.5b").end()
        look(site)
        assert loads(ollama) == [MODEL, "deepseek-r1:1.5b"]


def test_a_model_that_is_to_leave_the_memory_after_a_while_may(
    make_site: Callable[..., Site], ollama: FakeOllama
) -> None:
    site = make_site(KEEP_ALIVE=25).start(ollama)
    ollama.unload_all()
    look(site)
    assert loads(ollama) == [MODEL]


def test_nothing_is_loaded_while_models_are_measured(site: Site, ollama: FakeOllama) -> None:
    with site.generation.registry.without_preloading():
        ollama.unload_all()
        look(site)
        assert loads(ollama) == [MODEL]
    site.generation.models_changed()
    ollama.wait_until(lambda: loads(ollama) == [MODEL, MODEL])


def test_a_default_that_cannot_be_loaded_is_not_tried_at_every_look(make_site: Callable[..., Site]) -> None:
    with FakeOllama([FakeModel(MODEL, load_error="unable to load model")]) as ollama:
        site = make_site(OLLAMA_HOST=ollama.url).start()
        ollama.wait_until(lambda: len(ollama.received("/api/generate")) == 1)
        look(site)
        assert len(ollama.received("/api/generate")) == 1
        # A new version of it may fit.
        ollama._library[MODEL] = FakeModel(MODEL, size=2_000_000_000)
        site.generation.models_changed()
        ollama.wait_until(lambda: loads(ollama) == [MODEL])


def test_an_engine_that_a_run_found_dead_is_seen_to_be_at_once(make_site: Callable[..., Site]) -> None:
    with FakeOllama() as ollama:
        site = make_site(OLLAMA_HOST=ollama.url).start(ollama)
        alice = Person(site.app)
        alice.register("alice")
        ollama.script(Scenario.endless())
        stream = alice.ask(alice.start(), "Bonjour")
        ollama.reached(Phase.DECODING)
    assert stream.end().data("done")["error"]["code"] == "engine_cut"
    wait_until(lambda: alice.get("/api/status").json["state"] == "down", 8)


def test_a_question_before_the_first_look_is_answered_by_the_model_that_is_there(
    make_site: Callable[..., Site],
) -> None:
    with FakeOllama(["mistral"]) as ollama:
        site = make_site(OLLAMA_HOST=ollama.url)
        alice = Person(site.app)
        alice.register("alice")
        conversation = alice.start()
        stream = alice.ask(conversation, "Bonjour")
        assert stream.until("loading").data["model"] == "mistral:latest"
        assert stream.end().data("done")["status"] == "done"
        assert alice.messages(conversation)[1]["model"] == "mistral:latest"
        assert alice.ask(conversation, "Encore").end().data("done")["status"] == "done"


def test_a_question_waits_for_a_server_that_loads_its_model(make_site: Callable[..., Site]) -> None:
    with FakeOpenAI() as server:
        server.ready = False
        alice = Person(make_site(ENGINE="openai", OPENAI_BASE_URL=server.url).app)
        alice.register("alice")
        stream = alice.ask(alice.start(), "Bonjour")
        stream.until("loading")
        server.ready = True
        stream.until("loading", lambda told: told["model"] == "smollm2")
        assert stream.end().data("done")["status"] == "done"


def test_a_programs_question_waits_too(make_site: Callable[..., Site]) -> None:
    with FakeOpenAI() as server:
        server.ready = False
        alice = Person(make_site(ENGINE="openai", OPENAI_BASE_URL=server.url).app)
        alice.register("alice")
        token = token_of(alice)

        def get_ready() -> None:
            server.wait_until(lambda: len(server.requests) > 0)
            server.ready = True

        loading = threading.Thread(target=get_ready)
        loading.start()
        assert Program(alice.app, token).stream().end().text()
        loading.join()

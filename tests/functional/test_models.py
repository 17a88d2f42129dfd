"""Which models there are, which is the default, and who decides: setting, administrator, what is installed."""

import socket
import time
from collections.abc import Callable

import pytest

from app.generation.model_registry import RETRY_S
from app.models import StoredSetting
from tests.fakes.ollama import FakeOllama
from tests.support.person import Person, problem
from tests.support.processes import wait_until
from tests.support.program import Program, refusal
from tests.support.site import Site


@pytest.fixture
def without_phi3() -> FakeOllama:
    """An engine that lacks the default model."""
    return FakeOllama(["mistral", "deepseek-r1:1.5b"])


def test_the_models_that_can_be_chosen(alice: Person) -> None:
    models = alice.get("/api/models").json
    assert (models["default"], models["effective"], models["notice"]) == ("phi3:mini", "phi3:mini", None)
    assert models["engine"] == {"name": "ollama", "label": "Ollama", "reachable": True, "demo": False}
    found = {model["name"]: model for model in models["models"]}
    assert set(found) == {"phi3:mini", "deepseek-r1:1.5b"}
    assert set(found["phi3:mini"]) == {
        "name", "label", "description", "size_bytes", "ram_bytes", "thinking", "loaded", "context",
        "document_tokens", "reading_pace", "proven", "image_tokens",
    }  # fmt: skip
    assert (found["phi3:mini"]["loaded"], found["phi3:mini"]["thinking"]) == (True, False)
    assert (found["deepseek-r1:1.5b"]["loaded"], found["deepseek-r1:1.5b"]["thinking"]) == (False, True)
    assert found["phi3:mini"]["size_bytes"] == 2_176_178_913


def test_a_default_that_is_not_installed_is_replaced_and_everyone_sees_it(
    make_site: Callable[..., Site], without_phi3: FakeOllama
) -> None:
    with without_phi3 as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url).start(ollama).app)
        alice.register("alice")
        models = alice.get("/api/models").json
        assert (models["default"], models["effective"]) == ("phi3:mini", "mistral:latest")
        assert "phi3:mini" in models["notice"]
        assert "mistral" in models["notice"]
        conversation = alice.start()
        assert alice.ask(conversation, "Bonjour").end().data("done")["status"] == "done"
        assert alice.messages(conversation)[1]["model"] == "mistral:latest"
        assert "flask models pull phi3:mini" in alice.get("/admin/models").text


def test_the_administrator_chooses_the_default(alice: Person, bob: Person, ollama: FakeOllama) -> None:
    answer = alice.submit("/admin/models/default", {"name": "deepseek-r1:1.5b"})
    assert answer.headers["Location"] == "/admin/models"
    assert "deepseek-r1:1.5b" in alice.get("/admin/models").text
    assert bob.get("/api/models").json["default"] == "deepseek-r1:1.5b"
    conversation = bob.start()
    bob.ask(conversation, "Bonjour").end()
    assert bob.messages(conversation)[1]["model"] == "deepseek-r1:1.5b"
    ollama.wait_until(lambda: "deepseek-r1:1.5b" in {load.model for load in ollama.loads})


def test_a_model_that_had_to_leave_the_memory_is_not_said_to_be_loaded(make_site: Callable[..., Site]) -> None:
    with FakeOllama(max_loaded=1) as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url).start(ollama).app)
        alice.register("alice")
        alice.ask(alice.start(), "Bonjour", model="deepseek-r1:1.5b").end()

        def loaded() -> set[str]:
            return {model["name"] for model in alice.get("/api/models").json["models"] if model["loaded"]}

        # At once, not at the next look of the clock.
        wait_until(lambda: loaded() == {"deepseek-r1:1.5b"})


def test_only_the_administrator_does(site: Site, alice: Person, bob: Person) -> None:
    assert bob.submit("/admin/models/default", {"name": "deepseek-r1:1.5b"}).status_code == 403
    visitor = Person(site.app)
    assert visitor.submit("/admin/models/default", {"name": "phi3:mini"}).headers["Location"] == "/login"
    assert alice.get("/api/models").json["default"] == "phi3:mini"


@pytest.mark.parametrize("name", ["", "inconnu", "nomic-embed-text"])
def test_a_default_that_cannot_be_is_refused(site: Site, alice: Person, name: str) -> None:
    assert alice.submit("/admin/models/default", {"name": name}).status_code == 422
    with site.rows():
        assert StoredSetting.get("default_model") == ""


def test_the_environment_wins_over_the_administrator(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site(DEFAULT_MODEL="deepseek-r1:1.5b").start(ollama).app)
    alice.register("alice")
    assert alice.submit("/admin/models/default", {"name": "phi3:mini"}).status_code == 403
    page = alice.get("/admin/models").text
    assert "DEFAULT_MODEL" in page
    assert alice.get("/api/models").json["effective"] == "deepseek-r1:1.5b"


def test_the_administrator_sees_which_engine_and_why(alice: Person, ollama: FakeOllama) -> None:
    page = alice.get("/admin/models").text
    for words in ("Ollama", ollama.url, "ENGINE=ollama", "phi3:mini", "2,2\u202fGo", "flask models pull mistral"):
        assert words in page


def test_the_page_of_an_engine_that_is_away_says_so(make_site: Callable[..., Site]) -> None:
    for settings in ({"OLLAMA_HOST": "127.0.0.1:9"}, {"ENGINE": "embedded"}):
        site = make_site(**settings)
        site.generation.registry.refresh()
        admin = Person(site.app, "alice")
        if admin.register().status_code == 422:
            admin.sign_in()
        page = admin.get("/admin/models")
        assert page.status_code == 200
        assert "Ne répond pas" in page.text
        assert admin.get("/").status_code == 200
        models = admin.get("/api/models").json
        assert (models["engine"]["reachable"], models["models"]) == (False, [])


def test_a_model_without_tag_means_the_latest(make_site: Callable[..., Site], without_phi3: FakeOllama) -> None:
    with without_phi3 as ollama:
        alice = Person(make_site(OLLAMA_HOST=ollama.url).start(ollama).app)
        alice.register("alice")
        assert alice.api("POST", "/conversations", {"model": "mistral"}).json["model"] == "mistral:latest"


def test_a_model_that_is_removed_is_refused_after_a_look(alice: Person, ollama: FakeOllama, site: Site) -> None:
    conversation = alice.start()
    alice.ask(conversation, "Un", model="deepseek-r1:1.5b").end()
    del ollama._library["deepseek-r1:1.5b"]
    site.generation.registry.refresh()
    time.sleep(RETRY_S)
    assert problem(alice.post(conversation, "Deux")) == (422, "unknown_model")
    assert alice.ask(conversation, "Deux", model="phi3:mini").end().data("done")["status"] == "done"


def test_a_model_that_was_installed_just_now_answers_the_first_question(alice: Person, site: Site) -> None:
    for _ in site.generation.engine.pull("mistral"):
        pass
    time.sleep(RETRY_S)
    conversation = alice.start()
    assert alice.ask(conversation, "Bonjour", model="mistral").end().data("done")["status"] == "done"
    assert alice.ask(conversation, "Encore").end().data("done")["status"] == "done"
    assert alice.messages(conversation)[3]["model"] == "mistral:latest"


def test_a_name_that_no_look_has_found_is_looked_for_by_its_answer(alice: Person, ollama: FakeOllama) -> None:
    time.sleep(RETRY_S)
    error = alice.ask(alice.start(), "Bonjour", model="inconnu").end().data("done")["error"]
    assert error["code"] == "unknown_model"
    assert "inconnu" in error["message"]
    assert ollama.received("/api/chat") == []


@pytest.mark.parametrize("stream", [True, False])
def test_a_name_that_no_look_has_found_is_looked_for_by_the_api(
    program: Program, ollama: FakeOllama, stream: bool
) -> None:
    time.sleep(RETRY_S)
    assert refusal(program.ask(model="inconnu", stream=stream)) == (404, "model_not_found", "model")
    assert ollama.received("/api/chat") == []


@pytest.mark.parametrize("model", [None, "inconnu"])
def test_no_request_waits_for_an_engine_that_is_mute(make_site: Callable[..., Site], model: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        alice = Person(make_site(OLLAMA_HOST=f"127.0.0.1:{mute.getsockname()[1]}", ENGINE_TIMEOUT=1).start().app)
        alice.register("alice")
        conversation = alice.start()
        started = time.monotonic()
        asking = alice.ask(conversation, "Bonjour", model=model)
        asking.until("accepted")
        assert alice.get("/api/models").json["engine"]["reachable"] is False
        assert alice.get("/api/status").json["state"] == "down"
        assert time.monotonic() - started < 0.5
        assert asking.end().data("done")["error"]["code"] == "engine_unreachable"

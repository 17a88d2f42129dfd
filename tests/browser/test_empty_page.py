"""The page before the first question: office tasks that fill the composer, the machine's state, what to expect."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.visitor import Visitor
from tests.fakes.ollama import FakeOllama
from tests.support.processes import wait_until


@pytest.mark.screen("desk", "phone")
def test_tasks_fill_the_composer_and_send_nothing(alice: Visitor) -> None:
    page = alice.page
    tasks = page.locator(".suggest")
    expect(tasks).to_have_count(4)
    tasks.first.focus()
    page.keyboard.press("Enter")
    expect(alice.here.message).to_have_value(re.compile(r"\w+"))
    expect(alice.here.message).to_be_focused()
    expect(alice.here.questions).to_have_count(0)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.slow
def test_the_machine_s_state_and_the_time_to_expect(visit: Visitors, engine: FakeOllama, tmp_path: Path) -> None:
    with Served(tmp_path, OLLAMA_HOST=engine.url) as server:
        captain = server.register("capitaine")
        wait_for_model(captain)
        nadia = visit(server, "nadia")
        machine = nadia.here.open().page.locator(".machine")
        expect(machine).to_contain_text("Serveur calme, personne en file", use_inner_text=True)
        expect(machine).to_contain_text("phi3:mini est prêt", use_inner_text=True)
        # Nothing was answered on this server yet: nothing is promised.
        expect(machine).not_to_contain_text("une réponse prend")
        nadia.here.ask("Combien de temps ?")
        nadia.here.finished()
        wait_until(lambda: captain.get("/api/status").json["usual_s"] is not None)
        machine = nadia.here.open().page.locator(".machine")
        expect(machine).to_contain_text(re.compile("phi3:mini est prêt, une réponse prend environ \\d+\u202fs"))
        nadia.context.close()


@pytest.mark.screen("desk", "phone")
def test_what_fits_has_no_scrollbar(visit: Visitors, server: Served, alice: Visitor) -> None:
    stranger = visit(server)
    for visitor, path in ((alice, "/"), (alice, "/bin"), (stranger, "/login")):
        page = visitor.here.open(path).page
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), path

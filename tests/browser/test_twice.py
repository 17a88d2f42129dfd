"""Clicks that come twice, and a session that ends under an open page."""

import re

import pytest
from playwright.sync_api import Request, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.visitor import Visitor
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.server import RemotePerson

# Which of two clicks made together were kept from sending the form.
TWO_CLICKS = """button => {
  const prevented = [];
  addEventListener("submit", (event) => prevented.push(event.defaultPrevented));
  button.click();
  button.click();
  return prevented;
}"""


def test_a_form_on_its_way_is_not_sent_again(alice: Visitor) -> None:
    page = alice.here.open("/settings").page
    page.get_by_label("Nom du nouveau jeton").fill("Tableur")
    assert page.get_by_role("button", name="Créer un jeton").evaluate(TWO_CLICKS) == [False, True]
    expect(page.get_by_text("Votre jeton est créé.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("row", name="Tableur")).to_have_count(1)
    expect(page.get_by_text("Votre jeton est créé.")).to_have_count(0)


def test_two_clicks_on_an_end_lead_to_the_list(alice: Visitor) -> None:
    page = alice.here.open("/settings").page
    page.get_by_label("Nom du nouveau jeton").fill("Tableur")
    page.get_by_role("button", name="Créer un jeton").click()
    page.get_by_role("button", name="Révoquer Tableur").click()
    page.get_by_role("dialog").get_by_role("button", name="Révoquer").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jetons personnels")
    expect(page.get_by_role("row", name="Tableur")).to_have_count(0)


@pytest.mark.screen("desk", "phone")
def test_two_clicks_in_a_menu_do_not_reach_what_is_below_it(alice: Visitor) -> None:
    chat = alice.here
    for title in ("La plus ancienne", "La plus récente"):
        chat.open()
        chat.ask(title)
        chat.finished()
    path = chat.path
    chat.show_sidebar()
    chat.items.first.hover()
    chat.button("Actions", chat.items.first).click()
    # It lies over the other conversation.
    chat.page.get_by_role("menuitem", name="Renommer").dblclick()
    expect(chat.sidebar.get_by_role("textbox", name="Titre")).to_be_focused()
    assert chat.path == path


def test_two_clicks_delete_one_turn_and_take_a_rating_back(alice: Visitor) -> None:
    chat, sent = alice.here, list[Request]()
    for question in ("Un", "Deux"):
        chat.ask(question)
        chat.finished()
    chat.page.on("request", lambda request: sent.append(request) if request.method == "DELETE" else None)
    with chat.page.expect_response(lambda response: response.request.method == "DELETE"):
        chat.button("Mauvaise réponse", chat.answer).dblclick()
    expect(chat.button("Mauvaise réponse", chat.answer)).to_have_attribute("aria-pressed", "false")
    expect(chat.page.get_by_role("textbox", name="Pourquoi")).to_have_count(0)
    sent.clear()
    chat.questions.last.hover()
    chat.button("Supprimer cet échange", chat.page.locator(".turn--question").last).dblclick()
    expect(chat.questions).to_have_text(["Un"])
    expect(chat.page.locator(".toast")).to_have_count(1)
    assert [re.sub(r"\d+", "N", request.url.removeprefix(chat.origin)) for request in sent] == ["/api/messages/N"]


def test_two_clicks_resume_an_answer_and_leave_the_focus_where_one_writes(alice: Visitor, engine: FakeOllama) -> None:
    chat, nth = alice.here, len(engine.generations)
    engine.script(Scenario.hold(after=8))
    chat.ask("Où en étions-nous ?")
    engine.reached(Phase.DECODING, nth)
    chat.stop()
    engine.script(Scenario.answer(" Nous y voilà."))
    chat.button("Reprendre", chat.answer).dblclick()
    expect(chat.text).to_contain_text("Nous y voilà.")
    expect(chat.message).to_be_focused()


def test_a_page_whose_session_is_revoked_says_so_while_it_follows(
    visit: Visitors, server: Served, engine: FakeOllama
) -> None:
    alice = visit(server, "alice")
    alice.watch.allow("status of 401", "net::ERR_")
    chat, nth = alice.here.open(), len(engine.generations)
    elsewhere = RemotePerson(server, alice.name)
    assert elsewhere.sign_in().status_code == 302
    engine.script(Scenario.hold(after=3))
    chat.ask("Qui lit par-dessus mon épaule ?")
    engine.reached(Phase.DECODING, nth)
    elsewhere.submit("/settings/account/sessions/revoke-others", {})
    expect(chat.page.get_by_text("Votre session est terminée").locator("visible=true").first).to_be_visible()
    engine.release()

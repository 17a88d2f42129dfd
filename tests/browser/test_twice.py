"""Clicks that come twice, and a session that ends under an open page."""

from playwright.sync_api import expect

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

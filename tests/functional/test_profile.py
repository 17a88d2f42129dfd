"""One's own account: name, password, size of text, signed-in browsers, and erasing everything."""

from collections.abc import Callable

import pytest

from app.accounts.settings import device_name
from app.models import Conversation, Folder, LoginSession, Message, Prompt, Run, Share, User
from tests.fakes.engine import Phase
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario
from tests.support.person import PASSWORD, Person
from tests.support.site import Site

ACCOUNT = "/settings/account"
OTHER = "une autre phrase longue"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def elsewhere(site: Site, alice: Person) -> Person:
    """Alice's other browser."""
    browser = Person(site.app, "alice", **{"User-Agent": FIREFOX})
    assert browser.sign_in().status_code == 302
    return browser


def change(person: Person, current: str, password: str, confirm: str = "") -> int:
    form = {"current": current, "password": password, "confirm": confirm or password}
    return person.submit(f"{ACCOUNT}/password", form).status_code


def is_in(person: Person) -> bool:
    return person.get("/").status_code == 200


def others(site: Site, person: Person) -> list[int]:
    """The sessions of a person, the newest first."""
    with site.rows() as rows:
        mine = rows.query(LoginSession).join(User).filter(User.username == person.name)
        return [each.id for each in mine.order_by(LoginSession.id.desc())]


def test_another_name(alice: Person) -> None:
    assert alice.submit(ACCOUNT, {"display_name": " Alice Martin "}).status_code == 302
    assert "Alice Martin" in alice.get("/").text
    for name in ("", "   ", "x" * 81, "a\u202eb"):
        answer = alice.submit(ACCOUNT, {"display_name": name})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    assert "Alice Martin" in alice.get("/").text


def test_another_password_ends_the_other_sessions(site: Site, alice: Person, elsewhere: Person) -> None:
    assert change(alice, PASSWORD, OTHER) == 302
    assert is_in(alice)
    assert not is_in(elsewhere)
    fresh = Person(site.app, "alice")
    assert fresh.sign_in(PASSWORD).status_code == 422
    assert fresh.sign_in(OTHER).status_code == 302


def test_a_password_that_is_refused(site: Site, alice: Person, elsewhere: Person) -> None:
    assert change(alice, "pas le bon du tout", OTHER) == 422
    assert change(alice, PASSWORD, "court") == 422
    assert change(alice, PASSWORD, OTHER, "autre chose encore") == 422
    assert change(alice, "", OTHER) == 422
    assert change(alice, PASSWORD, PASSWORD) == 422
    assert change(alice, PASSWORD, "alice alice 2026") == 422
    assert is_in(elsewhere)
    assert Person(site.app, "alice").sign_in().status_code == 302


def test_wrong_passwords_are_counted(alice: Person) -> None:
    assert [change(alice, f"pas le bon {number}", OTHER) for number in range(6)] == [422] * 5 + [429]


def test_a_browser_is_signed_out_from_another(site: Site, alice: Person, elsewhere: Person, bob: Person) -> None:
    page = alice.get(ACCOUNT).text
    assert "Firefox, Windows" in page
    assert page.count("ce navigateur") == 1
    session = others(site, alice)[0]
    assert bob.submit(f"{ACCOUNT}/sessions/{session}/revoke", {}).status_code == 404
    assert is_in(elsewhere)
    assert alice.submit(f"{ACCOUNT}/sessions/{session}/revoke", {}).status_code == 302
    assert (is_in(elsewhere), is_in(alice), is_in(bob)) == (False, True, True)


def test_all_others_are_signed_out(site: Site, alice: Person, elsewhere: Person, bob: Person) -> None:
    third = Person(site.app, "alice")
    third.sign_in()
    assert alice.submit(f"{ACCOUNT}/sessions/revoke-others", {}).status_code == 302
    assert [is_in(each) for each in (alice, elsewhere, third, bob)] == [True, False, False, True]
    assert len(others(site, alice)) == 1


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
         "Edge, Linux"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
         "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1",
         "Safari, iOS"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_browser_in_words(user_agent: str, words: str) -> None:
    assert device_name(user_agent) == words


def test_the_size_of_text_stays_with_the_account(site: Site, alice: Person) -> None:
    assert 'data-text="normal"' in alice.get("/").text
    alice.submit("/preferences", {"text_size": "larger"})
    alice.submit("/preferences", {"text_size": "enormous"})
    elsewhere = Person(site.app, "alice")
    elsewhere.sign_in()
    assert 'data-text="larger"' in elsewhere.get("/").text


@pytest.fixture
def wealth(alice: Person, bob: Person) -> Callable[[Site], dict[str, int]]:
    """Alice and Bob have something of each kind; how much there is."""
    for person in (alice, bob):
        kept, gone = person.start(), person.start()
        for conversation in (kept, gone):
            person.ask(conversation, "Une question ?").end()
        folder = person.api("POST", "/folders", {"name": "Chantier"}).json["id"]
        person.api("PATCH", f"/conversations/{kept}", {"folder_id": folder})
        person.api("DELETE", f"/conversations/{gone}")
        person.api("POST", f"/conversations/{kept}/shares")
        person.submit("/settings/prompts", {"name": "Mienne", "content": "Une tâche"})
        person.submit("/settings/writing", {"instructions": "Je suis.", "send_key": "enter"})

    def count(site: Site) -> dict[str, int]:
        with site.rows() as rows:
            found = {
                kind.__name__: rows.query(kind).count() for kind in (Conversation, Message, Run, Folder, Prompt, Share)
            }
            return found | {"texts": rows.query(User).filter(User.instructions != "").count()}

    return count


def test_everything_is_erased_with_the_password_alone(
    site: Site, alice: Person, bob: Person, wealth: Callable[[Site], dict[str, int]]
) -> None:
    before = wealth(site)
    for password in ("", "pas le bon du tout"):
        assert alice.submit(f"{ACCOUNT}/erase", {"own_password": password}).status_code == 422
    assert wealth(site) == before
    assert alice.submit(f"{ACCOUNT}/erase", {"own_password": PASSWORD}).status_code == 302
    after = wealth(site)
    assert after == {
        "Conversation": 2,
        "Message": 4,
        "Run": 2,
        "Folder": 1,
        "Prompt": before["Prompt"] - 1,
        "Share": 1,
        "texts": 1,
    }
    assert alice.get("/api/conversations").json["conversations"] == []
    assert len(bob.get("/api/conversations").json["conversations"]) == 1
    alice.ask(alice.start(), "Et après ?").end()


def test_what_is_being_written_is_stopped_and_erased(site: Site, alice: Person, ollama: FakeOllama) -> None:
    ollama.script(Scenario.hold(after=2))
    stream = alice.ask(alice.start(), "Sans fin ?")
    ollama.reached(Phase.DECODING, 0)
    assert alice.submit(f"{ACCOUNT}/erase", {"own_password": PASSWORD}).status_code == 302
    ollama.reached(Phase.ENDED, 0)
    stream.leave()
    ollama.release()
    with site.rows() as rows:
        assert rows.query(Message).count() == 0
    alice.ask(alice.start(), "Et après ?").end()


def test_numbers_that_no_database_holds_are_not_found(alice: Person) -> None:
    for path in ("/settings/account/sessions/{}/revoke", "/settings/tokens/{}/revoke"):
        assert alice.submit(path.format(10**20), {}).status_code == 404

"""Who may register: the setting and the page, approval, invitations, and links to set a password."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.models import Invitation, PasswordLink, User
from app.models.base import utcnow
from tests.support.person import PASSWORD, Person
from tests.support.site import Site

NEW = "une autre phrase assez longue"
LINK = re.compile(r"http://localhost(/(?:invitation|password)/[\w-]+)")


def link_on(page: str) -> str:
    """The address that the page shows once."""
    found = LINK.search(page)
    assert found, page[-2000:]
    return found[1]


def invited(admin: Person, uses: int = 1) -> str:
    return link_on(admin.submit("/admin/invitations", {"uses": str(uses), "days": "7"}).text)


def form(name: str) -> dict[str, str]:
    return {"username": name, "display_name": name.title(), "password": PASSWORD, "confirm": PASSWORD}


def test_who_registers_for_approval_waits_and_is_let_in(site: Site, alice: Person) -> None:
    assert alice.submit("/admin/registration", {"mode": "approval"}).status_code == 302
    bob = Person(site.app, "bob")
    assert "doit le valider" in bob.register().text
    told = bob.sign_in()
    assert (told.status_code, "doit le valider" in told.text) == (403, True)
    assert bob.api("GET", "/conversations").status_code == 401
    assert "1 demande à valider" in alice.get("/admin/people").text.replace("\u00a0", " ")
    alice.submit("/admin/people/states", {"change": "approve", "ids": "2"})
    assert bob.sign_in().status_code == 302


def test_a_refused_newcomer_does_not_come_in(site: Site, alice: Person) -> None:
    alice.submit("/admin/registration", {"mode": "approval"})
    bob = Person(site.app, "bob")
    bob.register()
    alice.submit("/admin/people/states", {"change": "refuse", "ids": "2"})
    assert bob.sign_in().status_code == 422


def test_the_setting_wins_over_the_page_which_says_so(make_site: Callable[..., Site]) -> None:
    site = make_site(REGISTRATION="invitation")
    alice = Person(site.app, "alice")
    assert alice.register().status_code == 302
    assert "Fixé par .env\u00a0: REGISTRATION=invitation" in alice.get("/admin/registration").text
    assert alice.submit("/admin/registration", {"mode": "open"}).status_code == 403
    assert Person(site.app, "bob").get("/register").status_code == 403
    assert "Voyez l’administrateur" in Person(site.app).get("/login").text


def test_an_invitation_lets_as_many_in_as_it_says(site: Site, alice: Person) -> None:
    alice.submit("/admin/registration", {"mode": "invitation"})
    link = invited(alice, uses=2)
    for name in ("bob", "carol"):
        assert Person(site.app, name).submit(link, form(name)).status_code == 302
    over = Person(site.app).get(link)
    assert (over.status_code, "Cette invitation est épuisée." in over.text) == (410, True)


def test_a_name_that_is_taken_uses_no_place_up(site: Site, alice: Person) -> None:
    link = invited(alice)
    assert Person(site.app).submit(link, form("alice")).status_code == 422
    assert Person(site.app).submit(link, form("bob")).status_code == 302


def test_the_last_place_goes_to_one_of_two_at_once(site: Site, alice: Person) -> None:
    link = invited(alice)
    people = [Person(site.app, name) for name in ("bob", "carol")]
    for person in people:
        person.token  # noqa: B018 - fetched now, so that both forms are sent at the same moment
    together, statuses = threading.Barrier(2), []

    def accept(person: Person) -> None:
        together.wait(5)
        statuses.append(person.submit(link, form(person.name)).status_code)

    threads = [threading.Thread(target=accept, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(statuses) == [302, 410]
    with site.rows():
        assert len(User.everyone()) == 2


def test_an_invitation_ends(site: Site, alice: Person) -> None:
    link, other = invited(alice), invited(alice)
    with site.rows() as rows:
        rows.query(Invitation).filter_by(id=1).one().ends_at = utcnow() - timedelta(seconds=1)
        rows.commit()
    assert "Cette invitation est terminée." in Person(site.app).get(link).text
    alice.submit("/admin/invitations/2/end", {})
    assert Person(site.app).get(other).status_code == 404
    assert Person(site.app).get("/invitation/inconnue").status_code == 404


@pytest.mark.parametrize(("uses", "days"), [("0", "7"), ("501", "7"), ("1", "0"), ("1", "91"), ("x", "7"), ("", "")])
def test_a_mistaken_invitation_is_refused(site: Site, alice: Person, uses: str, days: str) -> None:
    assert alice.submit("/admin/invitations", {"uses": uses, "days": days}).status_code == 422
    with site.rows():
        assert Invitation.open_ones() == []


def test_a_link_sets_a_password_once_and_ends_what_the_old_one_opened(site: Site, alice: Person, bob: Person) -> None:
    older = link_on(alice.submit("/admin/people/2/link", {}).text)
    link = link_on(alice.submit("/admin/people/2/link", {}).text)
    assert link not in alice.get("/admin/people/2").text
    assert Person(site.app).get(older).status_code == 410
    anybody = Person(site.app, "bob")
    assert anybody.submit(link, {"password": "bob-bob-bob", "confirm": "bob-bob-bob"}).status_code == 422
    assert anybody.submit(link, {"password": NEW, "confirm": NEW}).status_code == 302
    assert anybody.submit(link, {"password": PASSWORD, "confirm": PASSWORD}).status_code == 410
    assert bob.api("GET", "/conversations").status_code == 401
    assert bob.sign_in(PASSWORD).status_code == 422
    assert bob.sign_in(NEW).status_code == 302


def test_a_link_ends_after_a_day(site: Site, alice: Person, bob: Person) -> None:
    link = link_on(alice.submit("/admin/people/2/link", {}).text)
    with site.rows() as rows:
        kept = rows.query(PasswordLink).one()
        assert timedelta(hours=23) < kept.ends_at - utcnow() <= timedelta(hours=24)
        kept.ends_at = utcnow()
        rows.commit()
    assert Person(site.app).get(link).status_code == 410


def test_a_link_does_not_open_an_account_that_was_closed_since(site: Site, alice: Person, bob: Person) -> None:
    link = link_on(alice.submit("/admin/people/2/link", {}).text)
    site.app.test_cli_runner().invoke(args=["users", "close", "bob"])
    assert Person(site.app).get(link).status_code == 410
    assert alice.submit("/admin/people/2/link", {}).status_code == 403
    alice.submit("/admin/people/states", {"change": "restore", "ids": "2"})
    assert bob.sign_in("nobody has this password").status_code == 422
    new = link_on(alice.submit("/admin/people/2/link", {}).text)
    Person(site.app).submit(new, {"password": NEW, "confirm": NEW})
    assert bob.sign_in(NEW).status_code == 302


def test_the_same_by_command(site: Site, alice: Person, bob: Person) -> None:
    run = site.app.test_cli_runner().invoke
    for words, fields in ((["link", "bob"], {"password": NEW, "confirm": NEW}), (["invite"], form("carol"))):
        path = "/" + run(args=["users", *words]).output.strip().split("/", 3)[3]
        assert Person(site.app).submit(path, fields).status_code == 302
    assert bob.sign_in(NEW).status_code == 302
    assert run(args=["users", "invite", "--uses", "0"]).exit_code == 1
    assert run(args=["users", "link", "personne"]).exit_code == 1

"""Accounts: registering, logging in and out, staying signed in, being refused."""

import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.test import TestResponse

from app.models import LoginSession, User
from app.models.users import MAX_SESSIONS_EACH
from tests.support.person import PASSWORD, Person
from tests.support.site import Site

ELSEWHERE = (
    "//evil.test",
    "https://evil.test",
    "/\\evil.test",
    "javascript:alert(1)",
    "evil",
    "/a\r\nSet-Cookie: x",
    "/\t/evil.test",
)
MISTAKES = (
    {"username": ""},
    {"username": "   "},
    {"username": "a"},
    {"username": "a" * 65},
    {"username": "a\nb"},
    {"username": "a\0b"},
    {"username": "\u202eecila"},
    {"username": "\u3164\u3164"},
    {"username": "al\u115fice"},
    {"username": "\u2800\u2800"},
    {"username": "alice\ufe0f"},
    {"username": "al<i>ce"},
    {"username": "--"},
    {"username": "\ufdfa" * 64},
    {"username": "аlice"},
    {"display_name": "\u3164\u3164"},
    {"display_name": "Al\u00adice"},
    {"display_name": "...."},
    {"display_name": ""},
    {"display_name": " \t "},
    {"display_name": "a" * 81},
    {"display_name": "Alice\r\nBcc: x"},
    {"password": "trop court", "confirm": "autre mot long"},
    {"password": "court", "confirm": "court"},
    {"password": "a" * 201, "confirm": "a" * 201},
    {"password": "", "confirm": ""},
    {"password": "motdepasse1", "confirm": "motdepasse1"},
    {"password": "nina.martin", "confirm": "nina.martin", "username": "nina", "display_name": "Nina Martin"},
    {"confirm": ""},
)


def cookie_of(answer: TestResponse, name: str = "couachgpt") -> str:
    """The Set-Cookie line of that name."""
    (line,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{name}=")]
    return line


def count(site: Site) -> int:
    with site.rows() as rows:
        return int(rows.query(User).count())


def test_the_first_account_is_the_administrators_and_only_that(site: Site, alice: Person, bob: Person) -> None:
    with site.rows():
        assert [(user.username, user.is_admin) for user in User.everyone()] == [("alice", True), ("bob", False)]
    assert alice.get("/admin/models").status_code == 200
    assert bob.get("/admin/models").status_code == 403
    # What one guesses leads to the first page.
    assert alice.get("/admin/").location == "/admin/models"
    assert bob.get("/admin/").status_code == 403
    assert bob.get("/settings/").location == "/settings/account"


OTHER_MACHINES = (
    {"REMOTE_ADDR": "192.0.2.7"},
    {"REMOTE_ADDR": "::1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
    {"HTTP_VIA": "1.1 proxy"},
)


@pytest.mark.parametrize("client", OTHER_MACHINES)
def test_the_first_account_needs_the_servers_code_from_another_machine(site: Site, client: dict[str, str]) -> None:
    code = site.app.extensions["first_account_code"]
    visitor = Person(site.app, "alice")
    form = {"username": "alice", "display_name": "Alice", "password": PASSWORD, "confirm": PASSWORD}

    def register(**fields: str) -> TestResponse:
        data = {"csrf_token": visitor.token, **form, **fields}
        return visitor.send("POST", "/register", data=data, environ_overrides=client)

    assert "Code du premier compte" in visitor.get("/register", environ_overrides=client).text
    assert "Code du premier compte" not in visitor.get("/register").text
    for wrong in ({}, {"code": ""}, {"code": "abcd-efgh-jkmn"}, {"code": "é"}):
        assert register(**wrong).status_code == 422
    assert count(site) == 0
    assert register(code=f" {code.upper()} ").status_code == 302
    bob = Person(site.app, "bob")
    assert "Code du premier compte" not in bob.get("/register", environ_overrides=client).text
    assert bob.register().status_code == 302


def test_registering_signs_in(site: Site) -> None:
    visitor = Person(site.app)
    assert visitor.get("/").headers["Location"] == "/login"
    answer = visitor.register("alice", display_name="Alice Martin")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "Alice Martin" in visitor.get("/").text


def test_a_name_that_looks_like_another_is_refused(site: Site, alice: Person) -> None:
    assert Person(site.app).register("сосо").status_code == 302
    for name in ("al\u0131ce", "a1ice", "AIice", "àlice", "coco"):
        answer = Person(site.app).register(name)
        assert answer.status_code == 422, name
        assert "ressemble" in answer.text
    for name in ("alicf", "rené", "Jean-Paul O’Neil", "anna@exemple.test", "かな漢字", "李雷"):
        assert Person(site.app).register(name).status_code == 302, name


def test_nobody_passes_for_the_administrator(make_site: Callable[..., Site]) -> None:
    site = make_site(PRODUCT_NAME="Phare")
    # The first account is the administrator's.
    root = Person(site.app, "admin")
    assert root.register(display_name="Administrateur Phare").status_code == 302
    for name in ("root", "Admin2", "adm1n", "administrateur", "phare", "couachgpt", "it-admin"):
        assert "administrateur" in Person(site.app).register(name).text
    bob = Person(site.app, "bob")
    assert bob.register(display_name="Administratrice").status_code == 422
    assert bob.register().status_code == 302
    for shown in ("Administrateur Phare", "Phare", "L’ADMIN"):
        assert bob.submit("/settings/account", {"display_name": shown}).status_code == 422
    assert bob.submit("/settings/account", {"display_name": "Bob ❤️ Badminton"}).status_code == 302
    assert root.submit("/settings/account", {"display_name": "Équipe Phare"}).status_code == 302


def test_a_name_is_taken_whatever_its_case(site: Site, alice: Person) -> None:
    for name in ("alice", "ALICE", " Alice ", "AlIcE"):
        answer = Person(site.app).register(name)
        assert answer.status_code == 422
        assert "pris" in answer.text
    assert count(site) == 1


@pytest.mark.parametrize("name", ["\u0430lice", "alic\u0435", "\u0391lice", "alice\u4e00"])
def test_letters_of_two_alphabets_make_no_name(site: Site, alice: Person, name: str) -> None:
    """Cyrillic and Greek have letters that look like Latin ones."""
    answer = Person(site.app).register(name, display_name="Alice")
    assert answer.status_code == 422
    assert "Utilisez les lettres d’un seul alphabet" in answer.text
    assert count(site) == 1


@pytest.mark.parametrize("name", ["\u0412\u043b\u0430\u0434", "\u7530\u4e2d\u30cf\u30ca", "Zoé-2", "jean.luc@couach"])
def test_any_one_alphabet_makes_a_name(site: Site, name: str) -> None:
    assert Person(site.app).register(name, display_name="Moi").status_code == 302


def test_a_form_with_a_mistake_comes_back_and_stores_nothing(site: Site) -> None:
    visitor = Person(site.app)
    for fields in MISTAKES:
        answer = visitor.register("alice", **fields)
        assert answer.status_code == 422, fields
        assert 'aria-invalid="true"' in answer.text
    assert count(site) == 0
    assert visitor.get("/").status_code == 302


def test_a_form_without_its_fields_is_no_crash(site: Site) -> None:
    visitor = Person(site.app)
    for path in ("/register", "/login"):
        assert visitor.submit(path, {}).status_code == 422
        assert visitor.send("POST", path, data={"username": "alice"}).status_code == 400


def test_closed_registration_takes_the_first_account_only(make_site: Callable[..., Site]) -> None:
    site = make_site(REGISTRATION="closed")
    assert Person(site.app).register("alice").status_code == 302
    visitor = Person(site.app)
    assert visitor.get("/register").status_code == 403
    assert visitor.register("bob").status_code == 403
    assert count(site) == 1


def test_logging_out_ends_the_session_here_and_in_the_rows(site: Site, alice: Person) -> None:
    assert alice.get("/logout").status_code == 405
    stolen = dict(alice.client._cookies)
    assert alice.submit("/logout", {}).headers["Location"] == "/login"
    assert alice.get("/").status_code == 302
    alice.client._cookies = stolen
    assert alice.get("/").status_code == 302
    with site.rows() as rows:
        assert rows.query(LoginSession).count() == 0


def test_logging_in_without_regard_to_case(site: Site, alice: Person) -> None:
    for name in ("alice", "ALICE", " alice "):
        assert Person(site.app, name).sign_in().headers["Location"] == "/"


def test_a_session_ends_with_the_browser_unless_it_is_remembered(site: Site, alice: Person) -> None:
    short = cookie_of(Person(site.app, "alice").sign_in())
    assert "Expires" not in short
    assert "Max-Age" not in short
    lasting = cookie_of(Person(site.app, "alice").sign_in(remember="y"))
    expires = lasting.partition("Expires=")[2].partition(";")[0]
    days = datetime.strptime(expires, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=29) < days <= timedelta(days=30)
    with site.rows() as rows:
        kept = sorted(session.expires_at for session in rows.query(LoginSession).all())
    assert kept[-1] - kept[0] > timedelta(days=28)


def test_an_expired_session_is_no_longer_taken(site: Site, alice: Person) -> None:
    with site.rows() as rows:
        rows.query(LoginSession).update({"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
        rows.commit()
    assert alice.get("/").headers["Location"] == "/login"
    assert alice.get("/api/status").status_code == 401


def test_a_wrong_password_and_an_unknown_name_are_told_alike(site: Site, alice: Person) -> None:
    wrong = Person(site.app, "alice").sign_in("un mauvais mot de passe")
    unknown = Person(site.app, "alicf").sign_in("un mauvais mot de passe")
    assert wrong.status_code == unknown.status_code == 422

    def essence(answer: TestResponse, name: str) -> list[str]:
        lines = answer.text.replace(name, "NAME").splitlines()
        return [line for line in lines if "csrf" not in line]

    assert essence(wrong, "alice") == essence(unknown, "alicf")
    assert "Identifiant ou mot de passe" in wrong.text


def test_the_sixth_failure_of_a_name_is_refused_and_nobody_else_is(site: Site, alice: Person, bob: Person) -> None:
    thief = Person(site.app, "alice")
    for _ in range(5):
        assert thief.sign_in("un mauvais mot de passe").status_code == 422
    refused = thief.sign_in("un mauvais mot de passe")
    assert (refused.status_code, refused.mimetype) == (429, "text/html")
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    # Not even the right password, by whatever case of the name, tells the thief anything.
    assert thief.sign_in().status_code == 429
    assert Person(site.app, "ALICE").sign_in().status_code == 429
    assert Person(site.app, "bob").sign_in().status_code == 302
    assert alice.get("/").status_code == 200


def unused(site: Site, since: timedelta) -> None:
    """Let all sessions have been used for the last time so long ago."""
    with site.rows() as rows:
        rows.query(LoginSession).update({"seen_at": datetime.now(UTC) - since})
        rows.commit()


def test_a_session_that_is_not_used_ends(site: Site, alice: Person) -> None:
    lasting = Person(site.app, "alice")
    lasting.sign_in(remember="y")
    unused(site, timedelta(hours=3, minutes=50))
    assert alice.get("/").status_code == 200
    unused(site, timedelta(hours=4, minutes=1))
    assert lasting.get("/settings/account").text.count("Déconnecter ") == 0
    unused(site, timedelta(hours=4, minutes=1))
    assert alice.get("/").headers["Location"] == "/login"
    unused(site, timedelta(days=13))
    assert lasting.get("/").status_code == 200
    unused(site, timedelta(days=14, minutes=1))
    assert lasting.get("/").headers["Location"] == "/login"


def test_the_oldest_of_too_many_sessions_ends(site: Site, alice: Person) -> None:
    browsers = [Person(site.app, "alice") for _ in range(MAX_SESSIONS_EACH)]
    for browser in browsers:
        assert browser.sign_in().status_code == 302
    assert alice.get("/").headers["Location"] == "/login"
    assert [browser.get("/").status_code for browser in (browsers[0], browsers[-1])] == [200, 200]
    assert alice.sign_in().status_code == 302


def tries(site: Site, count: int, names: str, address: str) -> list[int]:
    """The statuses of so many wrong log-ins; `{}` in the name and in the client's address is the number of the try."""
    visitor, found = Person(site.app), []
    for number in range(count):
        form = {"csrf_token": visitor.token, "username": names.format(number), "password": "un mauvais mot de passe"}
        client = {"REMOTE_ADDR": address.format(number)}
        found.append(visitor.send("POST", "/login", data=form, environ_overrides=client).status_code)
    return found


def test_one_password_on_many_names_is_refused_after_fifty(site: Site) -> None:
    assert tries(site, 52, "nom{}", "192.0.2.7") == [422] * 50 + [429] * 2
    assert tries(site, 1, "nom", "192.0.2.8") == [422]


def test_one_name_from_many_addresses_is_refused_after_a_hundred(site: Site, alice: Person) -> None:
    assert tries(site, 102, "alice", "192.0.2.{}") == [422] * 100 + [429] * 2
    assert tries(site, 1, "bob", "192.0.2.200") == [422]


def test_addresses_of_one_network_are_counted_together(site: Site, alice: Person) -> None:
    assert tries(site, 7, "alice", "2001:db8:0:1::{}") == [422] * 5 + [429] * 2
    assert tries(site, 1, "alice", "2001:db8:0:2::1") == [422]
    assert tries(site, 7, "alice", "::ffff:192.0.2.9") == [422] * 5 + [429] * 2
    assert tries(site, 1, "alice", "::ffff:192.0.2.8") == [422]


def test_the_tries_that_are_left_are_told(site: Site, alice: Person) -> None:
    thief = Person(site.app, "alice")
    told = [thief.sign_in("un mauvais mot de passe").text for _ in range(5)]
    for page, left in zip(told, (4, 3, 2, 1, 0), strict=True):
        assert f"{left} essai" in page


def test_successful_log_ins_are_not_counted(site: Site, alice: Person) -> None:
    for _ in range(7):
        assert Person(site.app, "alice").sign_in().status_code == 302


def test_a_new_password_ends_all_sessions(site: Site, alice: Person) -> None:
    done = site.app.test_cli_runner().invoke(args=["users", "reset-password", "alice", "--password", "un autre mot"])
    assert done.exit_code == 0, done.output
    assert alice.get("/").headers["Location"] == "/login"
    assert Person(site.app, "alice").sign_in(PASSWORD).status_code == 422
    assert Person(site.app, "alice").sign_in("un autre mot").status_code == 302


def test_after_logging_in_the_wanted_page_opens(site: Site, alice: Person) -> None:
    conversation = alice.start()
    visitor = Person(site.app, "alice")
    sent = visitor.get(f"/c/{conversation}?x=1").headers["Location"]
    assert visitor.sign_in(path=sent).headers["Location"] == f"/c/{conversation}?x=1"


def test_another_site_is_never_gone_to(site: Site, alice: Person) -> None:
    for target in ELSEWHERE:
        query = {"next": target}
        visitor = Person(site.app, "alice")
        form = {"csrf_token": visitor.token, "username": "alice", "password": PASSWORD}
        assert visitor.send("POST", "/login", query_string=query, data=form).headers["Location"] == "/"
        assert alice.submit("/preferences", query).headers["Location"] == "/"


def test_who_is_signed_in_does_not_see_the_log_in_pages(alice: Person) -> None:
    for path in ("/login", "/register"):
        assert alice.get(path).headers["Location"] == "/"


def test_a_password_typed_on_another_system_is_the_same(site: Site) -> None:
    composed, decomposed = (unicodedata.normalize(form, "mot-de-passé-épée") for form in ("NFC", "NFD"))
    visitor = Person(site.app, "alice")
    assert visitor.register(password=decomposed, confirm=composed).status_code == 302
    for form in (composed, decomposed):
        assert Person(site.app, "alice").sign_in(form).status_code == 302


def test_a_hash_of_another_cost_is_renewed_at_the_log_in(make_site: Callable[..., Site]) -> None:
    cheap, dear = make_site(PASSWORD_COST="1 1"), make_site(PASSWORD_COST="2 3")
    assert Person(cheap.app).register("alice").status_code == 302
    for site, cost in ((dear, "m=3072,t=2,p=1"), (cheap, "m=1024,t=1,p=1")):
        assert Person(site.app, "alice").sign_in().status_code == 302
        with site.rows() as rows:
            assert f"${cost}$" in rows.query(User).one().password_hash


def test_a_field_that_is_far_too_long_is_refused_before_anything_looks_at_it(site: Site) -> None:
    visitor = Person(site.app)
    for name in ("username", "password", "display_name"):
        started = time.monotonic()
        refused = visitor.register("camille", **{name: "a" * 2_000_000 + "b"})
        assert (refused.status_code, time.monotonic() - started < 1) == (413, True), name
    assert visitor.register("camille", password="a" * 20_000, confirm="a" * 20_000).status_code == 422

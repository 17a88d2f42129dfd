"""Personal tokens: made, shown once, used, revoked."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.models import AccessToken, LoginSession
from app.models.users import MAX_TOKENS_EACH
from tests.support.person import PASSWORD, Person
from tests.support.program import SECRET, Program, refusal, token_of
from tests.support.site import Site


@pytest.fixture
def token(alice: Person) -> str:
    return token_of(alice, "Éditeur")


def kept(site: Site) -> list[AccessToken]:
    with site.rows() as rows:
        found: list[AccessToken] = rows.query(AccessToken).order_by(AccessToken.id).all()
        return found


def test_a_token_is_shown_once_and_only_its_hash_is_stored(site: Site, alice: Person, token: str) -> None:
    page = alice.get("/settings").text
    assert SECRET.findall(page) == []
    assert "Éditeur" in page
    assert token[-4:] in page
    (row,) = kept(site)
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(vars(row))
    assert Program(site.app, token).get("/models").status_code == 200


def test_two_tokens_are_never_alike(alice: Person) -> None:
    assert len({token_of(alice, "Même nom") for _ in range(3)}) == 3


def test_the_last_use_is_shown_and_not_written_at_each_use(site: Site, alice: Person, token: str) -> None:
    assert "jamais" in alice.get("/settings").text
    program = Program(site.app, token)
    program.get("/models")
    (first,) = kept(site)
    assert first.used_at is not None
    program.get("/models")
    assert kept(site)[0].used_at == first.used_at
    with site.rows() as rows:
        rows.query(AccessToken).update({"used_at": datetime.now(UTC) - timedelta(hours=3)})
        rows.commit()
    page = alice.get("/settings").text
    assert "il y a 3 heures" in page
    assert "jamais" not in page
    program.get("/models")
    assert kept(site)[0].used_at >= first.used_at


def test_a_revoked_token_opens_nothing(site: Site, alice: Person, token: str) -> None:
    other = token_of(alice, "Script")
    row = kept(site)[0]
    done = alice.submit(f"/settings/tokens/{row.id}/revoke", {})
    assert (done.status_code, done.location) == (302, "/settings")
    page = alice.get("/settings").text
    assert "est révoqué" in page
    assert refusal(Program(site.app, token).get("/models")) == (401, "invalid_api_key", None)
    assert Program(site.app, other).get("/models").status_code == 200


def test_another_person_can_neither_see_nor_revoke_it(site: Site, token: str, bob: Person) -> None:
    assert "Éditeur" not in bob.get("/settings").text
    assert bob.submit(f"/settings/tokens/{kept(site)[0].id}/revoke", {}).status_code == 404
    assert Program(site.app, token).get("/models").status_code == 200


def test_a_person_may_have_so_many(site: Site, alice: Person, bob: Person) -> None:
    for number in range(MAX_TOKENS_EACH):
        token_of(alice, f"Programme {number}")
    assert "Créer un jeton" not in alice.get("/settings").text
    refused = alice.submit("/settings", {"name": "Un de trop"})
    assert refused.status_code == 422
    assert SECRET.findall(refused.text) == []
    assert len(kept(site)) == MAX_TOKENS_EACH
    assert token_of(bob)
    alice.submit(f"/settings/tokens/{kept(site)[3].id}/revoke", {})
    assert token_of(alice)


def test_a_name_must_be_one(site: Site, alice: Person) -> None:
    for name in ("", "   ", "x" * 61, "a\nb", "\u202edroite à gauche"):
        answer = alice.submit("/settings", {"name": name})
        assert answer.status_code == 422, name
        assert 'aria-invalid="true"' in answer.text
    assert kept(site) == []
    alice.submit("/settings", {"name": "<b>gras</b>"})
    assert "&lt;b&gt;gras" in alice.get("/settings").text


def test_forms_need_their_mark(site: Site, alice: Person, token: str) -> None:
    assert alice.send("POST", "/settings", data={"name": "x"}).status_code == 400
    assert alice.send("POST", f"/settings/tokens/{kept(site)[0].id}/revoke").status_code == 400
    assert len(kept(site)) == 1


def test_who_has_not_just_signed_in_gives_the_password(site: Site, alice: Person) -> None:
    assert 'name="own_password"' not in alice.get("/settings").text
    with site.rows() as rows:
        rows.query(LoginSession).update({"created_at": datetime.now(UTC) - timedelta(minutes=11)})
        rows.commit()
    assert 'name="own_password"' in alice.get("/settings").text
    for password in ("", "pas le bon du tout"):
        refused = alice.submit("/settings", {"name": "Éditeur", "own_password": password})
        assert refused.status_code == 422
        assert 'aria-invalid="true"' in refused.text
    assert kept(site) == []
    assert alice.submit("/settings", {"name": "Éditeur", "own_password": PASSWORD}).status_code == 302
    assert len(kept(site)) == 1


def test_another_password_revokes_the_tokens_if_that_is_wanted(site: Site, alice: Person, token: str) -> None:
    form = {"current": PASSWORD, "password": "une autre phrase longue", "confirm": "une autre phrase longue"}
    assert 'name="revoke_tokens" type="checkbox" value="y" checked' in alice.get("/settings/account").text
    assert alice.submit("/settings/account/password", form).status_code == 302
    assert Program(site.app, token).get("/models").status_code == 200
    form |= {"current": form["password"], "password": PASSWORD, "confirm": PASSWORD, "revoke_tokens": "y"}
    assert alice.submit("/settings/account/password", form).status_code == 302
    assert "jetons sont révoqués" in alice.get("/settings/account").text
    assert Program(site.app, token).get("/models").status_code == 401
    assert "revoke_tokens" not in alice.get("/settings/account").text


def test_the_page_tells_the_address_it_was_called_by(site: Site, alice: Person) -> None:
    page = alice.get("/settings", base_url="http://localhost:8294").text
    assert "http://localhost:8294/v1/chat/completions" in page
    assert 'base_url="http://localhost:8294/v1"' in page


def test_the_page_is_reached_from_the_settings(alice: Person) -> None:
    assert 'href="/settings/account"' in alice.get("/").text
    assert 'href="/settings"' in alice.get("/settings/account").text


def test_many_wrong_tokens_are_refused_for_a_while_and_right_ones_are_not(site: Site, token: str) -> None:
    thief = Program(site.app, "sk-couach-" + "x" * 43)
    answers = [refusal(thief.get("/models"))[:2] for _ in range(7)]
    assert answers == [(401, "invalid_api_key")] * 5 + [(429, "rate_limit_exceeded")] * 2
    assert "Retry-After" in thief.get("/models").headers
    assert Program(site.app, token).get("/models").status_code == 200


def test_wrong_tokens_are_all_told_the_same(site: Site, alice: Person, token: str) -> None:
    cookie = {"Cookie": f"couachgpt={alice.client.get_cookie('couachgpt').value}"}
    tried = (
        Program(site.app),
        Program(site.app, token[:-1]),
        Program(site.app, token.upper()),
        Program(site.app, Authorization=f"Basic {token}"),
        Program(site.app, Authorization=f"Token {token}"),
        Program(site.app, Authorization=token),
        Program(site.app, "é=1"),
        # A session opens the pages, never the API.
        Program(site.app, **cookie),
    )
    told = {(answer.status_code, answer.text) for answer in (program.get("/models") for program in tried)}
    assert len(told) == 1
    assert refusal(tried[0].get("/models")) == (401, "invalid_api_key", None)
    assert tried[0].get("/models").headers["WWW-Authenticate"] == "Bearer"


def test_a_token_opens_the_api_only(site: Site, token: str) -> None:
    with site.app.test_client() as client:
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/conversations", headers=headers).status_code == 401
        assert client.get("/settings", headers=headers).location.startswith("/login")


def test_refusals_are_in_the_persons_language(site: Site, alice: Person, token: str) -> None:
    french = Program(site.app, token).get("/models/rien").json["error"]["message"]
    alice.submit("/preferences", {"locale": "en"})
    english = Program(site.app, token).get("/models/rien").json["error"]["message"]
    assert english == "The model rien is not available here."
    assert "modèle" in french


def test_a_person_who_is_gone_leaves_no_token(site: Site, token: str) -> None:
    with site.rows() as rows:
        rows.delete(rows.query(AccessToken).one().user)
        rows.commit()
    assert kept(site) == []
    assert Program(site.app, token).get("/models").status_code == 401


def test_tokens_are_closed_to_visitors(make_site: Callable[..., Site]) -> None:
    visitor = Person(make_site().app)
    assert visitor.get("/settings").location == "/login?next=/settings"

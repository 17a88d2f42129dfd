"""States and roles of accounts: who may come in, and that an administrator always remains."""

import threading
from datetime import timedelta

import pytest

from app.errors import AppError
from app.models import AccountRole, AccountState, LoginSession, User
from app.models.base import utcnow
from tests.support.person import Person
from tests.support.program import Program, token_of
from tests.support.site import Site


def account(name: str) -> User:
    """The account of that name, which must exist."""
    found = User.named(name)
    assert found is not None
    return found


@pytest.mark.parametrize("change", [{"role": AccountRole.EMPLOYEE}, {"state": AccountState.SUSPENDED}])
def test_two_administrators_cannot_put_each_other_out_at_once(
    site: Site, alice: Person, bob: Person, change: dict[str, AccountRole]
) -> None:
    with site.rows():
        account("bob").change(role=AccountRole.ADMINISTRATOR)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def put_out(name: str) -> None:
        with site.app.app_context():
            found = account(name)
            together.wait(5)
            try:
                found.change(**change)  # type: ignore[arg-type]
                outcomes.append("changed")
            except AppError as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=put_out, args=[name]) for name in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(outcomes) == ["changed", "last_administrator"]
    with site.rows():
        left = [user for user in User.everyone() if user.is_admin and user.state == AccountState.ACTIVE]
        assert len(left) == 1


def test_a_session_or_token_opened_at_that_moment_is_worth_nothing(site: Site, alice: Person, bob: Person) -> None:
    token = token_of(bob)
    with site.rows() as rows:
        account("bob").state = AccountState.SUSPENDED
        rows.commit()
    assert bob.api("GET", "/conversations").status_code == 401
    assert Program(site.app, token).get("/models").status_code == 401


def test_the_day_of_the_last_use_is_kept_and_no_instant(site: Site, alice: Person) -> None:
    with site.rows() as rows:
        user = account("alice")
        today = utcnow().astimezone().date()
        assert type(user.last_seen_on) is type(today)
        assert user.last_seen_on == today
        user.last_seen_on = today - timedelta(days=5)
        rows.query(LoginSession).one().seen_at = utcnow() - timedelta(minutes=11)
        rows.commit()
    alice.get("/")
    with site.rows():
        assert account("alice").last_seen_on == today

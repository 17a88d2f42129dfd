"""The bin and the archive: shown, taken back, erased by hand and after thirty days, with nothing left behind."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.errors import AppError
from app.extensions import context_of
from app.generation.background import TrashPurge
from app.models import Conversation, File, FileState, Message, Run, trash
from app.models.base import utcnow
from tests.fakes.ollama import FakeOllama
from tests.support.person import Person
from tests.support.processes import wait_until
from tests.support.site import Site

INDEXED = "SELECT count(*) FROM message_search_docsize"


@pytest.fixture
def deleted(alice: Person) -> str:
    """One conversation, in the bin."""
    made = alice.start()
    alice.ask(made, "À jeter").end()
    alice.api("DELETE", f"/conversations/{made}")
    return made


def shown(person: Person, path: str) -> list[str]:
    """The titles on a page."""
    return [title.strip() for title in re.findall(r'class="row__name[^"]*"[^>]*>([^<]+)<', person.get(path).text)]


def counts(site: Site) -> tuple[int, ...]:
    """Conversations, messages, runs, and what the index has."""
    with site.rows() as rows:
        return (*(rows.query(kind).count() for kind in (Conversation, Message, Run)), rows.scalar(text(INDEXED)))


def age(site: Site, conversation: str, days: float) -> None:
    with site.rows() as rows:
        rows.get(Conversation, conversation).deleted_at = utcnow() - timedelta(days=days)
        rows.commit()


def test_the_bin_shows_ones_own_and_gives_back(alice: Person, bob: Person, deleted: str) -> None:
    assert (shown(alice, "/bin"), shown(bob, "/bin")) == (["À jeter"], [])
    answer = alice.submit(f"/bin/{deleted}/restore", {})
    assert (answer.status_code, answer.location) == (302, "/bin")
    assert shown(alice, "/bin") == []
    assert alice.get(f"/c/{deleted}").status_code == 200


def test_what_is_erased_by_hand_is_gone_with_its_words(site: Site, alice: Person, deleted: str) -> None:
    assert alice.submit(f"/bin/{deleted}/erase", {}).status_code == 302
    assert counts(site) == (0, 0, 0, 0)
    assert alice.api("PATCH", f"/conversations/{deleted}", {"deleted": False}).status_code == 404


def test_the_bin_is_emptied_of_ones_own(site: Site, alice: Person, bob: Person, deleted: str) -> None:
    kept, other = alice.start(), bob.start()
    alice.ask(kept, "À garder").end()
    bob.ask(other, "De Bob").end()
    bob.api("DELETE", f"/conversations/{other}")
    assert alice.submit("/bin/empty", {}).status_code == 302
    assert (shown(alice, "/bin"), shown(bob, "/bin")) == ([], ["De Bob"])
    assert counts(site) == (2, 4, 2, 4)


def test_only_what_is_in_the_bin_is_restored_and_erased(alice: Person, bob: Person, deleted: str) -> None:
    alice.api("PATCH", f"/conversations/{deleted}", {"deleted": False})
    for verb in ("restore", "erase"):
        assert alice.submit(f"/bin/{deleted}/{verb}", {}).status_code == 404
        assert alice.submit(f"/bin/{'0' * 16}/{verb}", {}).status_code == 404
    alice.api("DELETE", f"/conversations/{deleted}")
    for verb in ("restore", "erase"):
        assert bob.submit(f"/bin/{deleted}/{verb}", {}).status_code == 404
    assert shown(alice, "/bin") == ["À jeter"]


def test_only_after_thirty_days_it_is_erased(site: Site, alice: Person, deleted: str) -> None:
    kept = alice.start()
    alice.ask(kept, "Un peu plus tard").end()
    alice.api("DELETE", f"/conversations/{kept}")
    age(site, deleted, 30.01)
    age(site, kept, 29.9)
    forgotten: list[str] = []
    with site.rows():
        trash.purge(forgotten.append)
    assert (forgotten, counts(site)) == ([deleted], (1, 2, 1, 2))


def test_a_clock_that_is_far_ahead_at_the_start_erases_nothing(
    make_site: Callable[..., Site], ollama: FakeOllama, site: Site, alice: Person, deleted: str
) -> None:
    """What such a clock makes of it: the deletion, an empty conversation and an unused file are forty days old."""
    empty, file = alice.start(), alice.document("treuil.txt", b"Le treuil.")["id"]
    long_ago = utcnow() - timedelta(days=40)
    age(site, deleted, 40)
    with site.rows() as rows:
        rows.get(Conversation, empty).updated_at = long_ago
        rows.get(File, file).created_at = long_ago
        rows.commit()
    site.stop()
    started = make_site()
    started.start(ollama)
    # The file's thread purges, if it does, before it reads another one.
    again = Person(started.app, "alice")
    again.sign_in()
    again.document("second.txt", b"Le palan.")
    assert counts(started) == (2, 2, 1, 2)
    with started.rows() as rows:
        assert rows.get(File, file).state == FileState.READY


def test_after_thirty_days_it_is_erased_while_the_server_runs(site: Site, deleted: str) -> None:
    forgotten: list[str] = []
    failures = [AppError("storage_failed")]

    def erase() -> int:
        if failures:
            raise failures.pop()
        return trash.purge(forgotten.append)

    purge = TrashPurge(lambda: context_of(site.app), erase, 0.05, every_s=0.05)
    purge.start()
    assert (counts(site), forgotten) == ((1, 2, 1, 2), [])
    age(site, deleted, 31)
    wait_until(lambda: counts(site) == (0, 0, 0, 0))
    purge.stop()
    assert forgotten == [deleted]


def test_conversations_in_which_nothing_was_asked_are_erased_after_a_week(site: Site, alice: Person) -> None:
    empty, young, asked = alice.start(), alice.start(), alice.start()
    alice.ask(asked, "Une question").end()
    with site.rows() as rows:
        for conversation in (empty, asked):
            rows.get(Conversation, conversation).updated_at = utcnow() - timedelta(days=8)
        rows.commit()
    forgotten: list[str] = []
    with site.rows():
        trash.purge(forgotten.append)
    assert forgotten == [empty]
    assert counts(site) == (2, 2, 1, 2)
    assert alice.get(f"/c/{young}").status_code == 200


def test_a_very_long_conversation_is_erased(site: Site, alice: Person) -> None:
    """Each message hangs on the one before: SQLite follows a thousand at most."""
    made = alice.start()
    with site.rows() as rows:
        rows.execute(
            text(
                "INSERT INTO messages (id, conversation_id, parent_id, role, content, thinking, created_at)"
                " WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                " SELECT i, :made, nullif(i - 1, 0), 'user', 'x', '', '2024-01-01' FROM n"
            ),
            {"made": made},
        )
        rows.commit()
    with site.app.app_context():
        trash.erase([made], lambda _id: None)
    assert counts(site) == (0, 0, 0, 0)


def test_the_archive_shows_ones_own_and_gives_back(alice: Person, bob: Person) -> None:
    made = alice.start()
    alice.ask(made, "À ranger").end()
    assert alice.submit(f"/archive/{made}/restore", {}).status_code == 404
    alice.api("PATCH", f"/conversations/{made}", {"archived": True})
    assert (shown(alice, "/archive"), shown(bob, "/archive"), shown(alice, "/bin")) == (["À ranger"], [], [])
    assert bob.submit(f"/archive/{made}/restore", {}).status_code == 404
    assert alice.submit(f"/archive/{made}/restore", {}).location == "/archive"
    assert shown(alice, "/archive") == []
    assert alice.get("/archive?cursor=x").status_code == 422

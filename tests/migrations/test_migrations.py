"""The migrations make the tables of the models, and each can be taken back."""

import itertools
import multiprocessing
import os
import re
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from app import backups, database
from app.database import MIGRATIONS_FOLDER
from app.errors import AppError
from app.extensions import db
from app.models.search import is_ours
from tests.support.site import DATABASE, Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose database has no tables yet."""
    made = Site(tmp_path)
    with made.app.app_context():
        yield made
    made.stop()


def file_of(site: Site) -> Path:
    """The file of its database."""
    return Path(site.app.config["INSTANCE_DIR"]) / DATABASE


def newest() -> str | None:
    """The newest version."""
    return ScriptDirectory(str(MIGRATIONS_FOLDER)).get_current_head()


def schema() -> list[list[str]]:
    """The words of the statements that would make the tables and indexes, without that of Alembic's version.

    In any order and without defaults, as SQLite puts a column that comes back at the end, and with a default.
    """
    rows = db.session.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"))
    found = [sorted(re.findall(r"\w+", re.sub(r" DEFAULT [^\s,)]+", "", sql))) for sql in rows.scalars()]
    db.session.remove()
    return sorted(found)


def test_the_newest_migration_makes_the_models_tables(site: Site) -> None:
    database.upgrade(site.app)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
        assert compare_metadata(context, db.metadata) == []


def test_each_migration_goes_up_down_and_up(site: Site) -> None:
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS_FOLDER)).walk_revisions()][::-1]
    before = schema()
    for revision in revisions:
        database.upgrade(site.app, revision)
        after = schema()
        assert after != before
        database.downgrade(site.app, "-1")
        assert schema() == before
        database.upgrade(site.app, revision)
        assert schema() == after
        before = after


def test_foreign_keys_and_the_journal_are_on(site: Site) -> None:
    database.upgrade(site.app)
    with db.engine.connect() as connection:
        ask: Callable[[str], object] = lambda name: connection.execute(text(f"PRAGMA {name}")).scalar()  # noqa: E731
        assert (ask("foreign_keys"), ask("journal_mode"), ask("busy_timeout")) == (1, "wal", 5000)


def ended_at(site: Site, statement: int, number: signal.Signals) -> bool:
    """Upgrade in a process that gets a signal before its nth statement of SQL; return whether it came that far."""

    def upgrade() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        counter = itertools.count(1)

        @event.listens_for(Engine, "before_cursor_execute")
        def count(*_: object) -> None:
            if next(counter) == statement:
                os.kill(os.getpid(), number)

        database.upgrade(site.app)

    site.database.dispose()
    process = multiprocessing.get_context("fork").Process(target=upgrade)
    process.start()
    process.join()
    return process.exitcode != 0


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 25])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("old", ["base", "0005"])
def test_a_migration_that_is_ended_anywhere_has_changed_nothing(
    site: Site, old: str, number: signal.Signals, step: int
) -> None:
    if old != "base":
        database.upgrade(site.app, old)
    before = schema(), database.version(site.app)
    points = 0
    while ended_at(site, 1 + points * step, number):
        assert (schema(), database.version(site.app)) == before, points * step
        points += 1
    assert points * step >= 25
    assert database.version(site.app) == newest()
    backups.verify_database(file_of(site))


@pytest.mark.parametrize("pages", [0, 1, 5, 20])
def test_a_migration_without_room_has_changed_nothing(site: Site, pages: int) -> None:
    database.upgrade(site.app, "0005")
    before = schema()

    def small(connection: Any, _record: object) -> None:
        (size,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={size + pages}")

    event.listen(Engine, "connect", small)
    try:
        site.database.dispose()
        with pytest.raises(OperationalError, match="full"):
            database.upgrade(site.app)
    finally:
        event.remove(Engine, "connect", small)
        site.database.dispose()
    assert (schema(), database.version(site.app)) == (before, "0005")
    database.upgrade(site.app)
    assert database.version(site.app) == newest()


def test_a_whole_copy_is_made_before_each_change_of_version_and_three_are_kept(site: Site) -> None:
    copies = lambda: sorted((file_of(site).parent / "before-migration").glob("*"))  # noqa: E731
    database.upgrade(site.app, "0005")
    assert copies() == []
    database.upgrade(site.app)
    (copy,) = copies()
    with closing(sqlite3.connect(copy)) as rows:
        assert rows.execute("SELECT version_num FROM alembic_version").fetchone() == ("0005",)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    database.upgrade(site.app)
    assert copies() == [copy]
    for _ in range(3):
        database.downgrade(site.app, "-1")
    assert (len(copies()), copy in copies()) == (3, False)


def test_without_a_copy_nothing_is_migrated(site: Site) -> None:
    database.upgrade(site.app, "0005")
    (file_of(site).parent / "before-migration").write_text("in the way")
    with pytest.raises(AppError) as refused:
        database.upgrade(site.app)
    assert (refused.value.code, database.version(site.app)) == ("backup_failed", "0005")


def test_administrators_and_closed_accounts_stay_so(site: Site) -> None:
    database.upgrade(site.app, "0014")
    add = text(
        "INSERT INTO users (username, username_key, display_name, password_hash, is_admin, theme, created_at)"
        " VALUES (:name, :name, :name, :hash, :admin, 'system', '2026-11-23 08:00:00')"
    )
    people = [("alice", "x", True), ("bob", "x", False), ("carol", "", False)]
    db.session.execute(add, [{"name": name, "hash": hashed, "admin": admin} for name, hashed, admin in people])
    db.session.commit()
    database.upgrade(site.app)
    rows = db.session.execute(text("SELECT username, role, state FROM users ORDER BY username")).all()
    assert [tuple(row) for row in rows] == [
        ("alice", "administrator", "active"), ("bob", "employee", "active"), ("carol", "employee", "left"),
    ]  # fmt: skip
    db.session.execute(text("UPDATE users SET state = 'suspended' WHERE username = 'bob'"))
    db.session.commit()
    db.session.remove()
    database.downgrade(site.app, "0014")
    rows = db.session.execute(text("SELECT username, is_admin, password_hash FROM users ORDER BY username")).all()
    assert [tuple(row) for row in rows] == [("alice", 1, "x"), ("bob", 0, ""), ("carol", 0, "")]

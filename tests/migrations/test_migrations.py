"""The migrations make the tables of the models, and each can be taken back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from app.extensions import db
from app.models.search import is_ours
from tests.support.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose database has no tables yet."""
    made = Site(tmp_path)
    with made.app.app_context():
        yield made
    made.stop()


def schema() -> list[str]:
    """The statements that would make the tables and indexes, but for the one where Alembic notes its version."""
    rows = db.session.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"))
    found = sorted(rows.scalars())
    db.session.remove()
    return found


def test_the_newest_migration_makes_the_models_tables(site: Site) -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
        assert compare_metadata(context, db.metadata) == []


def test_each_migration_goes_up_down_and_up(site: Site) -> None:
    folder = site.app.extensions["migrate"].directory
    revisions = [script.revision for script in ScriptDirectory(folder).walk_revisions()][::-1]
    before = schema()
    for revision in revisions:
        upgrade(revision=revision)
        after = schema()
        assert after != before
        downgrade(revision="-1")
        assert schema() == before
        upgrade(revision=revision)
        assert schema() == after
        before = after


def test_foreign_keys_and_the_journal_are_on(site: Site) -> None:
    upgrade()
    with db.engine.connect() as connection:
        ask: Callable[[str], object] = lambda name: connection.execute(text(f"PRAGMA {name}")).scalar()  # noqa: E731
        assert (ask("foreign_keys"), ask("journal_mode"), ask("busy_timeout")) == (1, "wal", 5000)

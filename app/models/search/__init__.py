"""Full-text search in a user's conversations: the backend of the database in use."""

from app.extensions import db
from app.models.search.backend import Search
from app.models.search.sqlite import SqliteSearch

# Database dialect → its index; other databases compare texts. For PostgreSQL, a subclass with tsvector goes here.
BACKENDS: dict[str, type[Search]] = {"sqlite": SqliteSearch}


def search() -> Search:
    """Return the search of the database in use."""
    return BACKENDS.get(db.engine.dialect.name, Search)()

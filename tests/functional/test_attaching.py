"""What the chat page has for documents, and what it says of those that are no longer read."""

import pytest

from app.extraction import reader
from tests.support.person import Person


def test_the_clip_is_there_only_where_documents_can_be_read(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Joindre un fichier" in alice.get("/").text
    monkeypatch.setattr(reader, "PACKAGES", ("no_such_package",))
    page = alice.get("/").text
    assert "Joindre un fichier" not in page
    assert 'type="file"' not in page

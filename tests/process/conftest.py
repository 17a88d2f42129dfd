"""What tests of whole processes share."""

from pathlib import Path

import pytest

from tests.support.site import furnished


@pytest.fixture
def instance(tmp_path: Path, empty_database: Path) -> Path:
    """An instance folder of the test's own, with an empty database."""
    return furnished(tmp_path / "instance", empty_database)

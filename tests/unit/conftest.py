"""What tests of single functions share."""

from collections.abc import Iterator

import pytest

from tests.support.site import Site


@pytest.fixture(scope="session")
def english_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """An application in English that never starts."""
    return Site(tmp_path_factory.mktemp("english"), DEFAULT_LOCALE="en")


@pytest.fixture
def in_english(english_site: Site) -> Iterator[None]:
    """The application's context, for texts."""
    with english_site.app.app_context():
        yield

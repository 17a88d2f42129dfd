"""The comparison in the background: one at a time, its progress, its end whatever that is."""

import threading
from collections.abc import Callable

import pytest

from app.diagnostics.client import NotComparedError
from app.diagnostics.comparison import Comparison, ComparisonJob, ComparisonProgress

RESULT = Comparison("phi3:mini", ())


@pytest.fixture
def job() -> ComparisonJob:
    return ComparisonJob()


def finished() -> None:
    """Wait for the job's thread."""
    for thread in threading.enumerate():
        if thread.name == "comparison":
            thread.join(5)


def test_one_at_a_time_with_its_progress(job: ComparisonJob) -> None:
    told, go = threading.Event(), threading.Event()

    def work(tell: Callable[[ComparisonProgress], None]) -> Comparison:
        tell(ComparisonProgress("comparing", 1, 6))
        told.set()
        assert go.wait(5)
        return RESULT

    assert (job.progress, job.outcome) == (None, None)
    assert job.start(work)
    assert told.wait(5)
    assert job.progress == ComparisonProgress("comparing", 1, 6)
    assert not job.start(work)
    go.set()
    finished()
    assert job.progress is None
    assert job.outcome is not None
    assert job.outcome.result == RESULT
    assert job.start(lambda _tell: RESULT)
    finished()


@pytest.mark.parametrize(
    ("failure", "code"), [(NotComparedError("busy"), "busy"), (ZeroDivisionError("by zero"), "broken")]
)
def test_a_failure_is_an_outcome(
    job: ComparisonJob, failure: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    def work(_tell: Callable[[ComparisonProgress], None]) -> Comparison:
        raise failure

    assert job.start(work)
    finished()
    assert job.progress is None
    assert job.outcome is not None
    assert isinstance(job.outcome.result, NotComparedError)
    assert job.outcome.result.code == code
    assert bool(caplog.records) == (code == "broken")

"""Counting tries: never more than the limit in any window, and a thread only once something is counted."""

import threading
import time

import pytest
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage

from app.security import RateLimiter
from tests.support.processes import wait_until

ONCE = RateLimitItemPerMinute(1)


def test_the_tries_that_are_left_and_the_wait_for_another_one() -> None:
    limiter, limit = RateLimiter(), RateLimitItemPerMinute(2, 5)
    assert (limiter.remaining(limit, "alice"), limiter.wait_s(limit, "alice")) == (2, 0)
    assert [limiter.hit(limit, "alice") for _ in range(4)] == [True, True, False, False]
    assert limiter.remaining(limit, "alice") == 0
    assert 295 <= limiter.wait_s(limit, "alice") <= 300


def test_each_has_tries_of_its_own() -> None:
    limiter = RateLimiter()
    assert [limiter.hit(ONCE, "login", "alice"), limiter.hit(ONCE, "login", "bob")] == [True, True]
    assert [limiter.hit(ONCE, "login", "alice"), limiter.remaining(ONCE, "login", "carol")] == [False, 1]


def test_another_try_is_left_when_the_window_has_slid_on() -> None:
    limiter, limit = RateLimiter(), RateLimitItemPerSecond(1)
    assert [limiter.hit(limit, "alice"), limiter.hit(limit, "alice")] == [True, False]
    wait_until(lambda: limiter.remaining(limit, "alice") == 1)
    assert limiter.hit(limit, "alice")


def test_many_at_once_are_counted_one_by_one() -> None:
    limiter, limit = RateLimiter(), RateLimitItemPerMinute(10)
    counted: list[bool] = []
    threads = [threading.Thread(target=lambda: counted.append(limiter.hit(limit, "alice"))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counted) == 10


def test_the_storage_counts_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its timer would else be started twice at times, and the request fail.
    inside, together = threading.Lock(), []

    def count(*_args: object, **_options: object) -> bool:
        together.append(not inside.acquire(blocking=False))
        time.sleep(0.005)
        inside.release()
        return True

    monkeypatch.setattr(MemoryStorage, "acquire_entry", count)
    limiter = RateLimiter()
    threads = [threading.Thread(target=limiter.hit, args=(ONCE, str(place))) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [False] * 8

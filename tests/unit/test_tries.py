"""Counting tries: never more than the limit in any window, and nobody is remembered for long."""

from hypothesis import given
from hypothesis import strategies as st

from app.tries import SWEEP_S, Tries


class Clock:
    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


@given(
    times=st.integers(1, 5),
    seconds=st.integers(1, 10),
    steps=st.lists(st.integers(0, 4000), max_size=60),
)
def test_no_window_holds_more_than_the_limit_and_no_try_is_refused_without_need(
    times: int, seconds: int, steps: list[int]
) -> None:
    clock = Clock()
    tries = Tries(clock)
    passed: list[int] = []
    for step in steps:
        clock.ms += step
        lately = sum(clock.ms - before <= seconds * 1000 for before in passed)
        assert tries.left((times, seconds), "a") == times - lately
        counted = tries.hit((times, seconds), "a")
        assert counted == (lately < times)
        if counted:
            passed.append(clock.ms)


def test_each_has_tries_of_its_own() -> None:
    tries = Tries(Clock())
    assert [tries.hit((1, 60), "login", "alice"), tries.hit((1, 60), "login", "bob")] == [True, True]
    assert [tries.hit((1, 60), "login", "alice"), tries.left((1, 60), "login", "carol")] == [False, 1]


def test_who_does_not_come_back_is_forgotten() -> None:
    clock = Clock()
    tries = Tries(clock)
    for number in range(100):
        tries.hit((5, 10), str(number))
    assert len(tries) == 100
    clock.ms = SWEEP_S * 1000
    tries.hit((5, 10), "one more")
    assert len(tries) == 1

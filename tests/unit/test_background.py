"""Work that nobody waits for: it has the engine for itself, comes last, and stops for anyone."""

import threading
from collections.abc import Iterator

import pytest

from app.engines.base import Cancel
from app.errors import AppError
from app.generation.background import BackgroundSlot
from app.generation.queue import Priority, RunQueue, Ticket
from tests.support.processes import wait_until


class Worker:
    """Somebody's work: it says when it begins, and lasts until it is let go or cancelled."""

    def __init__(self, key: str, priority: Priority = Priority.CHAT) -> None:
        self.begun, self.over, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.ticket = Ticket(key, 1, key, self.carry, priority=priority, when_free=self.ended.set)
        self.ticket.cancel.on_set(self.over.set)

    def carry(self, _ticket: Ticket) -> None:
        self.begun.set()
        assert self.over.wait(10)


class Aside:
    """Work in the background slot, which begins, and lasts until its cancel is set or it is let go."""

    def __init__(self, slot: BackgroundSlot) -> None:
        self.begun, self.over = threading.Event(), threading.Event()
        self.cancelled = False
        self.failure: AppError | None = None
        self._slot = slot
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def join(self) -> "Aside":
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self

    def _carry(self) -> None:
        try:
            self._slot.run("model", self._work)
        except AppError as error:
            self.failure = error

    def _work(self, cancel: Cancel) -> None:
        cancel.on_set(self.over.set)
        self.begun.set()
        assert self.over.wait(10)
        self.cancelled = cancel.is_set()


@pytest.fixture
def queue() -> Iterator[RunQueue]:
    """Two slots: the engine could do something beside."""
    made = RunQueue(lambda: 2, 10)
    yield made
    made.close(5)


def test_it_begins_when_nobody_is_at_work_and_stops_for_whoever_comes(queue: RunQueue) -> None:
    first, second = Worker("first"), Worker("second")
    queue.submit(first.ticket)
    assert first.begun.wait(5)
    slot = BackgroundSlot(queue)
    aside = Aside(slot)
    # A slot is free, but what is measured beside others would tell nothing.
    assert not aside.begun.wait(0.1)
    assert slot.engine_needed
    first.over.set()
    assert aside.begun.wait(5)
    assert queue.counts() == (0, 0)
    assert not slot.engine_needed
    queue.submit(second.ticket)
    assert second.begun.wait(5)
    assert aside.join().cancelled
    second.over.set()


def test_nothing_is_read_ahead_beside_it(queue: RunQueue) -> None:
    aside = Aside(BackgroundSlot(queue))
    assert aside.begun.wait(5)
    ahead = Worker("ahead", Priority.PREFILL)
    assert not queue.submit_if_idle(ahead.ticket)
    aside.over.set()
    assert not aside.join().cancelled
    assert queue.submit_if_idle(ahead.ticket)
    ahead.over.set()


def test_it_can_be_cancelled_wherever_it_is(queue: RunQueue) -> None:
    slot = BackgroundSlot(queue)
    running = Aside(slot)
    assert running.begun.wait(5)
    slot.cancel()
    assert running.join().cancelled
    busy = Worker("busy")
    queue.submit(busy.ticket)
    assert busy.begun.wait(5)
    waiting = Aside(slot)

    def given_up() -> bool:
        slot.cancel()
        return waiting.failure is not None

    wait_until(given_up)
    assert waiting.join().failure is not None
    assert (waiting.failure.code, waiting.begun.is_set()) == ("interrupted", False)
    busy.over.set()


def test_the_end_of_the_program_ends_it_wherever_it_is() -> None:
    queue = RunQueue(lambda: 1, 10)
    running = Aside(BackgroundSlot(queue))
    assert running.begun.wait(5)
    queue.close(5)
    assert running.join().cancelled
    late = Aside(BackgroundSlot(queue)).join()
    assert late.failure is not None
    assert late.failure.code == "interrupted"


def test_what_it_raises_comes_out_where_it_was_asked_for(queue: RunQueue) -> None:
    def broken(_cancel: Cancel) -> None:
        raise AppError("engine_failed", engine="Ollama")

    with pytest.raises(AppError, match="engine_failed"):
        BackgroundSlot(queue).run("model", broken)


def test_quiet_is_waited_for(queue: RunQueue) -> None:
    slot, ending = BackgroundSlot(queue), threading.Event()
    slot.wait_until_quiet(ending, 0)
    busy = Worker("busy")
    queue.submit(busy.ticket)
    assert busy.begun.wait(5)
    quiet = threading.Thread(target=slot.wait_until_quiet, args=(ending, 0))
    quiet.start()
    quiet.join(0.1)
    assert quiet.is_alive()
    busy.over.set()
    quiet.join(10)
    assert not quiet.is_alive()
    over = threading.Event()
    over.set()
    slot.wait_until_quiet(over, 60)
    slot.wait_until_quiet(ending, 60, lambda: False)


def test_what_nobody_wants_any_more_is_let_go_of_wherever_it_is(queue: RunQueue) -> None:
    cancelled = threading.Event()

    def work(cancel: Cancel) -> None:
        assert cancel.wait(10)
        cancelled.set()

    BackgroundSlot(queue).run("model", work, lambda: False)
    assert cancelled.is_set()
    busy = Worker("busy")
    queue.submit(busy.ticket)
    with pytest.raises(AppError, match="interrupted"):
        BackgroundSlot(queue).run("model", work, lambda: False)
    busy.over.set()

"""Asking an engine, and listening from another thread so that a test can act in mid-answer."""

import threading
import time
from collections.abc import Callable, Iterator

from app.engines.base import Cancel, ChatRequest, Done, Engine, EngineEvent, Loading, Reading, Text, Thinking
from app.errors import AppError

ORDER = (Loading, Reading, Thinking, Text, Done)


def question(model: str, text: str = "Combien font deux et deux ?", **options: object) -> ChatRequest:
    """A first question to this model, which answers the same each time."""
    fixed = {"temperature": 0.0, "seed": 1} | options
    return ChatRequest(model, ({"role": "user", "content": text},), **fixed)  # type: ignore[arg-type]


def answer(engine: Engine, request: ChatRequest) -> list[EngineEvent]:
    """All events of an answer that nobody cancels."""
    return list(engine.stream(request, Cancel()))


def text_of(events: list[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def thinking_of(events: list[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Thinking))


def done(events: list[EngineEvent]) -> Done:
    """The end of the answer, which must be its last event and its only end."""
    ends = [event for event in events if isinstance(event, Done)]
    assert len(ends) == 1
    assert events[-1] is ends[0]
    return ends[0]


class Listener:
    """Reads an answer in a thread; nothing here waits for ever."""

    def __init__(self, engine: Engine, request: ChatRequest) -> None:
        self.cancel = Cancel()
        self.events: list[EngineEvent] = []
        self.failure: AppError | None = None
        self._ended_at = 0.0
        self._news = threading.Condition()
        events = engine.stream(request, self.cancel)
        self._thread = threading.Thread(target=self._listen, args=(events,), daemon=True)
        self._thread.start()

    def first(self, kind: type[EngineEvent]) -> None:
        """Wait for the first event of this kind."""
        self.first_that(lambda event: isinstance(event, kind))

    def first_that(self, fits: Callable[[EngineEvent], bool], timeout: float = 20) -> None:
        """Wait for the first event that fits."""
        with self._news:
            heard = self._news.wait_for(lambda: any(map(fits, self.events)), timeout)
        assert heard, f"not among {self.events}, failure {self.failure}"

    def end(self, timeout: float = 5) -> list[EngineEvent]:
        """The events, once the answer has ended."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"still going on after {timeout} s: {self.events[-3:]}"
        return self.events

    def stop(self) -> float:
        """Cancel, wait for the end, and say how many seconds it took."""
        stopped_at = time.monotonic()
        self.cancel.set()
        self.end()
        return self._ended_at - stopped_at

    def _listen(self, events: Iterator[EngineEvent]) -> None:
        try:
            for event in events:
                with self._news:
                    self.events.append(event)
                    self._news.notify_all()
        except AppError as error:
            self.failure = error
        finally:
            self._ended_at = time.monotonic()

"""A run's events: numbered, the same for everyone who follows from anywhere."""

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.base import Cancel
from app.errors import AppError
from app.generation import events
from app.generation.backends.memory import MemoryEventLog, MemoryEventStream, MemorySignals
from app.generation.events import HEARTBEAT, MAX_STREAMS_EACH, Event, StreamRegistry, Topic
from tests.support.sse import parse

pieces = st.lists(st.tuples(st.sampled_from([Event.TEXT, Event.THINKING]), st.text(min_size=1)), max_size=40)


def written(parts: list[tuple[Event, str]]) -> MemoryEventStream:
    """An ended answer of these parts."""
    stream = MemoryEventStream()
    stream.publish(Event.ACCEPTED, {})
    for event, text in parts:
        stream.publish(event, {"text": text})
    stream.publish(Event.DONE, {}, last=True)
    return stream


def clean(text: str) -> str:
    return text.encode(errors="replace").decode()


@given(pieces, st.integers(0, 60))
def test_a_stream_cut_anywhere_and_resumed_is_the_same(parts: list[tuple[Event, str]], cut: int) -> None:
    stream = written(parts)
    whole = list(parse(stream.follow()))
    assert [event.number for event in whole] == list(range(1, len(whole) + 1))
    assert whole[:cut] + list(parse(stream.follow(min(cut, len(whole))))) == whole
    for kind in (Event.TEXT, Event.THINKING):
        said = "".join(clean(text) for event, text in parts if event is kind)
        assert "".join(event.data["text"] for event in whole if event.name == kind) == said
        # Thoughts and words stay in their order.
        runs = [event.name for event in whole if event.name in (Event.TEXT, Event.THINKING)]
        order = [str(event) for event, _ in parts]
        assert [k for i, k in enumerate(runs) if i == 0 or runs[i - 1] != k] == [
            k for i, k in enumerate(order) if i == 0 or order[i - 1] != k
        ]


@given(pieces)
def test_a_snapshot_is_what_was_sent_up_to_its_number(parts: list[tuple[Event, str]]) -> None:
    stream = MemoryEventStream("déjà ", "pensé ")
    for event, text in parts:
        stream.publish(event, {"text": text})
    number, content, thinking = stream.text()
    stream.publish(Event.DONE, {}, last=True)
    events = list(parse(stream.follow()))
    sent = {kind: "".join(e.data["text"] for e in events[:number] if e.name == kind) for kind in ("text", "thinking")}
    assert clean(content) == "déjà " + sent["text"]
    assert clean(thinking) == "pensé " + sent["thinking"]


def test_a_snapshot_after_a_text_that_was_told_again() -> None:
    stream = MemoryEventStream()
    stream.publish(Event.ACCEPTED, {})
    stream.publish(Event.TEXT, {"text": "Voyons."})
    stream.publish(Event.ACCEPTED, {"reset": True, "message": {"content": "", "thinking": "Voyons."}})
    stream.publish(Event.TEXT, {"text": "Oui."})
    assert stream.text() == (4, "Oui.", "Voyons.")


def test_a_follower_that_waits_hears_all_kinds_of_ends() -> None:
    ends = (lambda c, _: c.close(), lambda c, _: c.publish(Event.DONE, {}, last=True), lambda _, r: r.set())
    for end in ends:
        stream, revoked, heard = MemoryEventStream(), Cancel(), queue.SimpleQueue()
        thread = threading.Thread(target=_listen, args=(stream, revoked, heard))
        thread.start()
        stream.publish(Event.TEXT, {"text": "a"})
        assert heard.get(timeout=5).data == {"text": "a"}
        end(stream, revoked)
        thread.join(5)
        assert not thread.is_alive()


def _listen(stream: MemoryEventStream, revoked: Cancel, heard: queue.SimpleQueue) -> None:
    for event in parse(stream.follow(0, revoked)):
        heard.put(event)


def test_a_slow_follower_gets_everything_once_and_holds_nobody_up() -> None:
    stream = MemoryEventStream()
    slow = stream.follow()
    stream.publish(Event.TEXT, {"text": "0"})
    first = next(slow)
    # Nobody reads on before it is all published.
    for number in range(1, 60):
        stream.publish(Event.TEXT, {"text": str(number)})
    stream.publish(Event.DONE, {}, last=True)
    events = list(parse([first, *slow]))
    assert [event.number for event in events] == list(range(1, 62))
    assert [event.data["text"] for event in events[:-1]] == [str(number) for number in range(60)]


def test_whose_session_is_revoked_gets_nothing_more() -> None:
    stream, revoked = MemoryEventStream(), Cancel()
    follower = stream.follow(0, revoked)
    stream.publish(Event.TEXT, {"text": "a"})
    assert next(follower)
    stream.publish(Event.TEXT, {"text": "b"})
    revoked.set()
    assert list(follower) == []
    assert list(stream.follow(0, revoked)) == []


def test_one_person_cannot_take_all_streams() -> None:
    streams = StreamRegistry(10 * MAX_STREAMS_EACH, MemorySignals())
    with ExitStack() as others:
        for _ in range(MAX_STREAMS_EACH - 1):
            others.enter_context(streams.open(1, ""))
        with streams.open(1, ""), pytest.raises(AppError, match="too_many_streams"), streams.open(1, ""):
            pass
        with streams.open(1, ""), streams.open(2, ""):
            pass


def test_all_streams_together_leave_room() -> None:
    streams = StreamRegistry(2, MemorySignals())
    with streams.open(1, ""):
        with streams.open(2, ""), pytest.raises(AppError, match="too_many_streams"), streams.open(3, ""):
            pass
        with streams.open(3, ""):
            pass


def test_the_streams_of_a_revoked_session_end_and_no_others() -> None:
    signals = MemorySignals()
    streams, elsewhere = StreamRegistry(9, signals), StreamRegistry(9, signals)
    with streams.open(1, "one") as first, streams.open(1, "two") as second, elsewhere.open(1, "one") as third:
        streams.revoke("one")
        assert [each.is_set() for each in (first, second, third)] == [True, False, True]


def test_a_notice_reaches_all_listeners_of_its_topic() -> None:
    signals, heard = MemorySignals(), []
    signals.send(Topic.FORGOTTEN, "before anybody listened")
    for name in ("a", "b"):
        signals.listen(Topic.FORGOTTEN, lambda value, name=name: heard.append((name, value)))
    signals.send(Topic.MODELS)
    signals.send(Topic.FORGOTTEN, "c1")
    assert heard == [("a", "c1"), ("b", "c1")]


def test_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.01)
    follower = MemoryEventStream().follow()
    assert [next(follower), next(follower)] == [HEARTBEAT, HEARTBEAT]
    assert HEARTBEAT.startswith(b":")


def test_text_of_any_kind_is_one_event() -> None:
    stream = MemoryEventStream()
    stream.publish(Event.TEXT, {"text": "ligne\n\nid: 9\r\nevent: done\u2028\ud800"})
    stream.close()
    (event,) = parse(stream.follow())
    assert event.data["text"] == "ligne\n\nid: 9\r\nevent: done\u2028?"


def test_ended_runs_are_forgotten_one_after_another_and_active_ones_never() -> None:
    log = MemoryEventLog(kept=2)
    for key in range(6):
        log.open(key)
    known: Callable[[], list[int]] = lambda: [key for key in range(6) if log.get(key)]  # noqa: E731
    for key in range(1, 5):
        log.retire(key)
    assert known() == [0, 3, 4, 5]
    log.close()
    assert list(log.get(0).follow()) == []

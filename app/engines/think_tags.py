"""Thinking that a server leaves in the text, between `<think>` tags, told apart from the answer.

Ollama before 0.9 and servers without a reasoning parser send it so; others send it in a field of its own.
"""

from collections.abc import Iterator

from app.engines.base import EngineEvent, Text, Thinking

OPEN, CLOSE = "<think>", "</think>"


def separated(events: Iterator[EngineEvent]) -> Iterator[EngineEvent]:
    """The same events, where text in tags at the very start of an answer has become thinking."""
    held = ""
    for event in events:
        if not isinstance(event, Text):
            if held:
                yield Text(held)
                held = ""
            yield event
            if isinstance(event, Thinking):
                break
            continue
        held += event.text
        begun = held.lstrip()
        if begun.startswith(OPEN):
            yield from _thinking(begun.removeprefix(OPEN), events)
            break
        if not OPEN.startswith(begun):
            yield Text(held)
            break
    yield from events


def _thinking(held: str, events: Iterator[EngineEvent]) -> Iterator[EngineEvent]:
    """Thinking up to the closing tag, and the text that comes with it; the rest stays in `events`."""
    while CLOSE not in held:
        kept = next((size for size in range(len(CLOSE) - 1, 0, -1) if held.endswith(CLOSE[:size])), 0)
        said, held = held[: len(held) - kept], held[len(held) - kept :]
        if said:
            yield Thinking(said)
        event = next(events, None)
        if not isinstance(event, Text):
            yield from ([Thinking(held)] if held else [])
            yield from ([event] if event else [])
            return
        held += event.text
    said, answer = held.split(CLOSE, 1)
    if said:
        yield Thinking(said)
    # The blank lines between the tag and the answer belong to neither.
    while not (answer := answer.lstrip("\n")):
        event = next(events, None)
        if not isinstance(event, Text):
            yield from ([event] if event else [])
            return
        answer = event.text
    yield Text(answer)

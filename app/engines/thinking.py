"""Tell a model's thinking apart from its answer where the engine sends both as one text, with marks between them."""

import re
from collections.abc import Callable, Iterable, Iterator

from app.engines.base import Done, EngineEvent, Retold, Text, Thinking

# The mark that opens thinking at the start of an answer, and the one that closes it.
MARKS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel>thought": "<channel|>",
}
CLOSING = re.compile("|".join(re.escape(mark) for mark in MARKS.values()))
OPENING = re.compile("|".join(re.escape(mark) for mark in MARKS))
# OpenAI's format of channels: <|channel|>NAME<|message|>TEXT<|end|>, and <|start|>ROLE before the next one.
CONTROL = re.compile(r"<\|(start|channel|message|constrain|end|return|call)\|>")
CONTROLS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|return|>", "<|call|>")
CHANNELS = ("<|channel|>", "<|start|>assistant")
THINKING_CHANNELS = ("analysis", "commentary")
# An answer of this many characters without a closing mark says that the model's template opens no thinking.
LONG_ANSWER = 1000


class ThinkingSplitter:
    """Turns the Text events of one answer into Thinking and Text.

    Marks count at the start of an answer, so that a text may speak of them. A closing mark alone counts where it begins
    or ends a line outside of a block of code: the model's template had put the opening one into the prompt. What came
    before it was thinking, which a Retold event says if it was given as text.

    `opened`: this model's template is known to do that, so the text up to the closing mark is thinking from the start.
    """

    def __init__(self, *, opened: bool = False) -> None:
        # Whether the template opens the thinking, as this answer shows it; None: it does not show.
        self.opened: bool | None = None
        # Thinking until any closing mark comes, without an opening one.
        self._assumed = opened
        self._close = CLOSING
        self._held = ""
        # What was given so far as one kind, thinking or text.
        self._given: list[str] = []
        self._control = self._channel = ""
        self._step: Callable[[], Iterator[EngineEvent]] = self._find_opening

    def split(self, events: Iterator[EngineEvent]) -> Iterator[EngineEvent]:
        """Yield the events of an answer with thinking and text separated; other events are passed on unchanged."""
        for event in events:
            if isinstance(event, Text):
                self._held += event.text
                yield from self._run_steps()
                continue
            if isinstance(event, Thinking | Done):
                yield from self._give_rest()
            if isinstance(event, Done):
                yield from self._conclude(event)
            yield event
            if isinstance(event, Thinking):
                # The engine tells them apart itself.
                break
        yield from events

    def _run_steps(self) -> Iterator[EngineEvent]:
        before = None
        while before != self._step:
            before = self._step
            yield from self._step()

    def _give_rest(self) -> Iterator[EngineEvent]:
        """Give what is still held."""
        if self._step == self._find_closing:
            yield from self._find_closing(at_end=True)
            yield from self._run_steps()
        if self._step == self._read_channels:
            yield from self._give_channel_text(self._held)
        else:
            yield from self._give(self._held, Thinking if self._step == self._read_thinking else Text)
        self._held = ""

    def _conclude(self, done: Done) -> Iterator[EngineEvent]:
        """Note what a complete answer shows of the template; correct an answer that was taken for thinking."""
        if self._step == self._read_thinking and self._assumed and done.reason != "length":
            self.opened = False
            yield Retold("")
            yield Text("".join(self._given))
        elif self._step == self._find_closing and sum(map(len, self._given)) >= LONG_ANSWER:
            self.opened = False

    def _give(self, text: str, kind: type[Text] | type[Thinking]) -> Iterator[EngineEvent]:
        if text:
            self._given.append(text)
            yield kind(text)

    def _find_opening(self) -> Iterator[EngineEvent]:
        """Wait until it is clear whether the answer begins with a mark."""
        begun = self._held.lstrip()
        if begun.startswith(CHANNELS):
            self._held, self._step = begun, self._read_channels
        elif found := OPENING.match(begun):
            self._assumed, self._close = False, re.compile(re.escape(MARKS[found[0]]))
            self._held, self._step = begun[found.end() :], self._read_thinking
        elif found := CLOSING.match(begun):
            self.opened = True
            self._held, self._step = begun[found.end() :], self._skip_blank_lines
        elif not any(mark.startswith(begun) for mark in (*CHANNELS, *MARKS, *MARKS.values())):
            self._step = self._read_thinking if self._assumed else self._find_closing
        yield from ()

    def _read_thinking(self) -> Iterator[EngineEvent]:
        """Give thinking, up to the closing mark."""
        found = self._close.search(self._held)
        end = found.start() if found else len(self._held) - _begun_mark_length(self._held, MARKS.values())
        yield from self._give(self._held[:end], Thinking)
        self._held = self._held[found.end() if found else end :]
        if found:
            self.opened = True if self._assumed else None
            self._step = self._skip_blank_lines

    def _skip_blank_lines(self) -> Iterator[EngineEvent]:
        """Drop the blank lines between the closing mark and the answer."""
        self._held = self._held.lstrip("\n")
        if self._held:
            self._step = self._give_text
        yield from ()

    def _give_text(self) -> Iterator[EngineEvent]:
        held, self._held = self._held, ""
        yield from self._give(held, Text)

    def _find_closing(self, *, at_end: bool = False) -> Iterator[EngineEvent]:
        """Give text, and look for a closing mark that says that it was thinking."""
        while found := CLOSING.search(self._held):
            after = self._held[found.end() :]
            if not (after or at_end):
                # What follows it decides.
                break
            before = "".join(self._given) + self._held[: found.start()]
            if _closes(before, after):
                self.opened = True
                yield Retold(before) if self._given else Thinking(before)
                self._held, self._step = after, self._skip_blank_lines
                return
            yield from self._give(self._held[: found.end()], Text)
            self._held = after
        end = found.start() if found else len(self._held) - _begun_mark_length(self._held, MARKS.values())
        yield from self._give(self._held[:end], Text)
        self._held = self._held[end:]

    def _read_channels(self) -> Iterator[EngineEvent]:
        """Give the messages of the channels."""
        while found := CONTROL.search(self._held):
            yield from self._give_channel_text(self._held[: found.start()])
            self._held = self._held[found.end() :]
            self._control = found[1]
            if self._control in ("start", "channel"):
                self._channel = ""
        end = len(self._held) - _begun_mark_length(self._held, CONTROLS)
        yield from self._give_channel_text(self._held[:end])
        self._held = self._held[end:]

    def _give_channel_text(self, text: str) -> Iterator[EngineEvent]:
        if self._control == "channel":
            self._channel += text
        elif self._control == "message":
            is_thinking = self._channel.strip().startswith(THINKING_CHANNELS)
            yield from self._give(text, Thinking if is_thinking else Text)


def _closes(before: str, after: str) -> bool:
    """Return whether a closing mark between these texts closes thinking rather than being spoken of."""
    at_edge = before.endswith("\n") or after[:1] in ("", "\n")
    return at_edge and before.count("```") % 2 == 0 and not OPENING.search(before)


def _begun_mark_length(text: str, marks: Iterable[str]) -> int:
    """Return how many characters at the end of a text may be the beginning of a mark."""
    return max((size for mark in marks for size in range(1, len(mark)) if text.endswith(mark[:size])), default=0)

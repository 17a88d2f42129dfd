"""One answer by the clock of who asked: its text, and the figures that its events and the engine tell."""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

from app.engines.base import Cancel, ChatRequest, Done, Engine, EngineEvent, Loading, Text, Thinking, Usage
from app.errors import AppError

# An answer that goes on beyond this is a failure of the model's, and would fill the disk.
LONGEST_CHARACTERS = 50_000
FEWEST_TOKENS = 8


@dataclass(slots=True)
class Heard:
    """What has come so far; times in seconds since it was asked."""

    asked: float = field(default_factory=time.monotonic)
    answer: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    first_s: float | None = None
    first_text_s: float | None = None
    loading_s: float = 0.0
    end_s: float | None = None
    reason: str = ""
    usage: Usage = field(default_factory=Usage)
    characters: int = 0

    @property
    def complete(self) -> bool:
        """Whether the engine said that it was the end."""
        return self.end_s is not None

    def take(self, event: EngineEvent) -> None:
        """One more event."""
        now = time.monotonic() - self.asked
        if isinstance(event, Loading):
            self.loading_s = max(self.loading_s, event.elapsed_s)
        elif isinstance(event, Text | Thinking):
            self.first_s = now if self.first_s is None else self.first_s
            if isinstance(event, Text):
                self.first_text_s = now if self.first_text_s is None else self.first_text_s
            kept = event.text[: max(0, LONGEST_CHARACTERS - self.characters)]
            (self.answer if isinstance(event, Text) else self.thinking).append(kept)
            self.characters += len(event.text)
        elif isinstance(event, Done):
            self.end_s, self.reason, self.usage = now, event.reason, event.usage

    @property
    def output_tokens(self) -> int:
        """Tokens that the engine wrote; where it does not tell, about as many as there are pieces of text."""
        return self.usage.output_tokens or len(self.answer) + len(self.thinking)

    @property
    def decode_s(self) -> float:
        """Seconds of writing: the engine's own count, else from the first piece to the end."""
        if self.usage.decode_ms:
            return self.usage.decode_ms / 1000
        return max(0.0, (self.end_s or 0.0) - (self.first_s or 0.0))

    def metrics(self) -> dict[str, Any]:
        """The figures of a sample; what is not known is left out."""
        usage, total = self.usage, self.end_s or 0.0
        fresh = (usage.prompt_tokens or 0) - (usage.cached_tokens or 0)
        thinking, answer = sum(map(len, self.thinking)), sum(map(len, self.answer))
        thought_s = (self.first_text_s or total) - (self.first_s or 0.0) if thinking else 0.0
        found: dict[str, float | str | None] = {
            # What the engine tells, or what was waited for before the request itself.
            "load_ms": max(usage.load_ms or 0.0, self.loading_s * 1000) or usage.load_ms,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "prefill_ms": usage.prefill_ms,
            "prefill_tps": _rate(fresh, (usage.prefill_ms or 0.0) / 1000),
            "output_tokens": self.output_tokens,
            "decode_ms": self.decode_s * 1000,
            # A word or two say nothing of the pace.
            "decode_tps": _rate(self.output_tokens, self.decode_s) if self.output_tokens >= FEWEST_TOKENS else None,
            "first_token_ms": None if self.first_s is None else self.first_s * 1000,
            "total_ms": total * 1000,
            "thinking_ms": thought_s * 1000,
            # Engines do not count them apart: their share of the text.
            "thinking_tokens": round(self.output_tokens * thinking / (thinking + answer)) if thinking else 0,
            "reason": self.reason,
        }
        rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}
        return {key: value for key, value in rounded.items() if value is not None}


def ask(engine: Engine, request: ChatRequest, cancel: Cancel, heard: Heard) -> None:
    """Fill `heard`, which is left incomplete when `cancel` is set. Raises what the engine raises, answer_too_long."""
    # Every engine's stream is a generator: closing it ends the engine's work.
    stream = cast("Generator[EngineEvent, None, None]", engine.stream(request, cancel))
    with closing(stream):
        for event in stream:
            heard.take(event)
            if heard.characters > LONGEST_CHARACTERS:
                raise AppError("answer_too_long", limit=LONGEST_CHARACTERS)


def _rate(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens > 0 and seconds > 0 else None

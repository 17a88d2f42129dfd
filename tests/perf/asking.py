"""The crowd and the fast engine as the rows use them: two processes, started and ended with a block."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.perf.bench import process
from tests.perf.wire import Place, request

TOKENS = 200
TOKENS_PER_SECOND = 50
QUESTION = "Raconte une longue histoire."


class Crowd:
    """The process that asks."""

    def __init__(self, running: Any) -> None:
        self._running = running

    def ask(self, place: Place, asked: list[bytes], *, ours: bool) -> list[dict[str, Any]]:
        """All of these at the same instant: for each `first_s`, `total_s` and `tokens`, or `error`."""
        order = {"place": place, "asked": [each.decode() for each in asked], "ours": ours}
        self._running.stdin.write(json.dumps(order) + "\n")
        self._running.stdin.flush()
        results: list[dict[str, Any]] = json.loads(self._running.stdout.readline())
        return results


@contextmanager
def crowd() -> Iterator[Crowd]:
    """The asking process."""
    with process("tests.perf.crowd") as running:
        yield Crowd(running)


@contextmanager
def fast_engine(tokens: int = TOKENS) -> Iterator[str]:
    """The address of a fast engine, whose answers have that many tokens."""
    options = ("--tokens", str(tokens), "--tokens-per-second", str(TOKENS_PER_SECOND))
    with process("tests.fakes.fast", *options) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()


def with_engine(url: str) -> dict[str, str]:
    """The settings of a site that uses it."""
    return {"ENGINE": "openai", "OPENAI_BASE_URL": url, "ENGINE_SLOTS": "128"}


def to_engine(place: Place) -> bytes:
    """The crowd's question without this project."""
    body = {"model": "fast", "messages": [{"role": "user", "content": QUESTION}], "stream": True, "max_tokens": TOKENS,
            "stream_options": {"include_usage": True}}  # fmt: skip
    return request(place, "POST", "/v1/chat/completions", body)

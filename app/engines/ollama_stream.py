"""Ollama's stream of JSON lines: lines become events."""

import json
from collections.abc import Callable
from typing import Any

from app.engines.base import Done, EngineEvent, Text, Thinking, Usage
from app.errors import AppError


class OllamaStream:
    """One answer. `failed(code, cause)` makes the failure of a broken stream, `refused(message)` Ollama's own."""

    def __init__(self, failed: Callable[[str, object], AppError], refused: Callable[[str], AppError]) -> None:
        self._failed = failed
        self._refused = refused

    def read(self, line: bytes) -> list[EngineEvent]:
        """What one line says; raises engine_garbled or Ollama's own error."""
        if not line:
            return []
        part = self._parse(line)
        try:
            return _events_of(part)
        except (AttributeError, TypeError) as error:
            raise self._failed("engine_garbled", f"{error}: {line[:200]!r}") from error

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            part = json.loads(line)
        except ValueError as error:
            raise self._failed("engine_garbled", f"{error}: {line[:200]!r}") from error
        if not isinstance(part, dict):
            raise self._failed("engine_garbled", line[:200])
        if "error" in part:
            raise self._refused(str(part["error"]))
        return part


def _events_of(part: dict[str, Any]) -> list[EngineEvent]:
    """What one line says; AttributeError or TypeError when it is of another shape."""
    message = part.get("message") or {}
    events: list[EngineEvent] = []
    if thought := message.get("thinking"):
        events.append(Thinking("" + thought))
    if content := message.get("content"):
        events.append(Text("" + content))
    if part.get("done"):
        events.append(Done(part.get("done_reason") or "stop", _usage(part)))
    return events


def _usage(part: dict[str, Any]) -> Usage:
    """Ollama counts in nanoseconds and leaves zeros out; the time of reading covers the uncached part only."""
    return Usage(
        prompt_tokens=part.get("prompt_eval_count", 0),
        prefill_ms=part.get("prompt_eval_duration", 0) / 1e6,
        output_tokens=part.get("eval_count", 0),
        decode_ms=part.get("eval_duration", 0) / 1e6,
        load_ms=part.get("load_duration", 0) / 1e6,
    )

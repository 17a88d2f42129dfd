"""OpenAI's event stream, as llama-server and other servers write it: lines become events."""

import json
from collections.abc import Callable
from typing import Any

from app.engines.base import Done, EngineEvent, Reading, Text, Thinking, Usage
from app.errors import AppError


class OpenAIStream:
    """One answer. `failed(code, cause)` makes the failure of a broken stream, `refused(error)` the server's own."""

    def __init__(self, failed: Callable[[str, object], AppError], refused: Callable[[Any], AppError]) -> None:
        self._failed = failed
        self._refused = refused
        self._reason = ""
        self._usage = Usage()
        self.done = False

    def read(self, line: bytes) -> list[EngineEvent]:
        """What one line says; raises engine_garbled, engine_cut or the server's own error."""
        if not line.startswith(b"data:"):
            # Between events stand blank lines, comments and other fields; anything else is not SSE.
            if line and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                raise self._failed("engine_garbled", line[:200])
            return []
        data = line[5:].strip()
        if data == b"[DONE]":
            return [self.end()]
        part = self._parse(data)
        try:
            events = self._told(part)
        except (AttributeError, TypeError) as error:
            raise self._failed("engine_garbled", f"{error}: {data[:200]!r}") from error
        return events

    def end(self) -> Done:
        """The end of the answer; raises engine_cut when the server never said why it ended."""
        if not self._reason:
            raise self._failed("engine_cut", "the stream ended without finish_reason")
        self.done = True
        return Done(self._reason, self._usage)

    def _told(self, part: dict[str, Any]) -> list[EngineEvent]:
        """What one chunk says; AttributeError or TypeError when it is of another shape."""
        events: list[EngineEvent] = []
        if progress := part.get("prompt_progress"):
            cached = progress.get("cache") or 0
            events.append(Reading(progress.get("processed", 0) - cached, progress.get("total", 0) - cached))
        for choice in part.get("choices") or ():
            delta = choice.get("delta") or {}
            if thought := delta.get("reasoning_content") or delta.get("reasoning"):
                events.append(Thinking("" + thought))
            if content := delta.get("content"):
                events.append(Text("" + content))
            self._reason = choice.get("finish_reason") or self._reason
        if "timings" in part or part.get("usage"):
            self._usage = _usage(part, self._usage)
        return events

    def _parse(self, data: bytes) -> dict[str, Any]:
        try:
            part = json.loads(data)
        except ValueError as error:
            raise self._failed("engine_garbled", f"{error}: {data[:200]!r}") from error
        if not isinstance(part, dict):
            raise self._failed("engine_garbled", data[:200])
        if part.get("error"):
            raise self._refused(part["error"])
        return part


def _usage(part: dict[str, Any], before: Usage) -> Usage:
    """Counts from `usage` (every vendor) and durations from `timings` (llama-server); either may come alone."""
    counts = part.get("usage") or {}
    timings = part.get("timings") or {}
    cached = (counts.get("prompt_tokens_details") or {}).get(
        "cached_tokens", timings.get("cache_n", before.cached_tokens)
    )
    prompt = timings["prompt_n"] + timings.get("cache_n", 0) if "prompt_n" in timings else before.prompt_tokens
    return Usage(
        prompt_tokens=counts.get("prompt_tokens", prompt),
        cached_tokens=cached,
        prefill_ms=timings.get("prompt_ms", before.prefill_ms),
        output_tokens=counts.get("completion_tokens", timings.get("predicted_n", before.output_tokens)),
        decode_ms=timings.get("predicted_ms", before.decode_ms),
    )

"""Answers and models in OpenAI's shapes."""

import json
import secrets
import time
from typing import Any

from app.engines.base import Model, Usage

DONE = b"data: [DONE]\n\n"
# Stands where each chunk's delta goes.
PLACE = "\0"


def model_json(model: Model, owner: str) -> dict[str, Any]:
    """A model; engines do not tell when theirs were made."""
    return {"id": model.name, "object": "model", "created": 0, "owned_by": owner}


def usage_json(usage: Usage) -> dict[str, Any] | None:
    """What the answer cost, or None where the engine does not count."""
    read, written = usage.prompt_tokens, usage.output_tokens
    if read is None or written is None:
        return None
    counts: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    return counts


def finish_reason(reason: str) -> str:
    """One of the two reasons that OpenAI knows for a text that ends; engines have more."""
    return "length" if reason == "length" else "stop"


def event(data: dict[str, Any]) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


class Shapes:
    """The shapes of one answer; `include_usage`: its chunks have a `usage`, null in all but the last."""

    def __init__(self, model: str, *, include_usage: bool = False) -> None:
        self._head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model}
        self._usage: dict[str, Any] = {"usage": None} if include_usage else {}
        # All chunks but a few differ in their delta only: the rest is written once.
        self._before, self._after = self.chunk(PLACE).split(json.dumps(PLACE).encode())

    def whole(self, text: str, thinking: str, reason: str, usage: Usage) -> dict[str, Any]:
        """The answer in one piece."""
        message = {"role": "assistant", "content": text, "refusal": None}
        if thinking:
            message["reasoning_content"] = thinking
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(reason)}
        return self._head | {"object": "chat.completion", "choices": [choice], "usage": usage_json(usage)}

    def first(self) -> bytes:
        """The chunk that says who speaks."""
        return self.chunk({"role": "assistant", "content": ""})

    def delta(self, name: str, text: str) -> bytes:
        """A chunk of more `content` or `reasoning_content`."""
        return self._before + f'{{"{name}":{json.dumps(text)}}}'.encode() + self._after

    def last(self, reason: str, usage: Usage) -> bytes:
        """The chunk with the reason, the one with the cost if it was asked for, and the end."""
        end = self.chunk({}, finish_reason(reason))
        if self._usage:
            end += event(self._head | {"object": "chat.completion.chunk", "choices": [], "usage": usage_json(usage)})
        return end + DONE

    def chunk(self, delta: object, reason: str | None = None) -> bytes:
        """A chunk of any delta."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event(self._head | {"object": "chat.completion.chunk", "choices": [choice]} | self._usage)

"""OpenAI's request for an answer, with all rules of its fields; unknown fields are ignored."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from app.bodies import MAX_CONTENT, body, clean, field, name_field
from app.engines.base import Model, Usage
from app.errors import AppError

MAX_MESSAGES = 1000
MAX_STOPS = 16
MAX_STOP = 200
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# Roles, kinds of content and parts of a turn that stand for something other than text.
OTHER_ROLES = ("tool", "function")
OTHER_PARTS = ("image_url", "input_audio", "file", "refusal")
OTHER_CALLS = ("tool_calls", "function_call", "audio")
# Fields that would make it another answer, with the values that leave it as it is.
UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
}
# How much to think: here the only choice is whether.
EFFORTS = {"none": False, "minimal": False, "low": True, "medium": True, "high": True, "xhigh": True}
DONE = b"data: [DONE]\n\n"
# Stands where each chunk's delta goes.
PLACE = "\0"


@dataclass(frozen=True, slots=True)
class ChatCompletionRequest:
    """What a program asks; `effort`: it would like thinking, from a model that can."""

    model: str | None
    messages: tuple[dict[str, str], ...]
    think: bool
    effort: bool
    stream: bool
    include_usage: bool
    max_tokens: int | None
    temperature: float | None
    seed: int | None
    stop: tuple[str, ...]

    @classmethod
    def read(cls) -> "ChatCompletionRequest":
        """From the request; raises bad_request, missing_field, invalid_field, unsupported_field, too_large."""
        data = body()
        for name, harmless in UNSUPPORTED.items():
            if data.get(name) is not None and data[name] not in harmless:
                raise AppError("unsupported_field", field=name)
        model = name_field(data, "model")
        think = field(data, "think", bool)
        effort = field(data, "reasoning_effort", str, "none")
        if effort not in EFFORTS:
            raise AppError("invalid_field", field="reasoning_effort")
        return cls(
            None if model == "default" else model,
            _messages(field(data, "messages", list)),
            bool(think),
            think is None and EFFORTS[effort],
            field(data, "stream", bool, False),
            field(field(data, "stream_options", dict, {}), "include_usage", bool, False),
            _limit(data),
            _temperature(data.get("temperature")),
            _seed(field(data, "seed", int)),
            _stops(data.get("stop")),
        )


def _messages(turns: list[Any] | None) -> tuple[dict[str, str], ...]:
    if not turns:
        raise AppError("missing_field", field="messages")
    if len(turns) > MAX_MESSAGES:
        raise AppError("invalid_field", field="messages")
    messages = tuple(_message(turn, f"messages[{number}]") for number, turn in enumerate(turns))
    # The last one is gone on with; engines fail where there would be two of them.
    if [message["role"] for message in messages[-2:]] == ["assistant", "assistant"]:
        raise AppError("invalid_field", field=f"messages[{len(messages) - 1}].role")
    return messages


def _message(turn: Any, place: str) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise AppError("invalid_field", field=place)
    role = turn.get("role")
    if role in OTHER_ROLES:
        raise AppError("unsupported_content", field=f"{place}.role")
    if not isinstance(role, str) or role not in ROLES:
        raise AppError("invalid_field", field=f"{place}.role")
    for name in OTHER_CALLS:
        if turn.get(name):
            raise AppError("unsupported_content", field=f"{place}.{name}")
    content = clean(_content(turn.get("content"), f"{place}.content"))
    if len(content) > MAX_CONTENT:
        raise AppError("too_large", limit=MAX_CONTENT)
    return {"role": ROLES[role], "content": content}


def _content(content: Any, place: str) -> str:
    """A text, or the texts of a list of parts, each beginning a line."""
    if content is None:
        raise AppError("missing_field", field=place)
    if isinstance(content, list):
        return "\n".join(_part(part, f"{place}[{number}]") for number, part in enumerate(content))
    if not isinstance(content, str):
        raise AppError("invalid_field", field=place)
    return content


def _part(part: Any, place: str) -> str:
    if isinstance(part, dict) and part.get("type") in OTHER_PARTS:
        raise AppError("unsupported_content", field=place)
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise AppError("invalid_field", field=place)
    text: str = part["text"]
    return text


def _limit(data: dict[str, Any]) -> int | None:
    """The newer name of the field counts when both are there."""
    for name in ("max_completion_tokens", "max_tokens"):
        limit: int | None = field(data, name, int)
        if limit is not None:
            if limit < 1:
                raise AppError("invalid_field", field=name)
            return limit
    return None


def _temperature(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
        raise AppError("invalid_field", field="temperature")
    return float(value)


def _seed(value: int | None) -> int | None:
    """The same number for the same seed, of a size that every engine takes; llama.cpp reads -1 as "any"."""
    return None if value is None else value % 2**31


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or len(stops) > MAX_STOPS:
        raise AppError("invalid_field", field="stop")
    if not all(isinstance(stop, str) and 0 < len(stop) <= MAX_STOP for stop in stops):
        raise AppError("invalid_field", field="stop")
    return tuple(clean(stop) for stop in stops)


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


def sse_event(data: dict[str, Any]) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


class ResponseBuilder:
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
            end += sse_event(
                self._head | {"object": "chat.completion.chunk", "choices": [], "usage": usage_json(usage)}
            )
        return end + DONE

    def chunk(self, delta: object, reason: str | None = None) -> bytes:
        """A chunk of any delta."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return sse_event(self._head | {"object": "chat.completion.chunk", "choices": [choice]} | self._usage)

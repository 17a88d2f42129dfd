"""OpenAI's API under `/v1`, for other programs: requests and their validation, responses, views, errors.

Each request carries a personal token; unknown fields are ignored.
"""

import json
import re
import secrets
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple, Self

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask_babel import LazyString, force_locale, get_locale
from flask_babel import lazy_gettext as _l
from pydantic import AfterValidator, AliasPath, BeforeValidator, FailFast, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from app.engines.base import ChatRequest, Done, EngineEvent, Model, Retold, Text, Thinking, Usage
from app.errors import AppError, filled
from app.extensions import context_of, current_application, release_connection
from app.extraction.pictures import without_metadata
from app.models import AccessToken
from app.security import csrf, token_required
from app.text import clean
from app.web import MAX_CONTENT, STREAM_HEADERS, JsonObject, JsonRequest, Name, Number, generation

blueprint = Blueprint("openai_api", __name__, url_prefix="/v1")
# No CSRF protection: cookies are ignored here, so another site's page cannot use them.
csrf.exempt(blueprint)

MAX_MESSAGES = 1000
MAX_STOPS = 16
MAX_STOP = 200
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# Roles and content types of OpenAI's API that are not text.
OTHER_ROLES = ("tool", "function")
OTHER_PARTS = ("input_audio", "file", "refusal")
# Pictures come with the request: nothing is fetched for one.
DATA_URL = re.compile(r"data:image/(?:jpeg|jpg|png|webp);base64,", re.IGNORECASE)
# Bytes of a request, with its pictures in base64.
MAX_REQUEST = 8_000_000
# Characters of all messages.
MAX_TEXT = 3_000_000
# Fields that we do not support, each with the values that have no effect and are accepted.
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


def _no_text() -> PydanticCustomError:
    """Return the error for content that is not text."""
    return PydanticCustomError("unsupported_content", "not a text")


def _role(value: str) -> str:
    if value in OTHER_ROLES:
        raise _no_text()
    if value not in ROLES:
        raise ValueError
    return ROLES[value]


def _absent(value: Any) -> None:
    """Refuse any value but an empty one."""
    if value:
        raise _no_text()


def _parts(content: Any) -> Any:
    """Return string content as a list of one part."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class Image(NamedTuple):
    """A picture of a message: a JPEG, PNG or WebP file in base64."""

    base64: str


def _part(part: Any) -> str | Image:
    """Return the text or the picture of a content part."""
    if isinstance(part, dict) and part.get("type") in OTHER_PARTS:
        raise _no_text()
    if isinstance(part, dict) and part.get("type") == "image_url":
        return _image(part.get("image_url"))
    if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise ValueError
    return clean(part["text"])


def _image(place: Any) -> Image:
    """Return the picture of an `image_url`, without what it tells besides what it shows.

    Raises image_not_inline, and what `without_metadata` raises.
    """
    url = place.get("url") if isinstance(place, dict) else place
    if not isinstance(url, str):
        raise ValueError
    head = DATA_URL.match(url)
    if head is None:
        raise AppError("image_not_inline")
    try:
        data = b64decode(url[head.end() :], validate=True)
    except ValueError as error:
        raise AppError("file_damaged", cause=str(error)) from error
    return Image(b64encode(without_metadata(data)).decode())


def _not_too_large(parts: list[str | Image]) -> list[str | Image]:
    if len("\n".join(part for part in parts if isinstance(part, str))) > MAX_CONTENT:
        raise AppError("too_large", limit=MAX_CONTENT)
    return parts


def _stops(value: Any) -> tuple[str, ...]:
    """Return the stop sequences as a tuple."""
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list | tuple) or len(stops) > MAX_STOPS:
        raise ValueError
    if not all(isinstance(stop, str) and 0 < len(stop) <= MAX_STOP for stop in stops):
        raise ValueError
    return tuple(clean(stop) for stop in stops)


def _turns(turns: list["ChatCompletionMessage"]) -> list["ChatCompletionMessage"]:
    """Check that there is a message, and that the list does not end with two of the assistant."""
    if not turns:
        raise PydanticCustomError("missing_field", "empty")
    if sum(len(part) for turn in turns for part in turn.content if isinstance(part, str)) > MAX_TEXT:
        raise AppError("request_too_large")
    # An assistant message at the end is continued; engines fail if there are two.
    if [turn.role for turn in turns[-2:]] == ["assistant", "assistant"]:
        raise AppError("invalid_field", field=f"messages[{len(turns) - 1}].role")
    return turns


Limit = Annotated[Number, Field(ge=1)]
# A field of a message whose content would not be text.
Absent = Annotated[None, BeforeValidator(_absent)]
Part = Annotated[str | Image, PlainValidator(_part)]


class ChatCompletionMessage(JsonObject):
    """A message; `content` is a text, or a list of parts: texts, joined by line ends, and in a user's pictures."""

    role: Annotated[str, AfterValidator(_role)] = ""
    tool_calls: Absent = None
    function_call: Absent = None
    audio: Absent = None
    content: Annotated[list[Part], FailFast(), BeforeValidator(_parts), AfterValidator(_not_too_large)]

    @model_validator(mode="after")
    def _only_users_show(self) -> Self:
        if self.role != "user" and any(isinstance(part, Image) for part in self.content):
            raise _no_text()
        return self

    @property
    def for_engine(self) -> dict[str, Any]:
        """The message as engines get it."""
        texts = [part for part in self.content if isinstance(part, str)]
        images = [part.base64 for part in self.content if isinstance(part, Image)]
        return {"role": self.role, "content": "\n".join(texts)} | ({"images": images} if images else {})

    @model_validator(mode="before")
    @classmethod
    def _without_text(cls, data: Any) -> Any:
        """Take an assistant's turn without content as empty, as OpenAI does: it may have been nothing but thinking."""
        if isinstance(data, dict) and data.get("role") == "assistant" and data.get("content") is None:
            return data | {"content": ""}
        return data


class ChatCompletionRequest(JsonRequest):
    """A request for a chat completion; also raises unsupported_field, unsupported_content and too_large."""

    model: Name = None
    think: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] = "none"
    messages: Annotated[list[ChatCompletionMessage], FailFast(), Field(max_length=MAX_MESSAGES), AfterValidator(_turns)]
    stream: bool = False
    stream_options: dict[Any, Any] = {}
    include_usage: bool | None = Field(None, validation_alias=AliasPath("stream_options", "include_usage"))
    # `max_tokens` is the older name; it counts if the newer one is missing.
    max_completion_tokens: Limit | None = None
    max_tokens: Limit | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    # Reduced to a size that all engines accept, the same for the same seed; llama.cpp reads -1 as random.
    seed: Annotated[Number, AfterValidator(lambda seed: seed % 2**31)] | None = None
    stop: Annotated[tuple[str, ...], PlainValidator(_stops)] = ()

    @model_validator(mode="before")
    @classmethod
    def _refuse_unsupported(cls, data: dict[str, Any]) -> dict[str, Any]:
        for name, harmless in UNSUPPORTED.items():
            if data.get(name) is not None and data[name] not in harmless:
                raise AppError("unsupported_field", field=name)
        return data


# Responses

DONE = b"data: [DONE]\n\n"
# Placeholder for the delta in the template of a chunk.
PLACE = "\0"


def model_json(model: Model, owner: str) -> dict[str, Any]:
    """Return a model as JSON; `created` is 0 because engines do not tell it."""
    return {"id": model.name, "object": "model", "created": 0, "owned_by": owner}


def usage_json(usage: Usage) -> dict[str, Any] | None:
    """Return the token counts as JSON, None if the engine does not count."""
    read, written = usage.prompt_tokens, usage.output_tokens
    if read is None or written is None:
        return None
    counts: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    return counts


def finish_reason(reason: str) -> str:
    """Return OpenAI's finish reason for an engine's: "stop", "length", or "loop" if the answer repeated itself."""
    return reason if reason in ("length", "loop") else "stop"


def sse_event(data: dict[str, Any]) -> bytes:
    """Encode one server-sent event."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


class ResponseBuilder:
    """Build the JSON of one completion, whole or in chunks.

    With `include_usage` each chunk has a `usage`, null except in the last one.
    """

    def __init__(self, model: str, *, include_usage: bool = False) -> None:
        self._head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model}
        self._usage: dict[str, Any] = {"usage": None} if include_usage else {}
        # Most chunks differ in their delta only: encode the rest once.
        self._before, self._after = self.chunk(PLACE).split(json.dumps(PLACE).encode())

    def whole(self, text: str, thinking: str, reason: str, usage: Usage) -> dict[str, Any]:
        """Return the whole completion."""
        message = {"role": "assistant", "content": text, "refusal": None}
        if thinking:
            message["reasoning_content"] = thinking
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(reason)}
        return self._head | {"object": "chat.completion", "choices": [choice], "usage": usage_json(usage)}

    def delta(self, name: str, text: str) -> bytes:
        """Return a chunk with more text; `name`: "content" or "reasoning_content"."""
        return self._before + f'{{"{name}":{json.dumps(text)}}}'.encode() + self._after

    def last(self, reason: str, usage: Usage) -> bytes:
        """Return the end of the stream: the finish reason, the usage if it was asked for, and `[DONE]`."""
        end = self.chunk({}, finish_reason(reason))
        if self._usage:
            end += sse_event(
                self._head | {"object": "chat.completion.chunk", "choices": [], "usage": usage_json(usage)}
            )
        return end + DONE

    def chunk(self, delta: object, reason: str | None = None) -> bytes:
        """Return a chunk with any delta."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return sse_event(self._head | {"object": "chat.completion.chunk", "choices": [choice]} | self._usage)


# Views

# While nothing is written, how often to check the connection and send a comment that keeps it open, in seconds.
SILENCE_S = 1.0
WAITING = b": waiting\n\n"
# Headers are sent after this many seconds at the latest; a failure before that gets its own HTTP status.
OPENING_S = 3.0

EngineEvents = Iterator[EngineEvent | None]


class ClientGoneError(Exception):
    """The client has closed the connection."""


@blueprint.get("/models")
@token_required
def models() -> Response:
    """List the models, the default one first."""
    registry = generation().registry
    default = registry.default().effective
    ordered = sorted(registry.models, key=lambda model: model.name != default)
    return jsonify({"object": "list", "data": [model_json(model, registry.engine.name) for model in ordered]})


@blueprint.get("/models/<path:name>")
@token_required
def model(name: str) -> Response:
    """Return one model; "default" is the default one."""
    registry, default = generation().registry, generation().registry.default()
    found = registry.find((default.effective or default.name) if name == "default" else name)
    return jsonify(model_json(found, registry.engine.name))


@blueprint.url_value_preprocessor
def _allow_pictures(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow requests that may have pictures larger bodies, before anything reads them."""
    if endpoint == "openai_api.chat_completions":
        request.max_content_length = MAX_REQUEST


@blueprint.post("/chat/completions")
@token_required
def chat_completions() -> Response:
    """Answer the given messages, without our system prompt and without storing anything.

    The engine stops when the client disconnects or its token is revoked.
    """
    token: AccessToken = g.access_token
    body = ChatCompletionRequest.read()
    asked = _for_engine(body)
    with ExitStack() as ending:
        revoked = ending.enter_context(generation().streams.open(token.user_id, token.token_hash))
        completion = generation().complete(asked, token.user_id)
        ending.callback(completion.cancel)
        revoked.on_set(lambda: completion.fail(AppError("invalid_token")))
        # This thread may wait for minutes: for its turn, then for the model.
        release_connection()
        events = _while_connected(completion.events(SILENCE_S), request.environ.get("gunicorn.socket"))
        builder = ResponseBuilder(asked.model, include_usage=bool(body.include_usage))
        try:
            if not body.stream:
                return jsonify(_whole_answer(events, builder))
            begun = _first_events(events)
        except ClientGoneError:
            return Response(status=499)
        app = current_application()
        chunks = _chunks(chain(begun, events), builder, app, str(get_locale()))
        response = Response(chunks, mimetype="text/event-stream", headers=STREAM_HEADERS)
        response.call_on_close(ending.pop_all().close)
        return response


def _for_engine(body: ChatCompletionRequest) -> ChatRequest:
    """Return the engine's request, within the server's limits. Raises unknown_model, thinking_unsupported,
    images_unsupported.
    """
    name = None if body.model == "default" else body.model
    model = generation().model_for(name, bool(body.think))
    longest = min(current_app.config["MAX_OUTPUT_TOKENS"], (model.context or current_app.config["CONTEXT_TOKENS"]) // 2)
    # Without `think`, any effort means to think if the model can: our models know no degrees.
    by_effort = body.think is None and body.reasoning_effort not in ("none", "minimal") and model.thinking
    messages = tuple(message.for_engine for message in body.messages)
    if any("images" in message for message in messages):
        generation().check_sees(model)
    return ChatRequest(
        model.name,
        messages,
        think=bool(body.think) or by_effort,
        max_tokens=min(body.max_completion_tokens or body.max_tokens or longest, longest),
        temperature=body.temperature,
        seed=body.seed,
        stop=body.stop,
    )


def _while_connected(events: EngineEvents, connection: socket.socket | None) -> EngineEvents:
    """Yield the same events; raise ClientGoneError once the client has closed the connection."""
    for event in events:
        if connection is not None and _closed(connection):
            raise ClientGoneError
        yield event


def _closed(connection: socket.socket) -> bool:
    """Return whether the client has closed the connection; leaves unread data in place."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _first_events(events: EngineEvents) -> list[EngineEvent]:
    """Wait up to OPENING_S for the first text; return it in a list, [] if none came."""
    deadline = time.monotonic() + OPENING_S
    for event in events:
        if isinstance(event, Text | Thinking | Done):
            return [event]
        if time.monotonic() >= deadline:
            break
    return []


def _whole_answer(events: EngineEvents, builder: ResponseBuilder) -> dict[str, Any]:
    """Collect the events and return the whole completion."""
    text, thinking = [], []
    for event in events:
        match event:
            case Text(more):
                text.append(more)
            case Thinking(more):
                thinking.append(more)
            case Retold(again):
                text, thinking = [], [again]
            case Done(reason, usage):
                return builder.whole("".join(text), "".join(thinking), reason, usage)
    raise AssertionError


def _chunks(events: Iterable[EngineEvent | None], builder: ResponseBuilder, app: Flask, locale: str) -> Iterator[bytes]:
    """Yield the chunks of the event stream; a failure during the stream is its last event."""
    # The first chunk has the role.
    first = builder.chunk({"role": "assistant", "content": ""})
    try:
        for event in events:
            match event:
                case Text(more) | Thinking(more):
                    yield first + builder.delta("content" if isinstance(event, Text) else "reasoning_content", more)
                    first = b""
                case Done(reason, usage):
                    yield first + builder.last(reason, usage)
                case None:
                    yield WAITING
    except ClientGoneError:
        return
    except AppError as error:
        with context_of(app), force_locale(locale):
            yield sse_event(error_json(error))


# Errors: `{"error": {"message", "type", "param", "code"}}`

# Sentences for API clients, where the usual ones speak of buttons on the page.
API_SENTENCES: dict[str, LazyString] = {
    "internal_error": _l("Something went wrong on the server. Try again."),
    "too_many_streams": _l("Too many answers are being written at once. Wait until one of yours has ended."),
    "engine_unreachable": _l("%(engine)s does not answer. Try again in a moment."),
    "engine_busy": _l("%(engine)s has too much to do. Try again in a moment."),
    "engine_failed": _l("%(engine)s failed while answering. Try again."),
    "engine_cut": _l("%(engine)s stopped before the end of the answer. Try again."),
    "engine_garbled": _l("%(engine)s sent something that cannot be read. Try again."),
    "engine_silent": _l("%(engine)s has been silent for too long. Try again."),
    "context_exceeded": _l("These messages are too long for the model’s memory. Shorten them."),
    "interrupted": _l("The server restarted during the answer. Try again."),
}


class OpenAIError(NamedTuple):
    """OpenAI's code and HTTP status for an error, and the request's field that is wrong."""

    code: str
    status: int
    param: str | None = None


# Errors for which OpenAI has another code or status than ours.
OPENAI_ERRORS = {
    "invalid_token": OpenAIError("invalid_api_key", 401),
    "not_found": OpenAIError("unknown_url", 404),
    "unknown_model": OpenAIError("model_not_found", 404, "model"),
    "not_a_chat_model": OpenAIError("not_a_chat_model", 400, "model"),
    "images_unsupported": OpenAIError("images_unsupported", 422, "model"),
    "thinking_unsupported": OpenAIError("unsupported_parameter", 400, "think"),
    "missing_field": OpenAIError("missing_required_parameter", 400),
    "invalid_field": OpenAIError("invalid_value", 400),
    "unsupported_field": OpenAIError("unsupported_parameter", 400),
    "unsupported_content": OpenAIError("unsupported_value", 400),
    "too_large": OpenAIError("request_too_large", 413, "messages"),
    "context_exceeded": OpenAIError("context_length_exceeded", 400, "messages"),
    "rate_limited": OpenAIError("rate_limit_exceeded", 429),
    "too_many_streams": OpenAIError("rate_limit_exceeded", 429),
    "too_many_waiting": OpenAIError("rate_limit_exceeded", 429),
}


def error_json(error: AppError) -> dict[str, Any]:
    """Return the JSON body of an error during a stream, in the current language."""
    return _error(error, error.status)[0]


def error_response(error: AppError, status: int) -> Response:
    """Return the error's response; `status` applies unless OpenAI has its own for this error."""
    body, status = _error(error, status)
    response = jsonify(body)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _error(error: AppError, status: int) -> tuple[dict[str, Any], int]:
    code, status, param = OPENAI_ERRORS.get(error.code) or OpenAIError(error.code, status)
    words = API_SENTENCES.get(error.code)
    body = {
        "message": error.sentence if words is None else filled(words, error.params),
        "type": "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error",
        "param": error.params.get("field", param),
        "code": code,
    }
    return {"error": body}, status

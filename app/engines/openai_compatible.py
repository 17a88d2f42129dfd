"""Client of OpenAI's chat API, as llama-server implements it, and other servers with less detail."""

import codecs
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model, Reading, Text, Thinking, Usage
from app.engines.catalogue import described, size_label
from app.engines.processes import processes_listening
from app.engines.thinking import ThinkingSplitter
from app.engines.transport import (
    LINE_LIMIT,
    BatchedLines,
    EngineHttpClient,
    count,
    end_reason,
    error_in,
    json_object,
    known_failure,
    number,
)
from app.errors import AppError
from app.text import clean

Number = TypeVar("Number", int, float)

# Seconds between two requests to a server that is still loading its model.
LOADING_POLL_S = 0.25
# Longest name of a model, in characters.
MAX_NAME = 200
# More characters than this for each token that was asked for come from a server that knows no limit.
LONGEST_TOKEN = 32
# How servers say that the prompt is too long; "context deadline exceeded" and the like mean something else.
TOO_LONG = re.compile(
    r"context (the )?(length|size|window|overflow)|maximum context|(prompt|input)s? (is|are) too long|"
    r"too many (input )?tokens|longer than the model|max_seq_len|max_new_tokens|context_length_exceeded",
    re.IGNORECASE,
)
# How servers say that the model cannot be loaded.
CANNOT_LOAD = re.compile(
    r"insufficient resources|(failed|unable) to load|could not load",
    re.IGNORECASE,
)


class OpenAIStream:
    """Parser of one answer. `refused(error)` makes an error of what the server says in the stream.

    Besides what the standard says it takes signs of life of any form, one JSON object instead of events, texts as lists
    of parts, errors of any form, and an answer that ends without a finish reason but with `[DONE]` or its counts.
    """

    def __init__(self, refused: Callable[[Any], AppError]) -> None:
        self._refused = refused
        # The value of the last `event` field: those of one event come before its data.
        self._event = b""
        # The data of an event whose JSON goes on in its next `data` field.
        self._held = b""
        self._reason = ""
        self._usage = Usage()
        self._wrote = False
        # The last part had counts only: they come after the answer.
        self._counted = False
        # The first line that is no part of a server-sent event.
        self.foreign = b""

    def read(self, line: bytes) -> list[EngineEvent]:
        """Return the events of one line; raises the server's error, or what becomes engine_garbled."""
        line = line.removeprefix(codecs.BOM_UTF8)
        field, _, value = (b"data", b"", line) if line.startswith(b"{") else line.partition(b":")
        value = value.strip()
        if field == b"data":
            return self._read_data(value)
        if field == b"error":
            # Older versions of llama-server have a field of their own for it.
            raise self._error_of(value)
        if self._held and not line:
            raise ValueError(f"an event that is no JSON: {self._held[:200]!r}")
        if field == b"event" or not line:
            self._event = value
        elif field.strip() not in (b"", b"id", b"retry"):
            self.foreign = self.foreign or line
        return []

    def complete(self) -> Done | None:
        """Return the last event if the server has said that the answer is complete, else None."""
        return Done(self._reason or "stop", self._usage) if self._reason or self._counted else None

    def _error_of(self, value: bytes) -> AppError:
        try:
            error = json_object(value)
        except ValueError:
            error = {"message": value.decode(errors="replace")}
        return self._refused(error.get("error") or error)

    def _read_data(self, data: bytes) -> list[EngineEvent]:
        """Read a `data` field, together with those before it in the same event.

        As soon as they are a JSON object: not every server sends the empty line that ends an event.
        """
        if self._held:
            data = self._held + b"\n" + data
        elif data == b"[DONE]":
            return [Done(self._reason or "stop", self._usage)]
        # Signs of life; a colon begins a comment, which some proxies wrap in data.
        elif data in (b"", b"null") or data.startswith(b":"):
            return []
        try:
            part = json_object(data) if data.endswith(b"}") else None
        except ValueError:
            part = None
        if part is None and len(data) > LINE_LIMIT:
            raise ValueError(f"an event of more than {LINE_LIMIT} bytes")
        self._held = b"" if part is not None else data
        return [] if part is None else self._read_part(part)

    def _read_part(self, part: dict[str, Any]) -> list[EngineEvent]:
        if part.get("error") or self._event == b"error" or part.get("object") == "error":
            raise self._refused(part.get("error") or part)
        events: list[EngineEvent] = []
        if (progress := _reading(_object(part.get("prompt_progress")))) is not None:
            events.append(progress)
        choices = part.get("choices") or []
        for choice in choices:
            # Servers that do not stream send a message.
            delta = choice.get("delta") or choice.get("message") or {}
            events += _text_events(delta.get("reasoning_content") or delta.get("reasoning"), Thinking)
            events += _text_events(delta.get("content"), Text)
            self._reason = end_reason(choice.get("finish_reason")) or self._reason
        self._wrote = self._wrote or any(isinstance(event, Text | Thinking) for event in events)
        counts, timings = _object(part.get("usage")), _object(part.get("timings"))
        if counts or timings:
            self._usage = _usage(counts, timings, self._usage)
        self._counted = self._wrote and bool(counts) and not choices
        return events


def _usable(name: str) -> bool:
    """Return whether a model's name can be stored and shown."""
    return 0 < len(name) <= MAX_NAME and name.isprintable()


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as the API wants it: with pictures, as parts, first the pictures, which are read once."""
    if not message.get("images"):
        return message
    urls = [f"data:{_image_type(image)};base64,{image}" for image in message["images"]]
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": message["role"], "content": [*pictures, {"type": "text", "text": message["content"]}]}


def _image_type(image: str) -> str:
    """Return the media type of a picture in base64, by its first bytes."""
    return "image/png" if image.startswith("iVBOR") else "image/webp" if image.startswith("UklGR") else "image/jpeg"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _reading(progress: dict[str, Any]) -> Reading | None:
    done, total, cached = count(progress.get("processed")), count(progress.get("total")), count(progress.get("cache"))
    return None if done is None or total is None else Reading(max(0, done - (cached or 0)), total - (cached or 0))


def _text_events(content: Any, kind: type[Text] | type[Thinking]) -> list[EngineEvent]:
    """Return a text, or the texts of a list of parts, as events; a part of thinking is Thinking."""
    if isinstance(content, list):
        return [piece for part in content for piece in _text_events(part, kind)]
    if isinstance(content, dict):
        if "thinking" in content:
            return _text_events(content["thinking"], Thinking)
        return _text_events(content.get("text"), Thinking if content.get("type") in ("thinking", "reasoning") else kind)
    if not isinstance(content, str | None):
        raise TypeError("not a text")
    return [kind(content)] if content else []


def _usage(counts: dict[str, Any], timings: dict[str, Any], before: Usage) -> Usage:
    """Merge counts from `usage` (every server) and durations from `timings` (llama-server); either may come alone."""
    read, cached = count(timings.get("prompt_n")), count(timings.get("cache_n"))
    details = _object(counts.get("prompt_tokens_details"))
    return Usage(
        prompt_tokens=_first_known(
            count(counts.get("prompt_tokens")), None if read is None else read + (cached or 0), before.prompt_tokens
        ),
        cached_tokens=_first_known(count(details.get("cached_tokens")), cached, before.cached_tokens),
        prefill_ms=_first_known(number(timings.get("prompt_ms")), before.prefill_ms),
        output_tokens=_first_known(
            count(counts.get("completion_tokens")), count(timings.get("predicted_n")), before.output_tokens
        ),
        decode_ms=_first_known(number(timings.get("predicted_ms")), before.decode_ms),
    )


def _first_known(*values: Number | None) -> Number | None:
    """Return the first value that is known."""
    return next((value for value in values if value is not None), None)


def is_loading(failure: AppError) -> bool:
    """Return True if the failure says that the server is still loading its model."""
    return failure.code == "engine_busy" and "loading" in failure.cause.lower()


class OpenAICompatible:
    """Client of one server. `slots` 0: as many as llama-server reports, else 1."""

    name = "openai"
    label = "llama-server"
    # A server's threads and context are fixed when it starts.
    adjusts: frozenset[str] = frozenset()
    stops_reading = True
    refuses_long_prompts = True
    keeps_models = True

    def __init__(self, url: str, api_key: str = "", *, slots: int = 0, read_timeout_s: float = 900) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._api_key = api_key
        self._slots = slots
        self._read_timeout_s = read_timeout_s
        self._http = EngineHttpClient(self.label, read_timeout_s=read_timeout_s)
        self._props: dict[str, Any] | None = None
        # Whether a model's template opens its thinking; known after an answer that shows it.
        self._opens_thinking: dict[str, bool] = {}

    @property
    def process(self) -> int:
        """0: the API does not tell when the server restarts."""
        return 0

    @property
    def url(self) -> str:
        """The base address, without `/v1`."""
        return self._url

    @property
    def slots(self) -> int:
        """The configured number, else the server's own, else 1."""
        return self._slots or (count((self._props or {}).get("total_slots")) or 1)

    def models(self) -> list[Model]:
        """Return the listed models; llama-server also reports its context, whether its template can think and
        whether the model sees."""
        self._props = self._read_props()
        context = count(_object(self._props.get("default_generation_settings")).get("n_ctx")) or 0
        thinking = "enable_thinking" in str(self._props.get("chat_template", ""))
        vision = bool(_object(self._props.get("modalities")).get("vision")) if self._props else None
        return [self._describe(entry, context, thinking, vision) for entry in self._listed()]

    def loaded(self) -> frozenset[str]:
        """Return all listed models except those that a router reports as not loaded."""
        return frozenset(
            entry["id"] for entry in self._listed() if _object(entry.get("status")).get("value", "loaded") == "loaded"
        )

    def warm(self, model: str) -> None:
        """Wait until the server has loaded its model; raises engine_silent after the read timeout."""
        deadline = time.monotonic() + self._read_timeout_s
        while self._http.query(f"{self.url}/health", headers=self._headers()).status_code == 503:
            if time.monotonic() > deadline:
                raise self._http.failure("engine_silent", f"{model} is still loading")
            time.sleep(LOADING_POLL_S)

    def unload(self, model: str) -> None:
        """Raise engine_keeps_model: these servers have no request for it."""
        raise AppError("engine_keeps_model", engine=self.label)

    def version(self) -> str:
        """Return llama-server's build; "" for other servers."""
        return str(self._read_props().get("build_info") or "")

    def pids(self, model: str = "") -> tuple[int, ...]:
        """Return the pids of the server and its children."""
        return processes_listening(self.url, ("llama-server", "local-ai", "vllm"))

    def reset(self, model: str) -> None:
        """Wait until the server is ready again: the API has no request for a restart."""
        self.warm(model)

    def forget(self, conversation_id: str) -> None:
        """Do nothing: only the server's own cache holds conversations."""

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Yield the events of one answer; waits while the model is loading."""
        started = time.monotonic()
        loading = False
        while not cancel.is_set():
            try:
                with self._http.post(
                    f"{self.url}/v1/chat/completions",
                    self._body(request),
                    cancel,
                    refused=partial(self._failure, request.model),
                    headers=self._headers(),
                    silence_s=request.read_timeout_s,
                ) as response:
                    if loading:
                        yield Loading(time.monotonic() - started, loaded=True)
                    yield from self._events(response, request, cancel)
                return
            except AppError as error:
                if cancel.is_set():
                    return
                if not is_loading(error) or time.monotonic() - started > self._read_timeout_s:
                    raise
            loading = True
            yield Loading(time.monotonic() - started)
            cancel.wait(LOADING_POLL_S)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [_message(message) for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": request.max_tokens,
        } | request.sampling()
        if self._props is None:
            self._props = self._read_props()
        if self._props:
            # llama-server notices a closed connection only when it writes: progress makes it write during the prefill.
            body |= {
                "return_progress": True,
                "cache_prompt": True,
                "chat_template_kwargs": {"enable_thinking": request.think},
            }
        return body

    def _events(self, response: BatchedLines, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        model = request.model
        stream = OpenAIStream(partial(self._failure, model, 200))
        # An answer that is continued has its thinking behind it.
        opens = self._opens_thinking.get(model, False) and request.messages[-1]["role"] == "user"
        splitter = ThinkingSplitter(opened=opens)
        # llama-server tells thinking apart itself.
        joins_start = not self._props and model not in self._opens_thinking
        event: EngineEvent | None = None
        written = 0
        for event in self._http.events(
            response, stream.read, cancel, stream.complete, splitter=splitter, joins_start=joins_start
        ):
            yield event
            if isinstance(event, Text | Thinking):
                written += len(event.text)
                if written > request.max_tokens * LONGEST_TOKEN:
                    yield Done("length")
                    return
        if splitter.opened is not None:
            self._opens_thinking[model] = splitter.opened
        if not (isinstance(event, Done) or cancel.is_set()):
            if stream.foreign:
                raise self._http.failure("engine_garbled", stream.foreign[:200])
            raise self._http.failure("engine_cut", "the stream ended without finish_reason")

    def _failure(self, model: str, status: int, error: Any) -> AppError:
        """Turn an error of the server into ours; one sent within the stream has status 200 and its own in `code`."""
        details = error if isinstance(error, dict) else {"message": error}
        kind, code = str(details.get("type", "")), str(details.get("code", ""))
        message = str(details.get("message") or details.get("detail") or "")
        if status == 200 and re.fullmatch("[45][0-9][0-9]", code):
            status = int(code)
        cause = clean(f"{status}: {message}")[:1000]
        too_long = TOO_LONG.search(f"{message} {code}") or (status == 400 and "context" in message.lower())
        if kind == "exceed_context_size_error" or too_long:
            return AppError("context_exceeded", cause=cause)
        if status == 404 or code == "model_not_found":
            return AppError("unknown_model", cause=cause, model=model)
        if known := known_failure(message):
            return AppError(known, cause=cause, model=model, engine=self.label)
        if CANNOT_LOAD.search(message):
            return AppError("engine_load_failed", cause=cause, model=model)
        if status in (401, 403):
            return self._http.failure("engine_refused", cause)
        busy = status in (429, 503) or kind == "unavailable_error"
        return self._http.failure("engine_busy" if busy else "engine_failed", cause)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _read_props(self) -> dict[str, Any]:
        """Return llama-server's properties; {} for other servers, which do not have this page."""
        try:
            props = self._get("/props")
        except AppError as error:
            if error.code in ("engine_unreachable", "engine_busy", "engine_refused"):
                raise
            return {}
        return props if "default_generation_settings" in props else {}

    def _listed(self) -> list[dict[str, Any]]:
        """Return the entries of the list of models that name one."""
        entries = self._get("/v1/models").get("data")
        named = (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()
        return [entry for entry in named if isinstance(name := entry.get("id"), str) and _usable(name)]

    def _get(self, path: str) -> dict[str, Any]:
        response = self._http.query(self.url + path, headers=self._headers())
        if response.status_code != 200:
            raise self._failure("", response.status_code, error_in(response.text))
        try:
            return json_object(response.content)
        except ValueError as error:
            raise self._http.failure("engine_garbled", error) from error

    def _describe(self, entry: dict[str, Any], context: int, thinking: bool, vision: bool | None) -> Model:
        meta, inputs = _object(entry.get("meta")), _object(entry.get("architecture")).get("input_modalities")
        if vision is None and isinstance(inputs, list):
            vision = "image" in inputs
        return described(
            entry["id"],
            size_bytes=count(meta.get("size")) or 0,
            thinking=thinking,
            vision=vision,
            context=context or count(entry.get("max_model_len")) or 0,
            parameters=size_label(count(meta.get("n_params")) or 0),
            quantization=str(meta.get("ftype") or ""),
        )

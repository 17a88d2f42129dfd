"""Client of OpenAI's chat API, as llama-server implements it, and other servers with less detail."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPResponse
from typing import Any

from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model, Reading, Text, Thinking, Usage
from app.engines.catalogue import described, size_label
from app.engines.processes import processes_listening
from app.engines.transport import EngineHttpClient, error_in, json_object
from app.errors import AppError

# Seconds between two requests to a server that is still loading its model.
LOADING_POLL_S = 0.25


class OpenAIStream:
    """Parser of one answer. `failed(code, cause)` makes the error of a broken stream, `refused(error)` the server's."""

    def __init__(self, failed: Callable[[str, object], AppError], refused: Callable[[Any], AppError]) -> None:
        self._failed = failed
        self._refused = refused
        self._reason = ""
        self._usage = Usage()
        self.done = False

    def read(self, line: bytes) -> list[EngineEvent]:
        """Return the events of one line; raises the server's error, engine_cut, or what becomes engine_garbled."""
        if not line.startswith(b"data:"):
            # Blank lines, comments and other fields come between events.
            if line and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                raise ValueError("not a server-sent event")
            return []
        data = line[5:].strip()
        if data == b"[DONE]":
            return [self.end()]
        part = json_object(data)
        if part.get("error"):
            raise self._refused(part["error"])
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

    def end(self) -> Done:
        """Return the last event; raises engine_cut if the server sent no finish_reason."""
        if not self._reason:
            raise self._failed("engine_cut", "the stream ended without finish_reason")
        self.done = True
        return Done(self._reason, self._usage)


def _usage(part: dict[str, Any], before: Usage) -> Usage:
    """Merge counts from `usage` (every server) and durations from `timings` (llama-server); either may come alone."""
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


def is_loading(failure: AppError) -> bool:
    """Return True if the failure says that the server is still loading its model."""
    return failure.code == "engine_busy" and "loading" in failure.cause.lower()


class OpenAICompatible:
    """Client of one server. `slots` 0: as many as llama-server reports, else 1."""

    name = "openai"
    label = "llama-server"
    # A server's threads and context are fixed when it starts.
    adjusts: frozenset[str] = frozenset()

    def __init__(self, url: str, api_key: str = "", *, slots: int = 0, read_timeout_s: float = 900) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._api_key = api_key
        self._slots = slots
        self._read_timeout_s = read_timeout_s
        self._http = EngineHttpClient(self.label, read_timeout_s=read_timeout_s)
        self._props: dict[str, Any] | None = None

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
        return self._slots or int((self._props or {}).get("total_slots") or 1)

    def models(self) -> list[Model]:
        """Return the listed models; llama-server also reports its context and whether its template can think."""
        self._props = self._read_props()
        listed = self._get("/v1/models")
        context = int((self._props.get("default_generation_settings") or {}).get("n_ctx") or 0)
        thinking = "enable_thinking" in str(self._props.get("chat_template", ""))
        return [self._describe(entry, context, thinking) for entry in listed.get("data") or [] if entry.get("id")]

    def loaded(self) -> frozenset[str]:
        """Return all listed models except those that a router reports as not loaded."""
        entries = self._get("/v1/models").get("data") or []
        return frozenset(
            entry["id"]
            for entry in entries
            if entry.get("id") and (entry.get("status") or {}).get("value", "loaded") == "loaded"
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

    def pids(self) -> tuple[int, ...]:
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
                    yield from self._events(response, request.model, cancel)
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
            "messages": list(request.messages),
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

    def _events(self, response: HTTPResponse, model: str, cancel: Cancel) -> Iterator[EngineEvent]:
        stream = OpenAIStream(self._http.failure, partial(self._failure, model, 200))
        yield from self._http.events(response, stream.read, cancel)
        if not (stream.done or cancel.is_set()):
            yield stream.end()

    def _failure(self, model: str, status: int, error: Any) -> AppError:
        details = error if isinstance(error, dict) else {"message": error}
        message = str(details.get("message", ""))
        kind = str(details.get("type", ""))
        cause = f"{status}: {message}"
        if kind == "exceed_context_size_error" or (status == 400 and "context" in message.lower()):
            return AppError("context_exceeded", cause=cause)
        if status == 404 or "model_not_found" in str(details.get("code", "")):
            return AppError("unknown_model", cause=cause, model=model)
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

    def _get(self, path: str) -> dict[str, Any]:
        response = self._http.query(self.url + path, headers=self._headers())
        if response.status_code != 200:
            raise self._failure("", response.status_code, error_in(response.text))
        try:
            answer = response.json()
        except ValueError as error:
            raise self._http.failure("engine_garbled", error) from error
        return answer if isinstance(answer, dict) else {}

    def _describe(self, entry: dict[str, Any], context: int, thinking: bool) -> Model:
        meta = entry.get("meta") or {}
        return described(
            entry["id"],
            size_bytes=int(meta.get("size") or 0),
            thinking=thinking,
            context=context or int(entry.get("max_model_len") or 0),
            parameters=size_label(meta.get("n_params") or 0),
            quantization=str(meta.get("ftype") or ""),
        )

"""Client of Ollama's native API, versions 0.6 to 0.33."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import ollama

from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model, Text, Thinking, Usage
from app.engines.catalogue import described
from app.engines.processes import processes_listening
from app.engines.transport import CONNECT_TIMEOUT_S, QUERY_TIMEOUT_S, EngineHttpClient, count, json_object, number
from app.errors import AppError

# Seconds without a line of progress after which a download has failed.
PULL_TIMEOUT_S = 300.0


def _usage(part: dict[str, Any]) -> Usage:
    """Convert Ollama's counts: nanoseconds, zeros left out; the prefill time covers the uncached part only."""

    def milliseconds(name: str) -> float:
        return (number(part.get(name)) or 0) / 1e6

    return Usage(
        prompt_tokens=count(part.get("prompt_eval_count")) or 0,
        prefill_ms=milliseconds("prompt_eval_duration"),
        output_tokens=count(part.get("eval_count")) or 0,
        decode_ms=milliseconds("eval_duration"),
        load_ms=milliseconds("load_duration"),
    )


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One line of a download's progress: its status, and bytes of the current file."""

    status: str
    completed: int = 0
    total: int = 0


class Ollama:
    """Client of one Ollama. `context`, `threads`: options of requests without their own; others reload the model."""

    name = "ollama"
    label = "Ollama"
    process = 0
    adjusts = frozenset({"threads", "context"})

    def __init__(
        self,
        url: str,
        *,
        context: int = 4096,
        threads: int = 0,
        keep_alive: int = -1,
        slots: int = 1,
        read_timeout_s: float = 900,
    ) -> None:
        self.url = url.rstrip("/")
        self.slots = slots
        self._context = context
        self._keep_alive = keep_alive
        self._options: dict[str, int] = {"num_ctx": context} | ({"num_thread": threads} if threads else {})
        self._http = EngineHttpClient(self.label, read_timeout_s=read_timeout_s)
        self._client = self._managing(QUERY_TIMEOUT_S)
        self._shown: dict[str, ollama.ShowResponse] = {}
        # Models in memory, each with the options that it was loaded with.
        self._in_memory: dict[str, dict[str, int]] = {}

    def models(self) -> list[Model]:
        """Return the installed models; asks for the abilities of each digest only once."""
        return [self._describe(entry) for entry in self._ask(self._client.list).models if entry.model]

    def loaded(self) -> frozenset[str]:
        """Return the models in memory with our options; one with others would be reloaded, so it does not count."""
        before, found = self._in_memory, {}
        for entry in self._ask(self._client.ps).models:
            if name := entry.model:
                known = before.get(name, self._options)
                context = getattr(entry, "context_length", None) or known["num_ctx"]
                found[name] = known if known["num_ctx"] == context else self._options | {"num_ctx": context}
        self._in_memory = found
        return frozenset(name for name, options in found.items() if options == self._options)

    def warm(self, model: str) -> None:
        """Load a model with the options of answers, waiting for the end: Ollama drops a load whose client left."""
        self._load(model, self._options, Cancel(), self._keep_alive)

    def unload(self, model: str) -> None:
        """Remove a model from memory, which also ends a hung runner."""
        self._load(model, self._options, Cancel(), 0)
        self._forget_loaded(model)

    def version(self) -> str:
        """Return the daemon's version."""
        try:
            return str(self._http.query(f"{self.url}/api/version").json().get("version") or "")
        except (ValueError, AttributeError) as error:
            raise self._http.failure("engine_garbled", error) from error

    def pids(self) -> tuple[int, ...]:
        """Return the pids of the daemon and its runners."""
        return processes_listening(self.url, ("ollama", "llama-server"))

    def reset(self, model: str) -> None:
        """Unload the model and load it again."""
        self.unload(model)
        self.warm(model)

    def forget(self, conversation_id: str) -> None:
        """Do nothing: Ollama keeps nothing by conversation."""

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Yield the events of one answer, after loading the model if it is not in memory with the right options."""
        options = self._options_for(request)
        if self._in_memory.get(request.model) != options:
            started = time.monotonic()
            yield Loading(0.0)
            self._load(request.model, options, cancel, self._keep_alive)
            if cancel.is_set():
                return
            yield Loading(time.monotonic() - started, loaded=True)
        try:
            yield from self._answer("/api/chat", self._body(request), request.model, cancel, request.read_timeout_s)
        except AppError as error:
            if cancel.is_set():
                return
            if error.code.startswith("engine_"):
                self._forget_loaded(request.model)
            raise

    def pull(self, model: str) -> Iterator[PullProgress]:
        """Download a model; yields its progress. Raises unknown_model or an engine failure."""
        client = self._managing(PULL_TIMEOUT_S)
        lines = self._ask(lambda: client.pull(model, stream=True), model)
        while (line := self._ask(lambda: next(lines, None), model)) is not None:
            yield PullProgress(line.status or "", line.completed or 0, line.total or 0)

    def _managing(self, timeout_s: float) -> ollama.Client:
        """Return a client for everything but answers. It keeps no idle connection, as nothing would close it."""
        timeout = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        return ollama.Client(
            host=self.url, timeout=timeout, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def _options_for(self, request: ChatRequest) -> dict[str, int]:
        """Return the options that the model must be loaded with."""
        own = {"num_ctx": request.context, "num_thread": request.threads}
        return self._options | {option: value for option, value in own.items() if value}

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        return {
            "model": request.model,
            "messages": list(request.messages),
            "stream": True,
            "think": request.think,
            "truncate": False,
            "keep_alive": self._keep_alive,
            "options": self._options_for(request) | {"num_predict": request.max_tokens} | request.sampling(),
        }

    def _load(self, model: str, options: dict[str, int], cancel: Cancel, keep_alive: int) -> None:
        body = {"model": model, "stream": False, "keep_alive": keep_alive, "options": options}
        try:
            for _ in self._answer("/api/generate", body, model, cancel):
                pass
        except AppError:
            if not cancel.is_set():
                raise
        else:
            self._in_memory = self._in_memory | {model: options}

    def _forget_loaded(self, model: str) -> None:
        self._in_memory = {name: options for name, options in self._in_memory.items() if name != model}

    def _answer(
        self, path: str, body: dict[str, Any], model: str, cancel: Cancel, silence_s: float = 0
    ) -> Iterator[EngineEvent]:
        event: EngineEvent | None = None
        refused = partial(self._failure, model)
        with self._http.post(self.url + path, body, cancel, refused=refused, silence_s=silence_s) as response:
            for event in self._http.events(response, partial(self.read_line, model), cancel):
                yield event
        if not isinstance(event, Done):
            raise self._http.failure("engine_cut", "the stream ended without done:true")

    def read_line(self, model: str, line: bytes) -> list[EngineEvent]:
        """Return the events of one line; raises Ollama's own error, or what becomes engine_garbled."""
        if not line:
            return []
        part = json_object(line)
        if "error" in part:
            raise self._failure(model, 200, part["error"])
        message = part.get("message") or {}
        events: list[EngineEvent] = []
        if thought := message.get("thinking"):
            events.append(Thinking("" + thought))
        if content := message.get("content"):
            events.append(Text("" + content))
        if part.get("done"):
            events.append(Done(part.get("done_reason") or "stop", _usage(part)))
        return events

    def _failure(self, model: str, status: int, error: object) -> AppError:
        """Turn Ollama's error into ours by a few words of it: it has no codes, and its texts vary by version."""
        message = str(error)
        words = message.lower()
        if status == 404 or ("model" in words and "not found" in words) or "manifest: file does not exist" in words:
            return AppError("unknown_model", cause=message, model=model)
        if "does not support thinking" in words:
            return AppError("thinking_unsupported", cause=message, model=model)
        if "does not support chat" in words:
            return AppError("not_a_chat_model", cause=message, model=model)
        # "context canceled" and "context deadline exceeded" are Go's words for something else.
        if re.search(r"context (size|length|window)", words) and status in (200, 400):
            return AppError("context_exceeded", cause=message)
        return self._http.failure("engine_busy" if status == 503 else "engine_failed", f"{status}: {message}")

    def _ask(self, call: Any, model: str = "") -> Any:
        """Run a call of the `ollama` client, and turn its exceptions into ours."""
        try:
            return call()
        except ollama.ResponseError as error:
            raise self._failure(model, error.status_code, error.error) from error
        except (httpx.HTTPError, ConnectionError) as error:
            raise self._http.failure("engine_unreachable", error) from error
        except ValueError as error:
            raise self._http.failure("engine_garbled", error) from error

    def _describe(self, entry: ollama.ListResponse.Model) -> Model:
        name = str(entry.model)
        key = entry.digest or name
        if key not in self._shown:
            self._shown[key] = self._ask(lambda: self._client.show(name), name)
        capabilities = self._shown[key].capabilities or ["completion"]
        details = entry.details
        return described(
            name,
            size_bytes=int(entry.size or 0),
            # Versions before 0.9 do not report it: None leaves it to the catalogue.
            thinking="thinking" in capabilities or None,
            chat="completion" in capabilities,
            context=self._context,
            parameters=(details and details.parameter_size) or "",
            quantization=(details and details.quantization_level) or "",
        )

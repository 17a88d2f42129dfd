"""Client of Ollama's native API, versions 0.6 to 0.33."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Model, Stopping, Text, Thinking, Usage
from app.engines.catalogue import described, same_model
from app.engines.processes import argument, processes_listening
from app.engines.tokens import total_tokens
from app.engines.transport import (
    CONNECT_TIMEOUT_S,
    EngineHttpClient,
    count,
    end_reason,
    error_in,
    json_object,
    known_failure,
    number,
)
from app.errors import AppError

# Seconds without a line of progress after which a download has failed.
PULL_TIMEOUT_S = 300.0
# Seconds that unloading a model may take.
UNLOAD_TIMEOUT_S = 30.0
# Versions from which `truncate` is known, and from which a reading ends with its request.
KNOWS_TRUNCATE, STOPS_READING = (0, 12, 6), (0, 30, 0)
# Ollama ends an answer in which so many pieces in a row equal the one before, spaces around them aside.
MAX_REPEATS = 30
# Words of its texts: it has no codes. "context canceled" and "context deadline exceeded" are Go's, for something else.
TOO_LONG = re.compile(r"context (size|length|window)")
WEIGHTS = re.compile(r"^FROM .*(sha256-[0-9a-f]{64})$", re.MULTILINE)
NO_NETWORK = re.compile(r"dial tcp|no such host|network is unreachable|i/o timeout|tls handshake|proxyconnect")

logger = logging.getLogger(__name__)


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


class OllamaStream:
    """Parser of one answer. `failure(error)` makes the error that Ollama reports in a line."""

    def __init__(self, failure: Callable[[object], AppError]) -> None:
        self._failure = failure
        self._last_piece = ""
        self._repeats = 0
        self.done = False

    @property
    def loops(self) -> bool:
        """True if the answer repeated itself until Ollama gave it up: it then ends the stream without a last line."""
        return self._repeats >= MAX_REPEATS

    def read(self, line: bytes) -> list[EngineEvent]:
        """Return the events of one line; raises Ollama's own error, or what becomes engine_garbled."""
        if not line:
            return []
        part = json_object(line)
        if "error" in part:
            raise self._failure(part["error"])
        message = part.get("message") or {}
        thought, content = message.get("thinking") or "", message.get("content") or ""
        events: list[EngineEvent] = []
        if thought:
            events.append(Thinking("" + thought))
        if content:
            events.append(Text("" + content))
        if part.get("done"):
            self.done = True
            events.append(Done(end_reason(part.get("done_reason")) or "stop", _usage(part)))
        elif events:
            piece = (thought + content).strip()
            self._repeats = self._repeats + 1 if piece == self._last_piece else 0
            self._last_piece = piece
        return events


@dataclass(frozen=True, slots=True)
class _Abilities:
    """What /api/show tells of a model.

    `vision`: None if it does not tell; `context`: the tokens that it was trained with, 0 if unknown; `weights`: the
    name of its file, "" if unknown.
    """

    chat: bool
    thinking: bool
    vision: bool | None
    context: int
    weights: str


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
        self.keeps_models = keep_alive < 0
        self._context = context
        self._keep_alive = keep_alive
        self._options: dict[str, int] = {"num_ctx": context} | ({"num_thread": threads} if threads else {})
        self._http = EngineHttpClient(self.label, read_timeout_s=read_timeout_s)
        # The daemon's version when last asked; () if unknown.
        self._release: tuple[int, ...] = ()
        # Names of the models that run in Ollama's cloud.
        self._in_cloud: frozenset[str] = frozenset()
        # Digests of the models on this machine, by name, and what each digest can do.
        self._digests: dict[str, str] = {}
        self._abilities: dict[str, _Abilities] = {}
        # Models in memory, each with the options that it was loaded with.
        self._in_memory: dict[str, dict[str, int]] = {}

    def models(self) -> list[Model]:
        """Return the installed models; asks for the abilities of each digest only once.

        Leaves out those that run in Ollama's cloud: nothing may leave the network.
        """
        listed = self._listed("/api/tags")
        self._in_cloud = frozenset(entry["model"] for entry in listed if entry.get("remote_host"))
        entries = [entry for entry in listed if entry["model"] not in self._in_cloud]
        self._digests = {entry["model"]: str(entry.get("digest") or entry["model"]) for entry in entries}
        with suppress(AppError):
            self.version()
        return [model for entry in entries if (model := self._describe(entry))]

    def loaded(self) -> frozenset[str]:
        """Return the models in memory with our options; one with others would be reloaded, so it does not count.

        Ollama names each once: the other names of the same model count too.
        """
        before = self._in_memory
        found: dict[str, dict[str, int]] = {}
        for entry in self._listed("/api/ps"):
            digest = entry.get("digest")
            names = {entry["model"], *(name for name, other in self._digests.items() if other == digest)}
            options = next((before[name] for name in names if name in before), self._options)
            context = entry.get("context_length") or 0
            if context and context != self._usable_context(entry["model"], options["num_ctx"]):
                options = self._options | {"num_ctx": context}
            found |= dict.fromkeys(names, options)
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
        version = str(self._get("/api/version").get("version") or "")
        numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
        release = tuple(map(int, numbers.groups())) if numbers else ()
        # Those who build it themselves have 0.0.0.
        self._release = release if any(release) else ()
        return version

    @property
    def stops_reading(self) -> bool:
        """False before 0.30: there only unloading the model ends a reading whose request has gone."""
        return not self._release or self._release >= STOPS_READING

    @property
    def refuses_long_prompts(self) -> bool:
        """False before 0.12.6, which does not know `truncate`."""
        return not self._release or self._release >= KNOWS_TRUNCATE

    def pids(self, model: str = "") -> tuple[int, ...]:
        """Return the pids of the daemon and its runners, each of which holds one model."""
        found = processes_listening(self.url, ("ollama", "llama-server"))
        known = self._abilities.get(self._digests.get(model, ""))
        if not (known and known.weights):
            return found
        return tuple(pid for pid in found if known.weights in argument(pid, "--model", default=known.weights))

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
        context = self._usable_context(request.model, options["num_ctx"])
        self._check_length(request, context)
        written = False
        try:
            failure = partial(self._failure, request.model)
            for event in self._answer("/api/chat", self._body(request), failure, cancel, request.read_timeout_s):
                if isinstance(event, Done) and not written and self._was_cut(event.usage, context):
                    raise AppError("context_exceeded", cause="the prompt filled the context")
                written = True
                yield event
        except AppError as error:
            if not cancel.is_set():
                if error.code.startswith("engine_"):
                    self._forget_loaded(request.model)
                raise
        if cancel.is_set() and not (written or self.stops_reading):
            try:
                yield Stopping()
            finally:
                self._end_reading(request.model)

    def pull(self, model: str) -> Iterator[PullProgress]:
        """Download a model; yields its progress.

        Raises unknown_model, cloud_model, pull_offline, pull_failed or an engine failure.
        """
        # Imported here: the package takes 8 MB and 0.2 s, and only downloads need it.
        import httpx  # noqa: PLC0415
        import ollama  # noqa: PLC0415

        timeout = httpx.Timeout(PULL_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        # It keeps no idle connection, as nothing would close it.
        limits = httpx.Limits(max_keepalive_connections=0)
        client = ollama.Client(host=self.url, timeout=timeout, trust_env=False, limits=limits)
        try:
            for line in client.pull(model, stream=True):
                yield PullProgress(line.status or "", line.completed or 0, line.total or 0)
        except ollama.ResponseError as error:
            raise self._pull_failure(model, error.status_code, error.error) from error
        except (httpx.HTTPError, ConnectionError) as error:
            raise self._http.failure("engine_unreachable", error) from error
        except ValueError as error:
            raise self._http.failure("engine_garbled", error) from error
        self._look_for(model)

    def _check_length(self, request: ChatRequest, context: int) -> None:
        """Raise context_exceeded for a prompt that is likely to be too long, where Ollama would not refuse it."""
        if not self.refuses_long_prompts:
            estimate = total_tokens(request.messages)
            if estimate > context:
                raise AppError("context_exceeded", cause=f"about {estimate} tokens")

    def _was_cut(self, usage: Usage, context: int) -> bool:
        """Return True if a prompt was cut to the context without a word."""
        return not self.refuses_long_prompts and (usage.prompt_tokens or 0) >= context

    def _end_reading(self, model: str) -> None:
        """End a reading that goes on although its request has gone; until then it would hold the next one up."""
        try:
            self.unload(model)
        except AppError as error:
            logger.warning("reading not ended model=%s code=%s cause=%s", model, error.code, error.cause)

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
        """Load a model, or with `keep_alive` 0 unload it. Raises unknown_model, cloud_model."""
        if not self._is_here(model):
            self._look_for(model)
        body = {"model": model, "stream": False, "keep_alive": keep_alive, "options": options}
        try:
            silence_s = 0.0 if keep_alive else UNLOAD_TIMEOUT_S
            for _ in self._answer("/api/generate", body, partial(self._load_failure, model), cancel, silence_s):
                pass
        except AppError:
            if not cancel.is_set():
                raise
        else:
            self._in_memory = self._in_memory | {model: options}

    def _look_for(self, model: str) -> None:
        """Read the list of models anew; raises unknown_model, or cloud_model, if that one is not on this machine."""
        self.models()
        if any(same_model(model, name) for name in self._in_cloud):
            raise AppError("cloud_model", model=model)
        if not self._is_here(model):
            raise AppError("unknown_model", cause="not among the models of this machine", model=model)

    def _is_here(self, model: str) -> bool:
        return any(same_model(model, name) for name in self._digests)

    def _forget_loaded(self, model: str) -> None:
        self._in_memory = {name: options for name, options in self._in_memory.items() if name != model}

    def _answer(
        self,
        path: str,
        body: dict[str, Any],
        failure: Callable[[int, object], AppError],
        cancel: Cancel,
        silence_s: float = 0,
    ) -> Iterator[EngineEvent]:
        stream = OllamaStream(partial(failure, 200))
        with self._http.post(self.url + path, body, cancel, refused=failure, silence_s=silence_s) as response:
            yield from self._http.events(response, stream.read, cancel)
        if stream.done or cancel.is_set():
            return
        if not stream.loops:
            raise self._http.failure("engine_cut", "the stream ended without done:true")
        yield Done("loop")

    def _load_failure(self, model: str, status: int, error: object) -> AppError:
        """As `_failure`, for a model that is being loaded: the kernel kills what takes too much memory."""
        failure = self._failure(model, status, error)
        if status != 500 or failure.code != "engine_failed":
            return failure
        code = "engine_no_memory" if "signal: killed" in failure.cause else "engine_load_failed"
        return AppError(code, cause=failure.cause, model=model, engine=self.label)

    def _pull_failure(self, model: str, status: int, error: object) -> AppError:
        failure = self._failure(model, status, error)
        if failure.code != "engine_failed":
            return failure
        code = "pull_offline" if NO_NETWORK.search(str(error).lower()) else "pull_failed"
        return AppError(code, cause=failure.cause, model=model, engine=self.label)

    def _failure(self, model: str, status: int, error: object) -> AppError:
        """Turn Ollama's error into ours by a few words of it: its texts vary by version."""
        message = str(error)
        words = message.lower()
        if status == 404 or ("model" in words and "not found" in words) or "manifest: file does not exist" in words:
            return AppError("unknown_model", cause=message, model=model)
        if "does not support thinking" in words:
            return AppError("thinking_unsupported", cause=message, model=model)
        if "does not support chat" in words:
            return AppError("not_a_chat_model", cause=message, model=model)
        if TOO_LONG.search(words) and status in (200, 400):
            return AppError("context_exceeded", cause=message)
        if code := known_failure(message):
            return AppError(code, cause=message, model=model, engine=self.label)
        return self._http.failure("engine_busy" if status == 503 else "engine_failed", f"{status}: {message}")

    def _get(self, path: str) -> dict[str, Any]:
        response = self._http.query(self.url + path)
        if response.status_code != 200:
            raise self._failure("", response.status_code, error_in(response.text))
        return self._parsed(response.content)

    def _listed(self, path: str) -> list[dict[str, Any]]:
        """Return the entries of a list of models that have a name."""
        entries = self._get(path).get("models") or []
        try:
            return [entry for entry in entries if entry.get("model")]
        except (AttributeError, TypeError) as error:
            raise self._http.failure("engine_garbled", error) from error

    def _parsed(self, content: bytes) -> dict[str, Any]:
        try:
            return json_object(content)
        except ValueError as error:
            raise self._http.failure("engine_garbled", error) from error

    def _describe(self, entry: dict[str, Any]) -> Model | None:
        """Return a listed model; None if it was deleted meanwhile."""
        name = entry["model"]
        try:
            can = self._ability(name)
        except AppError as error:
            if error.code != "unknown_model":
                raise
            return None
        details = entry.get("details") or {}
        return described(
            name,
            size_bytes=int(entry.get("size") or 0),
            # Versions before 0.9 do not report it: None leaves it to the catalogue.
            thinking=can.thinking or None,
            vision=can.vision,
            chat=can.chat,
            context=self._usable_context(name, self._context),
            parameters=details.get("parameter_size") or "",
            quantization=details.get("quantization_level") or "",
        )

    def _ability(self, name: str) -> _Abilities:
        digest = self._digests[name]
        if digest not in self._abilities:
            response = self._http.command(f"{self.url}/api/show", {"model": name}, {})
            if response.status_code != 200:
                raise self._failure(name, response.status_code, error_in(response.text))
            shown = self._parsed(response.content)
            listed = shown.get("capabilities")
            capabilities = listed or ["completion"]
            facts = shown.get("model_info") or {}
            trained = facts.get(f"{facts.get('general.architecture')}.context_length") or 0
            weights = WEIGHTS.search(str(shown.get("modelfile") or ""))
            self._abilities[digest] = _Abilities(
                chat="completion" in capabilities,
                thinking="thinking" in capabilities,
                vision="vision" in listed if listed else None,
                context=int(trained),
                weights=weights[1] if weights else "",
            )
        return self._abilities[digest]

    def _usable_context(self, model: str, context: int) -> int:
        """Return the tokens of a model's context if so many are asked for: no more than it was trained with."""
        known = self._abilities.get(self._digests.get(model, ""))
        return min(context, known.context) if known and known.context else context

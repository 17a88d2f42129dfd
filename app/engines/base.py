"""The protocol that every engine implements, and its types: requests, events of an answer, models, cancelling."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request to a model. `messages`: dicts with `role` (system, user, assistant), `content`, and, with pictures,
    `images`: a list of JPEG, PNG or WebP files in base64.

    If the last message is the assistant's, the model continues it. `conversation_id` tells the engine which prompt will
    come again with more after it; `read_timeout_s`: seconds of silence after which the engine counts as hung (0: the
    longest allowed). `threads`, `context`: 0 for the server's setting; other values reload the model, are meant for
    benchmarks, and need an engine that lists them in `adjusts`.
    """

    model: str
    messages: tuple[dict[str, Any], ...]
    think: bool = False
    max_tokens: int = 1024
    temperature: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    conversation_id: str = ""
    read_timeout_s: float = 0.0
    threads: int = 0
    context: int = 0

    def sampling(self) -> dict[str, Any]:
        """Return how to choose the next token, by the names that the APIs share; without what is not set."""
        chosen = {
            "temperature": self.temperature,
            "repeat_penalty": self.repeat_penalty,
            "seed": self.seed,
            "stop": list(self.stop) or None,
        }
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took, as reported by the engine (None: not reported); durations in milliseconds.

    `prompt_tokens` counts the whole prompt, `cached_tokens` the part that came from the prompt cache.
    """

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    prefill_ms: float | None = None
    output_tokens: int | None = None
    decode_ms: float | None = None
    load_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """The model has been loading for `elapsed_s` seconds; `loaded` is True in the last of these events."""

    elapsed_s: float
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Progress of the prefill: `done` of `total` prompt tokens, both without the cached ones."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Retold:
    """All thinking of this answer so far, in place of what was sent: text and thinking were taken for each other."""

    thinking: str


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of an answer; `reason` is "stop", "length", "loop" (it was ended because it repeated itself) or
    the engine's own word.
    """

    reason: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Stopping:
    """The answer was cancelled; what the engine does after this event only frees its slot."""


EngineEvent = Loading | Reading | Thinking | Text | Retold | Done | Stopping


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the engine has. Sizes in bytes, `context` in tokens; 0 or "" if unknown."""

    name: str
    label: str = ""
    description: str = ""
    size_bytes: int = 0
    ram_bytes: int = 0
    thinking: bool = False
    chat: bool = True
    coding: bool = False
    vision: bool = False
    context: int = 0
    parameters: str = ""
    quantization: str = ""
    installed: bool = True


class Cancel:
    """A stop request shared by several threads; callbacks run once, in the thread that calls `set`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Request to stop, and run the callbacks."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Return True once stopping was requested."""
        return self._event.is_set()

    def wait(self, timeout: float) -> bool:
        """Sleep for `timeout` seconds or until stopping is requested; return whether it was."""
        return self._event.wait(timeout)

    def on_set(self, callback: Callable[[], None]) -> None:
        """Run `callback` when stopping is requested; at once if it already was."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Run `callback` when stopping is requested while inside; at once if it already was."""
        self.on_set(callback)
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)


class Engine(Protocol):
    """A server that runs models. Every method raises AppError with an `engine_…` code when the engine fails."""

    name: str
    label: str
    # Which of a request's `threads` and `context` it applies.
    adjusts: frozenset[str]

    @property
    def stops_reading(self) -> bool:
        """True if cancelling a request also ends the reading of its prompt at once; False if that costs the model's
        place in memory.
        """

    @property
    def refuses_long_prompts(self) -> bool:
        """True if a prompt longer than the context is refused; False if the engine cuts it without a word."""

    @property
    def keeps_models(self) -> bool:
        """True if a loaded model is to stay in memory until another one needs the room."""

    @property
    def process(self) -> int:
        """A number that changes when the engine restarts, which empties its prompt cache; always 0 if unknown."""

    @property
    def url(self) -> str:
        """The URL of the server, shown to administrators."""

    @property
    def slots(self) -> int:
        """Number of answers that it writes at the same time."""

    def models(self) -> list[Model]:
        """Return the models that can be used now."""

    def loaded(self) -> frozenset[str]:
        """Return the names of the models in memory."""

    def warm(self, model: str) -> None:
        """Load a model and keep it loaded; returns when it is in memory."""

    def unload(self, model: str) -> None:
        """Remove a model from memory, so that its next request loads it again."""

    def version(self) -> str:
        """Return the version that runs now; "" if unknown."""

    def pids(self, model: str = "") -> tuple[int, ...]:
        """Return the pids of its processes on this machine; empty if it runs elsewhere or they cannot be seen.

        With `model`, leaves out those that only hold other models.
        """

    def reset(self, model: str) -> None:
        """Recover a hung engine as far as its API allows, and load the model again."""

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Yield the events of one answer. Once `cancel` is set, ends soon and without Done; what takes longer than a
        moment comes after the event Stopping. When it has ended, the slot is free.
        """

    def forget(self, conversation_id: str) -> None:
        """Delete everything saved of a conversation whose text was changed, deleted or erased."""

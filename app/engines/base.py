"""What every engine offers: its models, and answers as one stream of typed events."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a model. `messages`: dicts with `role` (system, user, assistant) and `content`.

    When the last message is the assistant's, the model goes on writing it. `conversation_id` tells the engine what
    will be sent again with more after it; `read_timeout_s` is the silence after which the engine is taken to hang
    (0: the longest allowed). `threads`, `context`: 0 as the server is set; another value is for measuring, as it loads
    the model anew, and only for an engine that `adjusts` it.
    """

    model: str
    messages: tuple[dict[str, str], ...]
    think: bool = False
    max_tokens: int = 1024
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    conversation_id: str = ""
    read_timeout_s: float = 0.0
    threads: int = 0
    context: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, as far as the engine tells; durations in milliseconds.

    `prompt_tokens` counts the whole prompt, `cached_tokens` the part that did not have to be read again.
    """

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    prefill_ms: float | None = None
    output_tokens: int | None = None
    decode_ms: float | None = None
    load_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded, for so many seconds; `loaded` once it is there."""

    elapsed_s: float
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """So many prompt tokens of the total are read, cached ones left out of both."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Thinking:
    """More of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The end; `reason` is "stop" or "length", or the engine's own word."""

    reason: str
    usage: Usage = field(default_factory=Usage)


EngineEvent = Loading | Reading | Thinking | Text | Done


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the engine has. Sizes in bytes; `context` in tokens; 0 or "" where unknown."""

    name: str
    label: str = ""
    description: str = ""
    size_bytes: int = 0
    ram_bytes: int = 0
    thinking: bool = False
    chat: bool = True
    coding: bool = False
    context: int = 0
    parameters: str = ""
    quantization: str = ""
    installed: bool = True


class Cancel:
    """A stop request that several threads share; what is registered runs once, when it is set."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Ask to stop, and run what is registered."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether stopping was asked for."""
        return self._event.is_set()

    def wait(self, timeout: float) -> bool:
        """Sleep for so many seconds, less when stopping is asked for."""
        return self._event.wait(timeout)

    def on_set(self, callback: Callable[[], None]) -> None:
        """Run `callback` when stopping is asked for; at once if it already was."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """Take back what `on_set` registered."""
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)


class Engine(Protocol):
    """One way to run models. Every method raises AppError with an `engine_…` code when the engine fails."""

    name: str
    label: str
    # Which of a request's `threads` and `context` it heeds.
    adjusts: frozenset[str]

    @property
    def process(self) -> int:
        """Another number once the engine was started anew, which forgets what it had read; 0 where nothing tells."""

    @property
    def url(self) -> str:
        """The address spoken to, for the administrator."""

    @property
    def slots(self) -> int:
        """Answers that it writes at the same time."""

    def models(self) -> list[Model]:
        """The models that can be used now."""

    def loaded(self) -> frozenset[str]:
        """Names of the models in memory."""

    def warm(self, model: str) -> None:
        """Load a model and keep it loaded; returns when it is there."""

    def unload(self, model: str) -> None:
        """Take a model out of the memory, so that it is loaded anew when it is next asked for."""

    def version(self) -> str:
        """The version that runs now; "" when it does not tell."""

    def pids(self) -> tuple[int, ...]:
        """Its processes on this machine; none when it runs elsewhere or cannot be seen."""

    def reset(self, model: str) -> None:
        """Free an engine that hangs, as far as its kind allows, and load the model again."""

    def stream(self, request: ChatRequest, cancel: Cancel) -> Iterator[EngineEvent]:
        """Events of one answer; ends without Done, soon, when `cancel` is set."""

    def forget(self, conversation_id: str) -> None:
        """Delete whatever is kept of a conversation whose words were changed, deleted or erased."""

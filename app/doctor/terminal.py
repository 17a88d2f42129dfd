"""Same as the terminal? The same question to the engine itself and through this server's pages, in turn."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

from app.doctor.guest import visiting
from app.doctor.pairs import Answer, Clock, Comparison, NotComparedError
from app.doctor.visitor import AwayError, RefusedError, StrangerError, Visitor, own_address
from app.doctor.watch import Watch
from app.engines.base import Cancel, ChatRequest, Done, Engine, Text, Thinking, Usage
from app.errors import AppError

PAIRS = 3
# With answers shorter than this, so many pairs: what else the machine does shows less.
SHORT_S, MORE_PAIRS = 1.5, 9
# Pairs that are asked again because somebody was at work meanwhile, or because an answer was too short.
SPARE = 2
QUESTION = "{nonce}. Describe the wind and the sea in two sentences."
# How many tokens the engine may write to it; about as many as it will.
MOST_TOKENS = 100
# How long the engine may be at work for others before we give up.
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`phase`: waiting, warming or comparing; `step` of `steps` answers are written."""

    phase: str
    step: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What every prompt of this server begins with, and how the engine is to write: `most` tokens."""

    system: str
    most: int
    temperature: float | None


def compare_here(app: Flask, user_id: int, tell: Callable[[Progress], None]) -> Comparison:
    """This server's engine and pages, the latter as that person. Raises NotComparedError."""
    settings = app.config
    most = min(settings["MAX_OUTPUT_TOKENS"], settings["CONTEXT_TOKENS"] // 2)
    terms = Terms(settings["SYSTEM_PROMPT"], min(most, MOST_TOKENS), settings["TEMPERATURE"])
    with visiting(app, user_id, own_address(settings)) as visitor:
        return compare(app.extensions["generation"].engine, visitor, terms, tell)


def compare(
    engine: Engine,
    visitor: Visitor,
    terms: Terms,
    tell: Callable[[Progress], None],
    patience_s: float = PATIENCE_S,
) -> Comparison:
    """A few pairs of answers, direct and web in turn. Raises NotComparedError."""
    try:
        return _Duel(engine, visitor, terms, tell, patience_s).fight()
    except AppError as error:
        raise NotComparedError("engine", error.cause or error.code) from error
    except StrangerError as error:
        raise NotComparedError("stranger", str(error)) from error
    except RefusedError as error:
        raise NotComparedError("refused", str(error)) from error
    except AwayError as error:
        raise NotComparedError("away", str(error)) from error


class _Duel:
    def __init__(
        self,
        engine: Engine,
        visitor: Visitor,
        terms: Terms,
        tell: Callable[[Progress], None],
        patience_s: float,
    ) -> None:
        self._engine = engine
        self._visitor = visitor
        self._terms = terms
        self._tell = tell
        self._patience_s = patience_s
        self._model = ""
        # New each time: neither way finds more in the engine's cache than the system prompt.
        self._nonces = iter(random.sample(range(1000, 10000), 1000))

    def fight(self) -> Comparison:
        self._tell(Progress("waiting"))
        self._wait()
        self._look_around()
        self._tell(Progress("warming"))
        # Loads, and reads the system prompt.
        first = self._guarded(0, self._direct)
        wanted = MORE_PAIRS if first.end_s < SHORT_S else PAIRS
        pairs: list[tuple[Answer, Answer]] = []
        for _attempt in range(wanted + SPARE):
            self._tell(Progress("comparing", 2 * len(pairs), 2 * wanted))
            direct = self._guarded(0, self._direct)
            self._tell(Progress("comparing", 2 * len(pairs) + 1, 2 * wanted))
            web = self._guarded(1, self._web)
            if direct.usable and web.usable:
                pairs.append((direct, web))
            if len(pairs) == wanted:
                break
        if not pairs:
            raise NotComparedError("short")
        return Comparison(self._model, tuple(pairs))

    def _look_around(self) -> None:
        """The engine must be the one that the server uses."""
        models = self._visitor.models()
        if models["engine"]["name"] != self._engine.name:
            raise NotComparedError("other_engine", str(models["engine"]["label"]))
        if not models["effective"]:
            raise NotComparedError("no_model")
        self._model = models["effective"]
        # So that the engine's own list of what is loaded is that of now.
        self._engine.loaded()

    def _guarded(self, ours: int, answer: Callable[[Cancel], Answer]) -> Answer:
        """One answer with nobody else at work; whoever comes meanwhile is let through."""
        self._wait()
        with Watch(self._visitor, ours) as watch:
            written = answer(watch.cancel)
        if watch.seen:
            raise NotComparedError(watch.seen)
        return written

    def _wait(self) -> None:
        if not self._visitor.wait_until_idle(self._patience_s):
            raise NotComparedError("busy")

    def _direct(self, cancel: Cancel) -> Answer:
        """What `ollama run` does: one request, and its tokens as they come."""
        messages = [{"role": "system", "content": self._terms.system}] if self._terms.system else []
        messages.append({"role": "user", "content": self._asked()})
        request = ChatRequest(
            self._model,
            tuple(messages),
            max_tokens=self._terms.most,
            temperature=self._terms.temperature,
        )
        clock, usage = Clock(), Usage()
        for event in self._engine.stream(request, cancel):
            if isinstance(event, Text | Thinking):
                clock.word(event.text)
            elif isinstance(event, Done):
                usage = event.usage
        return clock.answer(usage.output_tokens, usage.prefill_ms, usage.decode_ms)

    def _web(self, cancel: Cancel) -> Answer:
        conversation = self._visitor.new_conversation()
        cancel.on_set(lambda: self._visitor.forget(conversation))
        question = self._asked()
        clock = Clock()
        for told in self._visitor.ask(conversation, question, self._model):
            if told.name in ("text", "thinking"):
                clock.word(told.data["text"])
            elif told.name == "done":
                if told.data["error"]:
                    raise RefusedError(told.data["error"]["message"])
                figures = told.data["metrics"]
                names = ("output_tokens", "prefill_ms", "decode_ms", "queue_ms")
                return clock.answer(*(figures[name] for name in names))
        raise RefusedError(f"{self._model}: the stream ended before the answer did")

    def _asked(self) -> str:
        return QUESTION.format(nonce=next(self._nonces))

"""A stand-in Ollama daemon: the shapes, delays and bad days of its HTTP API, scriptable and recorded."""

from __future__ import annotations

import argparse
import base64
import time
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from tests.fakes._server import Exchange, serve
from tests.fakes.engine import FakeEngine, Pace
from tests.fakes.ollama_chat import Chat, RefusedError, line_of, stamp
from tests.fakes.ollama_library import FakeModel, full_name, in_memory, listed, model_called, pulling, shown
from tests.fakes.ollama_runners import (
    Load,
    LoadFailedError,
    LoadQueueFullError,
    Runner,
    Runners,
    runner_settings,
    seconds_of,
)

# Two spaces: so it is in Ollama's own source.
BUSY = "server busy, please try again.  maximum pending requests exceeded"
FIVE_MINUTES = 300.0
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
OFFLINE = (
    'pull model manifest: Get "https://registry.ollama.ai/v2/library/%s": '
    "dial tcp: lookup registry.ollama.ai: no such host"
)


@dataclass(eq=False)
class FakeOllama(FakeEngine):
    """`with FakeOllama() as ollama:` then `ollama.url`."""

    models: Iterable[str | FakeModel] = ("phi3:mini", "deepseek-r1:1.5b", "nomic-embed-text")
    _: KW_ONLY
    port: int = 0
    version: str = "0.33.0"
    context: int = 4096
    parallel: int = 1
    tokens_per_second: float = 1000
    prefill_per_second: float = 0
    load_seconds: float = 0
    max_loaded: int = 3
    max_queue: int = 512
    keep_alive: float = FIVE_MINUTES
    wedges: bool = False
    """A client that leaves during an answer keeps its slot until the model is unloaded."""
    pullable: Iterable[str | FakeModel] = ("mistral",)
    pull_error_after: int | None = None
    offline: bool = False
    """There is no way to the registry."""

    def __post_init__(self) -> None:
        super().__init__(self.port, Pace(self.tokens_per_second, self.prefill_per_second, batch=512))
        release = tuple(int(number) for number in self.version.split("."))
        self.notices_in_prefill = release >= (0, 30)
        self._knows_think = release >= (0, 9)
        self._shows_capabilities = release >= (0, 6, 7)
        self._lists_capabilities = release >= (0, 30)
        self._tells_context = release >= (0, 10)
        self._obeys_truncate = release >= (0, 12, 6)
        self._library = {model.name: model for model in map(model_called, self.models)}
        self._pullable = {model.name: model for model in map(model_called, self.pullable)}
        self._runners = Runners(self.parallel, self.load_seconds, self.max_loaded, self.max_queue)
        self._routes = {
            ("GET", "/"): lambda exchange: exchange.reply(200, "Ollama is running"),
            ("GET", "/api/version"): lambda exchange: exchange.reply(200, {"version": self.version}),
            ("GET", "/api/tags"): self._tags,
            ("GET", "/api/ps"): self._ps,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/pull"): self._pull,
            ("POST", "/api/generate"): self._generate,
            ("POST", "/api/chat"): self._chat,
            ("DELETE", "/api/delete"): self._delete,
        }

    @property
    def loads(self) -> list[Load]:
        """Every load so far; one that is a `reload` threw away a model whose options differed."""
        return self._runners.loads

    @property
    def aborted_loads(self) -> int:
        """Loads whose client left before their end."""
        return self._runners.aborted_loads

    def await_load(self, nth: int = 0) -> None:
        """Wait until the nth load has begun."""
        self.wait_until(lambda: self._runners.begun > nth)

    def unload_all(self) -> None:
        """What another client, or the lack of memory, may do at any moment."""
        for runner in self._runners.loaded():
            self._runners.unload(runner.model)

    def answer(self, exchange: Exchange) -> None:
        route = self._routes.get((exchange.method, exchange.path))
        if route is None:
            exchange.reply(404, "404 page not found")
            return
        try:
            route(exchange)
        except RefusedError as refusal:
            exchange.reply(refusal.status, {"error": str(refusal)})

    def _tags(self, exchange: Exchange) -> None:
        models = [listed(model, capabilities=self._lists_capabilities) for model in self._library.values()]
        exchange.reply(200, {"models": models})

    def _ps(self, exchange: Exchange) -> None:
        tells = self._tells_context
        lines = [in_memory(r.model, r.context, r.expires_at, tells_context=tells) for r in self._runners.loaded()]
        exchange.reply(200, {"models": lines})

    def _show(self, exchange: Exchange) -> None:
        exchange.reply(200, shown(self._model(_body(exchange)), capabilities=self._shows_capabilities))

    def _delete(self, exchange: Exchange) -> None:
        model = self._model(_body(exchange))
        self._runners.unload(model)
        del self._library[model.name]
        exchange.reply(200, "")

    def _pull(self, exchange: Exchange) -> None:
        name = full_name(_body(exchange).get("model") or "")
        exchange.start_stream("application/x-ndjson")
        if self.offline:
            exchange.send(line_of({"status": "pulling manifest"}))
            self._last_line(exchange, {"error": OFFLINE % name.replace(":", "/manifests/")})
            return
        if name not in self._pullable:
            self._last_line(exchange, {"error": "pull model manifest: file does not exist"})
            return
        for number, line in enumerate(pulling(self._pullable[name])):
            if number == self.pull_error_after:
                self._last_line(exchange, {"error": "max retries exceeded: unexpected EOF"})
                return
            exchange.send(line_of(line))
        self._library[name] = self._pullable[name]
        exchange.finish()

    def _generate(self, exchange: Exchange) -> None:
        body = _body(exchange)
        if body.get("prompt"):
            raise RefusedError(501, "this stand-in only loads and unloads through /api/generate")
        self._load_only(exchange, body, {"response": ""})

    def _chat(self, exchange: Exchange) -> None:
        body = _body(exchange)
        model = self._model(body)
        if "completion" not in model.capabilities:
            raise RefusedError(400, f'"{body["model"]}" does not support chat')
        if body.get("think") and not model.thinks and self._knows_think:
            raise RefusedError(400, f'"{body["model"]}" does not support thinking')
        _check_images(body, model)
        if not body.get("messages"):
            self._load_only(exchange, body, {"message": {"role": "assistant", "content": ""}})
            return
        scenario = self.next_scenario()
        if scenario.page:
            exchange.reply(scenario.status, scenario.message)
            return
        if scenario.status != 200:
            raise RefusedError(scenario.status, scenario.message)
        keep_alive = self._kept_for(body)
        with self.generation(model.name, body["messages"], scenario) as made:
            runner, load_s = self._runner(exchange, model, body)
            try:
                chat = Chat(self, exchange, body, runner, made, load_s, self.wedges, self._knows_think)
                chat.run(obeys_truncate=self._obeys_truncate)
            finally:
                self._runners.done_with(runner, keep_alive)
                self._runners.leave(exchange, runner)

    def _load_only(self, exchange: Exchange, body: dict[str, Any], empty: dict[str, Any]) -> None:
        model, keep_alive = self._model(body), self._kept_for(body)
        if keep_alive == 0:
            self._runners.unload(model)
        else:
            runner, _ = self._runner(exchange, model, body)
            self._runners.done_with(runner, keep_alive)
            self._runners.leave(exchange, runner)
        reason = "load" if keep_alive else "unload"
        exchange.reply(200, {**stamp(body["model"]), **empty, "done": True, "done_reason": reason})

    def _runner(self, exchange: Exchange, model: FakeModel, body: dict[str, Any]) -> tuple[Runner, float]:
        started = time.monotonic()
        try:
            runner = self._runners.obtain(exchange, model, runner_settings(body, self.context))
        except LoadQueueFullError:
            raise RefusedError(503, BUSY) from None
        except LoadFailedError as error:
            raise RefusedError(500, str(error)) from None
        return runner, time.monotonic() - started

    def _kept_for(self, body: dict[str, Any]) -> float:
        try:
            return seconds_of(body.get("keep_alive"), self.keep_alive)
        except ValueError as error:
            raise RefusedError(400, str(error)) from error

    def _model(self, body: dict[str, Any]) -> FakeModel:
        if not body.get("model"):
            raise RefusedError(400, "model is required")
        try:
            return self._library[full_name(body["model"])]
        except KeyError:
            raise RefusedError(404, f"model '{body['model']}' not found") from None

    def _last_line(self, exchange: Exchange, line: dict[str, Any]) -> None:
        exchange.send(line_of(line))
        exchange.finish()


def _check_images(body: dict[str, Any], model: FakeModel) -> None:
    images = [image for message in body.get("messages") or () for image in message.get("images") or ()]
    try:
        pictures = [base64.b64decode(image, validate=True) for image in images]
    except ValueError:
        raise RefusedError(400, "illegal base64 data at input byte 0") from None
    if pictures and not model.sees:
        raise RefusedError(400, "this model is missing data required for image input")
    if not all(picture.startswith(PICTURES) for picture in pictures):
        raise RefusedError(500, "Failed to load image or audio file")


def _body(exchange: Exchange) -> dict[str, Any]:
    try:
        body = exchange.json
    except ValueError as error:
        raise RefusedError(400, str(error)) from error
    if body is None:
        raise RefusedError(400, "missing request body")
    if not isinstance(body, dict):
        raise RefusedError(400, f"json: cannot unmarshal {type(body).__name__} into Go value")
    return body


def main() -> None:
    """Run as a process: `python -m tests.fakes.ollama --port 11434`."""
    parser = argparse.ArgumentParser(description="A stand-in Ollama daemon for tests and demonstrations.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", action="append", help="may be repeated; default: three small ones")
    parser.add_argument("--tokens-per-second", type=float, default=50)
    parser.add_argument("--prefill-per-second", type=float, default=200)
    parser.add_argument("--load-seconds", type=float, default=2)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--version", default="0.33.0")

    def make(options: argparse.Namespace) -> FakeOllama:
        given = vars(options)
        models = given.pop("model")
        return FakeOllama(models, **given) if models else FakeOllama(**given)

    serve(parser, make)


if __name__ == "__main__":
    main()

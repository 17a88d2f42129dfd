"""A stand-in llama-server, or another vendor's OpenAI-compatible server: models, health, slots."""

from __future__ import annotations

import argparse
from dataclasses import KW_ONLY, dataclass
from typing import Any

from tests.fakes._server import GLANCE, Exchange, serve
from tests.fakes._slots import PromptCache, Slots
from tests.fakes.engine import FakeEngine, Pace, Phase, exceeded, images_of
from tests.fakes.openai_chat import ChatCompletion
from tests.fakes.scenario import End, Scenario

LOADING = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
BAD_KEY = {"error": {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}}
NOT_FOUND = {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}
NO_MMPROJ = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
BLIND = {"error": {"code": 500, "message": NO_MMPROJ, "type": "server_error"}}
THINKING_TEMPLATE = "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"


@dataclass(eq=False)
class FakeOpenAI(FakeEngine):
    """`with FakeOpenAI() as server:` then `server.url`."""

    model: str = "smollm2"
    _: KW_ONLY
    port: int = 0
    bare: bool = False
    """Another vendor: no timings, no progress, no /props nor /slots; it knows its models by name."""
    api_key: str = ""
    context: int = 4096
    slots: int = 1
    batch: int = 256
    tokens_per_second: float = 1000
    prefill_per_second: float = 0
    thinks: bool = False
    sees: bool = False
    timings_in_usage: bool = True
    """Newer versions put the timings beside the usage, older ones beside the finish_reason."""
    pings: bool = False
    ready: bool = True
    """Set to False and back: the model is being loaded."""

    def __post_init__(self) -> None:
        super().__init__(self.port, Pace(self.tokens_per_second, self.prefill_per_second, self.batch))
        # llama-server hears of a closed connection by writing to it only.
        self.notices_in_prefill = self.bare
        self._slots = Slots(self.slots)
        self._cache = PromptCache(self.slots)
        self._routes = {("GET", "/v1/models"): self._models, ("POST", "/v1/chat/completions"): self._chat}
        if not self.bare:
            self._routes |= {
                ("GET", "/health"): self._health,
                ("GET", "/props"): self._props,
                ("GET", "/slots"): self._list_slots,
            }

    def answer(self, exchange: Exchange) -> None:
        route = self._routes.get((exchange.method, exchange.path))
        if not self._may_enter(exchange):
            exchange.reply(401, BAD_KEY)
        elif route is None:
            exchange.reply(404, NOT_FOUND)
        elif not self.ready:
            exchange.reply(503, LOADING)
        else:
            route(exchange)

    def _may_enter(self, exchange: Exchange) -> bool:
        if not self.api_key or (exchange.path == "/health" and not self.bare):
            return True
        return exchange.headers.get("authorization") == f"Bearer {self.api_key}"

    def _health(self, exchange: Exchange) -> None:
        exchange.reply(200, {"status": "ok"})

    def _models(self, exchange: Exchange) -> None:
        entry: dict[str, Any] = {"id": self.model, "object": "model", "created": 1789000000}
        if self.bare:
            entry |= {"owned_by": "vllm", "max_model_len": self.context}
        else:
            meta = {"n_vocab": 49152, "n_ctx": self.context, "n_ctx_train": 8192, "n_embd": 576,
                    "n_params": 134515008, "size": 96576768, "ftype": "Q4_1"}  # fmt: skip
            entry |= {"owned_by": "llamacpp", "aliases": [self.model], "tags": [], "meta": meta}
        exchange.reply(200, {"object": "list", "data": [entry]})

    def _props(self, exchange: Exchange) -> None:
        template = THINKING_TEMPLATE if self.thinks else "{{ messages }}"
        exchange.reply(200, {
            "default_generation_settings": {"params": {"n_predict": -1}, "n_ctx": self.context},
            "total_slots": self.slots, "model_alias": self.model, "model_path": f"{self.model}.gguf",
            "chat_template": template, "build_info": "b10488-0", "is_sleeping": False,
            "modalities": {"vision": self.sees, "audio": False},
        })  # fmt: skip

    def _list_slots(self, exchange: Exchange) -> None:
        if exchange.query.get("fail_on_no_slot") and self.running >= self.slots:
            error = {"code": 503, "message": "no slot available", "type": "unavailable_error"}
            exchange.reply(503, {"error": error})
            return
        busy = [number < self.running for number in range(self.slots)]
        exchange.reply(200, [
            {"id": number, "n_ctx": self.context, "speculative": False, "is_processing": is_processing}
            for number, is_processing in enumerate(busy)
        ])  # fmt: skip

    def _chat(self, exchange: Exchange) -> None:
        body = exchange.json
        scenario = self.next_scenario()
        if scenario.status != 200:
            error = {"code": scenario.status, "message": scenario.message, "type": "server_error"}
            exchange.reply(scenario.status, scenario.message if scenario.page else {"error": error})
            return
        if scenario.verbatim:
            self._send_exactly(exchange, scenario)
            return
        if self.bare and body["model"] != self.model:
            message = f"The model `{body['model']}` does not exist."
            exchange.reply(404, {"error": {"message": message, "type": "NotFoundError", "code": 404}})
            return
        if not self.sees and any(images_of(message) for message in body["messages"]):
            exchange.reply(500, BLIND)
            return
        with self.generation(body["model"], body["messages"], scenario) as made:
            if len(made.prompt) >= self.context:
                exchange.reply(400, {"error": self._too_long(len(made.prompt))})
                return
            self.enter(made, Phase.QUEUED)
            self._slots.acquire(exchange)
            try:
                with self.computing(made):
                    ChatCompletion(self, exchange, body, made, self._cache).run()
            finally:
                self._slots.release()

    def _send_exactly(self, exchange: Exchange, scenario: Scenario) -> None:
        exchange.start_stream("text/event-stream")
        for number, piece in enumerate(scenario.verbatim):
            if number and number == scenario.after:
                exchange.wait(self._releases.acquire)
            exchange.send(piece)
        if scenario.end is End.RESET:
            exchange.reset()
        elif scenario.end is End.NEVER:
            exchange.wait(self._releases.acquire)
        elif scenario.end is End.PINGS:
            while True:
                exchange.send(b": busy\n\n")
                exchange.pause(GLANCE)
        else:
            exchange.finish()

    def _too_long(self, count: int) -> dict[str, Any]:
        if not self.bare:
            return exceeded(count, self.context)
        message = f"This model's maximum context length is {self.context} tokens, you requested {count}."
        return {"message": message, "type": "BadRequestError", "param": None, "code": 400}


def main() -> None:
    """Run as a process: `python -m tests.fakes.openai_server --port 8080`."""
    parser = argparse.ArgumentParser(description="A stand-in llama-server for tests and demonstrations.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--bare", action="store_true", help="another vendor's server")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--thinks", action="store_true")
    parser.add_argument("--tokens-per-second", type=float, default=50)
    parser.add_argument("--prefill-per-second", type=float, default=200)
    serve(parser, lambda options: FakeOpenAI(**vars(options)))


if __name__ == "__main__":
    main()

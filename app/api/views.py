"""`/v1/models` and `/v1/chat/completions`."""

from flask import Response, current_app, jsonify

from app.api import blueprint
from app.api.delivery import deliver
from app.api.schemas import Asked
from app.api.shapes import model_json
from app.engines.base import ChatRequest
from app.guards import holder, token_holder
from app.web import generation


@blueprint.get("/models")
@token_holder
def models() -> Response:
    """The models that can be asked, the default one first."""
    registry = generation().registry
    default = registry.default().effective
    ordered = sorted(registry.models, key=lambda model: model.name != default)
    return jsonify({"object": "list", "data": [model_json(model, registry.engine.name) for model in ordered]})


@blueprint.get("/models/<path:name>")
@token_holder
def model(name: str) -> Response:
    """One model."""
    registry, default = generation().registry, generation().registry.default()
    found = registry.find((default.effective or default.name) if name == "default" else name)
    return jsonify(model_json(found, registry.engine.name))


@blueprint.post("/chat/completions")
@token_holder
def chat_completions() -> Response:
    """An answer to these messages; nothing is added to them, and nothing is stored."""
    asked = Asked.read()
    request = _request(asked)
    return deliver(generation(), request, holder().id, stream=asked.stream, include_usage=asked.include_usage)


def _request(asked: Asked) -> ChatRequest:
    """For the engine, within the server's limits. Raises unknown_model, thinking_unsupported."""
    model = generation().model_for(asked.model, asked.think)
    longest = min(current_app.config["MAX_OUTPUT_TOKENS"], (model.context or current_app.config["CONTEXT_TOKENS"]) // 2)
    return ChatRequest(
        model.name,
        asked.messages,
        think=asked.think or (asked.effort and model.thinking),
        max_tokens=min(asked.max_tokens or longest, longest),
        temperature=asked.temperature,
        seed=asked.seed,
        stop=asked.stop,
    )

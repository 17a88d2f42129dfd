"""Errors in OpenAI's format: `{"error": {"message", "type", "param", "code"}}`."""

from typing import Any, NamedTuple

from flask import Response, jsonify
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.errors import AppError, filled

PREFIX = "/v1/"
# Sentences for API clients, where the usual ones speak of buttons on the page.
API_SENTENCES: dict[str, LazyString] = {
    "internal_error": _l("Something went wrong on the server. Try again."),
    "too_many_streams": _l("Too many answers are being written at once. Wait until one of yours has ended."),
    "engine_unreachable": _l("%(engine)s does not answer. Try again in a moment."),
    "engine_busy": _l("%(engine)s has too much to do. Try again in a moment."),
    "engine_failed": _l("%(engine)s failed while answering. Try again."),
    "engine_cut": _l("%(engine)s stopped before the end of the answer. Try again."),
    "engine_garbled": _l("%(engine)s sent something that cannot be read. Try again."),
    "engine_silent": _l("%(engine)s has been silent for too long. Try again."),
    "context_exceeded": _l("These messages are too long for the model’s memory. Shorten them."),
    "interrupted": _l("The server restarted during the answer. Try again."),
}


class OpenAIError(NamedTuple):
    """OpenAI's code and HTTP status for an error, and the request's field that is wrong."""

    code: str
    status: int
    param: str | None = None


# Errors for which OpenAI has another code or status than ours.
OPENAI_ERRORS = {
    "invalid_token": OpenAIError("invalid_api_key", 401),
    "not_found": OpenAIError("unknown_url", 404),
    "unknown_model": OpenAIError("model_not_found", 404, "model"),
    "not_a_chat_model": OpenAIError("not_a_chat_model", 400, "model"),
    "thinking_unsupported": OpenAIError("unsupported_parameter", 400, "think"),
    "missing_field": OpenAIError("missing_required_parameter", 400),
    "invalid_field": OpenAIError("invalid_value", 400),
    "unsupported_field": OpenAIError("unsupported_parameter", 400),
    "unsupported_content": OpenAIError("unsupported_value", 400),
    "too_large": OpenAIError("request_too_large", 413, "messages"),
    "context_exceeded": OpenAIError("context_length_exceeded", 400, "messages"),
    "rate_limited": OpenAIError("rate_limit_exceeded", 429),
    "too_many_streams": OpenAIError("rate_limit_exceeded", 429),
}


def error_json(error: AppError, status: int | None = None) -> dict[str, Any]:
    """Return the error's JSON body, in the current language."""
    code, status, param = _kind(error, status)
    words = API_SENTENCES.get(error.code)
    return {
        "error": {
            "message": error.sentence if words is None else filled(words, error.params),
            "type": "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error",
            "param": error.params.get("field", param),
            "code": code,
        }
    }


def error_response(error: AppError, status: int) -> Response:
    """Return the error's response; `status` applies unless OpenAI has its own for this error."""
    response = jsonify(error_json(error, status))
    response.status_code = _kind(error, status).status
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _kind(error: AppError, status: int | None) -> OpenAIError:
    return OPENAI_ERRORS.get(error.code) or OpenAIError(error.code, status or error.status)

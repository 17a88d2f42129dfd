"""Turn exceptions into responses: an HTML page, problem+json (RFC 9457) for scripts, OpenAI's errors under `/v1`."""

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.errors import AppError, database_failure
from app.extensions import db
from app.generation.serializers import conversation_json
from app.models.conversations import recent
from app.openai_api import error_response
from app.security import log_event
from app.web import signed_in

HTTP_CODES = {
    400: "bad_request",
    401: "login_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}
# Refusals that are security events.
LOGGED = {"forbidden", "rate_limited", "invalid_token", "csrf_failed"}
RECENT = 3
RETRY_AFTER_S = 5

logger = logging.getLogger(__name__)


def wants_json() -> bool:
    """Return whether the client expects JSON: its path is under /api/, or its Accept header prefers JSON."""
    return request.path.startswith("/api/") or (
        request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
    )


def answer(error: AppError, status: int | None = None) -> Response:
    """Return the response for `error`, in the format that the client expects; `status` replaces the error's own."""
    status = status or error.status
    if error.code in LOGGED:
        log_event(error.code, g.access_token.user if "access_token" in g else signed_in())
    if request.path.startswith("/v1/"):
        response = error_response(error, status)
    else:
        response = _problem(error, status) if wants_json() else _page(error, status)
        response.status_code = status
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = str(error.params.get("wait_s", RETRY_AFTER_S))
    return response


def _problem(error: AppError, status: int) -> Response:
    response = jsonify(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": error.code,
            "detail": error.sentence,
        }
    )
    response.mimetype = "application/problem+json"
    return response


def _page(error: AppError, status: int) -> Response:
    user = signed_in()
    latest: list[dict[str, Any]] = []
    # Not after a server error, as the database may be its cause.
    if user is not None and status < 500:
        with suppress(SQLAlchemyError):
            latest = [conversation_json(conversation) for conversation in recent(user, limit=RECENT)]
    values = {"status": status, "sentence": error.sentence, "path": request.path, "recent": latest, "member": user}
    guard = getattr(current_app.view_functions.get(request.endpoint or ""), "guard", "")
    values["reserved"] = status == HTTPStatus.FORBIDDEN and guard == "admin"
    return Response(render_template("errors/page.html", **values))


def init_app(app: Flask) -> None:
    """Register the error handlers."""

    @app.errorhandler(AppError)
    def app_error(error: AppError) -> Response:
        if error.status >= 500:
            logger.warning("request failed code=%s path=%s cause=%s", error.code, request.path, error.cause)
        return answer(error)

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> Response:
        # The session has ended, and its CSRF token with it: "sign in again" helps, "page too old" does not.
        ended = wants_json() and signed_in() is None
        return answer(AppError("login_required" if ended else "csrf_failed", cause=error.description))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:
            return error.get_response()  # type: ignore[return-value]
        fallback = "internal_error" if status >= 500 else "bad_request"
        return answer(AppError(HTTP_CODES.get(status, fallback)), status)

    @app.errorhandler(SQLAlchemyError)
    def database_error(error: SQLAlchemyError) -> Response:
        db.session.rollback()
        failure = database_failure(error)
        if failure.status >= 500:
            logger.error("database failed code=%s path=%s cause=%s", failure.code, request.path, failure.cause)
        return answer(failure)

    @app.errorhandler(Exception)
    def crash(error: Exception) -> Response:
        db.session.rollback()
        logger.exception("request crashed path=%s", request.path, exc_info=error)
        return answer(AppError("internal_error"))

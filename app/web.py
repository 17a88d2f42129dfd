"""Set up what all pages share: language, theme, text size, security headers, compression, template globals."""

import gzip
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_babel import get_locale
from sqlalchemy.exc import SQLAlchemyError

from app.formatting import filesize
from app.generation.service import Generation
from app.models import User
from app.security import current_user

LOCALES = ("fr", "en")
THEMES = ("system", "light", "dark")
TEXT_SIZES = ("normal", "large", "larger")
# Gzip level for pages: about a millisecond each; a higher one takes longer than it saves on a LAN.
PAGE_LEVEL = 4
# Headers of all event streams: no proxy may buffer, cache or recompress them.
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class SessionInterface(SecureCookieSessionInterface):
    """Session cookies that are `Secure` only over HTTPS, so that plain HTTP on a LAN works too."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the request came by HTTPS."""
        return request.is_secure


def generation() -> Generation:
    """Return the generation service of this process."""
    found: Generation = current_app.extensions["generation"]
    return found


def signed_in() -> User | None:
    """Return the signed-in user, or None; also None if the database fails, so that the error page can be shown."""
    try:
        # Reading `id` reloads the row after a rollback: an error shows here rather than while a page is rendered.
        return current_user if current_user and current_user.is_authenticated and current_user.id else None
    except SQLAlchemyError:
        return None


def select_locale() -> str:
    """Return the language: the user's choice, else the session's, else the browser's languages, else DEFAULT_LOCALE."""
    fallback = str(current_app.config["DEFAULT_LOCALE"])
    if not has_request_context():
        return fallback
    person = g.get("token_holder") or signed_in()
    chosen = (person.locale if person else None) or session.get("locale")
    return chosen if chosen in LOCALES else request.accept_languages.best_match(LOCALES) or fallback


def theme() -> str:
    """Return the colour scheme: "system", "light" or "dark"."""
    person = signed_in()
    chosen = person.theme if person else session.get("theme")
    return chosen if chosen in THEMES else "system"


def text_size() -> str:
    """Return the text size: "normal", "large" or "larger"."""
    person = signed_in()
    chosen = person.text_size if person else session.get("text_size")
    return chosen if chosen in TEXT_SIZES else "normal"


def safe_next(target: str | None) -> str | None:
    """Return `target` if it is a path of this site, else None: a link must not redirect to another host."""
    # Browsers drop tabs and line ends: they read "/\t/host" as another host.
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return None
    return target


def add_headers(response: Response) -> Response:
    """Add security headers (`after_request`); the policy allows our own files and nothing inline."""
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        )
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "same-origin"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def compress(response: Response) -> Response:
    """Gzip HTML pages (`after_request`), but not over HTTPS, where the length could reveal secrets (BREACH)."""
    if response.mimetype != "text/html" or request.is_secure or not request.accept_encodings["gzip"]:
        return response
    response.set_data(gzip.compress(response.get_data(), PAGE_LEVEL))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def init_app(app: Flask) -> None:
    """Register the session interface, the response hooks and the template helpers."""
    app.session_interface = SessionInterface()
    app.after_request(add_headers)
    app.after_request(compress)
    app.jinja_env.filters["filesize"] = filesize

    @app.context_processor
    def shared() -> dict[str, Any]:
        chosen = {"locale": str(get_locale()), "theme": theme(), "text_size": text_size()}
        return chosen | {"product_name": app.config["PRODUCT_NAME"]}

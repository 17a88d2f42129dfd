"""What every page and answer shares: language, theme, security headers, filters for templates."""

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
# Of gzip: a millisecond for a page; more takes longer than it saves on a LAN.
PAGE_LEVEL = 4
# Of every event stream: nothing on the way may keep or repack it.
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class SessionInterface(SecureCookieSessionInterface):
    """Cookies are `Secure` when the request came by HTTPS, so that plain HTTP on a LAN works too."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Decided by the real scheme of the request."""
        return request.is_secure


def generation() -> Generation:
    """This process's runs."""
    found: Generation = current_app.extensions["generation"]
    return found


def signed_in() -> User | None:
    """The person of this request, or None; None too when the database fails, which must still get its page."""
    try:
        # After a failure the row is read anew with `id`: here, not in the midst of a page.
        return current_user if current_user and current_user.is_authenticated and current_user.id else None
    except SQLAlchemyError:
        return None


def select_locale() -> str:
    """The person's choice, then this browser's earlier one, then its languages, then DEFAULT_LOCALE."""
    fallback = str(current_app.config["DEFAULT_LOCALE"])
    if not has_request_context():
        return fallback
    person = g.get("token_holder") or signed_in()
    chosen = (person.locale if person else None) or session.get("locale")
    return chosen if chosen in LOCALES else request.accept_languages.best_match(LOCALES) or fallback


def theme() -> str:
    """ "system", "light" or "dark"."""
    person = signed_in()
    chosen = person.theme if person else session.get("theme")
    return chosen if chosen in THEMES else "system"


def text_size() -> str:
    """ "normal", "large" or "larger"."""
    person = signed_in()
    chosen = person.text_size if person else session.get("text_size")
    return chosen if chosen in TEXT_SIZES else "normal"


def safe_next(target: str | None) -> str | None:
    """A path of this site to go back to, or None: never another host."""
    # Browsers leave tabs and line ends out: "/\t/host" is another host for them.
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return None
    return target


def add_headers(response: Response) -> Response:
    """Security headers; the policy allows our own files and nothing inline."""
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
    """A page at a fifth of its size; never where the connection is encrypted, as its length would then tell secrets."""
    if response.mimetype != "text/html" or request.is_secure or not request.accept_encodings["gzip"]:
        return response
    response.set_data(gzip.compress(response.get_data(), PAGE_LEVEL))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def init_app(app: Flask) -> None:
    """Register all of it."""
    app.session_interface = SessionInterface()
    app.after_request(add_headers)
    app.after_request(compress)
    app.jinja_env.filters["filesize"] = filesize

    @app.context_processor
    def shared() -> dict[str, Any]:
        chosen = {"locale": str(get_locale()), "theme": theme(), "text_size": text_size()}
        return chosen | {"product_name": app.config["PRODUCT_NAME"]}

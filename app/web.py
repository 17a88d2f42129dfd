"""What all pages share: reading requests, language and theme, security headers, compression, template globals."""

import gzip
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, Self, TypeVar, get_args

from flask import Flask, Response, current_app, flash, g, has_request_context, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_babel import get_locale
from flask_babel import gettext as _
from limits import RateLimitItemPerMinute
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import IntegerConverter

from app import formatting
from app.errors import SENTENCES, AppError
from app.generation.model_import import ModelImport
from app.generation.service import Generation
from app.models import User
from app.models.base import MAX_INTEGER
from app.security import NOT_A_PAGE, current_user, rate_limiter
from app.text import clean

Found = TypeVar("Found")
LOCALES = ("fr", "en")
THEMES = ("system", "light", "dark")
TEXT_SIZES = ("normal", "large", "larger")
# Gzip level for pages: about a millisecond each; a higher one takes longer than it saves on a LAN.
PAGE_LEVEL = 4
# Headers of all event streams: no proxy may buffer, cache or recompress them.
STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
# The rate limiter remembers for ten minutes that this user did it; covers double clicks and re-sent pages.
LATELY = RateLimitItemPerMinute(1, 10)
# Longest message, in characters.
MAX_CONTENT = 200_000
# Brackets, braces and commas in a JSON body: as many as the longest message has where it is a table of digits, and
# those around it. A body of commas alone would hold Python's interpreter, and all other requests, for 0.3 s.
MOST_SIGNS = MAX_CONTENT // 2 + 20_000
# Bytes of a form: the longest is a task of the Labo (60,000 characters), as browsers write it. Python takes a second
# for each megabyte of fields of one letter.
MAX_FORM_BYTES = 256 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_NAME = 200


class SessionInterface(SecureCookieSessionInterface):
    """Session cookies that are `Secure` only over HTTPS, so that plain HTTP on a LAN works too."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the request came by HTTPS."""
        return request.is_secure


class RowNumber(IntegerConverter):
    """`<int:…>` in addresses; a number that is no row's in any database is not found."""

    def to_python(self, value: str) -> int:
        """Return the number; raises NotFound."""
        if len(value) > len(str(MAX_INTEGER)) or int(value) > MAX_INTEGER:
            raise NotFound
        return int(value)


def generation() -> Generation:
    """Return the generation service of this process."""
    found: Generation = current_app.extensions["generation"]
    return found


def model_import() -> ModelImport:
    """Return this process's import of models."""
    found: ModelImport = current_app.extensions["model_import"]
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
    person = g.access_token.user if "access_token" in g else signed_in()
    chosen = (person.locale if person else None) or session.get("locale")
    return chosen if chosen in LOCALES else request.accept_languages.best_match(LOCALES) or fallback


def _chosen(name: str, allowed: tuple[str, ...]) -> str:
    """Return what the user, or else this browser, chose among the allowed values; by default the first."""
    person = signed_in()
    value = getattr(person, name) if person else session.get(name)
    return value if value in allowed else allowed[0]


def safe_next(target: str | None) -> str | None:
    """Return `target` if it is a path of this site, else None: a link must not redirect to another host."""
    # Browsers drop tabs and line ends: they read "/\t/host" as another host.
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return None
    return target


def found_or_ended(find: Callable[[User, Any], Found], key: int | str) -> Found | None:
    """Return `find(current_user, key)`, or None after flashing a notice if this user has ended the same thing already.

    `find` raises not_found (AppError) if the thing does not exist; so does this, unless the same user ended it lately.
    Other users therefore cannot tell a deleted thing from one that never existed.
    """
    who = ("ended", str(current_user.id), request.path)
    try:
        found = find(current_user, key)
    except AppError:
        if rate_limiter().remaining(LATELY, *who):
            raise
        flash(_("That was done already."), "info")
        return None
    rate_limiter().hit(LATELY, *who)
    return found


# Texts and JSON of requests


def plain_text(text: str | None) -> str:
    """Return a text area's text: cleaned, with LF line ends, stripped; "" for None."""
    return clean(text or "").replace("\r\n", "\n").strip()


def one_line(text: str) -> str:
    """Return the text on one line, without unprintable characters."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _name(text: str) -> str | None:
    name = text.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError
    return name or None


def of_text(change: Callable[[str], str | None]) -> BeforeValidator:
    """Return a validator that applies `change` to strings; pydantic refuses other types afterwards."""
    return BeforeValidator(lambda value: change(value) if isinstance(value, str) else value)


def at_most(limit: int) -> AfterValidator:
    """Return a validator that raises too_large for more than `limit` characters."""

    def check(text: str) -> str:
        if len(text) > limit:
            raise AppError("too_large", limit=limit)
        return text

    return AfterValidator(check)


Text = Annotated[str, of_text(clean)]
# A title or a name that a user typed, on one line.
Line = Annotated[str, of_text(one_line), Field(min_length=1)]
# The name of a model; None if it is empty.
Name = Annotated[str | None, of_text(_name)]
Number = Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]


def number_asked(name: str) -> int | None:
    """Return a whole number from the query string; None when it is absent. Raises invalid_field."""
    given = request.args.get(name, "")
    if not given:
        return None
    if not given.isdecimal() or not given.isascii() or int(given[:20]) > MAX_INTEGER:
        raise AppError("invalid_field", field=name)
    return int(given)


class JsonObject(BaseModel):
    """A JSON object with checked fields; null counts as absent unless the field's type allows None."""

    model_config = ConfigDict(strict=True, frozen=True, validate_default=True, loc_by_alias=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None or cls._may_be_none(name)}

    @classmethod
    def _may_be_none(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and NoneType in get_args(field.annotation)


class JsonRequest(JsonObject):
    """The JSON object in a request's body."""

    @classmethod
    def read(cls) -> Self:
        """Parse the current request's body.

        Raises bad_request, request_too_large, missing_field, invalid_field, and any AppError raised by a field's own
        validator.
        """
        try:
            return cls.model_validate(_object())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
        # Its path, such as `messages[0].role`.
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        code = "missing_field" if first["type"] == "missing" else first["type"]
        # Not in the `except`: the text of `error` contains the user's input, which must not be logged.
        raise AppError(code if code in SENTENCES else "invalid_field", field=place.removeprefix("."))


def _object() -> dict[str, Any]:
    """Return the request's JSON object, {} for an empty body; raises bad_request, request_too_large."""
    body = request.get_data(cache=True)
    if not body:
        return {}
    if sum(body.count(sign) for sign in b"[{,") > MOST_SIGNS:
        raise AppError("request_too_large")
    try:
        data = request.get_json(force=request.mimetype == "application/json")
    except (BadRequest, UnicodeDecodeError, RecursionError) as error:
        raise AppError("bad_request", cause=str(error)) from error
    if not isinstance(data, dict):
        raise AppError("bad_request", cause="not an object")
    return data


def limit_form(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Limit a form's size, before anything reads its fields (`url_value_preprocessor`)."""
    if request.mimetype == FORM_TYPE:
        request.max_content_length = MAX_FORM_BYTES


# Responses


def add_headers(response: Response) -> Response:
    """Add security headers (`after_request`): pages may use our own files and nothing inline, all else nothing."""
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        )
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "same-origin"
    else:
        response.headers["Content-Security-Policy"] = NOT_A_PAGE
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
    """Register the session interface, the addresses' numbers, the limit of forms, the response hooks, the helpers."""
    app.session_interface = SessionInterface()
    app.url_map.converters["int"] = RowNumber
    app.url_value_preprocessor(limit_form)
    app.after_request(add_headers)
    app.after_request(compress)
    for name in ("ago", "day", "day_and_time", "duration", "filesize", "number", "percent"):
        app.jinja_env.filters[name] = getattr(formatting, name)
    app.jinja_env.globals["time_zone"] = app.config["TIMEZONE"]

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {
            "locale": str(get_locale()),
            "theme": _chosen("theme", THEMES),
            "text_size": _chosen("text_size", TEXT_SIZES),
            "product_name": app.config["PRODUCT_NAME"],
        }

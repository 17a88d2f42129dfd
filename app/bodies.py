"""Read the JSON of requests with pydantic models; wrong input becomes an AppError."""

import re
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, Self, get_args

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from werkzeug.exceptions import BadRequest

from app.errors import SENTENCES, AppError
from app.models.base import MAX_INTEGER

# Longest message, in characters.
MAX_CONTENT = 200_000
MAX_NAME = 200
SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Remove NULs and replace lone surrogates by U+FFFD, so that the text can be stored and sent."""
    return SURROGATES.sub("\ufffd", text.replace("\0", ""))


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


Text = Annotated[str, of_text(clean)]
# A title or a name that a user typed, on one line.
Line = Annotated[str, of_text(one_line), Field(min_length=1)]
# The name of a model; None if it is empty.
Name = Annotated[str | None, of_text(_name)]
Number = Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]


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

        Raises bad_request, missing_field, invalid_field, and any AppError raised by a field's own validator.
        """
        try:
            return cls.model_validate(_object())
        except ValidationError as error:
            # Not `from error`: its text contains the user's input, which must not be logged.
            raise app_error(error) from None


def app_error(error: ValidationError) -> AppError:
    """Convert pydantic's first error into an AppError; `field` is its path, such as `messages[0].role`."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    code = "missing_field" if first["type"] == "missing" else first["type"]
    return AppError(code if code in SENTENCES else "invalid_field", field=place.removeprefix("."))


def _object() -> dict[str, Any]:
    """Return the request's JSON object, {} for an empty body; raises bad_request."""
    if not request.get_data(cache=True):
        return {}
    try:
        data = request.get_json(force=request.mimetype == "application/json")
    except (BadRequest, UnicodeDecodeError, RecursionError) as error:
        raise AppError("bad_request", cause=str(error)) from error
    if not isinstance(data, dict):
        raise AppError("bad_request", cause="not an object")
    return data

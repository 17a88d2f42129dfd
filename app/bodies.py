"""The JSON of requests as pydantic models: text that can be stored, numbers that fit, an AppError for what is wrong."""

import re
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, Self, get_args

from flask import request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from werkzeug.exceptions import BadRequest

from app.errors import SENTENCES, AppError
from app.models.base import MAX_INTEGER

# Of one message, in characters.
MAX_CONTENT = 200_000
MAX_NAME = 200
SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that can be stored and sent: without NUL, and with U+FFFD for halves of characters."""
    return SURROGATES.sub("\ufffd", text.replace("\0", ""))


def plain_text(text: str | None) -> str:
    """What a text area sent: with line ends as the rest of the world writes them, without what cannot be stored."""
    return clean(text or "").replace("\r\n", "\n").strip()


def one_line(text: str) -> str:
    """The text in one line, without what cannot be seen."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _name(text: str) -> str | None:
    name = text.strip()
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError
    return name or None


def of_text(change: Callable[[str], str | None]) -> BeforeValidator:
    """Have `change` applied to a value that is a text; others are refused by their type."""
    return BeforeValidator(lambda value: change(value) if isinstance(value, str) else value)


Text = Annotated[str, of_text(clean)]
# A title or a name that a person gave, in one line.
Line = Annotated[str, of_text(one_line), Field(min_length=1)]
# Of a model; None for an empty one.
Name = Annotated[str | None, of_text(_name)]
Number = Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]


class JsonObject(BaseModel):
    """An object whose fields are checked; what is null is as if it were absent, except for a field that may be None."""

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
    """The JSON object of a request."""

    @classmethod
    def read(cls) -> Self:
        """From the request; raises bad_request, missing_field, invalid_field and what the fields' own checks raise."""
        try:
            return cls.model_validate(_object())
        except ValidationError as error:
            # Not `from error`: its text holds what was sent, which is in no log.
            raise app_error(error) from None


def app_error(error: ValidationError) -> AppError:
    """The first thing that is wrong, with its place: `messages[0].role`."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    code = "missing_field" if first["type"] == "missing" else first["type"]
    return AppError(code if code in SENTENCES else "invalid_field", field=place.removeprefix("."))


def _object() -> dict[str, Any]:
    """The request's JSON object, or an empty one when nothing was sent; raises bad_request."""
    if not request.get_data(cache=True):
        return {}
    try:
        data = request.get_json(force=request.mimetype == "application/json")
    except (BadRequest, UnicodeDecodeError, RecursionError) as error:
        raise AppError("bad_request", cause=str(error)) from error
    if not isinstance(data, dict):
        raise AppError("bad_request", cause="not an object")
    return data

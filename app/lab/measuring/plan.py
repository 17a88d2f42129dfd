"""What a measuring run is to do: models, settings, prompts and repeats, each checked when it is asked for."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app.errors import AppError
from app.models.lab import SampleKind

# The lengths to read of the default plan, in tokens.
READINGS = (100, 1000, 4000)
# Entries of one list.
MOST_ENTRIES = 200
# The least and the most of each number that may be asked for.
LIMITS: dict[str, tuple[int, int]] = {
    "readings": (50, 100_000),
    "crowds": (1, 64),
    "repeats": (1, 50),
    "threads": (0, 1024),
    "context": (0, 1_000_000),
    "temperature": (0, 2),
    "max_tokens": (0, 1_000_000),
    "seed": (0, 2**31 - 1),
}
# A load from the disk, and one with the model's file still in the kernel's page cache.
COLD, WARM = "cold", "warm"
# What the warm-up reads, in tokens.
WARMUP_READING = 100


def _within(name: str) -> Any:
    """Bounds of one of LIMITS."""
    low, high = LIMITS[name]
    return Field(ge=low, le=high)


def _once(values: Any) -> Any:
    # Without duplicates, which would be measured twice: that is what `repeats` is for.
    return tuple(dict.fromkeys(values))


Item = TypeVar("Item")
# A JSON list.
Several = Annotated[tuple[Item, ...], Field(strict=False, max_length=MOST_ENTRIES), AfterValidator(_once)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class NullIsDefault(BaseModel):
    """Strict; a null is as if it were left out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """What is stored in a run's `plan`, or a sample's `setting`."""
        return self.model_dump(mode="json")


class ModelOptions(NullIsDefault):
    """How a model is used; 0: as the server is set. `temperature` None: 0, so that a run can be repeated."""

    think: bool = False
    threads: Annotated[int, _within("threads")] = 0
    context: Annotated[int, _within("context")] = 0
    # 0, the default, is stored as None.
    temperature: Annotated[float, _within("temperature"), AfterValidator(lambda value: value or None)] | None = None


class Plan(NullIsDefault):
    """`max_tokens` 0: as the server is set."""

    models: Several[Name] = ()
    settings: Several[ModelOptions] = (ModelOptions(),)
    kinds: Several[Annotated[SampleKind, Field(strict=False)]] = tuple(SampleKind)
    tasks: Several[Name] = ("short",)
    readings: Several[Annotated[int, _within("readings")]] = READINGS
    crowds: Several[Annotated[int, _within("crowds")]] = (1, 2, 4)
    repeats: Annotated[int, _within("repeats")] = 3
    max_tokens: Annotated[int, _within("max_tokens")] = 0
    # An order, not a secret.
    seed: Annotated[int, _within("seed")] = Field(default_factory=lambda: random.randrange(2**31))  # noqa: S311


def read_plan(given: Any) -> Plan:
    """The plan of that JSON; what is left out is the default's. Raises invalid_field, nothing_to_measure."""
    if not isinstance(given, dict):
        raise AppError("bad_request")
    for name in given:
        if name not in Plan.model_fields:
            raise AppError("unsupported_field", field=str(name))
    try:
        plan = Plan.model_validate(given)
    except ValidationError as error:
        raise AppError("invalid_field", field=_wrong_key(error)) from None
    if not plan.kinds or not plan.settings:
        raise AppError("nothing_to_measure")
    return plan


def combinations(**choices: Sequence[Any] | None) -> list[dict[str, Any]]:
    """Every combination of these choices, as a plan's `settings`; a field without choices keeps its default."""
    given = {name: values for name, values in choices.items() if values}
    return [dict(zip(given, values, strict=True)) for values in product(*given.values())]


def _wrong_key(error: ValidationError) -> str:
    """The key whose value is wrong, or contains an unknown key."""
    first = error.errors(include_url=False)[0]
    place = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    return [part for part in place if isinstance(part, str)][-1]


@dataclass(frozen=True)
class SampleSpec:
    """One sample to take: the columns of its row that say what it measures."""

    model: str
    setting: ModelOptions
    kind: SampleKind
    prompt: str
    repeat: int
    warmup: bool = False

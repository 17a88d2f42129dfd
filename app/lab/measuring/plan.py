"""What a measuring run is to do: models, settings, prompts and repeats, each checked when it is asked for."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from app.errors import AppError
from app.models.lab import SampleKind

# Groups of tasks that can be asked for by one word.
GROUPS = ("short", "office", "code", "all")
# Tokens to read, and people at once, of the plan that nobody chose.
READINGS, CROWDS = (100, 1000, 4000), (1, 2, 4)
REPEATS, MOST_REPEATS = 3, 50
# Bounds of what may be asked for.
LONGEST_READING, LARGEST_CROWD, MOST_NAMES = 100_000, 64, 200
SHORTEST_READING = 50
# The least and the most of each number that may be asked for.
LIMITS: dict[str, tuple[int, int]] = {
    "readings": (SHORTEST_READING, LONGEST_READING),
    "crowds": (1, LARGEST_CROWD),
    "repeats": (1, MOST_REPEATS),
    "threads": (0, 1024),
    "context": (0, 1_000_000),
    "temperature": (0, 2),
    "max_tokens": (0, 1_000_000),
    "seed": (0, 2**31 - 1),
}
# A load with the model's file on the disk only, and one with it in the kernel's memory still.
COLD, WARM = "cold", "warm"
# What the warm-up reads, in tokens.
WARMUP_READING = 100


def _within(name: str) -> Any:
    """Bounds of one of LIMITS."""
    low, high = LIMITS[name]
    return Field(ge=low, le=high)


def _once(values: Any) -> Any:
    # Twice the same would be taken twice, which is what `repeats` is for.
    return tuple(dict.fromkeys(values))


Item = TypeVar("Item")
# A JSON list.
Several = Annotated[tuple[Item, ...], Field(strict=False, max_length=MOST_NAMES), AfterValidator(_once)]
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
    # 0 is what it is where nobody says.
    temperature: Annotated[float, _within("temperature"), AfterValidator(lambda value: value or None)] | None = None


class Plan(NullIsDefault):
    """`max_tokens` 0: as the server is set."""

    models: Several[Name] = ()
    settings: Several[ModelOptions] = (ModelOptions(),)
    kinds: Several[Annotated[SampleKind, Field(strict=False)]] = tuple(SampleKind)
    tasks: Several[Name] = ("short",)
    readings: Several[Annotated[int, _within("readings")]] = READINGS
    crowds: Several[Annotated[int, _within("crowds")]] = CROWDS
    repeats: Annotated[int, _within("repeats")] = REPEATS
    max_tokens: Annotated[int, _within("max_tokens")] = 0
    # An order, not a secret.
    seed: Annotated[int, _within("seed")] = Field(default_factory=lambda: random.randrange(2**31))  # noqa: S311


Asked = TypeVar("Asked", bound=NullIsDefault)


def read_plan(given: Any) -> Plan:
    """The plan of that JSON; what is left out is the default's. Raises invalid_field, nothing_to_measure."""
    if not isinstance(given, dict):
        raise AppError("bad_request")
    for name in given:
        if name not in Plan.model_fields:
            raise AppError("unsupported_field", field=str(name))
    plan = _read(Plan, given)
    if not plan.kinds or not plan.settings:
        raise AppError("nothing_to_measure")
    return plan


def combinations(**choices: Sequence[Any] | None) -> list[dict[str, Any]]:
    """Every combination of these choices, as a plan's `settings`; a field without choices keeps its default."""
    given = {name: values for name, values in choices.items() if values}
    return [dict(zip(given, values, strict=True)) for values in product(*given.values())]


def read_setting(given: Any) -> ModelOptions:
    """The setting of that JSON. Raises invalid_field."""
    return _read(ModelOptions, given)


def _read(kind: type[Asked], given: Any) -> Asked:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    # The key that is wrong, or that has the one which does not belong there.
    place = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    names = [part for part in place if isinstance(part, str)]
    raise AppError("invalid_field", field=names[-1] if names else "settings")


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """One sample to take."""

    model: str
    setting: ModelOptions
    kind: SampleKind
    prompt: str
    repeat: int
    warmup: bool = False

"""What a measuring run is to do: models, settings, prompts and repeats, each checked when it is asked for."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.errors import AppError
from app.models.lab import Kind

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


@dataclass(frozen=True, slots=True)
class Setting:
    """How a model is used; 0: as the server is set. `temperature` None: 0, so that a run can be repeated."""

    think: bool = False
    threads: int = 0
    context: int = 0
    temperature: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What is stored in a sample's `setting`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """`max_tokens` 0: as the server is set."""

    models: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = (Setting(),)
    kinds: tuple[Kind, ...] = tuple(Kind)
    tasks: tuple[str, ...] = ("short",)
    readings: tuple[int, ...] = READINGS
    crowds: tuple[int, ...] = CROWDS
    repeats: int = REPEATS
    max_tokens: int = 0
    seed: int = field(default_factory=lambda: random.randrange(2**31))  # noqa: S311 - an order, not a secret

    def as_json(self) -> dict[str, Any]:
        """What is stored in a run's `plan`."""
        told = asdict(self) | {"kinds": [str(kind) for kind in self.kinds]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


def read_plan(given: Any) -> Plan:
    """The plan of that JSON; what is left out is the default's. Raises invalid_field, nothing_to_measure."""
    if not isinstance(given, Mapping):
        raise AppError("bad_request")
    for name in given:
        if name not in READERS:
            raise AppError("unsupported_field", field=str(name))
    values = {name: READERS[name](given[name], name) for name in given if given[name] is not None}
    plan = Plan(**values)
    if not plan.kinds or not plan.settings:
        raise AppError("nothing_to_measure")
    return plan


def _whole(value: Any, name: str) -> int:
    low, high = LIMITS[name]
    # True is a number too.
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise AppError("invalid_field", field=name)
    return value


def _several(one: Callable[[Any, str], Any]) -> Callable[[Any, str], tuple[Any, ...]]:
    def read(value: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > MOST_NAMES:
            raise AppError("invalid_field", field=name)
        # Twice the same would be taken twice, which is what `repeats` is for.
        return tuple(dict.fromkeys(one(item, name) for item in value))

    return read


def _name(value: Any, name: str) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 200:
        raise AppError("invalid_field", field=name)
    return value.strip()


def _kind(value: Any, name: str) -> Kind:
    if value not in tuple(Kind):
        raise AppError("invalid_field", field=name)
    return Kind(value)


def setting(value: Any, name: str) -> Setting:
    """The setting of that JSON. Raises invalid_field."""
    if not isinstance(value, Mapping) or set(value) - {"think", "threads", "context", "temperature"}:
        raise AppError("invalid_field", field=name)
    think, temperature = value.get("think") or False, value.get("temperature")
    if not isinstance(think, bool):
        raise AppError("invalid_field", field="think")
    if temperature is not None:
        low, high = LIMITS["temperature"]
        if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not low <= temperature <= high:
            raise AppError("invalid_field", field="temperature")
        # 0 is what it is where nobody says.
        temperature = float(temperature) or None
    threads = _whole(value.get("threads") or 0, "threads")
    context = _whole(value.get("context") or 0, "context")
    return Setting(think, threads, context, temperature)


READERS: dict[str, Callable[[Any, str], Any]] = {
    "models": _several(_name),
    "settings": _several(setting),
    "kinds": _several(_kind),
    "tasks": _several(_name),
    "readings": _several(_whole),
    "crowds": _several(_whole),
    "repeats": _whole,
    "max_tokens": _whole,
    "seed": _whole,
}


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """One sample to take."""

    model: str
    setting: Setting
    kind: Kind
    prompt: str
    repeat: int
    warmup: bool = False


def fits_context(length: int, context: int) -> bool:
    """Whether a text of so many tokens can be read; 0: the context is not known."""
    return not context or length <= context


def arranged(
    plan: Plan,
    settings_of: Callable[[str], tuple[Setting, ...]],
    context_of: Callable[[str], int],
    *,
    unloads: bool = True,
) -> list[SampleSpec]:
    """All cells of a plan. `settings_of`: the plan's settings that a model can do; `context_of`: its context in tokens;
    `unloads`: whether the engine can be told to, without which no load can be measured.

    Each repeat is a round through all blocks, in another order each time, so that what changes in the course of a
    run (the room's temperature, the neighbours of a virtual machine) falls on all alike. A block is one model with
    one way of loading it: it begins with the load and a warm-up; the rest of it is shuffled.
    """
    shuffler = random.Random(plan.seed)  # noqa: S311 - an order, not a secret
    blocks: dict[tuple[str, int, int], list[Setting]] = {}
    for model in plan.models:
        for setting in settings_of(model):
            blocks.setdefault((model, setting.threads, setting.context), []).append(setting)
    cells: list[SampleSpec] = []
    for repeat in range(1, plan.repeats + 1):
        order = list(blocks)
        shuffler.shuffle(order)
        for block in order:
            model, _, context = block
            context = context or context_of(model)
            found = _block(plan, model, blocks[block], repeat, context=context, shuffler=shuffler)
            cells += (cell for cell in found if unloads or cell.kind != Kind.LOAD)
    return cells


def _block(
    plan: Plan, model: str, settings: list[Setting], repeat: int, *, context: int, shuffler: random.Random
) -> Iterator[SampleSpec]:
    # Loading, reading and crowds are the same with thinking and without.
    plain = min(settings, key=lambda setting: setting.think)
    if Kind.LOAD in plan.kinds:
        yield SampleSpec(model, plain, Kind.LOAD, COLD, repeat)
    yield SampleSpec(model, plain, Kind.READING, str(WARMUP_READING), repeat, warmup=True)
    rest: list[SampleSpec] = []
    if Kind.LOAD in plan.kinds:
        rest.append(SampleSpec(model, plain, Kind.LOAD, WARM, repeat))
    if Kind.READING in plan.kinds:
        fitting = (length for length in plan.readings if fits_context(length, context))
        rest += (SampleSpec(model, plain, Kind.READING, str(length), repeat) for length in fitting)
    if Kind.CROWD in plan.kinds:
        rest += (SampleSpec(model, plain, Kind.CROWD, str(people), repeat) for people in plan.crowds)
    if Kind.TASK in plan.kinds:
        rest += (SampleSpec(model, setting, Kind.TASK, task, repeat) for setting in settings for task in plan.tasks)
    shuffler.shuffle(rest)
    yield from rest

"""A plan's samples in the order in which they are taken: shuffled, and yet a model is loaded once for many of them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.bench.measuring.plan import Plan, Setting
from app.models.lab import Kind

# A load with the model's file on the disk only, and one with it in the kernel's memory still.
COLD, WARM = "cold", "warm"
# What the warm-up reads, in tokens.
WARMUP_READING = 100


@dataclass(frozen=True, slots=True)
class Cell:
    """One sample to take."""

    model: str
    setting: Setting
    kind: Kind
    prompt: str
    repeat: int
    warmup: bool = False


def fits(length: int, context: int) -> bool:
    """Whether a text of so many tokens can be read; 0: the context is not known."""
    return not context or length <= context


def arranged(
    plan: Plan,
    settings_of: Callable[[str], tuple[Setting, ...]],
    context_of: Callable[[str], int],
    *,
    unloads: bool = True,
) -> list[Cell]:
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
    cells: list[Cell] = []
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
) -> Iterator[Cell]:
    # Loading, reading and crowds are the same with thinking and without.
    plain = min(settings, key=lambda setting: setting.think)
    if Kind.LOAD in plan.kinds:
        yield Cell(model, plain, Kind.LOAD, COLD, repeat)
    yield Cell(model, plain, Kind.READING, str(WARMUP_READING), repeat, warmup=True)
    rest: list[Cell] = []
    if Kind.LOAD in plan.kinds:
        rest.append(Cell(model, plain, Kind.LOAD, WARM, repeat))
    if Kind.READING in plan.kinds:
        fitting = (length for length in plan.readings if fits(length, context))
        rest += (Cell(model, plain, Kind.READING, str(length), repeat) for length in fitting)
    if Kind.CROWD in plan.kinds:
        rest += (Cell(model, plain, Kind.CROWD, str(people), repeat) for people in plan.crowds)
    if Kind.TASK in plan.kinds:
        rest += (Cell(model, setting, Kind.TASK, task, repeat) for setting in settings for task in plan.tasks)
    shuffler.shuffle(rest)
    yield from rest

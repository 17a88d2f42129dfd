"""Resolve a plan on this server: its models, settings and tasks; list its samples, and estimate how long they take."""

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.engines.base import Engine, Model
from app.engines.tokens import TOKENS_PER_IMAGE
from app.errors import AppError
from app.extensions import db
from app.generation.model_registry import ModelRegistry
from app.lab.measuring import plan as plans
from app.lab.measuring.plan import COLD, READINGS, WARM, WARMUP_READING, ModelOptions, Plan, SampleSpec
from app.lab.measuring.sampler import CROWD
from app.lab.runs.repository import Subject, expected_seconds
from app.lab.task_files import DOCUMENTS, IMAGES, Task, Tasks
from app.models.lab import LabMachine, LabRun, LabSample, SampleKind, SampleState

MAX_SAMPLES = 20_000
# Tokens of a context reserved for the template and the system message; tokens for thinking that it must have room for.
ROOM_TOKENS, MIN_THINKING_TOKENS = 512, 512
# Groups of tasks that can be asked for by one word.
GROUPS: dict[str, Callable[[Task], bool]] = {
    "short": lambda task: task.short,
    "office": lambda task: not task.code and task.category not in (DOCUMENTS, IMAGES),
    "documents": lambda task: task.category == DOCUMENTS,
    "images": lambda task: task.category == IMAGES,
    "code": lambda task: bool(task.code),
    "all": lambda task: True,
}
# An estimate looks at so many of the newest samples; more would not change it.
ESTIMATE_SAMPLES = 2_000


def resolve_plan(plan: Plan, registry: ModelRegistry, tasks: Tasks) -> tuple[Plan, list[Model], list[SampleSpec]]:
    """Resolve a plan: returns it with all model and task names filled in, its models, and its samples in order.

    Raises unknown_model, thinking_unsupported, unknown_task, setting_fixed, context_too_small, reading_too_long,
    nothing_to_measure, plan_too_large.
    """
    models = _models_for_thinking(_models(plan, registry), plan, registry)
    names = tuple(model.name for model in models)
    plan = plan.model_copy(update={"models": names, "tasks": _task_ids(plan, tasks)})
    _check_settings(plan.settings, registry.engine)
    settings_of = {
        model.name: [setting for setting in plan.settings if model.thinking or not setting.think] for model in models
    }
    _check_contexts(plan, {setting for settings in settings_of.values() for setting in settings}, tasks)
    contexts = {model.name: model.context for model in models}
    _check_readings(plan, contexts)
    # An engine without adjustable options cannot unload a model on request either.
    specs = _ordered_samples(plan, settings_of, contexts, unloads=bool(registry.engine.adjusts))
    sees = {model.name: model.vision for model in models}
    unseen = {(model, task) for model in blind(plan, sees, tasks) for task in plan.tasks if tasks.tasks[task].image}
    specs = [spec for spec in specs if spec.kind != SampleKind.TASK or (spec.model, spec.prompt) not in unseen]
    if all(spec.warmup for spec in specs):
        raise AppError("nothing_to_measure")
    if len(specs) > MAX_SAMPLES:
        raise AppError("plan_too_large", count=len(specs), limit=MAX_SAMPLES)
    return plan, models, specs


def blind(plan: Plan, sees: Mapping[str, bool], tasks: Tasks) -> list[str]:
    """Return the models that are not asked about the plan's pictures, as they see none. `sees`: whether each does."""
    if not any((task := tasks.get(name)) and task.image for name in plan.tasks):
        return []
    return [model for model, does in sees.items() if not does]


def blind_of(run: LabRun, tasks: Tasks) -> list[str]:
    """`blind` for a run that was launched."""
    return blind(
        plans.read_plan(run.plan), {name: model.get("vision", False) for name, model in run.models.items()}, tasks
    )


def model_facts(model: Model) -> dict[str, Any]:
    """A model's properties as stored with a run; without its description, which is in one language only."""
    return asdict(replace(model, description=""))


def _check_settings(settings: Sequence[ModelOptions], engine: Engine) -> None:
    """Raise setting_fixed for a setting that this engine cannot change per request."""
    for field in ("threads", "context"):
        if field not in engine.adjusts and any(getattr(setting, field) for setting in settings):
            raise AppError("setting_fixed", engine=engine.label, field=field)


def left_out(plan: Plan, contexts: Mapping[str, int]) -> dict[tuple[int, int], list[str]]:
    """The reading lengths that do not fit into a context: models by (length, context), in tokens.

    `contexts`: each model's own context, which counts where a setting does not choose one.
    """
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    if SampleKind.READING in plan.kinds:
        for length in plan.readings:
            for model, context in _model_contexts(plan, contexts):
                if not fits_context(length, context):
                    found[length, context].append(model)
    return dict(found)


def left_out_of(run: LabRun) -> dict[tuple[int, int], list[str]]:
    """`left_out` for a run that was launched."""
    return left_out(plans.read_plan(run.plan), {name: model["context"] for name, model in run.models.items()})


def _model_contexts(plan: Plan, contexts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The distinct pairs of model and context that the plan measures."""
    pairs = [(model, setting.context or own) for model, own in contexts.items() for setting in plan.settings]
    return list(dict.fromkeys(pairs))


def _check_contexts(plan: Plan, settings: Collection[ModelOptions], tasks: Tasks) -> None:
    """Raise context_too_small where a requested context has no room for an answer, which would look like the model's
    failure."""
    for setting in settings:
        thinking = MIN_THINKING_TOKENS if setting.think else 0
        least = ROOM_TOKENS + CROWD.max_tokens
        for task in (tasks.tasks[name] for name in plan.tasks):
            answer = min(plan.max_tokens or task.max_tokens, task.max_tokens)
            least = max(least, prompt_tokens(task) + answer + thinking)
        if 0 < setting.context < least:
            raise AppError("context_too_small", field="context", context=setting.context, least=least)


def prompt_tokens(task: Task) -> int:
    """Tokens of a context that a task's conversation, the system message and the template take, about."""
    pictures = TOKENS_PER_IMAGE if task.image else 0
    return ROOM_TOKENS + sum(len(text.encode()) for text in task.turns) // 3 + pictures


def _check_readings(plan: Plan, contexts: Mapping[str, int]) -> None:
    """Raise reading_too_long when a length that was chosen explicitly fits into no model's context."""
    if plan.readings == READINGS or SampleKind.READING not in plan.kinds:
        return
    largest = [context for _model, context in _model_contexts(plan, contexts)]
    for length in plan.readings:
        if largest and not any(fits_context(length, context) for context in largest):
            raise AppError("reading_too_long", field="readings", length=length, context=max(largest))


def _models(plan: Plan, registry: ModelRegistry) -> list[Model]:
    if not plan.models and not registry.reachable:
        raise AppError("engine_unreachable", engine=registry.engine.label, cause=registry.failure)
    return [registry.find(name) for name in plan.models] or list(registry.models)


def _models_for_thinking(models: list[Model], plan: Plan, registry: ModelRegistry) -> list[Model]:
    """Drop models without thinking when all settings ask for it.

    Raises thinking_unsupported when such a model was chosen explicitly, or when no model can think.
    """
    if not all(setting.think for setting in plan.settings):
        return models
    unable = [model for model in models if not model.thinking]
    # The form sends the name of every model when all are wanted.
    every = {model.name for model in registry.models} <= {model.name for model in models}
    if unable and (not every or len(unable) == len(models)):
        raise AppError("thinking_unsupported", model=unable[0].name)
    return [model for model in models if model.thinking]


def _task_ids(plan: Plan, tasks: Tasks) -> tuple[str, ...]:
    if SampleKind.TASK not in plan.kinds:
        return ()
    found: list[str] = []
    for name in plan.tasks:
        if name in GROUPS:
            found += (task.id for task in tasks.tasks.values() if GROUPS[name](task))
        elif tasks.get(name) is None:
            raise AppError("unknown_task", task=name)
        else:
            found.append(name)
    return tuple(dict.fromkeys(found))


# The samples of a plan, in their order


def fits_context(length: int, context: int) -> bool:
    """Whether a text of so many tokens can be read; 0: the context is not known."""
    return not context or length <= context


def _ordered_samples(
    plan: Plan, settings_of: Mapping[str, list[ModelOptions]], contexts: Mapping[str, int], *, unloads: bool
) -> list[SampleSpec]:
    """All specs of a plan. By model, `settings_of`: the plan's settings that it can do; `contexts`: its context in
    tokens. `unloads`: whether the engine can unload a model, without which no load can be measured.

    Each repeat is a round through all blocks, in another order each time, so that what changes in the course of a
    run (the room's temperature, the neighbours of a virtual machine) falls on all alike. A block is one model with
    one way of loading it: it begins with the load and a warm-up; the rest of it is shuffled.
    """
    shuffler = random.Random(plan.seed)  # noqa: S311 - an order, not a secret
    blocks: dict[tuple[str, int, int], list[ModelOptions]] = {}
    for model, settings in settings_of.items():
        for setting in settings:
            blocks.setdefault((model, setting.threads, setting.context), []).append(setting)
    specs: list[SampleSpec] = []
    for repeat in range(1, plan.repeats + 1):
        order = list(blocks)
        shuffler.shuffle(order)
        for block in order:
            model, _, context = block
            context = context or contexts[model]
            found = _block(plan, model, blocks[block], repeat, context=context, shuffler=shuffler)
            specs += (spec for spec in found if unloads or spec.kind != SampleKind.LOAD)
    return specs


def _block(
    plan: Plan, model: str, settings: list[ModelOptions], repeat: int, *, context: int, shuffler: random.Random
) -> Iterator[SampleSpec]:
    # Loading, reading and crowds are the same with thinking and without.
    plain = min(settings, key=lambda setting: setting.think)
    if SampleKind.LOAD in plan.kinds:
        yield SampleSpec(model, plain, SampleKind.LOAD, COLD, repeat)
    yield SampleSpec(model, plain, SampleKind.READING, str(WARMUP_READING), repeat, warmup=True)
    rest: list[SampleSpec] = []
    if SampleKind.LOAD in plan.kinds:
        rest.append(SampleSpec(model, plain, SampleKind.LOAD, WARM, repeat))
    if SampleKind.READING in plan.kinds:
        fitting = (length for length in plan.readings if fits_context(length, context))
        rest += (SampleSpec(model, plain, SampleKind.READING, str(length), repeat) for length in fitting)
    if SampleKind.CROWD in plan.kinds:
        rest += (SampleSpec(model, plain, SampleKind.CROWD, str(people), repeat) for people in plan.crowds)
    if SampleKind.TASK in plan.kinds:
        rest += (
            SampleSpec(model, setting, SampleKind.TASK, task, repeat) for setting in settings for task in plan.tasks
        )
    shuffler.shuffle(rest)
    yield from rest


# How long it would take


@dataclass(frozen=True, slots=True)
class DurationEstimate:
    """What a plan would take: its number of samples and `seconds`, None when nothing was measured here yet.

    `left_out`: the reading lengths that do not fit, as `left_out` returns them; `blind`: models that are asked nothing
    about pictures.
    """

    samples: int
    seconds: float | None
    left_out: dict[tuple[int, int], list[str]]
    blind: list[str]


def estimate_duration(plan: dict[str, Any], registry: ModelRegistry, tasks: Tasks) -> DurationEstimate:
    """Estimate how long a plan would take without launching it. Raises what launching it would raise."""
    resolved, models, specs = resolve_plan(plans.read_plan(plan), registry, tasks)
    seconds = expected_seconds([(spec.kind, spec.model, spec.prompt) for spec in specs], _measured_before())
    contexts = {model.name: model.context for model in models}
    return DurationEstimate(
        len(specs),
        seconds,
        left_out(resolved, contexts),
        blind(resolved, {model.name: model.vision for model in models}, tasks),
    )


def _measured_before() -> list[tuple[Subject, timedelta]]:
    """The newest samples that were measured here, with the time that each took."""
    columns: list[Any] = [LabSample.kind, LabSample.model, LabSample.prompt]
    columns += [LabSample.started_at, LabSample.finished_at]
    rows = db.session.execute(
        select(*columns)
        .join(LabRun, LabSample.run_id == LabRun.id)
        .join(LabMachine, LabRun.machine_id == LabMachine.id)
        .where(LabMachine.source == "", LabSample.state == SampleState.DONE)
        .where(LabSample.started_at.is_not(None), LabSample.finished_at.is_not(None))
        .order_by(LabSample.id.desc())
        .limit(ESTIMATE_SAMPLES)
    )
    return [((kind, model, prompt), end - start) for kind, model, prompt, start, end in rows]

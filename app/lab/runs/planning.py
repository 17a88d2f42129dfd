"""Resolve a plan on this server: its models, the settings each supports, its tasks; then list all samples."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from app.engines.base import Engine, Model
from app.errors import AppError
from app.generation.model_registry import ModelRegistry
from app.lab.measuring import plan as plans
from app.lab.measuring.plan import GROUPS, READINGS, ModelOptions, Plan, SampleSpec, arranged, fits_context
from app.lab.measuring.sampler import CROWD_TOKENS
from app.lab.runs.judge import ROOM_TOKENS, least_context
from app.lab.task_files import Tasks
from app.models.lab import LabRun, SampleKind

MOST_SAMPLES = 20_000


def definite(plan: Plan, registry: ModelRegistry, tasks: Tasks) -> tuple[Plan, list[Model], list[SampleSpec]]:
    """Resolve a plan: returns it with all model and task names filled in, its models, and its samples in order.

    Raises unknown_model, thinking_unsupported, unknown_task, setting_fixed, context_too_small, reading_too_long,
    nothing_to_measure, plan_too_large.
    """
    models = _thinking(_models(plan, registry), plan, registry)
    names = tuple(model.name for model in models)
    plan = plan.model_copy(update={"models": names, "tasks": _task_ids(plan, tasks)})
    check_settings(plan.settings, registry.engine)
    if SampleKind.TASK not in plan.kinds:
        plan = plan.model_copy(update={"tasks": ()})
    able = {
        model.name: tuple(setting for setting in plan.settings if model.thinking or not setting.think)
        for model in models
    }
    _check_contexts(plan, {setting for settings in able.values() for setting in settings}, tasks)
    contexts = {model.name: model.context for model in models}
    _check_readings(plan, contexts)
    # An engine without adjustable options cannot unload a model on request either.
    cells = arranged(plan, able.__getitem__, contexts.__getitem__, unloads=bool(registry.engine.adjusts))
    if all(cell.warmup for cell in cells):
        raise AppError("nothing_to_measure")
    if len(cells) > MOST_SAMPLES:
        raise AppError("plan_too_large", count=len(cells), limit=MOST_SAMPLES)
    return plan, models, cells


def facts(model: Model) -> dict[str, Any]:
    """A model's properties as stored with a run; without its description, which is in one language only."""
    return asdict(replace(model, description=""))


def check_settings(settings: Sequence[ModelOptions], engine: Engine) -> None:
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
            for model, context in _blocks(plan, contexts):
                if not fits_context(length, context):
                    found[length, context].append(model)
    return dict(found)


def left_out_of(run: LabRun) -> dict[tuple[int, int], list[str]]:
    """`left_out` for a run that was launched."""
    return left_out(plans.read_plan(run.plan), {name: told["context"] for name, told in run.models.items()})


def _blocks(plan: Plan, contexts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The distinct pairs of model and context that the plan measures."""
    pairs = [(model, setting.context or own) for model, own in contexts.items() for setting in plan.settings]
    return list(dict.fromkeys(pairs))


def _check_contexts(plan: Plan, settings: Collection[ModelOptions], tasks: Tasks) -> None:
    """Raise context_too_small where a requested context has no room for an answer, which would look like the model's
    failure."""
    for setting in settings:
        asked = [least_context(tasks.tasks[name], plan.max_tokens, think=setting.think) for name in plan.tasks]
        least = max([ROOM_TOKENS + CROWD_TOKENS, *asked])
        if 0 < setting.context < least:
            raise AppError("context_too_small", field="context", context=setting.context, least=least)


def _check_readings(plan: Plan, contexts: Mapping[str, int]) -> None:
    """Raise reading_too_long when a length that was chosen explicitly fits into no model's context."""
    if plan.readings == READINGS or SampleKind.READING not in plan.kinds:
        return
    largest = [context for _model, context in _blocks(plan, contexts)]
    for length in plan.readings:
        if largest and not any(fits_context(length, context) for context in largest):
            raise AppError("reading_too_long", field="readings", length=length, context=max(largest))


def _models(plan: Plan, registry: ModelRegistry) -> list[Model]:
    if not plan.models and not registry.reachable:
        raise AppError("engine_unreachable", engine=registry.engine.label, cause=registry.failure)
    return [registry.find(name) for name in plan.models] or list(registry.models)


def _thinking(models: list[Model], plan: Plan, registry: ModelRegistry) -> list[Model]:
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
            found += group(name, tasks)
        elif tasks.get(name) is None:
            raise AppError("unknown_task", task=name)
        else:
            found.append(name)
    return tuple(dict.fromkeys(found))


def group(name: str, tasks: Tasks) -> list[str]:
    """The task ids of a group: "all", "code", "office" (all others), or "short" (marked so in the task files)."""
    every = tasks.tasks.values()
    if name == "short":
        return [task.id for task in every if task.short]
    return [task.id for task in every if name == "all" or bool(task.code) == (name == "code")]

"""A plan made definite for this server: which models there are, what each can do, which tasks a word stands for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from app.engines.base import Engine, Model
from app.errors import AppError
from app.generation.model_registry import ModelRegistry
from app.lab.measuring import plan as plans
from app.lab.measuring.plan import GROUPS, READINGS, Plan, SampleSpec, Setting, arranged, fits_context
from app.lab.measuring.sampler import CROWD_TOKENS
from app.lab.runs.judge import ROOM_TOKENS, least_context
from app.lab.task_files import Tasks
from app.models.lab import Kind, LabRun

MOST_SAMPLES = 20_000


def definite(plan: Plan, registry: ModelRegistry, tasks: Tasks) -> tuple[Plan, list[Model], list[SampleSpec]]:
    """The plan with all names in it, its models, and its samples in their order.

    Raises unknown_model, thinking_unsupported, unknown_task, setting_fixed, context_too_small, reading_too_long,
    nothing_to_measure, plan_too_large.
    """
    models = _thinking(_models(plan, registry), plan, registry)
    names = tuple(model.name for model in models)
    plan = plan.model_copy(update={"models": names, "tasks": _task_ids(plan, tasks)})
    check_settings(plan.settings, registry.engine)
    if Kind.TASK not in plan.kinds:
        plan = plan.model_copy(update={"tasks": ()})
    able = {
        model.name: tuple(setting for setting in plan.settings if model.thinking or not setting.think)
        for model in models
    }
    _check_contexts(plan, {setting for settings in able.values() for setting in settings}, tasks)
    contexts = {model.name: model.context for model in models}
    _check_readings(plan, contexts)
    # An engine whose options cannot be changed cannot be told to unload a model either.
    cells = arranged(plan, able.__getitem__, contexts.__getitem__, unloads=bool(registry.engine.adjusts))
    if all(cell.warmup for cell in cells):
        raise AppError("nothing_to_measure")
    if len(cells) > MOST_SAMPLES:
        raise AppError("plan_too_large", count=len(cells), limit=MOST_SAMPLES)
    return plan, models, cells


def facts(model: Model) -> dict[str, Any]:
    """What the engine tells of a model, to be stored; its sentence is in one language only."""
    return asdict(replace(model, description=""))


def check_settings(settings: Sequence[Setting], engine: Engine) -> None:
    """Raises setting_fixed for what this engine would not heed."""
    for field in ("threads", "context"):
        if field not in engine.adjusts and any(getattr(setting, field) for setting in settings):
            raise AppError("setting_fixed", engine=engine.label, field=field)


def left_out(plan: Plan, contexts: Mapping[str, int]) -> dict[tuple[int, int], list[str]]:
    """The texts that are not read since they do not fit: length and context, with the models. `contexts`: their own."""
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    if Kind.READING in plan.kinds:
        for length in plan.readings:
            for model, context in _blocks(plan, contexts):
                if not fits_context(length, context):
                    found[length, context].append(model)
    return dict(found)


def left_out_of(run: LabRun) -> dict[tuple[int, int], list[str]]:
    """The same, of a run that is launched."""
    return left_out(plans.read_plan(run.plan), {name: told["context"] for name, told in run.models.items()})


def _blocks(plan: Plan, contexts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Each model with each context that it is asked in."""
    pairs = [(model, setting.context or own) for model, own in contexts.items() for setting in plan.settings]
    return list(dict.fromkeys(pairs))


def _check_contexts(plan: Plan, settings: Collection[Setting], tasks: Tasks) -> None:
    """Raises context_too_small: what then fails would be said of the model."""
    for setting in settings:
        asked = [least_context(tasks.tasks[name], plan.max_tokens, think=setting.think) for name in plan.tasks]
        least = max([ROOM_TOKENS + CROWD_TOKENS, *asked])
        if 0 < setting.context < least:
            raise AppError("context_too_small", field="context", context=setting.context, least=least)


def _check_readings(plan: Plan, contexts: Mapping[str, int]) -> None:
    """Raises reading_too_long for a text that nothing can read, if somebody chose it."""
    if plan.readings == READINGS or Kind.READING not in plan.kinds:
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
    """Those that can do any of the settings: where all models were asked for, those that can."""
    if not all(setting.think for setting in plan.settings):
        return models
    unable = [model for model in models if not model.thinking]
    # A form names every model that there is.
    every = {model.name for model in registry.models} <= {model.name for model in models}
    if unable and (not every or len(unable) == len(models)):
        raise AppError("thinking_unsupported", model=unable[0].name)
    return [model for model in models if model.thinking]


def _task_ids(plan: Plan, tasks: Tasks) -> tuple[str, ...]:
    if Kind.TASK not in plan.kinds:
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
    """The ids of a group: all, the coding tasks, the others, or those that a file calls short."""
    every = tasks.tasks.values()
    if name == "short":
        return [task.id for task in every if task.short]
    return [task.id for task in every if name == "all" or bool(task.code) == (name == "code")]

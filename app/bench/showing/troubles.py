"""Why a sample or a run failed, in the Labo's words: nobody waits there for an answer that could be asked for again."""

from collections.abc import Mapping
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select

from app.bench.measuring.exchange import LONGEST_CHARACTERS
from app.errors import AppError, filled, sentence
from app.extensions import db
from app.models.lab import LabRun, LabSample

# What the chat says otherwise: there a question is kept, and a button asks it again.
TEXTS: dict[str, LazyString] = {
    "engine_unreachable": _l("%(engine)s does not answer."),
    "engine_load_failed": _l("The model %(model)s could not be loaded."),
    "engine_busy": _l("%(engine)s had too much to do."),
    "engine_failed": _l("%(engine)s failed while answering."),
    "engine_cut": _l("%(engine)s stopped before the end of the answer."),
    "engine_garbled": _l("%(engine)s sent something that cannot be read."),
    "engine_silent": _l("%(engine)s was silent for too long."),
    "context_exceeded": _l("The question is too long for the context of the model."),
    "internal_error": _l("Something went wrong on the server."),
    "queue_full": _l("Too many questions were waiting."),
    "stopping": _l("The server was restarting."),
    "interrupted": _l("The server restarted meanwhile."),
    "database_busy": _l("The database is busy."),
}


def said(code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a failure, in the language in force."""
    text = TEXTS.get(code)
    return sentence(code, dict(params)) if text is None else filled(text, dict(params))


def of_error(error: AppError) -> str:
    """Of one that is being handled."""
    return said(error.code, error.params)


def of_sample(sample: LabSample) -> str:
    """Why a sample failed; empty where it did not."""
    if not sample.error_code:
        return ""
    told = {"model": sample.model, "task": sample.prompt, "limit": LONGEST_CHARACTERS}
    return said(sample.error_code, told | _engine(sample.run))


def of_run(run: LabRun) -> str:
    """Why a run was given up; empty where it was not."""
    if not run.error_code:
        return ""
    told = {"model": ", ".join(run.models), "task": ", ".join((run.plan or {}).get("tasks", ()))}
    return said(run.error_code, told | {"limit": LONGEST_CHARACTERS} | _engine(run))


def retaken(sample: LabSample) -> bool:
    """Whether another sample was taken in its place."""
    again = exists().where(
        LabSample.run_id == sample.run_id, LabSample.position == sample.position, LabSample.attempt > sample.attempt
    )
    return bool(db.session.scalar(select(again)))


def _engine(run: LabRun) -> dict[str, str]:
    # What was measured by hand, or elsewhere, may not say.
    return {"engine": (run.engine or {}).get("label") or str(_l("The engine"))}

"""Pages of samples: a filtered list, one sample in detail, and the administrator's own verdict on it."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from app.errors import AppError
from app.lab import messages
from app.lab.pages import blueprint
from app.lab.pages.shared import current_lab, number_asked, page
from app.lab.presentation import charts, display, sentences
from app.lab.runs import queries
from app.lab.votes import ballots
from app.models.lab import LabSample, SampleKind, Verdict
from app.security import admin_required, current_user, login_required
from app.web import plain_text

LONGEST_NOTE = 1000


@blueprint.get("/samples")
@login_required
def samples() -> str:
    """The samples that match the query (run, machine, model, setting, kind, prompt), by pages of `queries.PAGE`."""
    numbers = {name: number_asked(name) for name in ("run", "machine")}
    words = {name: request.args.get(name, "")[:200] or None for name in ("model", "kind", "prompt")}
    filters = {name: value for name, value in {**numbers, **words}.items() if value is not None}
    number = number_asked("page") or 1
    found, count = queries.matching(filters, request.args.get("setting", "")[:60], number)
    asked = {name: value for name, value in request.args.items() if name in (*queries.FILTERS, "setting")}
    return page(
        "samples",
        "runs",
        samples=found,
        count=count,
        asked=asked,
        number=number,
        last=max(1, -(-count // queries.PAGE)),
        kinds=list(SampleKind),
        tasks=current_lab().tasks().tasks,
    )


@blueprint.get("/samples/<int:sample_id>")
@login_required
def sample(sample_id: int) -> str:
    """One sample with all its figures and texts."""
    return _sample_page(queries.sample_of(sample_id))


@blueprint.post("/samples/<int:sample_id>/verdict")
@admin_required
def overrule(sample_id: int) -> Any:
    """Store an administrator's verdict with its note; an empty verdict restores the judgement."""
    found, given = queries.sample_of(sample_id), request.form.get("verdict", "")
    note = plain_text(request.form.get("note"))
    if given and given not in tuple(Verdict):
        raise AppError("invalid_field", field="verdict")
    if given and not 0 < len(note) <= LONGEST_NOTE:
        return _sample_page(found, _("Say why in a few words: 1,000 characters at most."), note), 422
    queries.overrule(found, Verdict(given) if given else None, note, current_user.id)
    current_lab().publish()
    flash(_("Your verdict is kept.") if given else _("The judgement counts again."), "success")
    return redirect(url_for("lab.sample", sample_id=sample_id, _anchor="verdict"))


def _sample_page(found: LabSample, wrong: str = "", note: str = "") -> str:
    told = found.judgement or {}
    before, after = queries.neighbours(found)
    return page(
        "sample",
        "runs",
        sample=found,
        run=found.run,
        wrong=wrong,
        note=note or found.overruled_note,
        before=before,
        after=after,
        tasks=current_lab().tasks().tasks,
        reason=messages.sentence(told["code"], told.get("params")) if told.get("code") else "",
        failure=sentences.sample_trouble(found),
        withheld=ballots.is_withheld(found) and not current_user.is_admin,
        retaken=queries.retaken(found),
        by=queries.name_of(found.overruled_by),
        facts=display.sample_facts(found),
        chart=charts.course(found),
    )

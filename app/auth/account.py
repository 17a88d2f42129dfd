"""The person's own settings: how they write and are answered, and the tokens of their programs."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, format_timedelta
from flask_babel import gettext as _

from app.auth.forms import TokenForm, WritingForm
from app.auth.fresh import fresh
from app.auth.views import blueprint
from app.ended import found_or_ended
from app.guards import current_user, member
from app.models import AccessToken
from app.models.base import utcnow
from app.models.users import MAX_INSTRUCTIONS, MAX_TOKENS_EACH
from app.web import generation


@blueprint.get("/settings")
@blueprint.post("/settings")
@member
def settings() -> Any:
    """One's tokens; POST makes another one, which only the page that follows shows."""
    form = TokenForm()
    if form.validate_on_submit():
        fresh().put(current_user.session_token, AccessToken.make(current_user, form.name.data))
        return redirect(url_for("auth.settings"))
    return render_template(
        "auth/settings.html",
        form=form,
        secret=fresh().take(current_user.session_token),
        tokens=[_row(token) for token in AccessToken.all_of(current_user)],
        limit=MAX_TOKENS_EACH,
        base_url=f"{request.root_url}v1",
        texts={"copied": _("Copied"), "press_ctrl_c": _("Press Ctrl C")},
    ), 422 if form.errors else 200


@blueprint.post("/settings/tokens/<int:token_id>/revoke")
@member
def revoke_token(token_id: int) -> Any:
    """End a token: the program that has it is refused from now on."""
    token = found_or_ended(lambda: AccessToken.of(current_user, token_id))
    if token:
        token.revoke()
        generation().streams.revoke(token.token_hash)
        flash(_("The token “%(name)s” is revoked.", name=token.name), "success")
    return redirect(url_for("auth.settings"))


@blueprint.get("/settings/writing")
@blueprint.post("/settings/writing")
@member
def writing() -> Any:
    """The text about oneself, and which key sends."""
    form = WritingForm(obj=current_user)
    if form.validate_on_submit():
        current_user.write_with(instructions=form.instructions.data, send_key=form.send_key.data)
        flash(_("Saved. Conversations already begun keep the text they began with."), "success")
        return redirect(url_for("auth.writing"))
    limit = format_decimal(MAX_INSTRUCTIONS)
    return render_template("auth/writing.html", form=form, limit=limit), 422 if form.errors else 200


def _row(token: AccessToken) -> dict[str, Any]:
    used = ago(token.used_at) if token.used_at else None
    return {"id": token.id, "name": token.name, "ending": token.ending, "made": ago(token.created_at), "used": used}


def ago(moment: datetime) -> str:
    """« il y a 3 minutes »: the same for every time zone."""
    return str(format_timedelta(moment - utcnow(), granularity="minute", add_direction=True))

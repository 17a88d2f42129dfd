"""The person's own settings: the tokens with which their programs use the API."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_login import current_user

from app.auth.forms import TokenForm
from app.auth.views import blueprint
from app.guards import member
from app.models import AccessToken
from app.models.token import EACH
from app.models.types import utcnow


@blueprint.get("/settings")
@blueprint.post("/settings")
@member
def settings() -> Any:
    """One's tokens; POST makes another one, which only this answer shows."""
    form, secret = TokenForm(), ""
    if form.validate_on_submit():
        secret = AccessToken.make(current_user, form.name.data)
        form = TokenForm(formdata=None)
    return render_template(
        "auth/settings.html",
        form=form,
        secret=secret,
        tokens=[_row(token) for token in AccessToken.all_of(current_user)],
        limit=EACH,
        base_url=f"{request.root_url}v1",
        texts={"copied": _("Copied"), "press_ctrl_c": _("Press Ctrl C")},
    ), 422 if form.errors else 200


@blueprint.post("/settings/tokens/<int:token_id>/revoke")
@member
def revoke_token(token_id: int) -> Any:
    """End a token: the program that has it is refused from now on."""
    token = AccessToken.of(current_user, token_id)
    token.revoke()
    flash(_("The token “%(name)s” is revoked.", name=token.name), "success")
    return redirect(url_for("auth.settings"))


def _row(token: AccessToken) -> dict[str, Any]:
    used = _ago(token.used_at) if token.used_at else None
    return {"id": token.id, "name": token.name, "ending": token.ending, "made": _ago(token.created_at), "used": used}


def _ago(moment: datetime) -> str:
    """« il y a 3 minutes »: the same for every time zone."""
    return str(format_timedelta(moment - utcnow(), granularity="minute", add_direction=True))

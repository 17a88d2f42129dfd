"""One's own account: name, password, appearance, the browsers that are signed in, and erasing all that one wrote."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm

from app import traces
from app.auth.account import ago
from app.auth.devices import device
from app.auth.forms import EraseForm, NameForm, PasswordForm
from app.auth.views import blueprint, check
from app.ended import found_or_ended
from app.guards import current_user, member
from app.models import LoginSession, trash
from app.web import generation


@blueprint.get("/settings/account")
@member
def profile() -> Any:
    """All of it on one page."""
    return _page()


@blueprint.post("/settings/account")
@member
def rename() -> Any:
    """Take another displayed name."""
    form = NameForm()
    if not form.validate_on_submit():
        return _page(form)
    current_user.rename(form.display_name.data)
    return _done(_("Your name is changed."))


@blueprint.post("/settings/account/password")
@member
def change_password() -> Any:
    """Take another password, which ends the other sessions."""
    form = PasswordForm()
    if not form.validate_on_submit() or not _is_oneself(form.current):
        return _page(form)
    current_user.change_password(form.password.data)
    _close_others()
    return _done(_("Your password is changed, and all other browsers are signed out."))


@blueprint.post("/settings/account/sessions/<int:session_id>/revoke")
@member
def revoke_session(session_id: int) -> Any:
    """Sign another browser out."""
    session = found_or_ended(lambda: LoginSession.of(current_user, session_id))
    if not session:
        return redirect(url_for("auth.profile"))
    session.revoke()
    generation().streams.revoke(session.token_hash)
    return _done(_("That browser is signed out."))


@blueprint.post("/settings/account/sessions/revoke-others")
@member
def revoke_other_sessions() -> Any:
    """Sign all other browsers out."""
    count = _close_others()
    return _done(ngettext("%(num)s browser is signed out.", "%(num)s browsers are signed out.", count))


@blueprint.post("/settings/account/erase")
@member
def erase_everything() -> Any:
    """Erase all that one wrote, for good; what is being written is stopped."""
    form = EraseForm()
    if not form.validate_on_submit() or not _is_oneself(form.own_password):
        return _page(form)
    for answer in trash.being_written(current_user):
        generation().stop_answer(answer)
    for conversation_id in trash.erase_all_of(current_user):
        generation().engine.forget(conversation_id)
    traces.sweep()
    # The page also makes the browser forget what it kept.
    return _done(_("Everything that you wrote is erased."), "erased")


def _is_oneself(field: Any) -> bool:
    """Whether the password is one's own, noted as the field's mistake if not; raises rate_limited after many wrong."""
    right = check(current_user.username, field.data)[0] is not None
    if not right:
        field.errors = [_("This is not your password.")]
    return right


def _close_others() -> int:
    """Sign all other browsers out and end what they follow; how many there were."""
    others = LoginSession.close_others(current_user, current_user.session_token)
    generation().streams.revoke(*others)
    return len(others)


def _page(sent: FlaskForm | None = None) -> Any:
    kinds = {"name": NameForm, "password": PasswordForm, "erase": EraseForm}
    forms = {
        name: sent if isinstance(sent, kind) else kind(formdata=None, obj=current_user) for name, kind in kinds.items()
    }
    return render_template("auth/account.html", forms=forms, sessions=_sessions()), 422 if sent else 200


def _done(sentence: str, kind: str = "success") -> Any:
    flash(sentence, kind)
    return redirect(url_for("auth.profile"))


def _sessions() -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "device": device(each.user_agent) or _("Unknown browser"),
            "current": each.belongs_to(current_user.session_token),
            "begun": ago(each.created_at),
            "seen": ago(each.seen_at),
        }
        for each in LoginSession.all_of(current_user)
    ]

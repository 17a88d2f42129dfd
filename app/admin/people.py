"""« Utilisateurs »: the accounts, their states and roles, links to set a password, invitations, erasing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.admin.views import blueprint
from app.errors import AppError
from app.models import AccessToken, AccountRole, AccountState, Conversation, LoginSession, StoredSetting, User
from app.models.base import get_or_none
from app.models.conversations import being_written
from app.models.names import normalized
from app.models.registration import (
    MAX_DAYS,
    MAX_INVITED,
    REGISTRATION_SETTING,
    Invitation,
    PasswordLink,
    Registration,
    registration,
)
from app.models.users import ROLE_NAMES, STATE_NAMES
from app.security import admin_required, current_user, helper_required, log_event
from app.web import generation, number_asked

# Accounts on one page of the list.
PAGE = 50


@dataclass(frozen=True)
class StateChange:
    """What a button does: to accounts in which states, and which one they get. `event`: its line in the log."""

    applies_to: tuple[AccountState, ...]
    becomes: AccountState
    event: str


CHANGES: Mapping[str, StateChange] = {
    "approve": StateChange((AccountState.PENDING,), AccountState.ACTIVE, "approved"),
    "refuse": StateChange((AccountState.PENDING,), AccountState.LEFT, "refused"),
    "suspend": StateChange((AccountState.ACTIVE,), AccountState.SUSPENDED, "suspended"),
    "restore": StateChange((AccountState.SUSPENDED, AccountState.LEFT), AccountState.ACTIVE, "restored"),
}
# What helpers may do too.
OF_HELPERS = ("approve", "refuse")


@blueprint.get("/people")
@helper_required
def people() -> str:
    """List the accounts, those to be approved first; `q` searches in names, `state` is one of AccountState."""
    everyone = User.everyone()
    state, wanted = request.args.get("state", ""), request.args.get("q", "")[:80].strip()
    pending = [user for user in everyone if user.state == AccountState.PENDING]
    admitted = [user for user in everyone if user.state != AccountState.PENDING]
    rows = [user for user in admitted if state in ("", user.state) and _matches(user, wanted)]
    last = max(1, -(-len(rows) // PAGE))
    page = min(max(1, number_asked("page") or 1), last)
    return render_template(
        "admin/people.html",
        page="admin",
        count=len(everyone),
        pending=pending,
        rows=rows[(page - 1) * PAGE : page * PAGE],
        first=(page - 1) * PAGE + 1,
        total=len(rows),
        number=page,
        last=last,
        state=state,
        q=wanted,
        counts={each: sum(user.state == each for user in admitted) for each in STATE_NAMES},
        admitted=len(admitted),
        role_names=ROLE_NAMES,
        state_names=STATE_NAMES,
    )


def _matches(user: User, text: str) -> bool:
    return normalized(text) in user.username_key or normalized(text) in normalized(user.display_name)


@blueprint.get("/people/<int:user_id>")
@helper_required
def show_person(user_id: int) -> str:
    """Show one person's account."""
    return _person_page(_person(user_id))


@blueprint.post("/people/states")
@helper_required
def change_states() -> Any:
    """Apply one of CHANGES to the accounts named by `ids`, those that are in a state for it; tells how many."""
    name = request.form.get("change", "")
    change = CHANGES.get(name)
    if change is None:
        raise AppError("invalid_field", field="change")
    if name not in OF_HELPERS and not current_user.is_admin:
        raise AppError("forbidden")
    changed = 0
    for each in request.form.getlist("ids")[: 2 * PAGE]:
        user = get_or_none(User, int(each)) if each.isdecimal() and len(each) < 10 else None
        if user is None or user.state not in change.applies_to:
            continue
        try:
            revoked = user.change(state=change.becomes)
        except AppError as error:
            flash(error.sentence, "danger")
            continue
        _end_what_runs(user, revoked, stop=change.becomes != AccountState.ACTIVE)
        log_event(change.event, user, by=current_user.username)
        changed += 1
    if changed:
        flash(ngettext("%(num)s account is changed.", "%(num)s accounts are changed.", changed), "success")
    elif not request.form.getlist("ids"):
        flash(_("Choose people first."), "warning")
    else:
        flash(_("No account is changed."), "info")
    return redirect(_back())


@blueprint.post("/people/<int:user_id>/role")
@admin_required
def change_role(user_id: int) -> Any:
    """Give a person another role."""
    user, role = _person(user_id), request.form.get("role", "")
    if role not in list(AccountRole):
        raise AppError("invalid_field", field="role")
    try:
        user.change(role=AccountRole(role))
    except AppError as error:
        flash(error.sentence, "danger")
    else:
        log_event("role_given", user, role=role, by=current_user.username)
        flash(_("The role is changed."), "success")
    return redirect(_back(user))


@blueprint.post("/people/<int:user_id>/link")
@helper_required
def make_password_link(user_id: int) -> str:
    """Make a one-time link to set a password, which only this page shows."""
    user = _person(user_id)
    if not _may_make_link(user):
        raise AppError("forbidden")
    secret = PasswordLink.make(user)
    log_event("password_link_made", user, by=current_user.username)
    return _person_page(user, link=url_for("accounts.choose_password", secret=secret, _external=True))


@blueprint.post("/people/<int:user_id>/erase")
@admin_required
def erase_person(user_id: int) -> Any:
    """Erase a person: what they wrote, then name and password; asks for the username."""
    user = _person(user_id)
    name = user.username
    if normalized(request.form.get("name", "")[:200]) != user.username_key:
        flash(_("This is not the username: nothing was erased."), "danger")
        return redirect(_back(user))
    try:
        revoked = user.change(state=AccountState.LEFT, role=AccountRole.EMPLOYEE)
    except AppError as error:
        flash(error.sentence, "danger")
        return redirect(_back(user))
    _end_what_runs(user, revoked, stop=False)
    generation().changes.erase_all_of(user)
    log_event("erased", user, by=current_user.username)
    user.forget()
    flash(_("%(name)s is erased, with everything they wrote.", name=name), "success")
    return redirect(url_for("admin.people"))


@blueprint.route("/registration", methods=["GET", "POST"])
@admin_required
def invitations() -> Any:
    """Show who may register, and the open invitations; POST changes who may, unless REGISTRATION fixes it."""
    mode, fixed = registration(current_app)
    if request.method == "POST":
        wanted = request.form.get("mode", "")
        if fixed:
            raise AppError("forbidden")
        if wanted not in list(Registration):
            raise AppError("invalid_field", field="mode")
        StoredSetting.put(REGISTRATION_SETTING, wanted)
        log_event("registration_changed", current_user, mode=wanted)
        flash(_("Saved."), "success")
        return redirect(url_for("admin.invitations"))
    return _invitations_page(mode, fixed)


@blueprint.post("/invitations")
@admin_required
def make_invitation() -> str:
    """Make an invitation, which only this page shows."""
    uses, days = (int(text) if text.isdecimal() and len(text) < 6 else 0 for text in map(_field, ("uses", "days")))
    secret = Invitation.make(uses, days)
    log_event("invitation_made", current_user, uses=uses, days=days)
    link = url_for("accounts.accept_invitation", secret=secret, _external=True)
    return _invitations_page(*registration(current_app), link)


@blueprint.post("/invitations/<int:invitation_id>/end")
@admin_required
def end_invitation(invitation_id: int) -> Any:
    """End an invitation."""
    Invitation.end(invitation_id)
    log_event("invitation_ended", current_user)
    flash(_("The invitation is ended."), "success")
    return redirect(url_for("admin.invitations"))


def _field(name: str) -> str:
    return request.form.get(name, "").strip()


def _invitations_page(mode: Registration, fixed: bool, link: str = "") -> str:
    return render_template(
        "admin/invitations.html",
        page="admin",
        mode=mode,
        fixed=fixed,
        link=link,
        rows=Invitation.open_ones(),
        max_uses=MAX_INVITED,
        max_days=MAX_DAYS,
    )


def _person(user_id: int) -> User:
    """Return the account; raises not_found, also for one that was erased."""
    user = get_or_none(User, user_id)
    if user is None or user.is_erased:
        raise AppError("not_found")
    return user


def _person_page(user: User, link: str = "") -> str:
    return render_template(
        "admin/person.html",
        page="admin",
        person=user,
        link=link,
        sessions=len(LoginSession.all_of(user)),
        tokens=len(AccessToken.all_of(user)),
        roles=ROLE_NAMES,
        state_name=STATE_NAMES[AccountState(user.state)],
        role_name=ROLE_NAMES[AccountRole(user.role)],
        changes=[name for name, change in CHANGES.items() if user.state in change.applies_to],
        may_make_link=_may_make_link(user),
    )


def _may_make_link(user: User) -> bool:
    """Return whether the one who asks may let that person set a password: a helper must not become an administrator."""
    if current_user.is_admin:
        return not user.has_left
    return user.role == AccountRole.EMPLOYEE and user.state == AccountState.ACTIVE


def _end_what_runs(user: User, revoked: list[str], *, stop: bool) -> None:
    """End the streams of revoked sessions and tokens, with `stop` also the person's answers, written or waiting."""
    generation().streams.revoke(*revoked)
    if stop:
        for answer in being_written(Conversation.user_id == user.id):
            generation().stop_answer(answer)


def _back(user: User | None = None) -> str:
    """Return the address of the page to go back to: a person's, else the list."""
    shown = user.id if user else request.form.get("person", type=int)
    return url_for("admin.show_person", user_id=shown) if shown else url_for("admin.people")

"""The pages for log-in, registration and log-out, and the appearance of all pages."""

import threading
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_user, logout_user
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from sqlalchemy.exc import IntegrityError

from app.accounts.forms import LoginForm, NewPasswordForm, RegisterForm
from app.errors import AppError
from app.extensions import db
from app.models import AccountState, Invitation, LoginSession, PasswordLink, User
from app.models.base import digest
from app.models.names import normalized
from app.models.registration import Registration, registration
from app.security import client_network, current_user, is_at_the_machine, log_event, public, rate_limiter
from app.web import LOCALES, TEXT_SIZES, THEMES, generation, safe_next

blueprint = Blueprint("accounts", __name__)

# What also belongs to the browser, with its allowed values.
PREFERENCES = {"locale": LOCALES, "theme": THEMES, "text_size": TEXT_SIZES}
# Failed log-ins from one address whatever the names, and of one name wherever they come from. Together with LOGIN_LIMIT
# they bound who tries one password on all names, or all passwords on one name from many addresses.
NETWORK_LIMIT, NAME_LIMIT = RateLimitItemPerMinute(50, 10), RateLimitItemPerHour(100)
# Check one log-in at a time: a wrong one counts before the next is tried, and hashing leaves the CPU to the model.
_checking = threading.Lock()


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> Any:
    """Log in; the error does not tell whether the name or the password is wrong."""
    if current_user.is_authenticated:
        return redirect(url_for("chat.home"))
    form = LoginForm()
    if not form.validate_on_submit():
        return _login_page(form), 422 if form.errors else 200
    user, left = check(form.username.data, form.password.data)
    if user is None:
        text = ngettext(
            "%(num)s more try before a pause of a few minutes.",
            "%(num)s more tries before a pause of a few minutes.",
            left,
        )
        notice = {"title": _("Wrong username or password"), "text": text}
        return _login_page(form, notice), 422
    if user.state != AccountState.ACTIVE:
        return _kept_out(user), 403
    _sign_in(user, remember=form.remember.data)
    return redirect(safe_next(request.args.get("next")) or url_for("chat.home"))


@blueprint.route("/register", methods=["GET", "POST"])
@public
def register() -> Any:
    """Create an account and log in; the first account becomes the administrator, and needs the server's code."""
    if current_user.is_authenticated:
        return redirect(url_for("chat.home"))
    first = not User.exists()
    mode, _fixed = registration(current_app)
    if not first and mode == Registration.CLOSED:
        raise AppError("forbidden")
    if not first and mode == Registration.INVITATION:
        raise AppError("invitation_needed")
    return _register(first=first, pending=mode == Registration.APPROVAL and not first)


@blueprint.route("/invitation/<string:secret>", methods=["GET", "POST"])
@public
def accept_invitation(secret: str) -> Any:
    """Create an account by an invitation and log in, without approval; raises what `Invitation.check` raises."""
    if current_user.is_authenticated:
        return redirect(url_for("chat.home"))
    if registration(current_app)[0] == Registration.CLOSED:
        raise AppError("forbidden")
    Invitation.check(secret)
    return _register(first=not User.exists(), invitation=secret)


@blueprint.route("/password/<string:secret>", methods=["GET", "POST"])
@public
def choose_password(secret: str) -> Any:
    """Set a new password by a one-time link, which ends the person's sessions and tokens. Raises link_over."""
    if request.method == "POST":
        rate_limiter().count(current_app.config["REGISTER_LIMIT"], "register", client_network())
    user = PasswordLink.user_of(secret)
    form = NewPasswordForm(user)
    if not form.validate_on_submit():
        page = render_template("accounts/password.html", form=form, username=user.username)
        return page, 422 if form.errors else 200
    generation().streams.revoke(*PasswordLink.spend(secret).reset(form.password.data))
    log_event("password_reset", user)
    flash(_("Your password is changed. Sign in with it."), "success")
    return redirect(url_for("accounts.login"))


def _login_page(form: LoginForm, notice: dict[str, str] | None = None) -> str:
    mode = registration(current_app)[0]
    may_register = mode in (Registration.OPEN, Registration.APPROVAL) or not User.exists()
    return render_template("accounts/login.html", form=form, notice=notice, may_register=may_register)


def _register(*, first: bool = False, pending: bool = False, invitation: str = "") -> Any:
    """Show the registration form, or create the account that it sends.

    `pending`: somebody has to approve it; `invitation`: the secret of the one that is used. Raises rate_limited.
    """
    if request.method == "POST":
        rate_limiter().count(current_app.config["REGISTER_LIMIT"], "register", client_network())
    form = RegisterForm()
    if not first or is_at_the_machine():
        del form.code
    if form.validate_on_submit():
        state = AccountState.PENDING if pending else AccountState.ACTIVE
        try:
            if invitation:
                Invitation.spend(invitation)
            user = User.create(form.username.data, form.display_name.data, form.password.data, state=state)
        except IntegrityError:
            db.session.rollback()
            form.username.errors = [_("This username is taken.")]
        else:
            log_event("registered", user, admin=user.is_admin)
            if user.state != AccountState.ACTIVE:
                return _kept_out(user)
            _sign_in(user, remember=False)
            return redirect(url_for("chat.home"))
    page = render_template("accounts/register.html", form=form, first_account=first, pending=pending)
    return page, 422 if form.errors else 200


@blueprint.post("/logout")
def logout() -> Any:
    """Log out: close the session and end its event streams."""
    log_event("logged_out", current_user)
    LoginSession.close(current_user.session_token)
    generation().streams.revoke(digest(current_user.session_token))
    logout_user()
    _clear_session()
    return redirect(url_for("accounts.login"))


@blueprint.post("/preferences")
@public
def preferences() -> Any:
    """Store language, theme and text size: in the session (for the log-in page), and in the account if signed in."""
    for name, allowed in PREFERENCES.items():
        value = request.form.get(name)
        if value in allowed:
            session[name] = value
            if current_user.is_authenticated:
                setattr(current_user, name, value)
    db.session.commit()
    return redirect(safe_next(request.form.get("next")) or url_for("chat.home"))


def _kept_out(user: User) -> str:
    """Tell a person who is not let in what happens next; opens no session."""
    log_event("kept_out", user, state=user.state)
    return render_template("accounts/kept_out.html", pending=user.state == AccountState.PENDING)


def _sign_in(user: User, *, remember: bool) -> None:
    """Open a session; with `remember` it outlives the browser, for SESSION_DAYS."""
    lasting = timedelta(days=current_app.config["SESSION_DAYS"]) if remember else None
    user.session_token = LoginSession.open(user, lasting=lasting, user_agent=request.user_agent.string)
    _clear_session()
    session.permanent = remember
    login_user(user)
    log_event("logged_in", user, remember=remember)


def _clear_session() -> None:
    """Clear the session cookie except for PREFERENCES."""
    kept = {name: session[name] for name in PREFERENCES if name in session}
    session.clear()
    session.update(kept)


def check(username: str, password: str) -> tuple[User | None, int]:
    """Return the user (None: wrong password) and the tries left for this name and address; raises rate_limited at 0."""
    name, network, limiter = normalized(username), client_network(), rate_limiter()
    counts = (
        (current_app.config["LOGIN_LIMIT"], "login", network, name),
        (NETWORK_LIMIT, "login", network),
        (NAME_LIMIT, "login", "", name),
    )
    with _checking:
        for count in counts:
            if not limiter.remaining(*count):
                raise AppError("rate_limited", wait_s=limiter.wait_s(*count))
        user = User.authenticate(username, password)
        if user is None:
            for count in counts:
                limiter.hit(*count)
            log_event("password_wrong", User.named(username))
    return user, min(limiter.remaining(*count) for count in counts)

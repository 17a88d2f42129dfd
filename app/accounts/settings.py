"""The settings pages: API tokens, writing, account and sessions, prompts."""

import re
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from app.accounts.forms import EraseForm, NameForm, PasswordForm, PromptForm, TokenForm, WritingForm
from app.accounts.views import blueprint, check
from app.extensions import db
from app.js_messages import renderer_messages
from app.models import AccessToken, LoginSession, Prompt
from app.models.users import MAX_PERSONAL_INSTRUCTIONS, MAX_TOKENS_EACH
from app.security import current_user, log_event
from app.web import found_or_ended, generation

# The first match counts: browsers also send the names of those further down.
BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chromium", r"HeadlessChrome/|Chromium/"),
    ("Chrome", r"Chrome/|CriOS/"),
    ("Safari", r"Safari/"),
)
SYSTEMS = (
    ("Android", r"Android"),
    ("iOS", r"iPhone|iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
# Seconds that a new API token is kept; the redirect to the page that shows it is followed at once or never.
KEPT_S = 120.0


# API tokens


@blueprint.get("/settings/")
def settings_home() -> Any:
    """Lead to the first page."""
    return redirect(url_for("accounts.profile"))


@blueprint.route("/settings", methods=["GET", "POST"])
def settings() -> Any:
    """List the user's API tokens; POST creates one, which only the next page shows."""
    form = TokenForm()
    recent = LoginSession.is_recent(current_user.session_token)
    if recent:
        del form.own_password
    if form.validate_on_submit() and (recent or _confirms_password(form.own_password)):
        one_time_tokens().put(current_user.session_token, AccessToken.make(current_user, form.name.data))
        log_event("token_made", current_user)
        return redirect(url_for("accounts.settings"))
    return render_template(
        "accounts/settings.html",
        form=form,
        secret=one_time_tokens().take(current_user.session_token),
        tokens=AccessToken.all_of(current_user),
        limit=MAX_TOKENS_EACH,
        base_url=f"{request.root_url}v1",
        texts=renderer_messages(),
    ), 422 if form.errors else 200


@blueprint.post("/settings/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> Any:
    """Revoke a token and end its running requests."""
    token = found_or_ended(AccessToken.of, token_id)
    if token:
        token.delete()
        log_event("token_revoked", current_user)
        generation().streams.revoke(token.token_hash)
        flash(_("The token “%(name)s” is revoked.", name=token.name), "success")
    return redirect(url_for("accounts.settings"))


class OneTimeTokens:
    """Hold a new API token until the next page shows it once (post/redirect/get): one per session.

    In memory, as a cookie would leave it in a file on the user's disk.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, str]] = {}

    def put(self, session: str, token: str) -> None:
        """Keep the token for this session's next page; forget expired ones."""
        with self._lock:
            over = self._clock() - KEPT_S
            self._held = {each: kept for each, kept in self._held.items() if kept[0] > over}
            self._held[session] = (self._clock(), token)

    def take(self, session: str) -> str:
        """Return this session's token and forget it; "" if there is none."""
        with self._lock:
            made, token = self._held.pop(session, (0.0, ""))
            return token if self._clock() - made < KEPT_S else ""


def one_time_tokens() -> OneTimeTokens:
    """Return the current application's store of new tokens."""
    found: OneTimeTokens = current_app.extensions["one_time_tokens"]
    return found


# How the user writes


@blueprint.route("/settings/writing", methods=["GET", "POST"])
def writing() -> Any:
    """Edit the user's own instructions for all conversations, and choose the key that sends."""
    form = WritingForm(obj=current_user)
    if form.validate_on_submit():
        form.populate_obj(current_user)
        db.session.commit()
        flash(_("Saved. Conversations already begun keep the text they began with."), "success")
        return redirect(url_for("accounts.writing"))
    limit = format_decimal(MAX_PERSONAL_INSTRUCTIONS)
    return render_template("accounts/writing.html", form=form, limit=limit), 422 if form.errors else 200


# Account and sessions


@blueprint.get("/settings/account")
def profile() -> Any:
    """Show the account page: name, password, signed-in browsers, erasing."""
    return _page()


@blueprint.post("/settings/account")
def rename() -> Any:
    """Change the displayed name."""
    form = NameForm()
    if not form.validate_on_submit():
        return _page(form)
    current_user.display_name = form.display_name.data.strip()
    db.session.commit()
    return _done(_("Your name is changed."))


@blueprint.post("/settings/account/password")
def change_password() -> Any:
    """Change the password, sign all other browsers out, and revoke the API tokens if that is wanted."""
    form = PasswordForm()
    if not form.validate_on_submit() or not _confirms_password(form.current):
        return _page(form)
    current_user.set_password(form.password.data)
    # Commits both.
    _close_others()
    log_event("password_changed", current_user)
    if not form.revoke_tokens.data:
        return _done(_("Your password is changed, and all other browsers are signed out."))
    generation().streams.revoke(*AccessToken.revoke_all(current_user))
    log_event("token_revoked", current_user)
    return _done(_("Your password is changed, all other browsers are signed out, and your tokens are revoked."))


@blueprint.post("/settings/account/sessions/<int:session_id>/revoke")
def revoke_session(session_id: int) -> Any:
    """Sign another browser out."""
    session = found_or_ended(LoginSession.of, session_id)
    if not session:
        return redirect(url_for("accounts.profile"))
    session.delete()
    log_event("session_revoked", current_user)
    generation().streams.revoke(session.token_hash)
    return _done(_("That browser is signed out."))


@blueprint.post("/settings/account/sessions/revoke-others")
def revoke_other_sessions() -> Any:
    """Sign all other browsers out."""
    count = _close_others()
    log_event("session_revoked", current_user, count=count)
    return _done(ngettext("%(num)s browser is signed out.", "%(num)s browsers are signed out.", count))


@blueprint.post("/settings/account/erase")
def erase_everything() -> Any:
    """Erase everything that the user wrote, for good; stop running answers first."""
    form = EraseForm()
    if not form.validate_on_submit() or not _confirms_password(form.own_password):
        return _page(form)
    generation().changes.erase_all_of(current_user)
    log_event("erased_everything", current_user)
    # The flash category "erased" makes the page clear the browser's own storage too.
    return _done(_("Everything that you wrote is erased."), "erased")


def _confirms_password(field: Any) -> bool:
    """Return whether `field` holds the user's password, else add an error to it; raises rate_limited."""
    right = check(current_user.username, field.data)[0] is not None
    if not right:
        field.errors = [_("This is not your password.")]
    return right


def _close_others() -> int:
    """Close the user's other sessions and their event streams; return how many there were."""
    others = LoginSession.close_others(current_user, current_user.session_token)
    generation().streams.revoke(*others)
    return len(others)


def _page(sent: FlaskForm | None = None) -> Any:
    """Render the account page; `sent` is the form with errors, if one was submitted."""
    kinds = {"name": NameForm, "password": PasswordForm, "erase": EraseForm}
    forms = {
        name: sent if isinstance(sent, kind) else kind(formdata=None, obj=current_user) for name, kind in kinds.items()
    }
    sessions = LoginSession.all_of(current_user)
    return render_template(
        "accounts/account.html",
        forms=forms,
        sessions=sessions,
        device_name=device_name,
        has_tokens=bool(AccessToken.all_of(current_user)),
    ), 422 if sent else 200


def _done(sentence: str, kind: str = "success") -> Any:
    flash(sentence, kind)
    return redirect(url_for("accounts.profile"))


def device_name(user_agent: str) -> str:
    """Return the browser's and the system's name, such as "Firefox, Linux"; "" if neither is known."""
    return ", ".join(filter(None, (_first(BROWSERS, user_agent), _first(SYSTEMS, user_agent))))


def _first(kinds: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, pattern in kinds if re.search(pattern, user_agent)), "")


# Prompts


@blueprint.route("/settings/prompts", methods=["GET", "POST"])
def prompts() -> Any:
    """List the user's prompts and the shared ones; POST creates one."""
    form = PromptForm()
    if form.validate_on_submit():
        Prompt().change(current_user, form.name.data, form.content.data, shared=form.shared.data)
        flash(_("The prompt “%(name)s” is saved.", name=form.name.data), "success")
        return redirect(url_for("accounts.prompts"))
    rows = Prompt.visible_to(current_user)
    return render_template("accounts/prompts.html", form=form, rows=rows), 422 if form.errors else 200


@blueprint.route("/settings/prompts/<int:prompt_id>", methods=["GET", "POST"])
def edit_prompt(prompt_id: int) -> Any:
    """Edit a prompt."""
    prompt = Prompt.editable_by(current_user, prompt_id)
    form = PromptForm(obj=prompt)
    if form.validate_on_submit():
        prompt.change(current_user, form.name.data, form.content.data, shared=form.shared.data)
        flash(_("The prompt “%(name)s” is saved.", name=prompt.name), "success")
        return redirect(url_for("accounts.prompts"))
    return render_template("accounts/prompt.html", form=form, prompt=prompt), 422 if form.errors else 200


@blueprint.post("/settings/prompts/<int:prompt_id>/delete")
def delete_prompt(prompt_id: int) -> Any:
    """Delete a prompt."""
    prompt = found_or_ended(Prompt.editable_by, prompt_id)
    if prompt:
        prompt.delete()
        flash(_("The prompt “%(name)s” is deleted.", name=prompt.name), "success")
    return redirect(url_for("accounts.prompts"))

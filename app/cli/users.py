"""`flask users`: create and close accounts, reset passwords, name administrators."""

import sys

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import User
from app.models.names import RefusedNameError, check_username, check_visible
from app.models.passwords import MAX_PASSWORD, MIN_PASSWORD, is_guessable, made_up
from app.security import log_event

MADE_UP_UNLESS_GIVEN = (
    "Made up and printed once when left out. - reads it from standard input: what stands here, others see in `ps`."
)

users = AppGroup("users", help="Accounts: list, create, close, promote, reset a password.")


def _named(username: str) -> User:
    """Return the user of that name; raises ClickException."""
    user = User.named(username)
    if user is None:
        raise click.ClickException(_("No account is called %(name)s.", name=username))
    return user


def _password(password: str, *names: str) -> str:
    """Return `password`, a random one if it is empty, the next line of standard input if it is "-".

    Raises ClickException if it is too short or easily guessed.
    """
    if not password:
        return made_up()
    if password == "-":  # noqa: S105 - it stands for standard input
        password = sys.stdin.readline().rstrip("\r\n")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise click.ClickException(_("%(min)d characters at least. A short sentence is fine.", min=MIN_PASSWORD))
    if is_guessable(password, current_app.config["PRODUCT_NAME"], *names):
        raise click.ClickException(_("This is one of the first passwords that somebody would try."))
    return password


def _check_names(username: str, display_name: str) -> None:
    """Raise ClickException for a name that cannot be taken; administrators may give reserved ones."""
    try:
        check_username(username)
        check_visible(display_name)
    except RefusedNameError as fault:
        raise click.ClickException(str(fault.sentence)) from None
    if len(display_name.strip()) > 80:
        raise click.ClickException(_("80 characters at most."))
    if User.looks_like(username):
        raise click.ClickException(_("This name looks like that of another account: choose another one."))


@users.command("list")
def list_users() -> None:
    """List all accounts."""
    for user in User.everyone():
        role = _("administrator") if user.is_admin else _("member")
        state = "\t" + _("account closed") if user.is_closed else ""
        click.echo(f"{user.username}\t{user.display_name}\t{role}\t{user.created_at:%Y-%m-%d}{state}")


@users.command("create")
@click.argument("username")
@click.option("--display-name", default="", help="Name shown; the username when left out.")
@click.option("--password", default="", help=MADE_UP_UNLESS_GIVEN)
@click.option("--admin", is_flag=True, help="Make an administrator.")
def create_user(username: str, display_name: str, password: str, admin: bool) -> None:
    """Create an account."""
    shown = display_name or username
    _check_names(username, shown)
    chosen = _password(password, username, shown)
    try:
        user = User.create(username, shown, chosen, is_admin=admin or None)
    except IntegrityError:
        raise click.ClickException(_("This username is taken.")) from None
    log_event("registered", user, admin=user.is_admin)
    click.echo(_("Account %(name)s created.", name=username.strip()))
    if not password:
        click.echo(_("Password, shown this once: %(password)s", password=chosen))


@users.command("promote")
@click.argument("username")
def promote(username: str) -> None:
    """Make a person an administrator."""
    user = _named(username)
    user.is_admin = True
    db.session.commit()
    log_event("promoted", user)
    click.echo(_("%(name)s is now an administrator.", name=username))


@users.command("demote")
@click.argument("username")
def demote(username: str) -> None:
    """Make an administrator a member."""
    user = _named(username)
    user.is_admin = False
    db.session.commit()
    log_event("demoted", user)
    click.echo(_("%(name)s is no longer an administrator.", name=username))


@users.command("close")
@click.argument("username")
def close(username: str) -> None:
    """Let a person in no more: end their sessions and revoke their tokens. reset-password opens the account again."""
    user = _named(username)
    user.close()
    db.session.commit()
    log_event("closed", user)
    click.echo(_("The account %(name)s is closed: its sessions are ended and its tokens revoked.", name=user.username))


@users.command("reset-password")
@click.argument("username")
@click.option("--password", default="", help=MADE_UP_UNLESS_GIVEN)
def reset_password(username: str, password: str) -> None:
    """Give a new password, end the person's sessions and revoke their tokens; opens a closed account."""
    user = _named(username)
    chosen = _password(password, user.username, user.display_name)
    user.set_password(chosen)
    user.shut_out()
    db.session.commit()
    log_event("password_reset", user)
    click.echo(
        _("The password of %(name)s is changed, their sessions are closed and tokens revoked.", name=user.username)
    )
    if not password:
        click.echo(_("Password, shown this once: %(password)s", password=chosen))

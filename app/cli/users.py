"""`flask users`: create, suspend and close accounts, give roles, reset passwords."""

import socket
import sys

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.cli.output import AppCommand
from app.instance import server_lock
from app.models import AccountRole, AccountState, Invitation, PasswordLink, User
from app.models.names import RefusedNameError, check_username, check_visible, normalized
from app.models.passwords import MAX_PASSWORD, MIN_PASSWORD, is_guessable, made_up
from app.models.users import ROLE_NAMES, STATE_NAMES
from app.security import log_event
from app.web import generation

MADE_UP_UNLESS_GIVEN = (
    "Made up and printed once when left out. - reads it from standard input: what stands here, others see in `ps`."
)

users = AppGroup("users", help="Accounts: list, create, suspend, close, give a role, reset a password.")


def _named(username: str) -> User:
    """Return the user of that name; raises ClickException."""
    user = User.named(username)
    if user is None or user.is_erased:
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
    """List all accounts: name, displayed name, role, state, day of creation and of last use."""
    for user in User.everyone():
        role, state = ROLE_NAMES[AccountRole(user.role)], STATE_NAMES[AccountState(user.state)]
        seen = user.last_seen_on or "–"
        click.echo(f"{user.username}\t{user.display_name}\t{role}\t{state}\t{user.created_at:%Y-%m-%d}\t{seen}")


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
        user = User.create(username, shown, chosen, role=AccountRole.ADMINISTRATOR if admin else AccountRole.EMPLOYEE)
    except IntegrityError:
        raise click.ClickException(_("This username is taken.")) from None
    log_event("registered", user, admin=user.is_admin)
    click.echo(_("Account %(name)s created.", name=username.strip()))
    if not password:
        click.echo(_("Password, shown this once: %(password)s", password=chosen))


@users.command("promote", cls=AppCommand)
@click.argument("username")
def promote(username: str) -> None:
    """Make a person an administrator."""
    _give_role(username, AccountRole.ADMINISTRATOR)
    click.echo(_("%(name)s is now an administrator.", name=username))


@users.command("demote", cls=AppCommand)
@click.argument("username")
def demote(username: str) -> None:
    """Make an administrator a member; refused for the last one who is active."""
    _give_role(username, AccountRole.EMPLOYEE)
    click.echo(_("%(name)s is no longer an administrator.", name=username))


@users.command("role", cls=AppCommand)
@click.argument("username")
@click.argument("role", type=click.Choice([str(role) for role in AccountRole]))
def give_role(username: str, role: str) -> None:
    """Give a role; refused for the last active administrator."""
    _give_role(username, AccountRole(role))
    click.echo(_("The role of %(name)s: %(role)s.", name=username, role=ROLE_NAMES[AccountRole(role)]))


def _give_role(username: str, role: AccountRole) -> None:
    user = _named(username)
    user.change(role=role)
    log_event("role_given", user, role=role)


@users.command("suspend", cls=AppCommand)
@click.argument("username")
def suspend(username: str) -> None:
    """Keep a person out until `restore`: end their sessions and revoke their tokens."""
    user = _named(username)
    user.change(state=AccountState.SUSPENDED)
    log_event("suspended", user)
    click.echo(
        _("The account %(name)s is suspended: its sessions are ended and its tokens revoked.", name=user.username)
    )


@users.command("restore", cls=AppCommand)
@click.argument("username")
def restore(username: str) -> None:
    """Let a person in who waits for approval, was suspended or left; who left needs a new password too: see `link`."""
    user = _named(username)
    user.change(state=AccountState.ACTIVE)
    log_event("restored", user)
    click.echo(_("The account %(name)s is active.", name=user.username))


@users.command("invite", cls=AppCommand)
@click.option("--uses", default=1, show_default=True, help="How many people may register by it.")
@click.option("--days", default=7, show_default=True, help="Days until it ends.")
def invite(uses: int, days: int) -> None:
    """Make an invitation to register."""
    secret = Invitation.make(uses, days)
    log_event("invitation_made", None, uses=uses, days=days)
    click.echo(_("Invitation, shown this once: %(address)s", address=_address(f"invitation/{secret}")))


@users.command("link", cls=AppCommand)
@click.argument("username")
def password_link(username: str) -> None:
    """Make a link by which a person sets a new password: for one use, within 24 hours."""
    user = _named(username)
    if user.has_left:
        raise click.ClickException(_("This account is closed: restore it first."))
    secret = PasswordLink.make(user)
    log_event("password_link_made", user)
    click.echo(_("Link to set a password, shown this once: %(address)s", address=_address(f"password/{secret}")))


def _address(path: str) -> str:
    """Return an address of this server by the machine's name, which people may know by another one."""
    return f"http://{socket.gethostname()}:{current_app.config['PORT']}/{path}"


@users.command("erase", cls=AppCommand)
@click.argument("username")
@click.option(
    "--name", "typed", prompt=_l("The username once more, to erase everything"), help="The username once more."
)
def erase(username: str, typed: str) -> None:
    """Erase a person with all that they wrote; only while the server is stopped, as it keeps texts in memory."""
    user = _named(username)
    if normalized(typed) != user.username_key:
        raise click.ClickException(_("This is not the username: nothing was erased."))
    lock = server_lock(current_app.config)
    if not lock.take():
        raise click.ClickException(_("The server is running: erase on its page « Utilisateurs », or stop it first."))
    try:
        user.change(state=AccountState.LEFT, role=AccountRole.EMPLOYEE)
        generation().changes.erase_all_of(user)
        log_event("erased", user)
        user.forget()
    finally:
        lock.release()
    click.echo(_("%(name)s is erased, with everything they wrote.", name=username))


@users.command("close", cls=AppCommand)
@click.argument("username")
def close(username: str) -> None:
    """Let a person in no more: end their sessions and revoke their tokens. reset-password opens the account again."""
    user = _named(username)
    user.change(state=AccountState.LEFT)
    log_event("closed", user)
    click.echo(_("The account %(name)s is closed: its sessions are ended and its tokens revoked.", name=user.username))


@users.command("reset-password")
@click.argument("username")
@click.option("--password", default="", help=MADE_UP_UNLESS_GIVEN)
def reset_password(username: str, password: str) -> None:
    """Give a new password, end the person's sessions and revoke their tokens; opens a closed account."""
    user = _named(username)
    chosen = _password(password, user.username, user.display_name)
    user.reset(chosen)
    log_event("password_reset", user)
    click.echo(
        _("The password of %(name)s is changed, their sessions are closed and tokens revoked.", name=user.username)
    )
    if not password:
        click.echo(_("Password, shown this once: %(password)s", password=chosen))

"""The forms of the account and settings pages, with the validation of their fields."""

import secrets
from collections.abc import Callable
from typing import Any

from flask import current_app, request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, RadioField, StringField, SubmitField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from app.errors import AppError
from app.models import User
from app.models.names import RefusedNameError, check_not_reserved, check_username, check_visible
from app.models.passwords import MAX_PASSWORD, MIN_PASSWORD, is_guessable, typed
from app.models.prompts import MAX_PROMPT_LENGTH, MAX_PROMPT_NAME
from app.models.users import MAX_PERSONAL_INSTRUCTIONS
from app.security import current_user, first_account_code
from app.web import plain_text


def no_control_characters(_form: Any, field: Any) -> None:
    """Refuse unprintable characters: line ends, NULs, lone surrogates, direction marks."""
    if not (field.data or "").isprintable():
        raise ValidationError(_l("Use visible characters only."))


def that(check: Callable[[str], None]) -> Callable[[Any, Any], None]:
    """Return a validator from a check of names, which raises RefusedNameError."""

    def validate(_form: Any, field: Any) -> None:
        if field.errors:
            return
        try:
            check(field.data or "")
        except RefusedNameError as fault:
            raise ValidationError(fault.sentence) from None

    return validate


def not_reserved(name: str) -> None:
    """Raise RefusedNameError for a name that is the administrator's, unless it is for an administrator."""
    if User.exists() and not (current_user.is_authenticated and current_user.is_admin):
        check_not_reserved(name, current_app.config["PRODUCT_NAME"])


def looks_new(name: str) -> None:
    """Raise RefusedNameError for a username that looks like another one; a taken one is found when it is stored."""
    if User.looks_like(name):
        raise RefusedNameError(_l("This name looks like that of another account: choose another one."))


def hard_to_guess(form: Any, field: Any) -> None:
    """Refuse a new password that is common, or made of the person's or the product's name."""
    # WTForms goes on after an error: the longest passwords would take the longest.
    if field.errors:
        return
    known: Any = form if "username" in form else getattr(form, "account", current_user)
    names = (getattr(known.username, "data", known.username), getattr(known.display_name, "data", known.display_name))
    if is_guessable(field.data, current_app.config["PRODUCT_NAME"], *filter(None, names)):
        raise ValidationError(GUESSABLE)


def right_code(_form: Any, field: Any) -> None:
    """Refuse another code than that of the first account."""
    if not secrets.compare_digest(field.data.strip().casefold().encode(), first_account_code().encode()):
        raise ValidationError(_l("This is not the code that the server printed at its last start."))


def another(form: Any, field: Any) -> None:
    """Refuse the current password as the new one."""
    if field.data == in_typed_form(form.current.data):
        raise ValidationError(_l("This is your current password."))


def in_typed_form(text: str | None) -> str:
    """Return a password in the form that is hashed: its length and its repetition are compared in that form."""
    return typed(text or "")


GUESSABLE = _l(
    "This is one of the first passwords that somebody would try. Take several words that have nothing to do with each "
    "other, nor with your name."
)
# Characters, before any filter or validator looks at them.
LONGEST_FIELD = 20_000
REQUIRED = InputRequired(_l("Fill in this field."))
# The same for texts, which are not spaces only.
FILLED = DataRequired(_l("Fill in this field."))
SAME_PASSWORD = EqualTo("password", _l("The two passwords are not the same."))


class Form(FlaskForm):  # type: ignore[misc]
    """The base of all forms: reads what a page's form sends, and no JSON and no files, whose values are no texts."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """How the form is read."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Return the submitted fields; None if nothing was submitted, or `formdata` is None. Raises too_large."""
            if formdata is None or not form.is_submitted():
                return None
            if any(len(value) > LONGEST_FIELD for _name, value in request.form.items(multi=True)):
                raise AppError("too_large", limit=LONGEST_FIELD)
            return request.form


class LoginForm(Form):
    """The log-in form."""

    username = StringField(_l("Username"), [REQUIRED, Length(max=64)])
    password = PasswordField(_l("Password"), [REQUIRED, Length(max=MAX_PASSWORD)])
    remember = BooleanField(_l("Stay signed in on this computer"))
    submit = SubmitField(_l("Sign in"))


LONG_ENOUGH = Length(
    min=MIN_PASSWORD, max=MAX_PASSWORD, message=_l("%(min)d characters at least. A short sentence is fine.")
)
NEW_PASSWORD = (REQUIRED, LONG_ENOUGH, hard_to_guess)
DISPLAY_NAME = [
    FILLED,
    Length(max=80, message=_l("80 characters at most.")),
    that(check_visible),
    that(not_reserved),
]


class RegisterForm(Form):
    """The registration form."""

    username = StringField(
        _l("Username"),
        [FILLED, that(check_username), that(not_reserved), that(looks_new)],
    )
    display_name = StringField(_l("Displayed name"), DISPLAY_NAME)
    # Of the first account only, which is the administrator's.
    code = StringField(_l("Code of the first account"), [REQUIRED, Length(max=64), right_code])
    password = PasswordField(_l("Password"), NEW_PASSWORD, filters=[in_typed_form])
    confirm = PasswordField(_l("Confirm the password"), [REQUIRED, SAME_PASSWORD], filters=[in_typed_form])
    submit = SubmitField(_l("Create an account"))


class NameForm(Form):
    """The form for the displayed name."""

    display_name = StringField(_l("Displayed name"), DISPLAY_NAME)


class PasswordForm(Form):
    """The form for a new password; asks for the current one."""

    current = PasswordField(_l("Current password"), [REQUIRED, Length(max=MAX_PASSWORD)])
    password = PasswordField(_l("New password"), [*NEW_PASSWORD, another], filters=[in_typed_form])
    confirm = PasswordField(_l("Confirm the new password"), [REQUIRED, SAME_PASSWORD], filters=[in_typed_form])
    revoke_tokens = BooleanField(_l("Revoke my personal tokens too"), default=True)


class NewPasswordForm(Form):
    """The form for a password of somebody who is not signed in."""

    password = PasswordField(_l("New password"), NEW_PASSWORD, filters=[in_typed_form])
    confirm = PasswordField(_l("Confirm the new password"), [REQUIRED, SAME_PASSWORD], filters=[in_typed_form])

    def __init__(self, user: User) -> None:
        super().__init__()
        self.account = user


class EraseForm(Form):
    """The form that erases everything that the user wrote; asks for the password."""

    own_password = PasswordField(_l("Your password, to confirm"), [REQUIRED, Length(max=MAX_PASSWORD)])


class TokenForm(Form):
    """The form for a new API token; asks for the password, but not those who have just signed in."""

    name = StringField(
        _l("Name of the new token"),
        [FILLED, Length(max=60, message=_l("60 characters at most.")), no_control_characters],
    )
    own_password = PasswordField(_l("Your password, to confirm"), [REQUIRED, Length(max=MAX_PASSWORD)])


class WritingForm(Form):
    """The form for the user's instructions and the key that sends."""

    instructions = TextAreaField(
        _l("About me, and how to answer me"),
        [Length(max=MAX_PERSONAL_INSTRUCTIONS, message=_l("%(max)d characters at most."))],
        filters=[plain_text],
    )
    send_key = RadioField(
        _l("To send a question"),
        choices=[
            SelectChoice("enter", _l("Enter sends, Shift Enter breaks the line")),
            SelectChoice("ctrl-enter", _l("Ctrl Enter sends, Enter breaks the line")),
        ],
    )


class PromptForm(Form):
    """The form for a prompt, private or shared."""

    name = StringField(
        _l("Name"),
        [FILLED, Length(max=MAX_PROMPT_NAME, message=_l("%(max)d characters at most.")), no_control_characters],
        filters=[plain_text],
    )
    content = TextAreaField(
        _l("Text"),
        [FILLED, Length(max=MAX_PROMPT_LENGTH, message=_l("%(max)d characters at most."))],
        filters=[plain_text],
    )
    shared = BooleanField(_l("For everyone"))

"""The settings page of prompts: one's own, and for an administrator those that everyone sees."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from app.auth.forms import PromptForm
from app.auth.views import blueprint
from app.ended import found_or_ended
from app.guards import current_user, member
from app.models import Prompt


@blueprint.get("/settings/prompts")
@blueprint.post("/settings/prompts")
@member
def prompts() -> Any:
    """One's prompts and everyone's; POST makes one."""
    form = PromptForm()
    if form.validate_on_submit():
        made = Prompt.make(current_user, form.name.data, form.content.data, shared=form.shared.data)
        flash(_("The prompt “%(name)s” is saved.", name=made.name), "success")
        return redirect(url_for("auth.prompts"))
    found = Prompt.visible_to(current_user)
    rows = [{"row": prompt, "editable": prompt.can_be_changed_by(current_user)} for prompt in found]
    return render_template("auth/prompts.html", form=form, rows=rows), 422 if form.errors else 200


@blueprint.get("/settings/prompts/<int:prompt_id>")
@blueprint.post("/settings/prompts/<int:prompt_id>")
@member
def edit_prompt(prompt_id: int) -> Any:
    """One prompt in its form; POST changes it."""
    prompt = Prompt.editable_by(current_user, prompt_id)
    form = PromptForm(obj=prompt)
    if form.validate_on_submit():
        prompt.change(current_user, form.name.data, form.content.data, shared=form.shared.data)
        flash(_("The prompt “%(name)s” is saved.", name=prompt.name), "success")
        return redirect(url_for("auth.prompts"))
    return render_template("auth/prompt.html", form=form, prompt=prompt), 422 if form.errors else 200


@blueprint.post("/settings/prompts/<int:prompt_id>/delete")
@member
def delete_prompt(prompt_id: int) -> Any:
    """Delete one."""
    prompt = found_or_ended(lambda: Prompt.editable_by(current_user, prompt_id))
    if prompt:
        prompt.delete()
        flash(_("The prompt “%(name)s” is deleted.", name=prompt.name), "success")
    return redirect(url_for("auth.prompts"))

"""The page of one's own files: how large they are, where they are used, and their deletion."""

from typing import Any

from flask import current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from app.documents import blueprint
from app.documents.api import erase_unused
from app.errors import sentence
from app.models import File, conversations, file_erasure
from app.security import current_user
from app.web import found_or_ended


@blueprint.get("/settings/files")
def show_files() -> str:
    """List the user's files, the newest first."""
    rows = File.all_of(current_user)
    return render_template(
        "documents/files.html",
        rows=rows,
        used_in=conversations.asked_with([row.id for row in rows]),
        used=sum(row.size for row in rows),
        limit=current_app.config["FILES_MB"] * 1_000_000,
        kept_for=file_erasure.UNUSED_FOR,
        sentence=sentence,
    )


@blueprint.post("/settings/files/<string:file_id>/delete")
def delete_file(file_id: str) -> Any:
    """Erase a file with which no question was asked."""
    file = found_or_ended(File.own, file_id)
    if file:
        if erase_unused(file):
            flash(_("“%(name)s” is erased.", name=file.name), "success")
        else:
            flash(_("“%(name)s” belongs to a conversation, and is erased with it.", name=file.name), "info")
    return redirect(url_for("documents.show_files"))

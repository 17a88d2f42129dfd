"""Libraries: the administrator's pages to make, fill, read again and remove them; which ones everybody can ask."""

from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.documents import blueprint
from app.documents.api import extractor, take
from app.errors import AppError, sentence
from app.extraction.reader import is_installed
from app.models import File, FileState, Library, User, file_erasure
from app.models.libraries import LONGEST_DESCRIPTION, LONGEST_NAME
from app.security import admin_required, current_user
from app.web import found_or_ended, one_line


@blueprint.get("/api/libraries")
def libraries() -> Response:
    """List the libraries that the user can ask, with how many documents and pages of them are read."""
    contents = File.by_library()
    rows = []
    for library in Library.all_for(current_user):
        inside = contents[library.id]
        about = {"id": library.id, "name": library.name, "description": library.description}
        rows.append(about | {"documents": inside.ready, "pages": inside.pages})
    return jsonify({"libraries": rows})


@blueprint.get("/admin/libraries")
@admin_required
def show_libraries() -> str:
    """List the libraries, and ask for a new one."""
    return render_template(
        "documents/libraries.html",
        rows=Library.all_for(current_user),
        contents=File.by_library(),
        longest={"name": LONGEST_NAME, "description": LONGEST_DESCRIPTION},
    )


@blueprint.post("/admin/libraries")
@admin_required
def make_library() -> Any:
    """Make a library, and go to its page."""
    try:
        library = Library.create(*_asked(), created_by=current_user.id)
    except AppError as error:
        flash(sentence(error.code, error.params), "danger")
        return redirect(url_for("documents.show_libraries"))
    return redirect(url_for("documents.show_library", library_id=library.id))


@blueprint.get("/admin/libraries/<int:library_id>")
@admin_required
def show_library(library_id: int) -> str:
    """Show a library with its documents."""
    library = Library.find(library_id)
    return render_template(
        "documents/library.html",
        library=library,
        installed=is_installed(),
        longest={"name": LONGEST_NAME, "description": LONGEST_DESCRIPTION},
        texts={
            "library_sending": _("Sending {name}: {percent}"),
            "library_sent_one": _("{n} document added"),
            "library_sent_other": _("{n} documents added"),
            "library_refused": _("{name}: {reason}"),
            "error_unreachable": _("The server cannot be reached."),
            "error_unexpected": _("Something went wrong on the server."),
        },
        **_documents(library),
    )


@blueprint.post("/admin/libraries/<int:library_id>")
@admin_required
def change_library(library_id: int) -> Any:
    """Change a library's name and description."""
    library = Library.find(library_id)
    try:
        library.change(*_asked())
    except AppError as error:
        flash(sentence(error.code, error.params), "danger")
    else:
        flash(_("Saved."), "success")
    return redirect(url_for("documents.show_library", library_id=library_id))


@blueprint.post("/admin/libraries/<int:library_id>/delete")
@admin_required
def delete_library(library_id: int) -> Any:
    """Delete a library with its documents."""
    library = found_or_ended(lambda _user, key: Library.find(key), library_id)
    if library:
        files = file_erasure.remove_library(library)
        for file_id in files:
            extractor().forget(file_id)
        flash(_("The library “%(name)s” is erased.", name=library.name), "success")
    return redirect(url_for("documents.show_libraries"))


@blueprint.get("/admin/libraries/<int:library_id>/documents")
@admin_required
def follow_library(library_id: int) -> Response:
    """Return the documents of a library in HTML, and whether some are being read."""
    library = Library.find(library_id)
    shown = _documents(library)
    html = render_template("documents/_library.html", library=library, **shown)
    return jsonify({"html": html, "reading": shown["inside"].reading > 0})


@blueprint.post("/api/libraries/<int:library_id>/files")
@admin_required
def add_to_library(library_id: int) -> tuple[Response, int]:
    """Take a file into a library and have it read; the same bytes under the same name are not read again.

    Raises documents_not_installed, not_found, file_too_large, files_busy, storage_full.
    """
    if not is_installed():
        raise AppError("documents_not_installed")
    library, person = Library.find(library_id).id, current_user.id
    return take(0, lambda name, arrival: File.take(person, name, arrival, 0, library_id=library))


@blueprint.post("/admin/libraries/documents/<string:file_id>/read")
@admin_required
def read_again(file_id: str) -> Any:
    """Have a document read and indexed again."""
    file = File.shared(file_id)
    if file.begin_reading():
        extractor().add(file.whose, file.id)
    return redirect(url_for("documents.show_library", library_id=file.library_id))


@blueprint.post("/admin/libraries/documents/<string:file_id>/delete")
@admin_required
def remove_from_library(file_id: str) -> Any:
    """Remove a document from its library."""
    file = found_or_ended(lambda _user, key: File.shared(key), file_id)
    if file is None:
        return redirect(url_for("documents.show_libraries"))
    file_erasure.mark(File.id == file.id)
    extractor().forget(file.id)
    flash(_("“%(name)s” is erased.", name=file.name), "success")
    return redirect(url_for("documents.show_library", library_id=file.library_id))


def _asked() -> tuple[str, str]:
    """Return the name and the description in the form; raises missing_field, too_large."""
    name, description = (one_line(request.form.get(field, "")) for field in ("name", "description"))
    if not name:
        raise AppError("missing_field", field=_("Name"))
    for text, limit in ((name, LONGEST_NAME), (description, LONGEST_DESCRIPTION)):
        if len(text) > limit:
            raise AppError("too_large", limit=limit)
    return name, description


def _documents(library: Library) -> dict[str, Any]:
    """Return what `documents/_library.html` shows: the documents, who added them, and how far they are read."""
    files = File.all_in(library.id)
    reading = [file.id for file in files if file.state == FileState.EXTRACTING]
    return {
        "files": files,
        "inside": File.by_library()[library.id],
        "people": {person.id: person.display_name or person.username for person in User.everyone()},
        "progress": {file_id: extractor().progress(file_id) for file_id in reading},
        "sentence": sentence,
    }

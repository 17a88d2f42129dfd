"""Serve the export of one or all conversations, the import of files, and the page for both."""

from typing import Any

from flask import Response, current_app, jsonify, render_template, request, send_file
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from app.chat import blueprint, export, imports
from app.errors import AppError
from app.models import Conversation, copies
from app.security import current_user, login_required

# Largest file to import, in megabytes: it is read into the memory that the models need too.
LARGEST_MB = 32


@blueprint.url_value_preprocessor
def _let_files_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow larger bodies for the import, before anything reads the body. Raises import_too_large."""
    if endpoint == "chat.import_file":
        request.max_content_length = int(LARGEST_MB * 1_000_000)
        if (request.content_length or 0) > request.max_content_length:
            raise AppError("import_too_large", limit=LARGEST_MB)


@blueprint.get("/transfer")
@login_required
def show_transfer() -> str:
    """Show the page for export and import."""
    texts = {
        "import_done_one": _("{n} conversation imported."),
        "import_done_other": _("{n} conversations imported."),
        "import_reading": _("Reading the file…"),
        "error_unreachable": _("The server cannot be reached. Nothing was imported."),
        "error_unexpected": _("Something went wrong on the server. Nothing was imported."),
    }
    return render_template("chat/transfer.html", largest=LARGEST_MB, texts=texts)


@blueprint.get("/export")
@login_required
def export_all() -> Response:
    """Export all of the user's conversations; `format` is json, markdown or html."""
    name, file = export.export_many(copies.export_conversations(current_user), _format())
    return send_file(file, download_name=name, as_attachment=True)


@blueprint.get("/c/<string:conversation_id>/export")
@login_required
def export_one(conversation_id: str) -> Response:
    """Export one conversation; `format` is json, markdown or html."""
    conversation, kind = Conversation.of(current_user, conversation_id), _format()
    for copy in copies.export_conversations(current_user, conversation):
        name, content = export.export_one(copy, kind)
        response = Response(content, mimetype=export.MIMETYPES[kind])
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response
    raise AppError("not_found")


@blueprint.post("/import")
@login_required
def import_file() -> tuple[Response, int]:
    """Import all conversations of the file in the request's body, or none if one is damaged."""
    try:
        file = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise AppError("import_too_large", limit=LARGEST_MB) from None
    found = imports.read_file(file, current_app.config["PRODUCT_NAME"])
    copies.import_conversations(current_user, found)
    return jsonify({"conversations": len(found), "messages": sum(len(each.messages) for each in found)}), 201


def _format() -> str:
    kind = request.args.get("format", "json")
    if kind not in export.ENDINGS:
        raise AppError("invalid_field", field="format")
    return kind

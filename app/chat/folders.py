"""`/api/folders`: a person's own drawers for conversations."""

from flask import Response, jsonify

from app.chat import blueprint
from app.chat.listed import folder_json
from app.chat.schemas import folder_name
from app.guards import current_user, member
from app.models import Folder


@blueprint.get("/api/folders")
@member
def list_folders() -> Response:
    """One's own folders by name."""
    return jsonify({"folders": [folder_json(folder) for folder in Folder.all_of(current_user)]})


@blueprint.post("/api/folders")
@member
def make_folder() -> tuple[Response, int]:
    """A new empty folder. Raises name_taken, too_many_folders."""
    return jsonify(folder_json(Folder.make(current_user, folder_name()))), 201


@blueprint.patch("/api/folders/<int:folder_id>")
@member
def rename_folder(folder_id: int) -> Response:
    """Another name. Raises name_taken."""
    folder = Folder.of(current_user, folder_id)
    folder.rename(folder_name())
    return jsonify(folder_json(folder))


@blueprint.delete("/api/folders/<int:folder_id>")
@member
def delete_folder(folder_id: int) -> tuple[str, int]:
    """Take it away; its conversations stay."""
    Folder.of(current_user, folder_id).delete()
    return "", 204

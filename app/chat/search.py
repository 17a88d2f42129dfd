"""`/api/search`: one's own conversations by their words, and where in them the words are."""

from typing import Any

from flask import Response, jsonify, request
from flask_babel import gettext as _

from app.chat import blueprint
from app.chat.excerpts import excerpt, parts, pattern
from app.chat.search_terms import read
from app.guards import current_user, member
from app.models import search
from app.models.base import iso


@blueprint.get("/api/search")
@member
def find() -> Response:
    """What `q` finds; without words and filters, the latest conversations."""
    wanted, unclear = read(current_user, request.args.get("q", ""))
    found = pattern(wanted.terms)
    note = _("“%(filter)s” is no date: write 2026-11-23 or 23/11/2026.", filter=unclear[0][:40]) if unclear else None
    return jsonify({"results": [_result(hit, found) for hit in search.find(current_user, wanted)], "note": note})


def _result(hit: search.Hit, found: Any) -> dict[str, Any]:
    conversation, message = hit.conversation, hit.message
    url = f"/c/{conversation.id}"
    return {
        "id": conversation.id,
        "url": url if hit.titled or message is None else f"{url}?message={message.id}",
        "title": parts(conversation.title, found),
        "excerpt": excerpt(message.content, found) if message else [],
        "at": iso(message.created_at if message and not hit.titled else conversation.updated_at),
        "archived": conversation.archived,
    }

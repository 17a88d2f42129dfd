"""What people think of answers: good or bad, and why."""

from flask import Response, jsonify

from app.chat import blueprint
from app.chat.schemas import Opinion
from app.generation.serializers import rating_json
from app.guards import current_user, member
from app.models import Message, Rating


@blueprint.put("/api/messages/<int:message_id>/rating")
@member
def rate(message_id: int) -> Response:
    """Call an answer good or bad, with a reason if there is one."""
    answer = Message.answer_of(current_user, message_id)
    opinion = Opinion.read()
    return jsonify(rating_json(Rating.give(answer, good=opinion.good, reason=opinion.reason)))


@blueprint.delete("/api/messages/<int:message_id>/rating")
@member
def take_rating_back(message_id: int) -> tuple[str, int]:
    """Say nothing about an answer any more."""
    Rating.take_back(Message.answer_of(current_user, message_id))
    return "", 204

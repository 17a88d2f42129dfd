"""The pages of the chat: a conversation, the trash and the archive; what they and programs read of models and queue."""

from typing import Any

from flask import Response, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import database
from app.chat import blueprint
from app.chat.conversations import MAX_CONVERSATION_INSTRUCTIONS, branch_json, sidebar, sidebar_item, suggestions
from app.engines.catalogue import image_tokens
from app.engines.tokens import estimated_tokens
from app.errors import AppError
from app.extraction.reader import is_installed
from app.generation.prompt import system_text
from app.generation.serializers import engine_json
from app.js_messages import js_messages
from app.lab.presentation import display
from app.models import Conversation, File, Library, User, conversations, trash
from app.models.lab import LabLabel
from app.models.model_choice import usable_presets
from app.security import current_user, public
from app.web import found_or_ended, generation

# More are found behind the /.
OFFERED_LIBRARIES = 6


def _page(conversation: Conversation | None) -> str:
    return render_template(
        "chat/page.html",
        page="chat",
        conversation=sidebar_item(conversation) if conversation else None,
        messages=branch_json(conversation) if conversation else [],
        sidebar=sidebar(conversation),
        libraries=_libraries(),
        models=models_json(),
        status=status_json(),
        texts=js_messages(),
    )


def _libraries() -> list[Library]:
    """Return the libraries in which something can be found; the empty page offers the first of them."""
    contents = File.by_library()
    filled = [library for library in Library.all_for(current_user) if contents[library.id].ready]
    return filled[:OFFERED_LIBRARIES]


@blueprint.get("/")
def home() -> str:
    """Show the empty page for a new conversation."""
    return _page(None)


@blueprint.get("/c/<string:conversation_id>")
def conversation(conversation_id: str) -> str:
    """Show one of the user's conversations."""
    return _page(Conversation.of(current_user, conversation_id))


@blueprint.app_template_filter("context_tokens")
def context_tokens(model: dict[str, Any] | None) -> int:
    """Return a model's context in tokens; CONTEXT_TOKENS if the engine does not tell it."""
    return int((model or {}).get("context") or current_app.config["CONTEXT_TOKENS"])


@blueprint.context_processor
def composer() -> dict[str, Any]:
    """Give all chat templates what the composer needs."""
    if not current_user.is_authenticated:
        return {}
    system = system_text(current_app.config["SYSTEM_PROMPT"], current_user.instructions, "")
    return {
        "suggestions": suggestions(),
        "presets": usable_presets(model.name for model in generation().registry.models),
        "labels": LabLabel.by_model(),
        "display": display,
        "send_key": current_user.send_key,
        "documents": is_installed(),
        "pictures": generation().registry.sees,
        "system_tokens": estimated_tokens(system),
        "most_instructions": MAX_CONVERSATION_INSTRUCTIONS,
    }


# Models, queue and health


def models_json() -> dict[str, Any]:
    """Return the models, the default one, and a notice if the default that was set is not installed."""
    registry = generation().registry
    default, proven = registry.default(), generation().proven([model.name for model in registry.models])
    notice = None
    if default.effective and not default.installed:
        notice = _(
            "The model %(wanted)s is not installed here: answers come from %(used)s.",
            wanted=default.name,
            used=default.effective,
        )
    return {
        "default": default.name,
        "effective": default.effective,
        "notice": notice,
        "engine": engine_json(registry, default),
        "models": [
            {
                "name": model.name,
                "label": model.label or model.name,
                "description": str(model.description),
                "size_bytes": model.size_bytes,
                "ram_bytes": model.ram_bytes,
                "thinking": model.thinking,
                "loaded": model.name in registry.loaded,
                "context": model.context,
                "document_tokens": generation().document_tokens(model.name),
                "reading_pace": _rounded(generation().estimates.reading_pace(model.name)),
                "proven": model.name in proven,
                "image_tokens": image_tokens(model),
            }
            for model in registry.models
        ],
    }


def status_json() -> dict[str, Any]:
    """Return the state of the queue and the engine.

    `careful`: what regenerating with the « Soigné » model means here, None without presets. `usual_s`: average seconds
    of an answer by the default model, None before its first.
    """
    presets, state = usable_presets(model.name for model in generation().registry.models), generation().status()
    usual = generation().estimates.typical_duration(state["model"]) if state["model"] else None
    extra = {"usual_s": _rounded(usual), "careful": _careful(**presets) if presets else None}
    return state | extra


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 1)


def _careful(quick: str, careful: str) -> dict[str, Any]:
    seconds = generation().estimates.typical_duration(careful)
    return {"quick": quick, "model": careful, "extra_s": None if seconds is None else round(seconds)}


@blueprint.get("/api/models")
def models() -> Response:
    """List the models."""
    return jsonify(models_json())


@blueprint.get("/api/status")
def status() -> Response:
    """Return the state of the queue and the engine."""
    return jsonify(status_json())


@blueprint.get("/healthz")
@public
def live() -> Response:
    """Report that the process is alive."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """Report whether the database is there and the engine answered when last asked; 503 if one of them is not."""
    registry = generation().registry
    found = {"database": database.is_there(), "engine": registry.reachable and bool(registry.models)}
    return jsonify(found), 200 if all(found.values()) else 503


# The trash and the archive


@blueprint.get("/bin")
def show_trash() -> str:
    """Show deleted conversations and until when they are kept."""
    return render_template("chat/trash.html", rows=trash.contents(current_user), kept_for=trash.KEPT_FOR)


@blueprint.post("/bin/<string:conversation_id>/restore")
def restore(conversation_id: str) -> Any:
    """Take a conversation back from the trash."""
    conversation = found_or_ended(trash.get_deleted, conversation_id)
    if conversation:
        conversation.change(deleted_at=None)
        flash(_("“%(title)s” is back in your conversations.", title=conversation.title), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.post("/bin/<string:conversation_id>/erase")
def erase(conversation_id: str) -> Any:
    """Erase a deleted conversation now, for good."""
    conversation = found_or_ended(trash.get_deleted, conversation_id)
    if conversation:
        generation().changes.erase([conversation.id])
        flash(_("“%(title)s” is erased.", title=conversation.title), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.post("/bin/empty")
def empty_trash() -> Any:
    """Erase everything in the trash now, for good."""
    ids = [conversation.id for conversation in trash.contents(current_user, limit=None)]
    generation().changes.erase(ids)
    flash(ngettext("%(num)s conversation is erased.", "%(num)s conversations are erased.", len(ids)), "success")
    return redirect(url_for("chat.show_trash"))


@blueprint.get("/archive")
def show_archive() -> str:
    """Show archived conversations."""
    rows = conversations.archived(current_user, cursor=request.args.get("cursor", ""))
    return render_template(
        "chat/archive.html", rows=rows, next_cursor=conversations.next_cursor(rows), later="cursor" in request.args
    )


@blueprint.post("/archive/<string:conversation_id>/restore")
def unarchive(conversation_id: str) -> Any:
    """Take a conversation back from the archive."""
    conversation = found_or_ended(_archived, conversation_id)
    if conversation:
        conversation.change(archived=False)
        flash(_("“%(title)s” is back in your conversations.", title=conversation.title), "success")
    return redirect(url_for("chat.show_archive"))


def _archived(user: User, conversation_id: str) -> Conversation:
    """Return an archived conversation of the user; raises not_found."""
    conversation = Conversation.of(user, conversation_id)
    if not conversation.archived:
        raise AppError("not_found")
    return conversation

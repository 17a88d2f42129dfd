"""Export conversations (JSON with everything; Markdown and HTML with the visible branch), and import files."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, current_app, jsonify, render_template, request, send_file
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from markupsafe import escape
from werkzeug.exceptions import RequestEntityTooLarge

from app.chat import blueprint
from app.chat.imports import own_format, reader_process
from app.chat.imports.conversation_archive import Found
from app.chat.imports.trees import LeftOut
from app.errors import AppError
from app.extensions import release_connection
from app.formatting import day_and_time
from app.models import Conversation, File, Role, copies
from app.models.base import utcnow
from app.models.copies import ConversationCopy, MessageCopy
from app.models.file_store import file_store
from app.models.word_forms import normalize
from app.security import current_user

# Largest file to import, in megabytes: it is read into the memory that the models need too.
LARGEST_MB = 32
ENDINGS = {"json": "json", "markdown": "md", "html": "html"}
MIMETYPES = {"json": "application/json", "markdown": "text/markdown", "html": "text/html"}
# Bytes; a larger export goes through a temporary file.
IN_MEMORY = 4_000_000
FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)(?:^\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
# Only the browser's own colours, so that the file can be read in any theme.
STYLE = (
    ":root{color-scheme:light dark}"
    "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif}"
    "h2{margin:2rem 0 .25rem;font-size:1rem}time{color:GrayText;font-size:.8rem}"
    ".said{white-space:pre-wrap;overflow-wrap:anywhere}"
    ".user{padding:.5rem 1rem;border:1px solid GrayText;border-radius:1rem}"
    "pre{padding:.75rem;border:1px solid GrayText;border-radius:.5rem;white-space:pre-wrap;overflow-wrap:anywhere}"
)


@blueprint.url_value_preprocessor
def _allow_large_import(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow people who are signed in larger bodies for the import, before anything reads the body.

    Raises import_too_large.
    """
    if endpoint == "chat.import_file" and current_user.is_authenticated:
        request.max_content_length = int(LARGEST_MB * 1_000_000)
        if (request.content_length or 0) > request.max_content_length:
            raise AppError("import_too_large", limit=LARGEST_MB)


@blueprint.get("/transfer")
def show_transfer() -> str:
    """Show the page for export and import."""
    texts = {
        "import_done_one": _("{n} conversation imported."),
        "import_done_other": _("{n} conversations imported."),
        "import_reading": _("Reading the file…"),
        "import_reading_one_of": _("Reading the file {n} of {all}…"),
        "import_left_out": _("Left out, because it cannot be kept here:"),
        "import_of_file": _("{file}: {words}"),
        "error_unreachable": _("The server cannot be reached. Nothing was imported."),
        "error_unexpected": _("Something went wrong on the server. Nothing was imported."),
    }
    return render_template("chat/transfer.html", largest=LARGEST_MB, texts=texts)


@blueprint.get("/export")
def export_all() -> Response:
    """Export all of the user's conversations; `format` is json, markdown or html."""
    kind = _kind()
    store, files = file_store(), [] if kind == "json" else File.all_of(current_user)
    if files:
        store.check_room(sum(file.size for file in files))
    originals = [(file.name, store.path(file.sha256)) for file in files]
    name, file = file_of_all(copies.export_conversations(current_user), kind, originals)
    return send_file(file, download_name=name, as_attachment=True)


@blueprint.get("/c/<string:conversation_id>/export")
def export_one(conversation_id: str) -> Response:
    """Export one conversation; `format` is json, markdown or html."""
    conversation, kind = Conversation.of(current_user, conversation_id), _kind()
    copy = next(copies.export_conversations(current_user, conversation), None)
    if copy is None:
        raise AppError("not_found")
    name, content = file_of(copy, kind)
    response = Response(content, mimetype=MIMETYPES[kind])
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@blueprint.post("/import")
def import_file() -> tuple[Response, int]:
    """Import the conversations of the file in the request's body that can be read; tell what was left out."""
    # A client may send slowly, and reading takes a while.
    release_connection()
    with reader_process.place(current_user.id) as file:
        try:
            shutil.copyfileobj(request.stream, file)
        except RequestEntityTooLarge:
            raise AppError("import_too_large", limit=LARGEST_MB) from None
        with reader_process.reading(file, current_app.config["PRODUCT_NAME"]) as read:
            found = read.found
            made = copies.import_conversations(current_user, read.conversations)
    return jsonify({"conversations": len(made), "messages": found.messages, "left_out": _left_out(found)}), 201


def _left_out(found: Found) -> list[str]:
    """Return a line for each kind of thing that was not imported."""
    said = [_line_of(kind, found.left_out[kind]) for kind in LeftOut if found.left_out[kind]]
    if found.damaged:
        names = ", ".join(_("“%(title)s”", title=title) for title, _part in found.damaged)
        if found.damaged_count > len(found.damaged):
            names += ", …"
        count = found.damaged_count
        said.insert(
            0,
            ngettext(
                "%(num)s conversation that is damaged: %(names)s",
                "%(num)s conversations that are damaged: %(names)s",
                count,
                names=names,
            ),
        )
    return [str(each) for each in said]


def _line_of(kind: LeftOut, count: int) -> str:
    """Return what is left out of one kind, in words; `count` is how many."""
    match kind:
        case LeftOut.EMPTY:
            said = ngettext(
                "%(num)s conversation without a question", "%(num)s conversations without a question", count
            )
        case LeftOut.PICTURES:
            said = ngettext(
                "%(num)s picture: “[image]” stands in its place",
                "%(num)s pictures: “[image]” stands in their place",
                count,
            )
        case LeftOut.RECORDINGS:
            said = ngettext("%(num)s recording", "%(num)s recordings", count)
        case LeftOut.FILES:
            said = ngettext(
                "%(num)s attached file: only its name is kept",
                "%(num)s attached files: only their names are kept",
                count,
            )
        case LeftOut.ORIGINALS:
            said = ngettext(
                "%(num)s attached file: the model keeps what it read of it",
                "%(num)s attached files: the model keeps what it read of them",
                count,
            )
        case LeftOut.TOOL_CALLS:
            said = ngettext("%(num)s call of a tool", "%(num)s calls of tools", count)
        case LeftOut.MESSAGES:
            said = ngettext(
                "%(num)s message that follows no question", "%(num)s messages that follow no question", count
            )
    return str(said)


def _kind() -> str:
    kind = request.args.get("format", "json")
    if kind not in ENDINGS:
        raise AppError("invalid_field", field="format")
    return kind


# The files


def file_of(copy: ConversationCopy, kind: str) -> tuple[str, bytes]:
    """Return the name and content of one conversation's file; `kind` is a key of ENDINGS."""
    if kind == "json":
        text = f"{_json_head()}[{_own_json(copy)}]}}\n"
    else:
        text = markdown(copy) if kind == "markdown" else html(copy)
    name = re.sub(r"[^a-z0-9]+", "-", normalize(copy.title))[:60].strip("-") or "conversation"
    return f"{name}.{ENDINGS[kind]}", text.encode()


def file_of_all(
    conversations: Iterable[ConversationCopy], kind: str, originals: Iterable[tuple[str, Path]] = ()
) -> tuple[str, IO[bytes]]:
    """Return the name and content of one file with all conversations; the caller closes it.

    JSON, or a ZIP that also has the `originals`, attached files by name.
    """
    # Not in /tmp, which may be memory.
    place = current_app.config["INSTANCE_DIR"]
    file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=place)  # noqa: SIM115 - the caller closes it
    day = utcnow().astimezone().date().isoformat()
    if kind == "json":
        file.write((_json_head() + "[").encode())
        for number, copy in enumerate(conversations):
            file.write((",\n" if number else "\n").encode() + _own_json(copy).encode())
        file.write(b"]}\n")
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, copy in enumerate(conversations, 1):
                name, content = file_of(copy, kind)
                archive.writestr(f"{number:04d}-{name}", content)
            for number, (name, path) in enumerate(originals, 1):
                with suppress(FileNotFoundError):
                    archive.write(path, f"files/{number:04d}-{_unpackable(name)}", zipfile.ZIP_STORED)
    file.seek(0)
    return f"conversations-{day}.{'json' if kind == 'json' else 'zip'}", file


def _unpackable(name: str) -> str:
    """Return a file's name as every system can store it: Windows takes not all signs, Linux 255 bytes."""
    return re.sub(r'[<>:"|?*]', "_", name).rstrip(". ")[-60:]


def markdown(copy: ConversationCopy) -> str:
    """Return the visible branch as Markdown."""
    turns = (
        f"## {_speaker(each)}\n\n*{day_and_time(each.created_at)}{_attached(each)}*\n\n{each.content.strip()}\n"
        for each in _shown(copy)
    )
    return f"# {copy.title}\n\n" + "\n".join(turns)


def html(copy: ConversationCopy) -> str:
    """Return the visible branch as one HTML page without other files; Markdown is not rendered except code blocks."""
    turns = "".join(
        f'<section><h2>{escape(_speaker(each))}</h2><time datetime="{each.created_at.isoformat()}">'
        f"{escape(day_and_time(each.created_at))}</time>{escape(_attached(each))}"
        f'<div class="said {each.role}">{_blocks(each.content)}</div></section>\n'
        for each in _shown(copy)
    )
    return (
        f'<!doctype html>\n<html lang="{get_locale()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(copy.title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(copy.title)}</h1>\n{turns}</main></body></html>\n"
    )


def _own_json(copy: ConversationCopy) -> str:
    return _json(vars(copy) | {"messages": [_message_json(message) for message in copy.messages]})


def _message_json(message: MessageCopy) -> dict[str, Any]:
    written = {name: getattr(message, name) for name in ("role", "parent", "content", "created_at")}
    if message.edited_at:
        written["edited_at"] = message.edited_at
    if message.attached:
        written |= {"attached": message.attached, "files": message.files}
    if message.run:
        written |= {"thinking": message.thinking} | message.run
    if message.rating:
        written["rating"] = message.rating
    return written


def _shown(copy: ConversationCopy) -> list[MessageCopy]:
    """Return the messages of the branch that ends at the head, the oldest first."""
    place: int | None = copy.head
    branch = []
    while place is not None:
        branch.append(copy.messages[place])
        place = copy.messages[place].parent
    return branch[::-1]


def _blocks(text: str) -> str:
    """Return the text as escaped HTML, with its fenced code in `<pre>`."""
    made, end = [], 0
    for fence in FENCE.finditer(text):
        made += [escape(text[end : fence.start()].strip("\n")), f"<pre><code>{escape(fence[2])}</code></pre>"]
        end = fence.end()
    return "".join((*made, escape(text[end:].strip("\n"))))


def _speaker(message: MessageCopy) -> str:
    if message.role == Role.USER:
        return str(_("You"))
    return str(_("Answer by %(model)s", model=message.run.get("model") or "?"))


def _attached(message: MessageCopy) -> str:
    """Return the names of the files that a question was asked with, to stand behind its date; "" without any."""
    names = ", ".join(message.files)
    return " · " + _("Attached: %(names)s", names=names) if names else ""


def _json_head() -> str:
    head = {"format": own_format.FORMAT, "version": own_format.VERSION, "exported_at": utcnow()}
    return _json(head)[:-1] + ', "conversations": '


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, default=datetime.isoformat)

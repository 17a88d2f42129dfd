"""Export conversations: JSON with everything, Markdown and HTML with the visible branch, several as one file."""

import json
import re
import zipfile
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import escape

from app.chat.search import normalize
from app.formatting import day_and_time
from app.models import Role
from app.models.base import utcnow
from app.models.copies import ConversationCopy, MessageCopy

# Our own JSON format, which `imports.py` reads.
FORMAT = "couachgpt"
VERSION = 1
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


def export_one(copy: ConversationCopy, kind: str) -> tuple[str, bytes]:
    """Return the name and content of one conversation's file; `kind` is a key of ENDINGS."""
    if kind == "json":
        text = f"{_json_head()}[{_json(own_json(copy))}]}}\n"
    else:
        text = markdown(copy) if kind == "markdown" else html(copy)
    return f"{_slug(copy.title)}.{ENDINGS[kind]}", text.encode()


def export_many(copies: Iterable[ConversationCopy], kind: str) -> tuple[str, IO[bytes]]:
    """Return the name and content of one file with all conversations: a JSON file, or a ZIP of the others.

    The caller closes it.
    """
    file: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
    day = utcnow().astimezone().date().isoformat()
    if kind == "json":
        file.write((_json_head() + "[").encode())
        for number, copy in enumerate(copies):
            file.write((",\n" if number else "\n").encode() + _json(own_json(copy)).encode())
        file.write(b"]}\n")
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, copy in enumerate(copies, 1):
                name, content = export_one(copy, kind)
                archive.writestr(f"{number:04d}-{name}", content)
    file.seek(0)
    return f"conversations-{day}.{'json' if kind == 'json' else 'zip'}", file


def markdown(copy: ConversationCopy) -> str:
    """Return the visible branch as Markdown."""
    turns = (
        f"## {_speaker(each)}\n\n*{day_and_time(each.created_at)}*\n\n{each.content.strip()}\n" for each in _shown(copy)
    )
    return f"# {copy.title}\n\n" + "\n".join(turns)


def html(copy: ConversationCopy) -> str:
    """Return the visible branch as one HTML page without other files; Markdown is not rendered except code blocks."""
    turns = "".join(
        f'<section><h2>{escape(_speaker(each))}</h2><time datetime="{each.created_at.isoformat()}">'
        f"{escape(day_and_time(each.created_at))}</time>"
        f'<div class="said {each.role}">{_blocks(each.content)}</div></section>\n'
        for each in _shown(copy)
    )
    return (
        f'<!doctype html>\n<html lang="{get_locale()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(copy.title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(copy.title)}</h1>\n{turns}</main></body></html>\n"
    )


def own_json(copy: ConversationCopy) -> dict[str, Any]:
    """Return a conversation as JSON."""
    return {
        "title": copy.title,
        "model": copy.model,
        "pinned": copy.pinned,
        "archived": copy.archived,
        "folder": copy.folder,
        "instructions": copy.instructions,
        "personal_instructions": copy.personal_instructions,
        "created_at": copy.created_at.isoformat(),
        "updated_at": copy.updated_at.isoformat(),
        "head": copy.head,
        "messages": [_message_json(message) for message in copy.messages],
    }


def _message_json(message: MessageCopy) -> dict[str, Any]:
    written: dict[str, Any] = {"role": str(message.role), "parent": message.parent, "content": message.content}
    written["created_at"] = message.created_at.isoformat()
    if message.edited_at:
        written["edited_at"] = message.edited_at.isoformat()
    if message.run:
        written |= {"thinking": message.thinking} | message.run | {"state": str(message.run["state"])}
        for name in ("queued_at", "finished_at"):
            written[name] = message.run[name].isoformat() if message.run[name] else None
    if message.rating:
        written["rating"] = {"good": message.rating[0], "reason": message.rating[1]}
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


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", normalize(title))[:60].strip("-") or "conversation"


def _json_head() -> str:
    head = {"format": FORMAT, "version": VERSION, "exported_at": utcnow().isoformat()}
    return _json(head)[:-1] + ', "conversations": '


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)

"""What goes with a question that is asked about files: pictures, and the whole text of documents or the passages that
the person chose.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.engines.tokens import text_tokens
from app.errors import AppError
from app.generation import prompt
from app.models import User
from app.models.attachments import NOTHING, Attachment, Picture
from app.models.files import PICTURE, File, pages_of
from app.models.passages import excerpts

# A processor reads one for as long as pages of text.
MOST_IMAGES = 1
# More than a small model finds its way in.
MOST_PASSAGE_TOKENS = 900
# More takes longer than a night.
MOST_DEFERRED_TOKENS = 400_000


def attachment(
    user: User,
    files: Sequence[str],
    passages: Sequence[int],
    *,
    limit: int,
    image_tokens: int,
    timing: str | None = None,
) -> Attachment:
    """Return what goes with a question about these files of the user.

    `limit`: tokens that pictures, of `image_tokens` each, and whole documents may take. With `passages`, ids in the
    order of their numbers, the model reads only those of the documents; with `timing`, "idle" or "night", it reads
    documents that are too long part by part then. Raises too_many_files, too_many_images, not_found, file_not_ready,
    files_too_long, passages_too_long.
    """
    found = File.ready_ones(user, files)
    if not (found or passages):
        return NOTHING
    shown = tuple(Picture(file.name, file.sha256) for file in found if file.kind == PICTURE)
    if len(shown) > MOST_IMAGES:
        raise AppError("too_many_images", limit=MOST_IMAGES)
    documents = [file for file in found if file.kind != PICTURE]
    taken = image_tokens * len(shown)
    if passages:
        asked = _from_passages(documents, passages)
    elif timing and taken + sum(file.tokens for file in documents) > limit:
        asked = _deferred(documents, timing)
    else:
        asked = _whole(documents, limit, taken)
    named = [prompt.picture_text(picture.name) for picture in shown]
    text = "\n\n".join(filter(None, [asked.text, *named]))
    return replace(asked, text=text, files=tuple(file.id for file in found), pictures=shown)


def _deferred(files: Sequence[File], timing: str) -> Attachment:
    """Return files that are to be read part by part. Raises files_too_long."""
    tokens = sum(file.tokens for file in files)
    if tokens > MOST_DEFERRED_TOKENS:
        raise AppError("files_too_long", tokens=tokens, limit=MOST_DEFERRED_TOKENS)
    text = prompt.unread_text([file.name for file in files])
    return Attachment(text, tuple(file.id for file in files), timing=timing)


def _whole(files: Sequence[File], limit: int, taken: int) -> Attachment:
    """Return the whole text of files; `taken`: tokens of the limit that are taken already. Raises files_too_long."""
    tokens = taken + sum(file.tokens for file in files)
    if tokens > limit:
        raise AppError("files_too_long", tokens=tokens, limit=limit)
    pages = pages_of([file.id for file in files])
    return Attachment("\n\n".join(prompt.document_text(file.name, pages[file.id]) for file in files))


def _from_passages(files: Sequence[File], ids: Sequence[int]) -> Attachment:
    """Return passages of files. Raises not_found, passages_too_long."""
    ids, own = list(dict.fromkeys(ids)), {file.id for file in files}
    found = excerpts(ids)
    if any(each.file_id not in own for each in found):
        raise AppError("not_found")
    tokens = sum(text_tokens(each.text) for each in found)
    if tokens > MOST_PASSAGE_TOKENS:
        raise AppError("passages_too_long", tokens=tokens, limit=MOST_PASSAGE_TOKENS)
    texts = [prompt.passage_text(number, each.name, each.page, each.text) for number, each in enumerate(found, 1)]
    return Attachment(prompt.passages_text(texts), passages=tuple(ids))

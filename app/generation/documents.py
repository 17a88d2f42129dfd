"""What goes with a question that is asked about files: their whole text, or the passages that the person chose."""

from collections.abc import Sequence

from app.engines.tokens import TOKENS_PER_MESSAGE, estimated_tokens
from app.errors import AppError
from app.generation import prompt
from app.models import User
from app.models.files import NOTHING, Attachment, File, pages_of
from app.models.passages import excerpts

MOST_FILES = 10
# More than a small model finds its way in.
MOST_PASSAGE_TOKENS = 900


def attachment(user: User, files: Sequence[str], passages: Sequence[int], limit: int) -> Attachment:
    """Return what goes with a question about these files of the user; `limit`: tokens that whole ones may take.

    With `passages`, ids in the order of their numbers, the model reads only those. Raises too_many_files, not_found,
    file_not_ready, files_too_long, passages_too_long.
    """
    if len(files) > MOST_FILES:
        raise AppError("too_many_files", limit=MOST_FILES)
    found = File.ready_ones(user, files)
    if passages:
        return _from_passages(found, passages)
    return _whole(found, limit) if found else NOTHING


def _whole(files: Sequence[File], limit: int) -> Attachment:
    """Return the whole text of files. Raises files_too_long."""
    tokens = sum(file.tokens for file in files)
    if tokens > limit:
        raise AppError("files_too_long", tokens=tokens, limit=limit)
    pages = pages_of([file.id for file in files])
    texts = [prompt.document_text(file.name, pages[file.id]) for file in files]
    return Attachment("\n\n".join(texts), tuple(file.id for file in files))


def _from_passages(files: Sequence[File], ids: Sequence[int]) -> Attachment:
    """Return passages of files. Raises not_found, passages_too_long."""
    ids, own = list(dict.fromkeys(ids)), {file.id for file in files}
    found = excerpts(ids)
    if any(each.file_id not in own for each in found):
        raise AppError("not_found")
    tokens = sum(estimated_tokens(each.text) - TOKENS_PER_MESSAGE for each in found)
    if tokens > MOST_PASSAGE_TOKENS:
        raise AppError("passages_too_long", tokens=tokens, limit=MOST_PASSAGE_TOKENS)
    texts = [prompt.passage_text(number, each.name, each.page, each.text) for number, each in enumerate(found, 1)]
    return Attachment(prompt.passages_text(texts), tuple(file.id for file in files), tuple(ids))

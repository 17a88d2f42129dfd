"""Define AppError, and for each stable error code its HTTP status and the sentence that users read."""

import errno
import re
from typing import Any

from flask_babel import LazyString, force_locale, format_decimal
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import DatabaseError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

# What SQLite's and PostgreSQL's names of errors mean here; all others are mistakes of this program.
DATABASE_CODES = (
    # A full disk, a quota, a limit of a file's size.
    (("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "53100"), "storage_full"),
    (("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40P01"), "database_busy"),
    # A file or a server that cannot be used.
    (
        ("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB", "57P", "08", "53"),
        "storage_failed",
    ),
    # A new row belongs to one that is no longer there.
    (("SQLITE_CONSTRAINT_FOREIGNKEY", "23503"), "not_found"),
)
PLACE = re.compile(r"%\((\w+)\)")
SENTENCES: dict[str, tuple[int, LazyString]] = {
    "bad_request": (400, _l("The request could not be understood.")),
    "csrf_failed": (400, _l("This page is too old to send that. Reload it and try again.")),
    "missing_field": (400, _l("The field “%(field)s” is missing.")),
    "unsupported_field": (400, _l("The field “%(field)s” is not supported here, or not with this value.")),
    "unsupported_content": (400, _l("Only text is understood here: “%(field)s” is something else.")),
    "login_required": (401, _l("Your session has ended. Sign in again.")),
    "invalid_token": (401, _l("A valid personal token is expected. Make one on the page of your settings.")),
    "forbidden": (403, _l("You are not allowed to do that.")),
    "invitation_needed": (403, _l("Registering takes an invitation here: ask the administrator for one.")),
    "invitation_unknown": (
        404,
        _l("This invitation does not exist, or was ended. Ask the administrator for another one."),
    ),
    "invitation_ended": (410, _l("This invitation has ended. Ask the administrator for another one.")),
    "invitation_used": (410, _l("This invitation is used up. Ask the administrator for another one.")),
    "link_over": (
        410,
        _l("This link was used already, has ended, or was replaced. Ask the administrator for another one."),
    ),
    "last_administrator": (
        409,
        _l("At least one active administrator must remain: make somebody else an administrator first."),
    ),
    "not_found": (404, _l("This does not exist, or no longer exists.")),
    "method_not_allowed": (405, _l("This address does not accept that kind of request.")),
    "too_large": (413, _l("This is too long: the limit is %(limit)s characters.")),
    "request_too_large": (413, _l("This is too large to be sent.")),
    "unsupported_media_type": (415, _l("JSON is expected here.")),
    "blank_message": (422, _l("Write a question first.")),
    "invalid_field": (422, _l("The field “%(field)s” is not valid.")),
    "unknown_model": (422, _l("The model %(model)s is not available here.")),
    "cloud_model": (
        422,
        _l("The model %(model)s runs in Ollama’s cloud. It is not used here: questions would leave the network."),
    ),
    "not_a_chat_model": (422, _l("The model %(model)s cannot hold a conversation.")),
    "thinking_unsupported": (422, _l("The model %(model)s cannot think before answering.")),
    "images_unsupported": (422, _l("The model %(model)s cannot see pictures.")),
    "image_no_model": (422, _l("None of the models here sees pictures. %(model)s would: ask an administrator for it.")),
    "image_too_fine": (
        422,
        _l("This picture has more than %(limit)s million pixels: make it smaller, or cut out the part that matters."),
    ),
    "image_not_inline": (
        422,
        _l("Pictures are not fetched here: send them in the request, as data:image/jpeg;base64,… (or PNG, or WebP)."),
    ),
    "image_unreadable": (422, _l("The model cannot read this picture: save it as JPEG, then attach it again.")),
    "too_many_images": (422, _l("A question can have %(limit)s picture: ask about the others afterwards.")),
    "unknown_parent": (422, _l("The message you are answering does not belong to this conversation.")),
    "too_many_prompts": (422, _l("There are %(limit)s prompts already: delete one that is no longer used.")),
    "import_unreadable": (
        422,
        _l("This file is neither JSON nor a ZIP archive that can be opened, or it is damaged. Nothing was imported."),
    ),
    "import_unknown": (
        422,
        _l(
            "This file is none of the exports that can be read: %(own)s’s own, ChatGPT’s (its ZIP archive or the files "
            "conversations….json in it), Open WebUI’s chats. Nothing was imported."
        ),
    ),
    "import_version": (
        422,
        _l("This file has version %(version)s of the format, which this server cannot read. Nothing was imported."),
    ),
    "import_damaged": (
        422,
        _l("In the conversation “%(title)s”, “%(part)s” is missing or is not valid. Nothing was imported."),
    ),
    "import_empty": (422, _l("There is no question in this file. Nothing was imported.")),
    "import_too_many": (422, _l("This file has more than %(limit)s messages. Nothing was imported.")),
    "import_too_large": (
        413,
        _l(
            "This file is larger than %(limit)s MB. Nothing was imported. If it is an archive with pictures, unpack it "
            "and choose its files conversations….json."
        ),
    ),
    "import_too_heavy": (
        422,
        _l(
            "Reading this file takes more memory or time than the server gives to it. Nothing was imported. If it is "
            "an archive, unpack it and choose its files conversations….json; else export fewer conversations."
        ),
    ),
    "import_busy": (503, _l("Other files are being imported now. Nothing was imported; try again in a minute.")),
    "file_not_ready": (409, _l("“%(name)s” is still being read: ask once that is done.")),
    "too_many_files": (422, _l("A question takes %(limit)s documents at most.")),
    "files_too_long": (
        422,
        _l("These documents have about %(tokens)s tokens and the model can read %(limit)s: choose passages of them."),
    ),
    "model_not_proven": (
        422,
        _l(
            "The model %(model)s has not shown in the Labo that it answers from passages without inventing. Read them "
            "yourself, choose another model, or have this one measured in the Labo."
        ),
    ),
    "passages_too_long": (
        422,
        _l("The chosen passages have about %(tokens)s tokens, %(limit)s are the most: choose fewer."),
    ),
    "document_erased": (410, _l("The document was erased before all of it was read.")),
    "file_empty": (422, _l("This file is empty.")),
    "file_kind_unknown": (
        422,
        _l(
            "This kind of file cannot be read here. What can: PDF, Word (.docx), Excel, PowerPoint (.pptx), "
            "OpenDocument, CSV, HTML, e-mails (.eml) and text. Save an older document (.doc, .ppt) as one of these."
        ),
    ),
    "file_encrypted": (422, _l("This file is protected by a password. Save it without one, then attach it again.")),
    "file_damaged": (422, _l("This file is damaged or cut short: it cannot be read.")),
    "file_without_text": (
        422,
        _l(
            "There is no text in this file. If it is a scan, have its text recognized first (OCR), for example by the "
            "scanner’s own program."
        ),
    ),
    "file_too_heavy": (
        422,
        _l("Reading this file takes more memory or time than the server gives to it. Attach a part of it."),
    ),
    "file_too_many_pages": (
        422,
        _l("This file has %(pages)s pages or more, and the limit is %(limit)s. Attach a part of it."),
    ),
    "file_cancelled": (409, _l("The reading of this file was cancelled.")),
    "documents_not_installed": (
        503,
        _l("What reads documents is not installed on this server. Tell the administrator."),
    ),
    "file_too_large": (413, _l("This file is larger than %(limit)s MB: split it, or send the part that matters.")),
    "files_quota": (
        422,
        _l(
            "Your files take %(used)s of %(limit)s MB: delete some on the page “My files”, or conversations that use "
            "them."
        ),
    ),
    "files_waiting": (429, _l("%(count)s of your files are waiting to be read: send more once some are done.")),
    "files_busy": (503, _l("Too many files are being sent at once. Try again in a moment.")),
    "model_name": (
        422,
        _l(
            "The name of a model’s file ends in .gguf, begins with no dot, has no “/” and %(limit)s characters at most."
        ),
    ),
    "model_part": (
        422,
        _l("%(name)s is one part of a model in several files: put all of them into %(folder)s on the server."),
    ),
    "model_exists": (409, _l("There is a model %(name)s already. Give the file another name, or keep that model.")),
    "model_not_gguf": (422, _l("%(name)s is not a GGUF file. Nothing was installed.")),
    "model_damaged": (
        422,
        _l("%(name)s is damaged: its header cannot be read. Download it again. Nothing was installed."),
    ),
    "model_cut": (
        422,
        _l("%(name)s is cut short: it has %(size)s of %(whole)s. Download it again. Nothing was installed."),
    ),
    "model_kind": (
        422,
        _l("%(name)s is a GGUF file, but no model that can chat (adapter, images or embeddings). Choose another one."),
    ),
    "model_needs_disk": (
        422,
        _l("%(name)s takes %(needed)s of disk, and %(free)s can be used: make room, or choose a smaller model."),
    ),
    "model_needs_memory": (
        422,
        _l(
            "%(name)s needs %(needed)s of memory, and this server has %(whole)s for a model: choose a smaller one, or "
            "one of fewer bits (Q4_K_M)."
        ),
    ),
    "model_incomplete": (400, _l("The file did not arrive whole. Nothing was installed; send it again.")),
    "model_import_busy": (409, _l("Another model is being installed: wait until it is there.")),
    "model_not_loaded": (
        422,
        _l(
            "%(name)s could not be loaded and was deleted: it is damaged, too large, or newer than this llama.cpp "
            "(see embedded.log)."
        ),
    ),
    "models_elsewhere": (
        409,
        _l("Files are for the embedded engine, and this server uses %(engine)s: give the model to %(engine)s itself."),
    ),
    "nothing_to_share": (422, _l("There is nothing to share here yet: ask a question first.")),
    "too_many_shares": (422, _l("You have shared %(limit)s links: revoke one that is no longer used.")),
    "task_invalid": (422, _l("Line %(line)s: %(reason)s")),
    "name_taken": (422, _l("There is “%(name)s” already: choose another name.")),
    "too_many_folders": (422, _l("You have %(limit)s folders: delete one that is no longer used.")),
    "too_many_tokens": (422, _l("You have %(limit)s tokens: revoke one that is no longer used.")),
    "unknown_task": (422, _l("There is no task called “%(task)s”.")),
    "setting_fixed": (422, _l("%(engine)s cannot change “%(field)s” from one question to the next.")),
    "context_too_small": (
        422,
        _l("A context of %(context)s tokens is too small for what is asked: it takes %(least)s at least."),
    ),
    "reading_too_long": (
        422,
        _l("A text of %(length)s tokens fits into no context of these models: the largest is %(context)s."),
    ),
    "plan_too_large": (422, _l("This plan has %(count)s samples: the limit is %(limit)s.")),
    "nothing_to_compare": (422, _l("Nothing of these was measured in the same way: there is nothing to compare.")),
    "nothing_to_measure": (422, _l("There is nothing to measure: no model, or no kind of sample.")),
    "lab_import_damaged": (
        422,
        _l("This is not a file of the Labo, or “%(part)s” is not valid. Nothing was imported."),
    ),
    "lab_import_syntax": (422, _l("Line %(line)s: from here on this is no JSON. Nothing was imported.")),
    "campaign_models": (422, _l("Choose %(fewest)s to %(limit)s models.")),
    "campaign_prompts": (422, _l("Choose at least one question, and %(limit)s at most.")),
    "results_hidden": (
        403,
        _l("The results are open to you once you have voted on everything: what others chose would sway you."),
    ),
    "campaign_closed": (409, _l("This campaign is closed: it takes no more votes.")),
    "vote_given": (409, _l("You have voted on these two answers already: your first choice counts.")),
    "pair_gone": (409, _l("These two answers are no longer there. Vote on the next ones.")),
    "lab_run_active": (409, _l("This measuring run is still at work.")),
    "lab_run_ended": (409, _l("This measuring run has ended.")),
    "lab_run_by_hand": (409, _l("What was measured by hand, before there was a Lab, cannot be deleted.")),
    "conversation_moved": (409, _l("This conversation went on in another window: read it again, then send.")),
    "run_active": (409, _l("This answer is still being written.")),
    "nothing_to_continue": (409, _l("This answer is complete: there is nothing to continue.")),
    "rate_limited": (429, _l("Too many attempts. Wait a little and try again.")),
    "too_many_waiting": (429, _l("You have %(count)s questions waiting. Ask on once one of them is answered.")),
    "internal_error": (500, _l("Something went wrong on the server. Your text is kept; try again.")),
    "too_many_streams": (503, _l("Too many answers are being followed at once. Close a few pages and try again.")),
    "queue_full": (503, _l("Too many questions are waiting. Try again in a moment.")),
    "database_busy": (503, _l("The database is busy. Nothing was lost; try again in a moment.")),
    "storage_full": (503, _l("The server’s disk is full. Nothing more can be saved; tell the administrator.")),
    "storage_failed": (503, _l("The server cannot use its disk. Nothing more can be saved; tell the administrator.")),
    "answer_kept": (
        503,
        _l("The database is busy: this answer is kept and will be saved as soon as possible. Reload in a moment."),
    ),
    "server_running": (409, _l("A server runs on this folder: stop it first.")),
    "backup_exists": (409, _l("There is a file %(file)s already: choose another name.")),
    "backup_needs_sqlite": (422, _l("This is for SQLite. A database server has its own tools, such as pg_dump.")),
    "backup_damaged": (422, _l("%(file)s is no archive of this program, or it is damaged. Nothing was changed.")),
    "backup_failed": (503, _l("The copy could not be made. Nothing was changed.")),
    "stopping": (503, _l("The server is restarting. Try again in a moment.")),
    "engine_unreachable": (
        503,
        _l("%(engine)s does not answer. Your question is kept: use Regenerate when it is back."),
    ),
    "engine_load_failed": (
        502,
        _l("The model %(model)s could not be loaded. Choose another one and tell the administrator."),
    ),
    "engine_no_memory": (
        502,
        _l(
            "The model %(model)s needs more memory than this server has free. "
            "Choose a smaller one and tell the administrator."
        ),
    ),
    "pull_offline": (
        502,
        _l(
            "%(model)s was not downloaded: %(engine)s does not reach the registry on the Internet. "
            "Check the network or the proxy in its service."
        ),
    ),
    "pull_failed": (
        502,
        _l("%(model)s was not downloaded to its end. Give the same command again: it goes on where it was."),
    ),
    "engine_keeps_model": (409, _l("%(engine)s cannot be told to unload a model.")),
    "engine_busy": (503, _l("%(engine)s has too much to do. Use Regenerate in a moment.")),
    "engine_failed": (
        502,
        _l("%(engine)s failed before it answered. Use Regenerate; if that fails too, tell the administrator."),
    ),
    "engine_cut": (502, _l("%(engine)s stopped before it answered. Use Regenerate.")),
    "engine_garbled": (502, _l("%(engine)s sent something that cannot be read. Use Regenerate.")),
    "engine_silent": (504, _l("%(engine)s has been silent for too long. Use Regenerate.")),
    "engine_refused": (502, _l("%(engine)s refused the connection key. Tell the administrator.")),
    "answer_too_long": (502, _l("The answer is longer than %(limit)s characters: it was cut there.")),
    "disturbed": (503, _l("Somebody needed the server meanwhile; the sample was taken again.")),
    "disturbed_too_often": (503, _l("Somebody needed the server each time this sample was taken.")),
    "context_exceeded": (502, _l("This question is too long for the model’s memory. Shorten it.")),
    "interrupted": (503, _l("The server restarted before the answer. Use Regenerate.")),
}
# Sentences where the answer has text: it is kept, and can be continued.
SENTENCES_MIDWAY: dict[str, LazyString] = {
    "engine_unreachable": _l("%(engine)s does not answer. The text so far is kept: use Resume when it is back."),
    "engine_busy": _l("%(engine)s has too much to do. The text so far is kept: use Resume in a moment."),
    "engine_failed": _l("%(engine)s failed while answering. The text so far is kept: use Resume."),
    "engine_cut": _l("%(engine)s stopped before the end of the answer. The text so far is kept: use Resume."),
    "engine_garbled": _l("%(engine)s sent something that cannot be read. The text so far is kept: use Resume."),
    "engine_silent": _l("%(engine)s has been silent for too long. The text so far is kept: use Resume."),
    "interrupted": _l(
        "The server restarted during the answer. The text so far is kept, though its last words may be missing: "
        "use Resume."
    ),
}


class AppError(Exception):
    """A failure with a stable code.

    `params` fill in the code's sentence; `cause` is for the log only. Raises KeyError for a code without a sentence.
    """

    def __init__(self, code: str, *, cause: str = "", **params: Any) -> None:
        if code not in SENTENCES:
            raise KeyError(code)
        self.code = code
        self.cause = cause
        self.params = params
        super().__init__(f"{code} {params or ''} {cause}".strip())

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return SENTENCES[self.code][0]

    @property
    def sentence(self) -> str:
        """The sentence for the user, in the current language."""
        return sentence(self.code, self.params)


def sentence(code: str, params: dict[str, Any], locale: str | None = None, *, midway: bool = False) -> str:
    """Return a code's sentence in `locale` (default: the current one). `midway`: of an answer that has text.

    An unknown code, stored by another version, gets the sentence of internal_error.
    """
    if locale is not None:
        with force_locale(locale):
            return sentence(code, params, midway=midway)
    words = SENTENCES_MIDWAY.get(code) if midway else None
    return filled(words or SENTENCES.get(code, SENTENCES["internal_error"])[1], params)


def disk_failure(error: OSError) -> AppError:
    """Return the AppError for a file that could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return AppError("storage_full" if full else "storage_failed", cause=str(error))


def database_failure(error: Exception) -> AppError:
    """Return the AppError for what was raised while the database was used; internal_error if nobody can mend it.

    not_found: what was read a moment ago was deleted meanwhile.
    """
    # Not the statement's parameters, which may be the text of a conversation.
    return AppError(_database_code(error), cause=f"{type(error).__name__}: {getattr(error, 'orig', error)}")


def _database_code(error: Exception) -> str:
    if isinstance(error, PoolTimeoutError):
        return "database_busy"
    if isinstance(error, DatabaseError):
        name = str(getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", "") or "")
        lost = "storage_failed" if error.connection_invalidated else "internal_error"
        return next((code for names, code in DATABASE_CODES if name.startswith(names)), lost)
    not_refreshed = isinstance(error, InvalidRequestError) and str(error).startswith("Could not refresh instance")
    is_gone = not_refreshed or isinstance(error, StaleDataError | ObjectDeletedError)
    return "not_found" if is_gone else "internal_error"


def places(code: str) -> set[str]:
    """Return the names of the parameters that a code's sentence needs."""
    return set(PLACE.findall(str(SENTENCES[code][1])))


def filled(text: LazyString, params: dict[str, Any]) -> str:
    """Return `text` in the current language with its placeholders filled in; integers are formatted."""
    words = {name: format_decimal(value) if isinstance(value, int) else value for name, value in params.items()}
    said = str(text)
    return said % _Words(words) if words or "%(" in said else said


class _Words(dict[str, Any]):
    """Parameters in which a missing one reads "…": failures stored by other versions may lack some."""

    def __missing__(self, _name: str) -> str:
        return "…"

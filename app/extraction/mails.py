"""Read e-mails (.eml): the main headers, the text, and the names of what is attached."""

import codecs
import email.policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import IO

from app.extraction.markup import text_of
from app.extraction.sections import Content, one_line, parts

HEADERS = ("From", "To", "Cc", "Date", "Subject")
# Encodings of mails, looked up now: the process that reads may not open files.
CHARSETS = [
    codecs.lookup(name)
    for name in (
        "us-ascii", "utf-8", "utf-7", "utf-16", "iso-8859-1", "iso-8859-2", "iso-8859-9", "iso-8859-15", "windows-1250",
        "windows-1251", "windows-1252", "windows-1254", "koi8-r", "gb18030", "big5", "shift_jis", "iso-2022-jp",
        "euc-kr", "base64", "quopri",
    )
]  # fmt: skip


def read_mail(file: IO[bytes]) -> Content:
    """Read a message, in parts; HTML where there is no plain text. Attached files are named, not read."""
    file.seek(0)
    message = BytesParser(_class=EmailMessage, policy=email.policy.default).parse(file)
    lines = [f"{name}: {one_line(str(message[name]))}" for name in HEADERS if message[name]]
    files = message.iter_attachments() if message.is_multipart() else ()
    attached = [f"[{one_line(name)}]" for file in files if (name := file.get_filename())]
    yield from parts("\n\n".join(["\n".join(lines), _body(message), "\n".join(attached)]))


def _body(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        text = body.get_content()
    except LookupError:
        # An encoding that is not known.
        text = bytes(body.get_payload(decode=True) or b"").decode("utf-8", "replace")
    return text_of(text) if body.get_content_subtype() == "html" else str(text)

"""Search the user's conversations: parse the query, and mark the words found in titles and excerpts."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from os.path import commonprefix
from typing import Any, TypedDict
from urllib.parse import urlencode

from flask import Response, jsonify, request
from flask_babel import gettext as _

from app.chat import blueprint
from app.models import Folder, User
from app.models.base import iso
from app.models.document_search import DocumentHit, find_documents
from app.models.search import Hit, SearchQuery, SearchTerm, search
from app.models.word_forms import LETTERS, LIGATURES, WORD, normalize
from app.security import current_user

LONGEST = 400
MOST_TERMS = 12
FILTERS = {
    "modele": "model",
    "model": "model",
    "avant": "before",
    "before": "before",
    "apres": "after",
    "after": "after",
    "dossier": "folder",
    "folder": "folder",
}
FILTER = re.compile(r'(?<!\S)([^\W\d_]{3,8}):("[^"]*"?|\S*)')
PIECE = re.compile(r'"([^"]*)"|(\S+)')
# Forms of a date: a year, a month or a day, with the year first or last.
DATES = (
    re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"),
    re.compile(r"(?:(?P<day>\d{1,2})/)?(?P<month>\d{1,2})/(?P<year>\d{4})"),
)
# Characters of an excerpt before the first match, and after its beginning.
BEFORE, AFTER = 40, 120
ACCENTS = "[\u0300-\u036f]*"
# Two letters that may be written as one, and all others.
GROUP = re.compile("|".join((*LETTERS, *LIGATURES, ".")), re.DOTALL)
# Unicode's blocks with accented letters, figures above and below the line, and wide letters.
SHAPE_BLOCKS = ((0xAA, 0x250), (0x1E00, 0x1F00), (0x2070, 0x20A0), (0xFF10, 0xFF5B))
# Markdown syntax to remove from excerpts, with its replacement.
MARKS = (
    (re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*$|^[ \t]*```.*$", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:#{1,6}|>+|[-*+])[ \t]+", re.MULTILINE), ""),
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)"), r"\1"),
    (re.compile(r"(?<!\w)[*_`]+(?=\S)|(?<=\S)[*_`]+(?!\w)"), ""),
    (re.compile(r"[ \t]*\|[ \t]*"), " "),
)


# The query


def parse_query(user: User, text: str) -> tuple[SearchQuery, list[str]]:
    """Parse the search text into a query; also return the filters whose dates are invalid."""
    values: dict[str, str] = {}
    unclear = []

    def take(found: re.Match[str]) -> str:
        name = FILTERS.get(normalize(found[1]))
        if name is None:
            return found[0]
        value = found[2].strip('"').strip()
        if name in ("before", "after") and value and _date(value) is None:
            unclear.append(found[0])
        elif value:
            values[name] = value
        return " "

    # NFKC: letters in the shapes of fonts, such as ﬁ, count as plain ones.
    rest = FILTER.sub(take, unicodedata.normalize("NFKC", text[:LONGEST]).replace("\0", " "))
    wanted = SearchQuery(
        _terms(rest),
        values.get("model"),
        _folders(user, values["folder"]) if "folder" in values else None,
        _date(values.get("after", "")),
        _date(values.get("before", "")),
    )
    return wanted, unclear


def _terms(text: str) -> tuple[SearchTerm, ...]:
    """Split the text into words and phrases; a last word that nothing follows is a prefix: it may not be typed yet."""
    terms = []
    for quoted, plain in PIECE.findall(text):
        if words := tuple(WORD.findall(quoted)):
            terms.append(SearchTerm(words, exact=True))
        terms += [SearchTerm((word,)) for word in WORD.findall(plain)]
    if terms and WORD.fullmatch(text[-1]) and len(terms[-1].words[-1]) > 1:
        terms[-1] = replace(terms[-1], begins=True)
    return tuple(terms[-MOST_TERMS:])


def _folders(user: User, name: str) -> tuple[int, ...]:
    """Return the ids of the user's folders whose name contains `name`."""
    return tuple(folder.id for folder in Folder.all_of(user) if normalize(name) in normalize(folder.name))


def _date(text: str) -> datetime | None:
    """Return the beginning of a day, month or year in server time; None for an invalid date."""
    for form in DATES:
        if found := form.fullmatch(text):
            parts = {name: int(figures) for name, figures in found.groupdict(default="1").items()}
            try:
                return datetime(**parts).astimezone(UTC)  # type: ignore[arg-type]
            except (ValueError, OverflowError, OSError):
                return None
    return None


# Marking the words found


class Part(TypedDict):
    """A piece of text; `found`: it matches the query."""

    text: str
    found: bool


class WordFinder:
    """Finds the terms in a text, in all their forms, regardless of accents and case."""

    def __init__(self, terms: tuple[SearchTerm, ...]) -> None:
        self._forms = {form for term in terms for form in term.forms}
        self._beginnings = tuple(term.forms[0] for term in terms if term.begins)
        # What begins like all forms of a term; phrases first, because they begin with a word. A pattern with each form
        # would take 20 ms to compile.
        candidates = sorted(map(_beginning, terms), key=lambda each: " " not in each[0])
        alternatives = "|".join(_spelling(words) + (r"[^\W_]*" if goes_on else "") for words, goes_on in candidates)
        self._candidates = re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])", re.IGNORECASE)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the places of the terms in the text."""
        for match in self._candidates.finditer(text):
            words = " ".join(WORD.findall(normalize(match[0])))
            if words in self._forms or words.startswith(self._beginnings):
                yield match


def _beginning(term: SearchTerm) -> tuple[str, bool]:
    """Return what all forms of a term begin with, and whether more may follow in the same word."""
    begins = commonprefix(term.forms)  # noqa: RUF071 - of letters, as meant
    return begins, term.begins or len(term.forms) > 1


def parts(text: str, found: WordFinder | None) -> list[Part]:
    """Split the text into parts that match and parts that do not."""
    made: list[Part] = []
    end = 0
    for match in found.finditer(text) if found else ():
        made += [Part(text=text[end : match.start()], found=False), Part(text=match[0], found=True)]
        end = match.end()
    made.append(Part(text=text[end:], found=False))
    return [part for part in made if part["text"]]


def excerpt(text: str, found: WordFinder | None) -> list[Part]:
    """Return one line of the text around the first match, or its beginning."""
    first = next(found.finditer(text), None) if found else None
    start = max(0, first.start() - BEFORE) if first else 0
    end = (first.start() if first else BEFORE) + AFTER
    if start:
        # Start at a word if one begins nearby.
        space = text.find(" ", start, start + BEFORE // 2)
        start = space + 1 if space >= 0 else start
    line = " ".join(_plain(text[start:end]).split())
    return parts(("…" if start else "") + line + ("…" if end < len(text) else ""), found)


def _plain(text: str) -> str:
    """Remove Markdown syntax."""
    for marks, left in MARKS:
        text = marks.sub(left, text)
    return text


def _spelling(words: str) -> str:
    """Return a regular expression that matches normalized words with or without accents, ligatures and the like."""
    return GROUP.sub(lambda group: _group(group[0]), words)


def _group(letters: str) -> str:
    if letters == " ":
        return r"[\W_]+"
    plain = "".join(f"[{re.escape(letter)}{_shapes().get(letter, '')}]{ACCENTS}" for letter in letters)
    one = (LETTERS | LIGATURES).get(letters)
    return f"(?:{plain}|{one})" if one else plain


@cache
def _shapes() -> dict[str, str]:
    """Return plain letter or figure → its accented forms and other shapes."""
    found: dict[str, str] = {}
    for code in (code for first, last in SHAPE_BLOCKS for code in range(first, last)):
        plain = normalize(chr(code))
        if len(plain) == 1 and plain != chr(code).lower():
            found[plain] = found.get(plain, "") + chr(code)
    return found


@blueprint.get("/api/search")
def find() -> Response:
    """Return the conversations that match `q`, the latest ones if it is empty, and the documents with its words."""
    wanted, unclear = parse_query(current_user, request.args.get("q", ""))
    found = WordFinder(wanted.terms) if wanted.terms else None
    note = _("“%(filter)s” is no date: write 2026-11-23 or 23/11/2026.", filter=unclear[0][:40]) if unclear else None
    results = [_result(hit, found) for hit in search().find(current_user, wanted)]
    # The filters are about conversations.
    documents = (
        find_documents(current_user, wanted.terms) if wanted == SearchQuery(wanted.terms) and wanted.terms else []
    )
    return jsonify({"results": results, "documents": [_document(hit, found) for hit in documents], "note": note})


def _result(hit: Hit, found: WordFinder | None) -> dict[str, Any]:
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


def _document(hit: DocumentHit, found: WordFinder | None) -> dict[str, Any]:
    """Return a document; `url` opens it in the reader, in the latest conversation that uses it, at the words found."""
    file, page = hit.file, hit.page
    line = excerpt(page.text, found) if page else []
    asked = {"file": file.id}
    if page:
        asked |= {"page": str(page.number), "words": " ".join({part["text"]: 1 for part in line if part["found"]})}
    return {
        "id": file.id,
        "url": f"/c/{hit.conversation}?{urlencode(asked)}" if hit.conversation else f"/?{urlencode(asked)}",
        "name": parts(file.name, found),
        "kind": file.kind,
        "library": hit.library,
        "page": {"number": page.number, "title": page.title} if page else None,
        "excerpt": line,
        "at": iso(file.created_at),
    }

"""What a person types to search, read: words, “phrases”, and filters such as `modele:` and `avant:`."""

import re
import unicodedata
from datetime import UTC, datetime

from app.models import Folder, User
from app.models.search import SearchQuery, SearchTerm

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
WORD = re.compile(r"[^\W_]+")
# A year, a month or a day, the year first or last.
DATES = (
    re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"),
    re.compile(r"(?:(?P<day>\d{1,2})/)?(?P<month>\d{1,2})/(?P<year>\d{4})"),
)


def fold(text: str) -> str:
    """Without accents and capitals."""
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("œ", "oe")


def read(user: User, text: str) -> tuple[SearchQuery, list[str]]:
    """What is wanted, and the filters that could not be understood."""
    values: dict[str, str] = {}
    unclear = []

    def take(found: re.Match[str]) -> str:
        name = FILTERS.get(fold(found[1]))
        if name is None:
            return found[0]
        value = found[2].strip('"').strip()
        if name in ("before", "after") and value and _date(value) is None:
            unclear.append(found[0])
        elif value:
            values[name] = value
        return " "

    rest = FILTER.sub(take, unicodedata.normalize("NFC", text[:LONGEST]).replace("\0", " "))
    wanted = SearchQuery(
        _terms(rest),
        values.get("model"),
        _folders(user, values["folder"]) if "folder" in values else None,
        _date(values.get("after", "")),
        _date(values.get("before", "")),
    )
    return wanted, unclear


def _terms(text: str) -> tuple[SearchTerm, ...]:
    """The last word, unless something follows it, may have more letters."""
    terms = []
    for quoted, plain in PIECE.findall(text):
        if words := tuple(WORD.findall(quoted)):
            terms.append(SearchTerm(words))
        terms += [SearchTerm((word,)) for word in WORD.findall(plain)]
    if terms and WORD.fullmatch(text[-1]) and len(terms[-1].words[-1]) > 1:
        terms[-1] = SearchTerm(terms[-1].words, begins=True)
    return tuple(terms[-MOST_TERMS:])


def _folders(user: User, name: str) -> tuple[int, ...]:
    return tuple(folder.id for folder in Folder.all_of(user) if fold(name) in fold(folder.name))


def _date(text: str) -> datetime | None:
    """Where that day, month or year begins, by the server's clock."""
    for form in DATES:
        if found := form.fullmatch(text):
            parts = {name: int(figures) for name, figures in found.groupdict(default="1").items()}
            try:
                return datetime(**parts).astimezone(UTC)  # type: ignore[arg-type]
            except (ValueError, OverflowError, OSError):
                return None
    return None

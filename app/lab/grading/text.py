"""Analyse an answer's text: words, lists, JSON, languages, and the typical failures of small models."""

import json
import re
import unicodedata
import zlib
from collections import Counter
from contextlib import suppress
from itertools import groupby, islice
from typing import Any

from app.generation.citations import ITEM

# Only the beginning of an answer is analysed: a longer one is a loop, and regular expressions would take too long.
MAX_CHARACTERS = 20_000
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
SENTENCE_END = re.compile(r"(?<=[.!?…])[\s»\"]+(?=[^\s])|\n+")
FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
MARKS = re.compile(r"[*_`#]+")
QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "\u00a0": " ", "\u202f": " ", "\u2011": "-"}
)
# Words that only one of these languages has, or that are far more frequent in it.
COMMON = {
    "fr": "le les des du une et est dans pour que qui vous nous je il elle sur avec ce cette ces au aux pas plus votre "
    "vos notre nos sont été être avoir ont mais ou où donc sans sous par leur leurs sa ses son mon ma mes très bien "
    "fait faire bonjour merci cordialement afin ainsi aussi comme entre depuis chez lors voici dès deux trois d l c j "
    "n qu jusqu lorsqu veuillez avant après toutes tous tout",
    "en": "the of and to in is that for it with was are be this have from by not your you we our they their at which "
    "can will would should has had been were there here please dear thank thanks i he she his her its my what when "
    "where how who because about into than then these those does did all any some could may must also only more most "
    "other if so an",
    "de": "der das und ist nicht ein eine einen einem einer zu mit für auf von den dem sich auch wir sie ihr ihre ich "
    "im bei nach wird werden wurde sind haben hat kann können bitte oder aber wie als vielen dank",
    "es": "el los una por para con del al su sus lo como pero está están ser muy también gracias usted nosotros hay "
    "este esta estos porque cuando donde sobre hasta desde ha han nuestro nuestra",
    "it": "lo gli e è di che per con una del della dei delle nel nella sono non come più anche questo questa grazie "
    "molto ci alla dalla ha hanno essere nostro vostro sul sulla",
}
KNOWN = {language: frozenset(common.split()) for language, common in COMMON.items()}
LANGUAGES = frozenset(KNOWN)
# The other scripts that small models slip into, by the first word of their letters' Unicode names.
SCRIPTS = {"CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "ARABIC": "ar"}
FOREIGN_RUN = 4
TOKEN = re.compile(r"[^\W\d_]+")
PIECE = re.compile(r"(?<=[.!?…:;])\s+|\n+")
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|[\w.+-]{1,64}@\S+", re.DOTALL)
# In normalized text: a negation in one sentence; words of which one is in it when it says that a text does not tell.
DENIAL = re.compile(
    r"\b(?:ne |n')[^.!?]{0,80}?\b(?:pas|aucune?s?|rien|nulle part)\b[^.!?]{0,60}|\b(?:rien|aucune?) [^.!?]{0,80}"
)
TELLING = re.compile(
    r"\b(?:dans (?:les?|la|ces?|cette|l'|mes) ?(?:extraits?|documents?|passages?|textes?)|y est|y sont|etat de|"
    r"inform\w*|indi(?:qu|cation)\w*|mention\w*|precis\w*|donne\w*|figur\w*|fourni(?:e|es|s|t|ssent)?|"
    r"contien\w*|contenu\w*|trouv\w*|dit|dits|dite|dites|disent|parl(?:e|ent)|apparai\w*|repond\w*|reponse|"
    r"specifi\w*|renseign\w*|communiqu\w*|cit(?:e|es|ent|ee|ees)|connu\w*|sais|sait|savoir|evoqu\w*|abord\w*|"
    r"present(?:e|es|s)?|ecrit\w*|decri\w*|permet\w*|defini\w*|determin\w*|stipul\w*|comport(?:e|ent)|inclu\w*|"
    r"disponible\w*|traite\w*|concern\w*|detaill\w*|revel\w*|list\w*)\b"
)
NOT_TOLD = re.compile(
    r"\b(?:non|pas) (?:indique|mentionne|precise|donne|fourni|trouve|specifie|renseigne|communique|cite|defini|connu|"
    r"disponibl|determine)(?:e|s|es)?\b|\bpas (?:d'(?:information|indication|element|extrait)|de (?:reponse|mention|"
    r"precision|donnee))|\bne (?:peut|peuvent) etre (?:determine|repondu|dit|precise|trouve)|\bimpossible d(?:e |')|"
    r"\bintrouvable|\binconnue?s?\b|\babsente?s? (?:de|du|des)\b|\b(?:information|reponse|indication|donnee)s? "
    r"manquante?s?\b|\bsans (?:information|precision|indication)\b|\bmanque(?:nt)? (?:dans|a|au|aux)\b"
)
# The failures that give a score of 0, worst first; the others lower it or are only counted.
FATAL = ("endless_thinking", "loop", "wrong_language", "echo")
# A larger share in another language cannot be a quotation.
FOREIGN_SHARE = 0.5
# A line or sentence that occurs so often, in all or in a row, is a loop.
SAME_LINES, SAME_IN_A_ROW = 4, 3
# A loop: of all sequences of RUN words, a smaller share is distinct; tested from so many sequences on.
RUN, FEW_DIFFERENT, ENOUGH_WORDS = 6, 0.6, 40
# A loop: zlib compresses it below this share (prose: a third to a half); tested from so many bytes on.
PACKED, ENOUGH_LETTERS = 0.14, 800
# A loop: the text ends with the same piece of at most so many characters, repeated so many times.
TAIL_PIECE, TAIL_TIMES = 120, 6
# Endless thinking: so many times the words of the answer, and at least so many words.
THINKING_TIMES, THINKING_WORDS = 40, 1500
# An echo: the answer repeats this share of the question's sequences of so many words.
ECHO_RUN, ECHO_SHARE = 5, 0.8


# Words, sentences, lines


def normalize(text: str) -> str:
    """The text in lower case without accents and Markdown marks, with straight quotes, single spaces, `œ` as `oe`."""
    text = MARKS.sub("", text.translate(QUOTES)).casefold().replace("œ", "oe").replace("æ", "ae")
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(bare.split())


def words(text: str) -> list[str]:
    """The words as written; numbers are words too."""
    return WORD.findall(text.translate(QUOTES))


def sentences(text: str) -> list[str]:
    """The sentences; a line break also ends one, as in lists and headings."""
    parts = (part.strip() for part in SENTENCE_END.split(text))
    return [part for part in parts if WORD.search(part)]


def lines(text: str) -> list[str]:
    """The lines that contain a word."""
    return [line.strip() for line in text.splitlines() if WORD.search(line)]


def strip_decoration(text: str) -> str:
    """A short answer, normalized, without surrounding quotes and punctuation."""
    return normalize(text).strip(" \"'.!:;")


def phrase_pattern(wanted: str) -> re.Pattern[str]:
    """A pattern that finds a phrase in normalized text, whole words only; `*` stands for any ending of a word."""
    parts = [re.escape(part) for part in normalize(wanted.replace("*", "\0")).split("\0")]
    pattern = r"\w*".join(parts)
    begin = r"(?<!\w)" if re.match(r"\w", pattern) else ""
    end = r"(?!\w)" if re.search(r"[\w*]$", pattern) else ""
    return re.compile(begin + pattern + end)


# Lists, tables, JSON


def list_items(text: str) -> list[tuple[str, str]]:
    """The list items as pairs of mark ("bullet" or "number") and text."""
    found = (ITEM.match(line) for line in text.splitlines())
    return [("number" if one["mark"][-1] in ".):" else "bullet", one["text"]) for one in found if one]


def markdown_table(text: str) -> list[list[str]]:
    """The rows of the Markdown table as lists of cells, the header first; empty without a table."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.strip().startswith("|")]
    ruled = len(rows) > 1 and all(re.fullmatch(r"\s*:?-+:?\s*", cell) for cell in rows[1])
    return [[cell.strip() for cell in row] for row in (rows[:1] + rows[2:])] if ruled else []


def json_value(text: str, alone: bool) -> Any:
    """The first JSON object or list of the answer, also in a code fence.

    `alone`: the answer must be this JSON and nothing else. Raises ValueError, RecursionError.
    """
    if alone:
        return json.loads(text)
    if fenced := FENCE.search(text):
        text = fenced[1]
    for start in islice(re.finditer(r"[\[{]", text), 50):
        with suppress(ValueError, RecursionError):
            return json.JSONDecoder().raw_decode(text, start.start())[0]
    raise ValueError("no JSON")


# The word that something is not in a text


def says_not_told(text: str) -> bool:
    """Whether a French answer says that what was asked is not in the text, or that it does not know."""
    text = normalize(text)
    return any(TELLING.search(found[0]) for found in DENIAL.finditer(text)) or bool(NOT_TOLD.search(text))


# Languages


def guess_language(text: str) -> str:
    """The code of the text's language by its frequent words; empty when too few are found."""
    tokens = TOKEN.findall(text.translate(QUOTES).casefold())
    counts = Counter({language: sum(token in known for token in tokens) for language, known in KNOWN.items()})
    (first, most), (_, second) = counts.most_common(2)
    certain = most >= 2 and most > second and most >= len(tokens) / 12
    return first if certain else ""


def language_shares(text: str) -> dict[str, float]:
    """The share of each language in the text, by words, the largest first; code, URLs and addresses are ignored."""
    text = CODE.sub(" ", text)
    counts: Counter[str] = Counter(_scripts(text))
    for piece in PIECE.split(text):
        if language := guess_language(piece):
            counts[language] += len(TOKEN.findall(piece))
    if not counts and (language := guess_language(text)):
        counts[language] = 1
    total = sum(counts.values())
    return {language: count / total for language, count in counts.most_common()}


def foreign_language(text: str, expected: str) -> tuple[str, float]:
    """The largest language other than `expected`, and the share of all others together; ("", 0.0) without any."""
    others = {language: share for language, share in language_shares(text).items() if language != expected}
    return (max(others, key=lambda language: others[language]), sum(others.values())) if others else ("", 0.0)


def _scripts(text: str) -> Counter[str]:
    """The words in other scripts by language, two letters counted as a word; fewer than `FOREIGN_RUN` are ignored."""
    if text.isascii():
        return Counter()
    found: Counter[str] = Counter()
    for letter in text:
        if letter > "\u036f" and letter.isalpha():
            script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
            if script in SCRIPTS:
                found[SCRIPTS[script]] += 1
    return Counter({language: count // 2 for language, count in found.items() if count >= FOREIGN_RUN})


# Failures of small models


def find_failures(
    question: str, answer: str, thinking: str, reason: str, *, language: str = "any", think: bool = False
) -> tuple[str, ...]:
    """The names of the failures that an answer shows.

    `reason`: why the engine stopped ("stop", "length", "loop"); `language`: the expected language's code, or "any";
    `think`: whether thinking was requested.
    """
    seen = {
        "endless_thinking": _endless(answer, thinking, reason),
        "loop": reason == "loop" or loops(answer),
        "wrong_language": language != "any" and foreign_language(answer[:MAX_CHARACTERS], language)[1] > FOREIGN_SHARE,
        "echo": echoes(question, answer),
        "empty_thinking": not thinking.strip() and (think or bool(thinking)),
        "cut": reason == "length",
    }
    return tuple(name for name, is_so in seen.items() if is_so)


def loops(text: str) -> bool:
    """Whether the text loops: repeated lines, repeated sequences of words, or the same piece again and again."""
    text = text[:MAX_CHARACTERS]
    return _same_lines(text) or _same_runs(text) or _packed(text) or _same_tail(text)


def echoes(question: str, answer: str) -> bool:
    """Whether the answer repeats most of the question instead of answering it."""
    asked = _runs(normalize(question), ECHO_RUN)
    if len(asked) < ECHO_RUN:
        return False
    said = set(_runs(normalize(answer[:MAX_CHARACTERS]), ECHO_RUN))
    return sum(run in said for run in asked) / len(asked) >= ECHO_SHARE


def _endless(answer: str, thinking: str, reason: str) -> bool:
    """Whether the thinking left no answer, is far longer than the answer, or loops until the token limit."""
    if not thinking.strip():
        # An unclosed tag in the answer: the model never finished thinking.
        return answer.lstrip().startswith("<think>") and "</think>" not in answer
    if not answer.strip():
        return True
    long = len(WORD.findall(thinking)) > max(THINKING_WORDS, THINKING_TIMES * len(WORD.findall(answer)))
    return long or (reason in ("length", "loop") and loops(thinking))


def _same_lines(text: str) -> bool:
    pieces = re.split(r"\n+|(?<=[.!?…])\s+", text)
    # Without numbers, so that « 1. Oui. 2. Oui. » is a loop too; without tables, whose rows may look alike.
    bare = [
        WORD.findall(re.sub(r"\d+", " ", normalize(piece))) for piece in pieces if not piece.lstrip().startswith("|")
    ]
    said = [tuple(piece) for piece in bare if len(piece) >= 3]
    in_a_row = any(len(list(same)) >= SAME_IN_A_ROW for _, same in groupby(said))
    return in_a_row or any(count >= SAME_LINES for count in Counter(said).values())


def _runs(text: str, length: int) -> list[tuple[str, ...]]:
    tokens = WORD.findall(text)
    return [tuple(tokens[place : place + length]) for place in range(len(tokens) - length + 1)]


def _same_runs(text: str) -> bool:
    runs = _runs(normalize(text), RUN)
    return len(runs) >= ENOUGH_WORDS and len(set(runs)) / len(runs) < FEW_DIFFERENT


def _packed(text: str) -> bool:
    raw = text.encode(errors="replace")
    return len(raw) >= ENOUGH_LETTERS and len(zlib.compress(raw)) / len(raw) < PACKED


def _same_tail(text: str) -> bool:
    tail = re.sub(r"[.!?…]$", "", text.rstrip())[-TAIL_PIECE * TAIL_TIMES :]
    for size in range(1, len(tail) // TAIL_TIMES + 1):
        piece = tail[-size:]
        # A row of dashes or dots may be a horizontal rule or a table's border: more repeats are needed.
        times = TAIL_TIMES if WORD.search(piece) else 8 * TAIL_TIMES
        if len(piece) * times >= 24 and tail.endswith(piece * times):
            return True
    return False

"""The forms of a word that count as the same in a search: its letters' other shapes, its plural, its other endings."""

import re
import sys
import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, or_

# Letters that stand for two, which the index of words does not take apart.
LETTERS = {"oe": "œ", "ae": "æ"}
# The same of fonts, as texts copied from a PDF have them, and the German ß; the longest first.
LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ", "st": "ﬆ", "ss": "ß"}
# Figures above and below the line, and letters as wide as Chinese ones.
DIGITS = "0123456789"
SHAPES = tuple(
    str.maketrans(DIGITS + letters, others)
    for letters, others in (
        ("", "⁰¹²³⁴⁵⁶⁷⁸⁹"),
        ("", "₀₁₂₃₄₅₆₇₈₉"),
        ("abcdefghijklmnopqrstuvwxyz", "".join(chr(code) for code in (*range(0xFF10, 0xFF1A), *range(0xFF41, 0xFF5B)))),
    )
)
# Accented letters that databases compare as plain ones, as an index of words does.
ACCENTED, PLAIN = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy"
# Most spellings of one word: each ligature doubles them.
MOST_SPELLINGS = 16
# A word with a shorter stem has its plural only: too many others would count as the same.
SHORTEST_STEM = 3
# Endings of nouns, adjectives and verbs in French; the stem decides which of them make forms of one word.
ENDINGS = (
    *("", "s", "x", "e", "es", "er", "ez", "é", "és", "ée", "ées", "ant", "ants", "ante", "antes", "ait", "aient"),
    *("ation", "ations", "ement", "ements"),
)

WORD = re.compile(r"[^\W_]+")
# Endings that a stem keeps, after the letters that must be left: rempl-issage, graiss-age, livr-aison, ferm-eture,
# durc-isseur, extinct-eur, soud-ure, étanch-éité; then nettoy-er, vérifi-er.
NOUN = re.compile(r"(.{4,})iss(?:ag|eur)|(.{3,})(?:ag|aison|etur)|(.{5,})eur|(.{3,}[^e])ur|(.{5,})(?:eit|e)")
VERB = re.compile(r"(.{4,})[iy]")
# Plurals of which neither the stem nor an ending tells the singular.
SINGULARS = {"yeux": "œil", "travaux": "travail", "baux": "bail", "vitraux": "vitrail", "soupiraux": "soupirail"}
# French and English words that say nothing about what is searched, normalized.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text().split())


def normalize(text: str) -> str:
    """Return the text in lower case, without accents and with plain letters only: « Œuvre ﬁne » is "oeuvre fine"."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    for two, one in LETTERS.items():
        plain = plain.replace(one, two)
    return plain


def spellings(word: str) -> list[str]:
    """Return a normalized word as texts may have it: with ligatures, with figures above or below the line."""
    found = [word]
    for two, one in (LETTERS | LIGATURES).items():
        found += [each.replace(two, one) for each in found if two in each]
    found += [word.translate(shape) for shape in SHAPES]
    return list(dict.fromkeys(found))[:MOST_SPELLINGS]


def contains(column: Any, words: list[str]) -> ColumnElement[bool]:
    """Return the condition that a column has one of the words, which are normalized but for their spelling."""
    plain = func.translate(func.lower(column), ACCENTED, PLAIN)
    return or_(*(plain.contains(each, autoescape=True) for each in words))


@lru_cache(maxsize=500)
def forms(word: str) -> tuple[str, ...]:
    """Return a word and those of the same stem, normalized: its singular or plural, its feminine, forms of its verb.

    `word` is in lower case; with its accents, more forms of a verb are known.
    """
    plain = normalize(word)
    if not (plain.isalpha() and plain.isascii()):
        return (plain,)
    found = [plain, *_plurals(plain)]
    stem = _stem(word)
    if len(stem) >= SHORTEST_STEM:
        # bon, bonne; cheval, chevaux; paie, payer.
        others = [stem + ending for ending in ENDINGS] + [stem + stem[-1] + ending for ending in ("e", "es")]
        others += [stem[:-1] + "y" + ending for ending in ENDINGS] if stem.endswith("i") else []
        found += [normalize(other) for other in others if _stem(other) == stem]
    return tuple(dict.fromkeys(found))


def plain_words(text: str) -> str:
    """Return the words of a text, normalized, as an index stores them."""
    return " ".join(map(_normalized, WORD.findall(text)))


@lru_cache(maxsize=50_000)
def _normalized(word: str) -> str:
    return normalize(word)


def stems(text: str) -> str:
    """Return the stems of a text's words as an index stores them, without its figures and stop words."""
    return " ".join(stem for word in WORD.findall(text) for stem in stems_of(word.lower()))


@lru_cache(maxsize=50_000)
def stems_of(word: str) -> tuple[str, ...]:
    """Return what all words of one family have, normalized: « graissage » and « graisser » are "graiss".

    `word` is in lower case. An accented word has two stems if the one that it has without accents is another.
    """
    word = SINGULARS.get(word, word)
    plain = _normalized(word)
    if not word.isalpha() or len(word) < 2 or plain in STOP_WORDS:
        return ()
    return tuple(dict.fromkeys((_family(word), _family(plain))))


def _family(word: str) -> str:
    """Return the normalized stem without the endings that Snowball keeps."""
    stem = normalize(_stem(word))
    for endings in (NOUN, VERB):
        if found := endings.fullmatch(stem):
            stem = found[found.lastindex or 0]
    # travail, travailler
    return stem[:-1] if len(stem) > 4 and stem[-1] == stem[-2] else stem


def _plurals(word: str) -> list[str]:
    """Return what may be the word's plural, or its singular; some have other stems: « jeux », « travaux »."""
    if word.endswith("aux"):
        return [word[:-1], word[:-2] + "l", word[:-2] + "il"]
    if word.endswith(("s", "x")):
        return [word[:-1]]
    if word.endswith(("al", "ail")):
        return [word + "s", word.removesuffix("l").removesuffix("i") + "ux"]
    return [word + "s", word + "x"] if word.endswith("u") else [word + "s"]


@lru_cache(maxsize=5000)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:
    """Load Snowball's French stemmer alone: the package itself would load those of 34 languages, 10 MB in 0.15 s."""
    spec = find_spec("snowballstemmer")
    assert spec is not None  # noqa: S101 - it is among the requirements
    sys.modules.setdefault(spec.name, module_from_spec(spec))
    from snowballstemmer.french_stemmer import FrenchStemmer  # noqa: PLC0415

    return FrenchStemmer()

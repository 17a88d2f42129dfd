"""Which language a text is in, told by its commonest words and its script."""

import re
import unicodedata
from collections import Counter

from app.bench.answers.plain import QUOTES

# Words that only one of these languages has, or that are far commoner in it.
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
# Letters without a place in French or English: of the scripts that small models slip into.
SCRIPTS = {"CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "ARABIC": "ar"}
FOREIGN_RUN = 4
TOKEN = re.compile(r"[^\W\d_]+")
PIECE = re.compile(r"(?<=[.!?…:;])\s+|\n+")
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|[\w.+-]{1,64}@\S+", re.DOTALL)


def guess(text: str) -> str:
    """The language's code; empty when too few words tell."""
    tokens = TOKEN.findall(text.translate(QUOTES).casefold())
    counts = Counter({language: sum(token in known for token in tokens) for language, known in KNOWN.items()})
    (first, most), (_, second) = counts.most_common(2)
    told = most >= 2 and most > second and most >= len(tokens) / 12
    return first if told else ""


def shares(text: str) -> dict[str, float]:
    """How much of the text is in which language, by words of the pieces that tell; code and addresses left out."""
    text = CODE.sub(" ", text)
    told: Counter[str] = Counter(_scripts(text))
    for piece in PIECE.split(text):
        if language := guess(piece):
            told[language] += len(TOKEN.findall(piece))
    if not told and (language := guess(text)):
        told[language] = 1
    total = sum(told.values())
    return {language: count / total for language, count in told.most_common()}


def foreign(text: str, expected: str) -> tuple[str, float]:
    """The chief language beside the expected one, and its share with all others'; empty and 0 without any."""
    others = {language: share for language, share in shares(text).items() if language != expected}
    return (max(others, key=lambda language: others[language]), sum(others.values())) if others else ("", 0.0)


def _scripts(text: str) -> Counter[str]:
    """Letters of other scripts, two for a word; a letter or two in a name count for nothing."""
    if text.isascii():
        return Counter()
    found: Counter[str] = Counter()
    for letter in text:
        if letter > "\u036f" and letter.isalpha():
            script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
            if script in SCRIPTS:
                found[SCRIPTS[script]] += 1
    return Counter({language: count // 2 for language, count in found.items() if count >= FOREIGN_RUN})

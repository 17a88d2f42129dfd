"""Names of accounts: none that is invisible, looks like another one, or claims to be the administrator's."""

import re
import unicodedata

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

MAX_USERNAME = 64
# Scripts of Japanese, by the first word of their letters' Unicode names.
JAPANESE = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"}
# Characters that count as printable and are drawn as nothing or as a space: Unicode's Default_Ignorable_Code_Point and
# Braille's empty cell. Not U+FE0F, the mark that colours emojis.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]"
)
# Besides letters, their accents and digits.
IN_USERNAMES = " ._'’@+-"
# Letters and digits that look like others.
LOOK_ALIKES = str.maketrans(
    # Latin, Greek, Cyrillic: each looks like the letter that stands below it.
    "01|lıłøđħαεικνορτυχавекмнорстухіјѕԁһӏ",
    "oiiiiiodhaeikvoptuxabekmhopctyxijsdhi",
)
RESERVED = ("admin", "administrateur", "administratrice", "administrator", "root", "system", "système", "couachgpt")


class RefusedNameError(ValueError):
    """A name that cannot be taken; `sentence` says why, for people."""

    def __init__(self, sentence: LazyString) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def normalized(username: str) -> str:
    """Return the form in which names are unique: ignores case, width, composition and surrounding spaces."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def look(name: str) -> str:
    """Return what a name looks like at a glance: two names with the same look are taken for each other."""
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(LOOK_ALIKES)


def check_visible(name: str) -> None:
    """Raise RefusedNameError for unprintable and invisible characters, and for a name of neither letters nor digits."""
    if not name.isprintable() or INVISIBLE.search(name) or not any(letter.isalnum() for letter in name):
        raise RefusedNameError(_l("Use visible characters only."))


def check_username(name: str) -> None:
    """Raise RefusedNameError for a username that is not visible, or of letters that could pass for others."""
    check_visible(name)
    if not 2 <= len(name.strip()) <= MAX_USERNAME or len(normalized(name)) > MAX_USERNAME:
        raise RefusedNameError(_l("Between 2 and 64 characters."))
    if not all(each in IN_USERNAMES or _is_of_a_word(each) for each in name):
        raise RefusedNameError(_l("Letters, digits, spaces and . _ - ' @ + only."))
    letters = (letter for letter in unicodedata.normalize("NFKC", name) if letter.isalpha())
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in letters} - {"MODIFIER"}
    if len(scripts) > 1 and not scripts <= JAPANESE:
        raise RefusedNameError(_l("Use the letters of one alphabet only: those of several can look the same."))


def check_not_reserved(name: str, product: str) -> None:
    """Raise RefusedNameError for a name that claims to be the administrator's or the product's."""
    words = "".join(each if each.isalpha() else " " for each in name).split()
    if {look(word) for word in (name, *words)} & {look(word) for word in (*RESERVED, product)}:
        raise RefusedNameError(_l("This name would pass for the administrator’s: choose another one."))


def _is_of_a_word(character: str) -> bool:
    """Return True for letters, accents, digits and the like, but not for the mark that colours emojis."""
    return unicodedata.category(character)[0] in "LMN" and character != "\ufe0f"

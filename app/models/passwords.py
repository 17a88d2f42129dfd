"""Passwords: the form in which they are hashed, the hashes, and which passwords are refused."""

import re
import secrets
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD = 10
# argon2 would hash any length; the limit keeps log-in requests from using up the CPU.
MAX_PASSWORD = 200
# So many letters beside one's own name, the product's and digits are not enough.
FEW_LETTERS = 3
COMMON = Path(__file__).with_name("common_passwords.txt")
# Letters in the order of the alphabet, of keyboards, and the other way round.
KEYS = ("abcdefghijklmnopqrstuvwxyz", "azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjkl")
ROWS = (*KEYS, *(row[::-1] for row in KEYS))


# Letters of made-up passwords and codes: none looks like another one.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def made_up(groups: int = 4) -> str:
    """Return a random password of so many groups of four letters, each group about 20 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _letter in range(4)) for _group in range(groups))


def typed(password: str) -> str:
    """Return the form that is hashed: keyboards and systems compose the same letters in different ways."""
    return unicodedata.normalize("NFKC", password)


class Hashing:
    """Hashes of one PASSWORD_COST: passes and MiB of argon2id."""

    def __init__(self, cost: tuple[int, int]) -> None:
        passes, mebibytes = cost
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=mebibytes * 1024, parallelism=1)
        # Checked when a name is unknown, so that the response takes as long as for a known one.
        self.nobodys = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return the hash to store."""
        return self._hasher.hash(typed(password))

    def verify(self, stored: str, password: str) -> bool:
        """Return whether the password is that of the hash. Older versions hashed it as it came, not as `typed`."""
        return any(self._matches(stored, form) for form in dict.fromkeys((typed(password), password)))

    def must_renew(self, stored: str, password: str) -> bool:
        """Return whether a hash that the password matches has another cost, or is of the password as it came."""
        as_it_came = password != typed(password) and not self._matches(stored, typed(password))
        return as_it_came or self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def hashing(cost: tuple[int, int]) -> Hashing:
    """Return the hashing of a PASSWORD_COST; making one takes as long as a log-in."""
    return Hashing(cost)


def is_guessable(password: str, *names: str) -> bool:
    """Return whether a password is among the first that somebody would try.

    That is: a common password with or without digits and signs, a row of keys, something said twice, or little more
    than one of `names`: the user's own and the product's.
    """
    core = _core(password)
    for part in sorted({part for name in names for part in _parts(name)}, key=len, reverse=True):
        core = core.replace(part, "")
    core = re.sub(r"^(.+?)\1+$", r"\1", core)
    return len(core) <= FEW_LETTERS or core in _common() or any(core in row for row in ROWS)


def _core(text: str) -> str:
    """Return the text without case, spaces and signs, and without the digits around it."""
    return re.sub(r"[\W_]+", "", typed(text).casefold()).strip("0123456789")


def _parts(name: str) -> set[str]:
    words = {_core(word) for word in re.split(r"[\W_]+", name)} | {_core(name)}
    return {word for word in words if len(word) >= FEW_LETTERS}


@cache
def _common() -> frozenset[str]:
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(_core(line) for line in lines if not line.startswith("#"))

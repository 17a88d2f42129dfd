"""Passwords: which are refused, and that one password is the same however its letters are composed."""

import unicodedata

import pytest

from app.models.passwords import hashing, is_guessable

GUESSABLE = (
    "1234567890", "aaaaaaaaaa", "motdepasse", "Mot de passe !", "azertyuiop", "password12", "P A S S W O R D",
    "couachgpt1", "          ", "alicealice", "Alice Martin", "martin-alice-2026", "alice.couachgpt", "soleil 1987!",
    "0000soleil0000", "soleilsoleil", "abcdefghij", "poiuytreza", "ab12345678",
    "\uff4d\uff4f\uff54\uff44\uff45\uff50\uff41\uff53\uff53\uff45",
)  # fmt: skip
FINE = (
    "un mot de passe long", "girafe tonnerre", "Correct-Horse-42!", "k3dv-9xqp-m2rt-7hzw", "我的密码是一只会飞的猫咪",
    "alice aime les girafes",
)  # fmt: skip


@pytest.mark.parametrize("password", GUESSABLE)
def test_what_would_be_tried_first_is_refused(password: str) -> None:
    assert is_guessable(password, "CouachGPT", "alice", "Alice Martin")


@pytest.mark.parametrize("password", FINE)
def test_what_nobody_would_try_is_taken(password: str) -> None:
    assert not is_guessable(password, "CouachGPT", "alice", "Alice Martin")


def test_a_password_is_the_same_on_every_keyboard() -> None:
    hashes, word = hashing((1, 1)), "épée à côté"
    stored = hashes.hash(unicodedata.normalize("NFD", word))
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert hashes.verify(stored, unicodedata.normalize(form, word))
        assert not hashes.must_renew(stored, unicodedata.normalize(form, word))
    assert not hashes.verify(stored, word.upper())


def test_hashes_of_passwords_as_they_came_still_work() -> None:
    hashes, word = hashing((1, 1)), unicodedata.normalize("NFD", "épée à côté")
    stored = hashes._hasher.hash(word)
    assert hashes.verify(stored, word)
    assert hashes.must_renew(stored, word)

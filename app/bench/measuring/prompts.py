"""What samples send: texts of a wanted length and questions, each with a number that no engine's cache has seen."""

import random
import secrets

# Words of which any number makes a text: everyday French of a boatyard.
TEXT = (
    "le voilier revient au ponton après une semaine de mer et son équipage range les voiles pendant que le chantier "
    "prépare la grue pour sortir la coque de l’eau puis contrôle la quille les safrans et le moteur avant de poncer "
    "la carène et de passer deux couches de peinture neuve tandis que le bureau commande les pièces qui manquent"
)
WORDS = TEXT.split()
SENTENCE = 14
# Bytes of UTF-8 in a token of such a text, until a model's own are known.
BYTES_PER_TOKEN = 3.0
# Tokens that the template and the number at the beginning make, and those of a context that stay free.
FIXED_TOKENS, SPARE_TOKENS = 40, 100


def nonce() -> str:
    """A number of its own for each request."""
    return f"{secrets.randbelow(9 * 10**8) + 10**8}"


def filler(tokens: int, bytes_per_token: float = BYTES_PER_TOKEN) -> str:
    """A text of about so many tokens, another each time from its first word on."""
    wanted = int((tokens - FIXED_TOKENS) * bytes_per_token)
    picker = random.Random(secrets.randbits(64))  # noqa: S311 - words, not a secret
    parts = [f"Note {nonce()}."]
    size = len(parts[0])
    while size < wanted:
        words = [picker.choice(WORDS) for _word in range(SENTENCE)]
        sentence = " ".join(words).capitalize() + "."
        parts.append(sentence)
        size += len(sentence.encode()) + 1
    return " ".join(parts).encode()[:wanted].decode(errors="ignore")


def instructions(system: str) -> str:
    """The system message of a question: everybody's, and after it a number, so that only the former is cached."""
    return f"{system}\n\n({nonce()})".strip()

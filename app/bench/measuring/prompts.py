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
# What is asked after a text, so that any model has something to write; and how much of that shows the pace.
SEQUEL, SEQUEL_TOKENS = "Écris la suite de ces notes en une dizaine de phrases.", 32
# Tokens that the template and the number at the beginning make, and those of a context that stay free: for the sequel,
# and for a text that is longer than was reckoned.
FIXED_TOKENS, SPARE_TOKENS = 40, 140


def nonce() -> str:
    """A number of its own for each request."""
    return f"{secrets.randbelow(9 * 10**8) + 10**8}"


def filler(tokens: int, bytes_per_token: float = BYTES_PER_TOKEN) -> str:
    """A text of about so many tokens that asks for its sequel, another each time from its first word on."""
    asked = f"\n\n{SEQUEL}"
    wanted = int((tokens - FIXED_TOKENS) * bytes_per_token) - len(asked.encode())
    picker = random.Random(secrets.randbits(64))  # noqa: S311 - words, not a secret
    parts = [f"Note {nonce()}."]
    size = len(parts[0])
    while size < wanted:
        words = [picker.choice(WORDS) for _word in range(SENTENCE)]
        sentence = " ".join(words).capitalize() + "."
        parts.append(sentence)
        size += len(sentence.encode()) + 1
    return " ".join(parts).encode()[:wanted].decode(errors="ignore") + asked


def instructions(system: str) -> str:
    """The system message of a question: everybody's, and after it a number, so that only the former is cached."""
    return f"{system}\n\n({nonce()})".strip()

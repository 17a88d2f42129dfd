"""A conversation of about 3,000 tokens with the embedded engine: long questions, short answers."""

import random
from typing import Any

from tests.perf.bench import Bench, Caller, Site
from tests.perf.wire import SITE, Answer, stream

SETTINGS = {"ENGINE": "embedded", "CONTEXT_TOKENS": "8192", "MAX_OUTPUT_TOKENS": "32", "TEMPERATURE": "0"}
TOKENS = 3000
# Of one question: a few of them make the conversation.
WORDS = 740
VOCABULARY = [
    "river", "stone", "window", "letter", "morning", "engine", "garden", "silver", "paper", "winter", "music", "road",
    "bread", "table", "captain", "island", "forest", "market", "horse", "summer", "painter", "bridge", "candle", "the",
    "doctor", "village", "mountain", "teacher", "kitchen", "a", "of", "and", "with", "under", "near", "before", "after",
    "while", "they", "she", "he", "it", "was", "were", "made", "took", "found", "kept", "left", "gave", "told",
]  # fmt: skip


def prose(words: int) -> str:
    """So many words that nobody has read before."""
    return " ".join(random.choices(VOCABULARY, k=words))


class Talk:
    """One person's conversation; every turn is a request on a connection of its own."""

    def __init__(self, site: Site, person: Caller) -> None:
        self.site = site
        self.person = person
        self.conversation = person.start()
        self.tokens = 0
        """What the turns so far make together."""

    def turn(self, text: str, **more: Any) -> Answer:
        """Ask and follow to the end."""
        answer = stream(self.site.place, self.person.question(text, self.conversation, **more), SITE)
        self.tokens = answer.counts["prompt_tokens"] + answer.tokens
        return answer


def long_talk(bench: Bench) -> Talk:
    """One that is long, on a site of its own that serves until the end of the run: reading it costs half a minute."""
    site = bench.keep(bench.site(**SETTINGS))
    talk = Talk(site, site.person("alice"))
    while talk.tokens < TOKENS:
        talk.turn(prose(WORDS))
    return talk

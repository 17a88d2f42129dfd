"""Row `document`: a file is attached, and the question about it comes 20 s later."""

import time

from tests.perf.bench import Bench, median
from tests.perf.long_talk import SETTINGS, Talk, prose
from tests.perf.row import Figures, Line, Row
from tests.support.documents import attached
from tests.support.site import Site as Rows

QUESTION = "What is this document about?"
LATER = ("And then?", "Who else?")
# About 1,500 tokens.
WORDS = 1450
ROUNDS = 2
WRITING_S = 20.0
# What the page waits before it asks again whether a document was read.
AGAIN_S = 2.0


class Document:
    """A new file in a new conversation of one person's, who asks about it."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._talk = talk
        rows = Rows(talk.site.instance)
        self.id = attached(rows, talk.person.name, f"{number}.txt", prose(WORDS))
        rows.stop()
        self.states: list[str] = []

    def at_once(self) -> float:
        """Seconds to the first token without anything read before."""
        return self._talk.turn(QUESTION, files=[self.id]).first_s

    def written_meanwhile(self) -> float:
        """The same, after doing what the page does while the question is typed."""
        begun = time.monotonic()
        while not self.states or (self.states[-1] != "warm" and time.monotonic() - begun < WRITING_S - AGAIN_S):
            path = f"/conversations/{self._talk.conversation}/prefill"
            self.states.append(self._talk.person.api("POST", path, {"files": [self.id]}).json["prefill"])
            time.sleep(AGAIN_S)
        time.sleep(max(0.0, WRITING_S - (time.monotonic() - begun)))
        return self.at_once()

    def later(self) -> list[float]:
        """The shares, in percent, of the earlier tokens that the next questions find in the cache."""
        shares = []
        for question in LATER:
            earlier = self._talk.tokens
            shares.append((self._talk.turn(question).counts["cached_tokens"] or 0) / earlier * 100)
        return shares


def measure(bench: Bench) -> Figures:
    """Medians of the rounds; the least share of all later questions."""
    cold, ours, shares, states, tokens = [], [], [], [], 0
    with bench.site(**SETTINGS) as site:
        person = site.person("alice")
        for number in range(ROUNDS):
            cold.append(Document(Talk(site, person), 2 * number).at_once())
            talk = Talk(site, person)
            document = Document(talk, 2 * number + 1)
            ours.append(document.written_meanwhile())
            tokens = talk.tokens
            shares += document.later()
            states.append(document.states)
    return {
        "rounds": ROUNDS,
        "tokens": tokens,
        "cold_first_s": median(cold),
        "first_s": median(ours),
        "ratio": median([after / before for after, before in zip(ours, cold, strict=True)]),
        "later_share": min(shares),
        "states": states,
    }


ROW = Row(
    "document",
    f"the embedded llama.cpp, a new file of 1,500 tokens, its question {WRITING_S:.0f} s later; {ROUNDS} rounds; "
    "«engine alone»: asked at once, nothing read before",
    (
        Line("first token", "ratio", "×", at_most=0.1, direct="cold_first_s", ours="first_s", beside="s"),
        Line("earlier tokens found in the cache at the next two questions", "later_share", "%", at_least=95),
    ),
    measure,
)  # fmt: skip

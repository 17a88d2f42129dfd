"""Row `reopen`: an old conversation is opened, and its question comes 5 s later."""

import time
from itertools import count

from tests.perf.bench import Bench, median
from tests.perf.long_talk import Talk, long_talk
from tests.perf.row import Figures, Line, Row

QUESTION = "{}. And then?"
# Each round costs a cold reading of the whole conversation: more of them would take minutes.
ROUNDS = 2
THINKING_S = 5.0


class Reopening:
    """One old conversation, asked each time from the same place, on an engine that was just started."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.tokens = talk.tokens
        self._head = talk.person.messages(talk.conversation)[-1]["id"]
        # The same question twice would find itself in the cache.
        self._nonces = count(1)
        self.prefill = ""

    def at_once(self, *, forget: bool) -> float:
        """Seconds to the first token without opening the page before."""
        self._talk.site.restart_engine(forget=forget)
        return self._first_token()

    def opened(self) -> float:
        """The same, after doing what the page does when it is opened, and thinking for a while."""
        self._talk.site.restart_engine(forget=False)
        person, conversation = self._talk.person, self._talk.conversation
        begun = time.monotonic()
        person.get(f"/c/{conversation}")
        answer = person.api("POST", f"/conversations/{conversation}/prefill")
        self.prefill = answer.json["prefill"] if answer.status_code == 202 else str(answer.status_code)
        time.sleep(THINKING_S - (time.monotonic() - begun))
        return self._first_token()

    def _first_token(self) -> float:
        return self._talk.turn(QUESTION.format(next(self._nonces)), parent_id=self._head, at_end=False).first_s


def measure(bench: Bench) -> Figures:
    """Medians of the rounds; once, what the disk alone spares."""
    reopening = Reopening(bench.once("talk", long_talk))
    cold, opened = [], []
    for _ in range(ROUNDS):
        cold.append(reopening.at_once(forget=True))
        opened.append(reopening.opened())
    return {
        "rounds": ROUNDS,
        "tokens": reopening.tokens,
        "cold_first_s": median(cold),
        "first_s": median(opened),
        "ratio": median([ours / before for ours, before in zip(opened, cold, strict=True)]),
        "prefill": reopening.prefill,
        "unopened_first_s": reopening.at_once(forget=False),
    }


ROW = Row(
    "reopen",
    f"the embedded llama.cpp, restarted before each question in an old conversation of 3,000 tokens; {ROUNDS} rounds; "
    "«engine alone»: nothing in its memory nor kept on the disk, asked at once",
    (
        Line(
            "first token, asked 5 s after opening", "ratio", "×", at_most=0.3,
            direct="cold_first_s", ours="first_s", beside="s",
        ),
        Line("the same without opening, once", "unopened_first_s", "s", direct="cold_first_s", beside="s"),
    ),
    measure,
)  # fmt: skip

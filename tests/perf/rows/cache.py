"""Row `cache`: what the engine need not read again at the next turn of a long conversation, whatever came between."""

from tests.perf.bench import Bench
from tests.perf.long_talk import Talk, long_talk, prose
from tests.perf.row import Figures, Line, Row

QUESTION = "And then?"
OTHERS_WORDS = 300


def measure(bench: Bench) -> Figures:
    """The share of the earlier turns' tokens that were in the cache, in four cases and one worse one."""
    talk: Talk = bench.once("talk", long_talk)
    site, person = talk.site, talk.person
    figures: Figures = {"earlier_tokens": talk.tokens}

    def next_turn(name: str) -> None:
        earlier = talk.tokens
        answer = talk.turn(QUESTION)
        figures[f"{name}_share"] = (answer.counts["cached_tokens"] or 0) / earlier * 100
        figures[f"{name}_first_s"] = answer.first_s

    next_turn("next")
    Talk(site, site.person("bob")).turn(prose(OTHERS_WORDS))
    next_turn("other")
    person.hang_up()
    person.get(f"/c/{talk.conversation}")
    next_turn("reload")
    site.kill_worker()
    next_turn("restart")
    site.restart_engine(forget=False)
    next_turn("engine")
    return figures


def _line(name: str, what: str, at_least: float | None = 95) -> Line:
    return Line(what, f"{name}_share", "%", at_least=at_least, ours=f"{name}_first_s", beside="s")


ROW = Row(
    "cache",
    "the embedded llama.cpp, one slot, a conversation of 3,000 tokens: earlier tokens found in the cache",
    (
        _line("next", "next turn"),
        _line("other", "after another person's turn"),
        _line("reload", "after a reload of the page"),
        _line("restart", "after a restart of the web process"),
        _line("engine", "after a restart of the engine", None),
    ),
    measure,
)

"""Row `search`: how soon words are found among years of everybody's messages."""

from urllib.parse import quote

from tests.perf.asking import fast_engine, with_engine
from tests.perf.bench import Bench, median
from tests.perf.row import Figures, Line, Row
from tests.perf.rows.page import ANSWERS, answer_times
from tests.perf.seeds import Past

CONVERSATIONS = 4000
TURNS = 25
MESSAGES = CONVERSATIONS * TURNS * 2
# Words in every message, in some and in none, a beginning, a phrase, a title, filters over the commonest word, plurals.
WANTED = (
    "etape", "tableau", "introuvable", "fichi", '"une seule valeur"', "conversation 3999", "etape 13 exemple",
    "etape avant:2026-10", "etape dossier:aucun", "etape modele:fast", "etapes resultats ",
)  # fmt: skip


def measure(bench: Bench) -> Figures:
    """Two people with half of the messages each; one of them searches."""
    with fast_engine() as url, bench.site(**with_engine(url)) as site:
        person = site.person("alice")
        site.person("bob")
        for name in ("alice", "bob"):
            past = Past(site.instance, name)
            past.conversations(CONVERSATIONS // 2, TURNS)
            past.close()
        times = {words: answer_times(person, f"/api/search?q={quote(words)}") for words in WANTED}
    return {
        "messages": MESSAGES,
        "first_s": max(each[0] for each in times.values()),
        "median_s": max(median(each) for each in times.values()),
        "each_median_s": {words: median(each) for words, each in times.items()},
    }


ROW = Row(
    "search",
    f"{MESSAGES:,} messages of two people in {CONVERSATIONS:,} conversations; {len(WANTED)} searches by one of them, "
    f"{ANSWERS} times each, the slowest of them",
    (
        Line("asked for the first time", "first_s", "s", at_most=0.1),
        Line("median", "median_s", "s", at_most=0.1),
    ),
    measure,
)

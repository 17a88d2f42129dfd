"""The page stays responsive: while a long answer streams, and whatever an answer is made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served, wait_for_model
from tests.browser.tracing import traced
from tests.browser.visitor import Tab, Visitor
from tests.fakes.ollama import FakeOllama
from tests.fakes.scenario import Scenario

pytestmark = pytest.mark.slow

LONGEST_MS = 50
LONG_TASK_OF_A_BOMB_MS = 1500
# What else happens on the same cores only ever adds to a task's time.
TRIES = 2
BLOCKS = 50
TOKENS_PER_SECOND = 60
SECTION = """## Étape {n} : préparer l’environnement

Vérifiez **soigneusement** la configuration précédente et ses dépendances, notamment `parametres_{n}`,
avant d’enregistrer définitivement.

| Caractéristique | Valeur |
|:----------------|-------:|
| température     | {n},5  |

- [ ] sauvegarder intégralement
- [x] documenter *rigoureusement* $x_{n}^2$

```{language}
{code}
```

"""
CODE = {
    "python": "def traitement_{n}(donnees_entree, parametres_generaux):\n"
    '    """Transforme-les-données-conformément-aux-paramètres."""\n'
    '    resultat_intermediaire={{"identifiant":{n},"description":"élément-traité"}}\n'
    "    for enregistrement in donnees_entree.parcourir_entierement():\n"
    '        resultat_intermediaire["total"]+=enregistrement.montant_hors_taxes*1.2\n'
    "    return resultat_intermediaire",
    "sql": "SELECT fournisseurs.raison_sociale,SUM(factures.montant_total)\nFROM fournisseurs\n"
    "INNER JOIN factures ON factures.fournisseur_identifiant=fournisseurs.identifiant\n"
    "WHERE factures.annee_comptable={n}\nGROUP BY fournisseurs.raison_sociale;",
    "powershell": "Get-ChildItem -Path $RepertoirePrincipal -Recurse|Where-Object{{$_.Length-gt{n}}}|\n"
    'ForEach-Object{{Write-Output "Traitement-de:$($_.FullName)"}}',
}
ANSWER = "".join(
    SECTION.format(n=n, language=language, code=CODE[language].format(n=n))
    for n in range(1, BLOCKS + 1)
    for language in [list(CODE)[n % len(CODE)]]
)
BOMBS = {
    "brackets": "[" * 100_000,
    "half links": "[a](" * 25_000,
    "emphasis": "*a **b _c " * 10_000,
    "stars": "a**b" * 25_000,
    "backticks": " ".join("`" * length for length in range(1, 400)),
    "quotes": "> " * 50_000 + "a",
    "lists": "- " * 50_000 + "a",
    "indented lists": "\n".join("  " * depth + "- a" for depth in range(400)),
    "numbered lists": "1. a\n" * 20_000,
    "one line": "mot " * 2_500_000,
    "one word": "m" * 1_000_000,
    "lines": "a\n\n" * 40_000,
    "table": "| a | b | c |\n|---|---|---|\n" + "| **1** | `2` | 3 |\n" * 5_000,
    "wide table": "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n" + "|1" * 20_000 + "|",
    "addresses": "a@b.fr http://c.fr " * 5_000,
    "dollars": "$a " * 30_000,
    "formulas": "$x^2$ " * 15_000,
    "notes": "a[^b] " * 15_000,
    "tasks": "- [ ] a\n" * 12_000,
    "code": "```python\n" + "valeur = {'clef': [1, 2, 3]}\n" * 20_000 + "```",
    "line of code": "```json\n" + '{"a":1},' * 100_000 + "\n```",
    "entities": "&amp;&lt;" * 12_000,
    "escapes": "\\*" * 50_000,
}


def over(chat: Tab, *, answers: int) -> None:
    """Wait for the end by what costs the page next to nothing: looking for roles would be measured too."""
    expect(chat.page.locator("article.answer[data-message-id]")).to_have_count(answers)
    expect(chat.page.locator("article.answer[data-running]")).to_have_count(0, timeout=300_000)


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_answer_holds_up_the_page(alice: Visitor, engine: FakeOllama, bomb: str) -> None:
    chat = alice.here
    chat.ask("D’abord un mot.")
    chat.finished()
    engine.script(Scenario.one_token(BOMBS[bomb]))
    with traced(chat.page) as tasks:
        chat.ask("Puis tout le reste ?")
        over(chat, answers=2)
    chat.finished()
    assert tasks.longest < LONG_TASK_OF_A_BOMB_MS


def test_what_is_too_long_is_said_and_shown_as_plain_text(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    engine.script(Scenario.one_token("**gras** et\n\n" * 6_000 + "la fin"))
    chat.ask("Longuement ?")
    for _ in range(2):
        chat.finished()
        expect(chat.text.locator("strong").first).to_have_text("gras")
        expect(chat.text.get_by_text("La suite est trop longue pour être mise en forme")).to_have_count(1)
        expect(chat.text.locator("pre[data-plain]")).to_contain_text("**gras** et")
        chat.page.reload()


def test_a_table_too_large_to_draw_is_said_and_shown_as_it_was_written(alice: Visitor, engine: FakeOllama) -> None:
    chat = alice.here
    engine.script(Scenario.one_token("Voici :\n\n| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 2_500 + "\nVoilà."))
    chat.ask("Un grand tableau ?")
    chat.finished()
    expect(chat.text.get_by_text("Cette partie est trop grande pour être mise en forme")).to_have_count(1)
    expect(chat.text.locator("pre[data-plain]")).to_contain_text("| 1 | 2 |")
    expect(chat.text.locator("p").last).to_have_text("Voilà.")


@pytest.fixture
def steady(tmp_path: Path) -> Iterator[Served]:
    """A server whose model writes at that pace, and whose answers may be long."""
    with (
        FakeOllama(tokens_per_second=TOKENS_PER_SECOND, context=32_768) as engine,
        Served(tmp_path, OLLAMA_HOST=engine.url, CONTEXT_TOKENS=32_768, MAX_OUTPUT_TOKENS=16_000) as server,
    ):
        engine.script(*[Scenario.answer(ANSWER)] * TRIES)
        yield server


def test_a_long_answer_streams_without_a_long_task(visit: Visitors, steady: Served) -> None:
    assert len(ANSWER) >= 30_000
    assert ANSWER.count("```") == 2 * BLOCKS
    wait_for_model(steady.register("premier"))
    chat = visit(steady, "lecteur").here
    longest = []
    while len(longest) < TRIES and (not longest or longest[-1] >= LONGEST_MS):
        chat.open()
        with traced(chat.page) as tasks:
            chat.ask("Explique tout, avec des exemples.")
            over(chat, answers=1)
        chat.finished()
        expect(chat.text.locator(".code")).to_have_count(BLOCKS)
        expect(chat.text.locator(".code .hljs-keyword").last).to_be_attached()
        longest.append(tasks.longest)
    assert min(longest) < LONGEST_MS, longest

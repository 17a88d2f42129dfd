"""What the Labo's commands and files say beside the figures: progress in lines, estimates, questions, Markdown."""

import re
from collections.abc import Callable

import pytest
from click.testing import Result

from app.cli.lab import progress_text
from app.lab.presentation import exports
from app.lab.runs.repository import RunProgress
from app.models.lab import LabRun, LabSample, LabState
from tests.support.lab import seed
from tests.support.lab_runs import STEADY
from tests.support.site import Site

Run = Callable[..., Result]
# Twenty-one samples: a warm-up, a reading and a task in each of seven repeats.
WORDS = [
    "--models",
    "phi3:mini",
    "--kinds",
    "reading,task",
    "--prompts",
    "calc-vat",
    "--lengths",
    "100",
    "--repeat",
    "7",
]


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")


@pytest.fixture
def run(make_site: Callable[..., Site]) -> Run:
    """Run `flask labo …`, each time as a program of its own."""

    def invoke(*words: str, given: str = "") -> Result:
        site = make_site()
        site.app.extensions["lab"].retry_policy = STEADY
        result = site.app.test_cli_runner().invoke(args=["labo", *words], input=given)
        site.app.extensions["lab"].stop()
        return result

    return invoke


def test_a_run_that_has_measured_nothing_yet_says_that_it_begins(site: Site) -> None:
    with site.app.app_context():
        assert progress_text(RunProgress(LabState.RUNNING, total=21), {}) == "Commence…"


@pytest.mark.slow
def test_without_a_terminal_the_progress_is_told_in_lines(run: Run) -> None:
    result = run("run", *WORDS)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Mesure 4 · ")]
    counts = [int(match[1]) for line in lines if (match := re.match(r"Mesure 4 · (\d+)/21 · \S", line))]
    assert len(counts) == len(lines) >= 1
    assert counts == sorted(set(counts))
    assert len(counts) <= 11
    assert lines[-1] == "Mesure 4 · 21/21 · Terminée"


def test_a_comparison_says_what_is_estimated_and_which_is_worse(site: Site, run: Run) -> None:
    with site.rows():
        seed(2)
    head, *lines = run("compare", "modele-a:1.5b", "modele-b:4b").output.splitlines()
    assert head.endswith("Verdict sur modele-b:4b")
    energies = [line for line in lines if "Énergie" in line]
    assert energies
    assert [line for line in lines if "(estimée)" in line] == energies


@pytest.mark.parametrize(
    ("given", "gone"), [("o\n", True), ("oui\n", True), ("y\n", True), ("n\n", False), ("\n", False)]
)
def test_deleting_asks_in_french(run: Run, given: str, gone: bool) -> None:
    assert run("run", *WORDS, "--repeat", "1", "--title", "De trop").exit_code == 0
    result = run("delete", "4", given=given)
    assert "avec ses 3 relevés ? [o/N]" in plain(result.output)
    assert (result.exit_code == 0) is gone
    assert ("De trop" not in run("runs").output) is gone


def test_markdown_takes_nothing_for_its_own(site: Site) -> None:
    with site.rows() as rows:
        run_id = seed(2).id
        rows.query(LabSample).filter_by(run_id=run_id, model="modele-b:4b").update({"model": "m_b|<i>x"})
        rows.get(LabRun, run_id).title = "# <b>Essai</b>\n[1](x)"
        rows.commit()
        text = exports.markdown([run_id])
    assert "<" not in re.sub(r"\\<", "", text)
    assert r"- **\# \<b\>Essai\</b\> \[1\](x)** · " in text
    assert r"| m\_b\|\<i\>x | " in text


def test_markdown_stands_figures_on_the_right_with_their_intervals(site: Site) -> None:
    with site.rows():
        text = plain(exports.markdown([seed(2).id]))
    ranked = text.partition("## Classement")[2].partition("##")[0]
    head, rule, *rows = [line for line in ranked.splitlines() if line.startswith("|")]
    rules = dict(zip(head.strip("| ").split(" | "), rule.strip("| ").split(" | "), strict=True))
    assert {rules[name] for name in ("Modèle", "Verdict", "Pourquoi")} == {"---"}
    assert {rules[name] for name in ("Qualité", "Temps", "Tokens/s", "CPU", "Énergie")} == {"---:"}
    for row in rows:
        assert re.search(r"\| \d+ \(\d+ ?– ?\d+\) \|", row)
    assert re.search(r"^  - Processeur : ", text, re.MULTILINE)

"""The office tasks that come with the program: enough of them, each check proved, useless answers earn nothing."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.lab import wording as sentences
from app.lab.grading.checks import CHECK_KINDS
from app.lab.grading.text import FATAL, words
from app.lab.runs.runner import judge_office
from app.lab.task_files import EXAMPLE_TASK, Task, load_tasks, parse_tasks
from app.models.lab import Verdict

LIBRARY = EXAMPLE_TASK.with_name("office")
LOADED = load_tasks([LIBRARY])
TASKS = list(LOADED.tasks.values())
USELESS = (
    "Je ne sais pas.",
    "Bonjour, merci pour votre message. Je suis à votre disposition pour toute question sur ce sujet. Cordialement",
    "Bien sûr ! Voici la réponse à votre question. N’hésitez pas si vous avez besoin d’autre chose.",
    "I'm sorry, but I can't help with that. Please provide more information about the boat and the project.",
    "- Un\n- Deux\n- Trois",
    '{"a": 1}',
    "| A | B |\n|---|---|\n| 1 | 2 |",
    "Le bateau est au port et le chantier travaille. " * 40,
    "1",
    "…",
)


def test_there_are_at_least_sixty_of_eight_kinds_and_nothing_is_wrong_with_them() -> None:
    assert LOADED.problems == ()
    assert len(TASKS) >= 60
    counts = Counter(task.category for task in TASKS)
    assert set(counts) == sentences.CATEGORIES.keys() - {"code", "documents", "images", "other"}
    assert min(counts.values()) >= 7
    assert len({task.question for task in TASKS}) == len({task.name for task in TASKS}) == len(TASKS)
    short = [task for task in TASKS if task.short]
    assert {task.category for task in short} == set(counts)
    assert LOADED.get("mail-reply-ten-lines") in short
    assert LOADED.get("nowhere") is None


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_each_check_passes_the_good_answer_and_refuses_its_bad_one(task: Task) -> None:
    assert len(words(task.question)) <= 160
    for check in task.checks:
        good, bad = check.result(task.good, task.question), check.result(check.bad, task.question)
        assert good.passed, (check.kind, good.detail)
        assert not bad.passed, (check.kind, bad.detail)
    assert any(check.essential for check in task.checks)
    perfect = judge_office(task, task.good)
    assert (perfect.verdict, perfect.score, perfect.code, perfect.failures) == (
        Verdict.PASSED, 1.0, "checks_passed", (),
    )  # fmt: skip


@pytest.mark.parametrize("useless", USELESS)
def test_an_answer_that_does_not_do_the_work_earns_next_to_nothing(useless: str) -> None:
    scores = {task.id: judge_office(task, useless).score for task in TASKS}
    # Where nothing is known, to say so is the right answer.
    assert {name for name, score in scores.items() if score == 1} <= {"honest-missing-date"}
    assert sum(scores.values()) <= 1.5


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_to_parrot_the_question_or_its_text_is_no_answer(task: Task) -> None:
    first, _, rest = task.question.partition("\n")
    for parroted in (task.question, f"{first}\n\n{task.question}", rest, task.question.rpartition("«")[2]):
        assert judge_office(task, parroted).verdict is not Verdict.PASSED


@settings(max_examples=25)
@given(st.text(max_size=300), st.text(max_size=40), st.sampled_from(["stop", "length", "cancelled"]))
def test_whatever_a_model_writes_is_judged(answer: str, thinking: str, reason: str) -> None:
    for task in TASKS:
        judgement = judge_office(task, answer, thinking, reason, think=True)
        assert 0 <= judgement.score <= 1
        assert judgement.verdict is not Verdict.PASSED or reason != "length"
        assert len(judgement.checks) == len(task.checks)


def test_the_example_for_ones_own_tasks_is_a_valid_one_that_shows_how_it_is_done() -> None:
    (task,), problems = parse_tasks(EXAMPLE_TASK.read_text(), EXAMPLE_TASK.name)
    assert problems == ()
    assert task.id not in LOADED.tasks
    assert judge_office(task, task.good).verdict is Verdict.PASSED
    assert EXAMPLE_TASK.read_text().count("#") > 25


def test_everything_that_can_be_told_of_an_answer_has_its_words() -> None:
    assert set(CHECK_KINDS) <= set(sentences.CHECKS)
    assert set(sentences.FAILURES) == {*FATAL, "empty_thinking", "cut"}
    codes = {"checks_passed", "checks_partly", "checks_failed", "essential_failed", "answer_empty", "cut", *FATAL}
    assert codes <= set(sentences.SENTENCES)


def test_a_folder_that_is_not_there_holds_no_tasks(tmp_path: Path) -> None:
    assert load_tasks([tmp_path / "tasks"]).tasks == {}

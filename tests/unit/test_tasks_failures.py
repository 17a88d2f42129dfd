"""The failures of small models: seen where they are, not seen where they are not; and what they cost."""

import pytest

from app.lab.grading.text import echoes, find_failures, foreign_language, guess_language, language_shares, loops
from app.lab.runs.runner import judge_office
from app.lab.task_files import parse_tasks
from app.models.lab import Verdict

FRENCH = (
    "Le chantier a livré trois bateaux cette semaine. Le quatrième attend une pièce du moteur. Nous avons prévenu le "
    "client, qui préfère attendre. La grue sera révisée lundi, et le ponton restera fermé pendant deux jours."
)
PARTS = ("la coque", "le pont", "le moteur", "la barre", "le mât", "la pompe", "les feux", "la radio", "les gilets")
LIST = "\n".join(f"{place}. Contrôler {part}" for place, part in enumerate(PARTS, 1))
TABLE = "| Poste | Heures |\n|---|---|\n" + "\n".join(f"| Poste numéro {place} | 8 heures |" for place in range(30))
CODE = "def total(prices):\n    result = 0\n    for price in prices:\n        result += price\n    return result\n"


@pytest.mark.parametrize(
    "text",
    [
        "Oui oui oui oui oui oui oui oui oui oui oui oui oui oui oui oui.",
        FRENCH + " Le port est beau." * 5,
        "Le bateau est prêt.\n" * 3,
        "Le bateau est prêt. Il est beau. " * 4,
        "".join(f"{place}. Vérifier la coque\n" for place in range(1, 9)),
        " ".join(f"mot{place % 7}" for place in range(90)),
        "ha" * 500,
        "a" * 100_000,
        FRENCH + "\n" + "- - " * 200,
        "la coque et le pont et " * 12,
    ],
)
def test_what_goes_round_is_seen(text: str) -> None:
    assert loops(text)


@pytest.mark.parametrize(
    "text", ["", "Oui.", FRENCH, LIST, TABLE, CODE, FRENCH + "\n\n---------------------\n", "Bonjour, bonjour à tous !"]
)
def test_what_only_looks_alike_does_not_go_round(text: str) -> None:
    assert not loops(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (FRENCH, "fr"),
        ("Les bateaux sont prêts.", "fr"),
        ("The boat is ready and we have told the client about it.", "en"),
        ("I don't think that it's ready.", "en"),
        ("Das Boot ist fertig und wir haben es dem Kunden mitgeteilt.", "de"),
        ("El barco está listo y lo hemos dicho al cliente por correo.", "es"),
        ("La barca è pronta e lo abbiamo detto al cliente con una mail.", "it"),
        ("Si ma demande se fait, tu as le but en or.", "fr"),
        ("Il y a un bateau, et son mât est las.", "fr"),
        ("42", ""),
        ("Winch", ""),
        ("", ""),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_the_share_of_another_language_is_told() -> None:
    mixed = FRENCH + "\n\nHere is the rest of the answer, which you did not ask for, in a language of its own."
    assert set(language_shares(mixed)) == {"fr", "en"}
    language, share = foreign_language(mixed, "fr")
    assert language == "en"
    assert 0.2 < share < 0.5
    assert foreign_language(FRENCH, "fr") == ("", 0.0)
    assert foreign_language("Voici le code :\n```\nfor the boat in the list: this is what it does\n```", "fr") == (
        "",
        0.0,
    )
    assert foreign_language("好的，我来帮您写这封邮件。", "fr") == ("zh", 1.0)
    assert foreign_language("Хорошо, вот ваше письмо.", "fr")[0] == "ru"
    # A letter or two in a name are nothing.
    assert foreign_language("Le modèle Δ et la marque 三 sont dans la liste que vous avez demandée.", "fr") == ("", 0.0)


@pytest.mark.parametrize(
    ("answer", "thinking", "reason", "think", "seen"),
    [
        (FRENCH, "", "stop", False, ()),
        (FRENCH, "Voyons.", "stop", True, ()),
        (FRENCH, "", "stop", True, ("empty_thinking",)),
        (FRENCH, " \n", "stop", False, ("empty_thinking",)),
        (FRENCH, "", "length", False, ("cut",)),
        ("", "Voyons. " * 30, "length", True, ("endless_thinking", "cut")),
        ("<think>Voyons, le client demande", "", "length", False, ("endless_thinking", "cut")),
        ("Oui.", " ".join(f"mot{place}" for place in range(1600)), "stop", True, ("endless_thinking",)),
        (FRENCH, " ".join(f"mot{place}" for place in range(900)), "stop", True, ()),
        ("The boat is ready and we have told the client.", "", "stop", False, ("wrong_language",)),
        ("Le bateau est prêt.\n" * 5, "", "length", False, ("loop", "cut")),
    ],
)
def test_each_failure_has_its_name(answer: str, thinking: str, reason: str, think: bool, seen: tuple[str, ...]) -> None:
    assert find_failures("Où en est le chantier ?", answer, thinking, reason, language="fr", think=think) == seen


def test_no_language_is_wrong_where_any_will_do() -> None:
    assert find_failures("?", "The boat is ready and we have told the client.", "", "stop") == ()


def test_a_parrot_is_known_by_the_instruction_it_repeats() -> None:
    question = f"Résume ce texte en une phrase, sans rien ajouter : {FRENCH}"
    assert echoes(question, f"Bien sûr ! {question}")
    assert not echoes(question, "Trois bateaux livrés, un en attente d’une pièce.")
    assert not echoes("Traduis : oui", "Traduis : oui")


@pytest.mark.parametrize(
    "piece", ["a", " ", "\n", "`", "```\n", ". ", ".\n \n", "a@", "好", "\0", "\ud800", "1. ", "|-"]
)
def test_an_answer_of_any_length_is_looked_through(piece: str) -> None:
    answer = piece * (100_000 // len(piece))
    seen = find_failures("Que dit-on ?", answer, answer, "length", language="fr", think=True)
    assert "cut" in seen
    assert ("empty_thinking" in seen) == (not piece.strip())


def test_failures_cost_what_they_should() -> None:
    (task,), _ = parse_tasks(
        '[one]\nname = "Une"\nquestion = "Que dit-on le matin au client, et le soir ?"\ngood = "Bonjour et bonsoir."\n'
        '[[one.check]]\ntype = "contains"\nall = ["bonjour"]\nessential = true\nbad = "x"\n'
        '[[one.check]]\ntype = "contains"\nall = ["bonsoir"]\nbad = "x"\n'
        '[[one.check]]\ntype = "contains"\nall = ["et"]\nbad = "x"\n',
        "one.toml",
    )
    told = {
        answer: judge_office(task, answer)
        for answer in ("Bonjour et bonsoir.", "Bonjour, bonsoir.", "Bonjour.", "Et bonsoir.", " ", "\n")
    }
    assert [(one.verdict, round(one.score, 2), one.code) for one in told.values()] == [
        (Verdict.PASSED, 1.0, "checks_passed"),
        (Verdict.RESERVE, 0.67, "checks_partly"),
        (Verdict.FAILED, 0.33, "checks_failed"),
        (Verdict.FAILED, 0.0, "essential_failed"),
        (Verdict.FAILED, 0.0, "answer_empty"),
        (Verdict.FAILED, 0.0, "answer_empty"),
    ]
    assert told["Et bonsoir."].params == {"check": "contains"}
    cut = judge_office(task, "Bonjour et bonsoir.", reason="length")
    assert (cut.verdict, cut.score, cut.code, cut.failures) == (Verdict.RESERVE, 0.5, "cut", ("cut",))
    round_and_round = judge_office(task, "Bonjour et bonsoir, madame. " * 6)
    assert (round_and_round.verdict, round_and_round.score, round_and_round.code) == (Verdict.FAILED, 0.0, "loop")
    assert all(result.passed for result in round_and_round.checks)
    # Its end is not looked at.
    late = judge_office(task, "Au revoir à tous les clients. " * 40 + "Bonjour et bonsoir.")
    assert (late.code, [result.passed for result in late.checks]) == ("loop", [False, False, False])
    empty = judge_office(task, "Bonjour et bonsoir.", think=True)
    assert (empty.verdict, empty.failures) == (Verdict.PASSED, ("empty_thinking",))


def test_an_answer_whose_check_is_not_decided_is_left_to_a_person() -> None:
    (task,), problems = parse_tasks(
        '[one]\nname = "Une"\nquestion = "Quel cri pousse la mouette ?"\ngood = "Elle crie : kraaa"\n'
        '[[one.check]]\ntype = "regex"\npattern = "(a|aa)+$"\nessential = true\nbad = "x"\n'
        '[[one.check]]\ntype = "contains"\nall = ["crie"]\nessential = true\nbad = "x"\n',
        "one.toml",
    )
    assert problems == ()
    unsure, wrong = judge_office(task, f"Elle crie : kr{'a' * 60}k !"), judge_office(task, f"Kr{'a' * 60}k !")
    assert (unsure.verdict, unsure.score, unsure.code) == (Verdict.RESERVE, 0.5, "check_undecided")
    assert unsure.params == {"check": "regex"}
    assert [check["passed"] for check in unsure.as_json()["checks"]] == [None, True]
    # What is certain goes first.
    assert (wrong.verdict, wrong.code, wrong.params) == (Verdict.FAILED, "essential_failed", {"check": "contains"})

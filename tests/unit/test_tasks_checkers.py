"""Each kind of check: what passes, what does not, and what it says it saw."""

from typing import Any

import pytest

from app.generation.citations import numbers
from app.lab.grading.checks import CHECK_KINDS, CheckResult, make_check
from app.lab.grading.schemas import MalformedError
from app.lab.grading.text import list_items, markdown_table, sentences, words

QUESTION = "Un bateau de 14 mètres coûte 1 200 €."


def passes(answer: str, **values: Any) -> bool:
    return make_check({"bad": "x", **values}).result(answer, QUESTION).passed


@pytest.mark.parametrize(
    ("values", "good", "bad"),
    [
        ({"type": "contains", "all": ["Été", "l’hélice"]}, "En ete, L'HÉLICE tourne.", "En été, une hélice tourne."),
        ({"type": "contains", "all": "port"}, "Le **port**.", "Le rapport, les ports, importé."),
        ({"type": "contains", "all": "répar*"}, "On a réparé.", "On a préparé."),
        ({"type": "contains", "any": ["oui", "bien sûr"]}, "Bien  sûr !", "Non."),
        ({"type": "contains", "all": ["n° 12", "cœur"]}, "Le n°\u00a012 au coeur.", "Le n° 123 au coeur."),
        ({"type": "contains", "all": ["C++"]}, "En C++, oui", "En C, oui"),
        ({"type": "forbidden", "words": ["tu", "ton"]}, "Votre tutoriel.", "C’est ton tour."),
        ({"type": "equals", "any": ["Oui"]}, "**oui**.", "Oui, bien sûr."),
        ({"type": "equals", "any": ["2026-11-07"]}, "`2026-11-07`", "2026-11-7"),
        ({"type": "starts", "any": ["Bonjour"]}, "« Bonjour, merci »", "Voici : Bonjour"),
        ({"type": "regex", "pattern": "^l'eau"}, "Oui.\nL’eau monte", "Sous l’eau"),
        ({"type": "regex", "pattern": r"\d", "absent": True}, "Rien", "Rien que 3"),
        ({"type": "language", "is": "fr"}, "Le texte reste sous « Save as », dans ce menu.", "Here is the text."),
        ({"type": "language", "is": "en"}, "This is what you asked for.", "Voici ce que vous avez demandé."),
        ({"type": "language", "is": "fr"}, "42", "  "),
        ({"type": "length", "max_words": 4}, "l’eau du port-à-sec !", "un deux trois quatre cinq"),
        ({"type": "length", "min_sentences": 2, "max_sentences": 2}, "Oui. Non !", "Il vaut 3.5 m ; oui."),
        ({"type": "length", "min_lines": 2, "max_characters": 12}, "Un\n\n---\nDeux", "Un\nDeux deux deux"),
        ({"type": "numbers", "all": [1234.5, -3]}, "1 234,50 et −3", "1 234,5 et 3"),
        ({"type": "numbers", "any": [1234]}, "1,234 boats", "12345 boats"),
        ({"type": "numbers", "all": 10, "tolerance": 0.5}, "10,4", "10,6"),
        ({"type": "numbers", "only_known": True, "all": 15}, "1. 14 m\n2. 1200 €, 15", "14 m, 15 et 16"),
        ({"type": "json", "values": {"a": 1, "b": {"c": ["É"]}}}, 'Voici : {"a": 1.0, "b": {"c": ["e"], "d": 0}}',
         '{"a": 1}'),
        ({"type": "json", "values": {"a": 1}, "alone": True}, ' {"a": 1} ', 'Voici {"a": 1}'),
        ({"type": "json", "values": {"a": True}}, '```json\n{"a": true}\n```', '{"a": "true"}'),
        ({"type": "json", "schema": {"type": "array", "minItems": 2}}, "[1, 2]", "[1]"),
        ({"type": "json", "values": {"a": 1}}, '{oui} {"a": 1}', '{"a": 1'),
        ({"type": "json", "values": {"a": 1}}, '{"a": 1}', "[" * 9000),
        ({"type": "list", "items": 2}, "Voici :\n- a\n* b", "- a\n- b\n- c"),
        ({"type": "list", "items": 2, "style": "number", "alone": True}, "1. a\n2) b", "Voici :\n1. a\n2. b"),
        ({"type": "list", "min_items": 2, "max_items": 3, "max_words": 1}, "• a\n• b", "• a b\n• c"),
        ({"type": "list", "style": "bullet"}, "- a", "1. a"),
        ({"type": "table", "columns": ["Zone", "Défaut"], "rows": 1}, "| zone | **Défaut** |\n|:--|--:|\n| a | b |",
         "| Zone | Défaut |\n| a | b |"),
        ({"type": "table"}, "|a|b|\n|-|-|\n|c|d|", "|a|b|\n|-|-|\n|c|"),
        ({"type": "table", "rows": 2}, "|a|\n|-|\n|b|\n|c|", "|a|\n|-|\n|b|"),
        ({"type": "order", "words": ["ancre", "voile"]}, "Ancre puis voile", "Voile puis ancre"),
        ({"type": "order", "words": ["ancre", "voile"]}, "ancre, voile, ancre", "ancre"),
        ({"type": "numbers", "only_known": True, "all": 3, "sources": True}, "3 m [2], page 7", "3 m, 2 et 7"),
        ({"type": "citations", "all": [2, 3]}, "Oui [3] ; non [2].", "Oui [2, 3], ou [1]."),
        ({"type": "abstains"}, "Les extraits n’en disent rien : ce n’est pas indiqué.", "Ce n’est pas cher."),
    ],
)  # fmt: skip
def test_what_passes_and_what_does_not(values: dict[str, Any], good: str, bad: str) -> None:
    assert passes(good, **values)
    assert not passes(bad, **values)


@pytest.mark.parametrize(
    ("values", "answer", "detail"),
    [
        ({"type": "contains", "all": ["un", "deux"], "any": ["a", "b"]}, "Un", "deux, a / b"),
        ({"type": "forbidden", "words": ["un", "deux"]}, "Un", "un"),
        ({"type": "length", "max_words": 2}, "un deux trois", "3 > 2"),
        ({"type": "numbers", "all": [3]}, "4 et 5,5", "4, 5.5"),
        ({"type": "language", "is": "fr"}, "Here is the text that you asked for.", "en"),
        ({"type": "order", "words": ["un", "deux"]}, "deux un", "deux, un"),
        ({"type": "list", "items": 3}, "- un", "1"),
        ({"type": "citations", "all": [2]}, "Un [3], deux [1] [3].", "1, 3"),
        ({"type": "table", "rows": 3}, "|a|b|\n|-|-|\n|c|d|", "1 × 2"),
    ],
)
def test_what_was_seen_is_told(values: dict[str, Any], answer: str, detail: str) -> None:
    result = make_check({"bad": "x", **values}).result(answer, QUESTION)
    assert (result.check, result.passed, result.detail) == (values["type"], False, detail)


@pytest.mark.parametrize("kind", sorted(set(CHECK_KINDS) - {"abstains", "length", "list", "table"}))
def test_a_check_that_asks_for_nothing_is_refused(kind: str) -> None:
    with pytest.raises(MalformedError):
        make_check({"type": kind, "bad": "x"})


@pytest.mark.parametrize("kind", ["abstains", "length", "list", "table"])
def test_a_check_that_asks_for_anything_still_wants_something(kind: str) -> None:
    assert not passes("", type=kind)


@pytest.mark.parametrize("piece", ["a b ", "- ", "1,1.1 1'", '{["', "| - ", "é«", "a\n", "[", "1 111 ", "\0", "\ud800"])
def test_an_answer_of_any_length_and_kind_is_judged(piece: str) -> None:
    answer = piece * (100_000 // len(piece))
    for values in (
        {"type": "contains", "all": ["zèbre*"]},
        {"type": "equals", "any": ["zèbre"]},
        {"type": "json", "values": {"a": 1}},
        {"type": "starts", "any": ["zèbre"]},
        {"type": "regex", "pattern": r"b.*c.*\d"},
        {"type": "numbers", "all": 0.5},
        {"type": "order", "words": ["zèbre", "âne"]},
        {"type": "length", "max_words": 0},
        {"type": "list", "max_items": 1},
        {"type": "table", "rows": 3},
        {"type": "citations", "all": [7]},
        {"type": "numbers", "all": 0.5, "sources": True},
        {"type": "abstains"},
    ):
        result = make_check({"bad": "x", **values}).result(answer, QUESTION)
        assert len(result.detail) <= 200
        assert not result.passed or values["type"] in {"length", "list"}


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1 234,56 €", [{1234.56}]),
        ("1\u202f234\u00a0567", [{1234567}]),
        ("1.234.567,8", [{1234567.8}]),
        ("1,234.5", [{1234.5}]),
        ("1.234", [{1.234, 1234}]),
        ("0,125", [{0.125}]),
        ("12,5 % de 80", [{12.5}, {80}]),
        ("14h30", [{14}, {30}]),
        ("de 10-12 m, -5 °C", [{10}, {12}, {-5}]),
        ("9h-18h, 9h30-12h, 5%-10 %, (3)-4", [{9}, {18}, {9}, {30}, {12}, {5}, {10}, {3}, {4}]),
        ("-20, −7 et \u20113 ; x=-4 (-6)", [{-20}, {-7}, {-3}, {-4}, {-6}]),
        ("le 12/03/2026", [{12}, {3}, {2026}]),
        ("TQ88, B2B, v1.2.3", []),
        ("n° 4512 300 €", [{4512}, {300}]),
        ("Fin 2026.", [{2026}]),
    ],
)
def test_numbers_are_read_in_french_and_english(text: str, readings: list[set[float]]) -> None:
    assert [set(found) for found in numbers(text)] == readings


def test_words_sentences_items_and_tables() -> None:
    assert words("L’après-midi, 3 bateaux_bleus !") == ["L'après-midi", "3", "bateaux", "bleus"]
    assert sentences("Oui. « Non ! » Peut-être…\nFin") == ["Oui.", "« Non !", "Peut-être…", "Fin"]
    assert list_items("1. un\n  - deux\n3 trois\n-quatre") == [("number", "un"), ("bullet", "deux")]
    assert markdown_table("texte | sans | tableau") == []


def test_a_search_that_takes_too_long_is_not_decided() -> None:
    made = make_check({"type": "regex", "pattern": "(a|aa)+$", "bad": "x"})
    assert made.result("Oui, aaa", QUESTION).passed is True
    assert made.result("a" * 60 + "!", QUESTION) == CheckResult("regex", None)
    with_schema = make_check({"type": "json", "schema": {"items": {"pattern": "^(a|aa)+$"}}, "bad": "x"})
    assert with_schema.result('["aaa"]', QUESTION).passed is True
    assert with_schema.result('["aab"]', QUESTION).passed is False
    assert with_schema.result(f'["{"a" * 60}!"]', QUESTION).passed is None


@pytest.mark.parametrize("pattern", ["a{1,2000}a{1,2000}b", r"[a-z ]{1,999}[a-z ]{1,999}\d"])
def test_a_search_with_bounded_repetitions_is_cut_too(pattern: str) -> None:
    made = make_check({"type": "regex", "pattern": pattern, "bad": "x"})
    assert made.result("a" * 2000, QUESTION) == CheckResult("regex", None)


def test_a_pattern_of_a_schema_goes_with_its_other_rules() -> None:
    parts = {"definitions": {"piece": {"type": "string", "pattern": "^H"}}, "items": {"$ref": "#/definitions/piece"}}
    schema = parts | {"pattern": "x", "allOf": [{"minItems": 2}]}
    good, *bad = '["Hélice", "Hauban"]', '["Hélice"]', '["Hélice", "ancre"]', '["hélice", "Hauban"]', '["Hélice", 3]'
    assert passes(good, type="json", schema=schema)
    assert not any(passes(one, type="json", schema=schema) for one in bad)


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "a{99999999999}", "(?:(?:(?:a?){99}){99}){99}"])
def test_an_expression_that_fills_the_memory_is_refused(pattern: str) -> None:
    with pytest.raises(MalformedError) as refused:
        make_check({"type": "regex", "pattern": pattern, "bad": "x"})
    assert refused.value.code == "task_slow_pattern"

"""The page estimates tokens as the server does."""

import re
from pathlib import Path

import pytest

from app.engines import tokens

SOURCE = Path(__file__).parents[2] / "static/js/lib/tokens.js"


def test_the_pages_figures_are_the_servers() -> None:
    found = dict(re.findall(r"export const ([A-Z_]+) = ([\d.]+);", SOURCE.read_text()))
    assert {name: float(value) for name, value in found.items()} == {
        "BYTES_PER_TOKEN": tokens.BYTES_PER_TOKEN,
        "TOKENS_PER_MESSAGE": tokens.TOKENS_PER_MESSAGE,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    # The same as in tests/js/tokens.test.js.
    [("", 8), ("abc", 9), ("éé", 9), ("🙂🙂🙂", 14), ("1 2 3", 13), ("12,5;13,7\n", 17), ("Bonjour, ça va ?", 15)],
)
def test_digits_and_signs_count_each(text: str, expected: int) -> None:
    assert tokens.estimated_tokens(text) == expected


def test_a_column_of_figures_is_not_taken_for_prose() -> None:
    figures = " ".join(str(number % 10) for number in range(1150))
    # What a tokenizer that splits digits makes of it.
    assert tokens.estimated_tokens(figures) >= 2 * 1150 - 1

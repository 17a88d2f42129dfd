"""The page estimates tokens as the server does."""

import re
from pathlib import Path

from app.generation import prompt

SOURCE = Path(__file__).parents[2] / "static/js/lib/tokens.js"


def test_the_pages_figures_are_the_servers() -> None:
    found = dict(re.findall(r"export const ([A-Z_]+) = ([\d.]+);", SOURCE.read_text()))
    assert {name: float(value) for name, value in found.items()} == {
        "BYTES_PER_TOKEN": prompt.BYTES_PER_TOKEN,
        "TOKENS_PER_MESSAGE": prompt.TOKENS_PER_MESSAGE,
    }

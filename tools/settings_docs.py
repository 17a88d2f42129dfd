"""Writes the settings' table in docs/configuration.md and all of .env.example, from `config.SETTINGS`."""

import re
from pathlib import Path

from config import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / ".env.example"
TABLE = re.compile(r"(?<=<!-- settings -->\n).*(?=<!-- /settings -->)", re.DOTALL)


def table() -> str:
    """One row for each setting; what is expected of its value is the docstring of its parser."""
    rows = ["| name | default | expected | meaning |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "empty"
        expected = str(setting.parse.__doc__).replace(" | ", ", ")
        rows.append(f"| `{setting.name}` | {default} | {expected} | {setting.help} |")
    return "\n".join(rows) + "\n"


def configuration() -> str:
    """docs/configuration.md, with the table as it must be now."""
    return TABLE.sub(lambda _: table(), CONFIGURATION.read_text())


def example() -> str:
    """.env.example: every setting with its default, commented out."""
    head = "# Copy to .env and uncomment what you change. The environment wins over .env.\n"
    return head + "".join(f"\n# {one.help}\n# {one.name}={one.default}\n" for one in SETTINGS)


if __name__ == "__main__":
    CONFIGURATION.write_text(configuration())
    EXAMPLE.write_text(example())

"""Nothing of one machine is written down."""

import re

from tests.structure.sources import name_of, tracked

# Paths of one machine, and hosts that packages come from on one network only.
PRIVATE = re.compile(
    "|".join(
        (
            "/wor[k]/",
            "/roo[t]/",
            "/home/[a-z]+/",
            "artifactor[y]",
            "nexu[s]",
            r"\bregistry\.[a-z]+\.(?:com|io|net|org)\b",
        )
    )
)


def test_nothing_of_one_machine_is_written_down() -> None:
    found = {}
    for path in tracked():
        if "build" not in path.parts and (match := PRIVATE.search(path.read_bytes().decode(errors="replace"))):
            found[name_of(path)] = match[0]
    assert found == {}

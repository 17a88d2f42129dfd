"""Words: every setting and command is documented, both languages are whole, both sides of the wire agree."""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from app.generation.events import Event
from app.models import RunState
from config import SETTINGS
from tests.structure.sources import ROOT
from tests.support.site import Site
from tools import settings_docs

CATALOGUE = ROOT / "app/translations/fr/LC_MESSAGES"


def french() -> Any:
    return read_po(io.BytesIO((CATALOGUE / "messages.po").read_bytes()), locale="fr")


def pages() -> list[Path]:
    """All that is written for people who read about the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def documentation() -> str:
    """What all pages say."""
    return "\n".join(page.read_text() for page in pages())


def test_every_setting_is_in_the_table_and_in_the_example() -> None:
    told = "run `make docs`, which writes the table and .env.example from config.SETTINGS"
    documented = re.findall(r"^\| `([A-Z_]+)` \|.*\| (.+) \|$", settings_docs.CONFIGURATION.read_text(), re.MULTILINE)
    assert documented == [(setting.name, setting.help) for setting in SETTINGS], told
    assert settings_docs.CONFIGURATION.read_text() == settings_docs.configuration(), told
    assert settings_docs.EXAMPLE.read_text() == settings_docs.example(), told


def test_every_command_is_documented(site: Site) -> None:
    documented = documentation()
    assert "flask doctor" in documented
    for group in ("users", "models", "labo"):
        commands = site.app.cli.commands[group]
        assert isinstance(commands, click.Group)
        context = click.Context(commands)
        for name in commands.list_commands(context):
            command = commands.get_command(context, name)
            assert f"flask {group} {name}" in documented
            assert command is not None
            assert command.help


def test_every_address_of_scripts_and_programs_is_in_the_page_of_the_api(site: Site) -> None:
    documented = (ROOT / "docs/api.md").read_text()
    for rule in site.app.url_map.iter_rules():
        if rule.rule.startswith(("/api/", "/v1/")):
            address = re.sub(r"<\w+:(\w+)>", lambda place: "<name>" if place[1] == "name" else "<id>", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert f"`{method} {address}`" in documented


def test_the_readme_stays_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= 10_000, "what is for few readers belongs in docs/"


def test_links_within_the_documentation_lead_somewhere() -> None:
    for page in pages():
        for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())):
            found = (page.parent / target).resolve() if target else page
            assert "://" in target or found.is_file(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}, anchor


def test_every_target_of_make_in_the_documentation_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", documentation())) <= targets


def test_the_browser_knows_the_servers_events_and_states() -> None:
    source = (ROOT / "static/js/lib/wire.js").read_text()

    def listed(name: str) -> set[str]:
        match = re.search(rf"{name} = \[([^\]]*)\]", source)
        assert match
        return set(re.findall(r'"(\w+)"', match[1]))

    assert listed("EVENTS") == {str(event) for event in Event}
    assert listed("STATUSES") == {str(state) for state in RunState}


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All texts of the sources."""
    template = tmp_path_factory.mktemp("texts") / "messages.pot"
    command = [Path(sys.executable).with_name("pybabel"), "-q", "extract", "-F", "pyproject.toml", "-k", "_l"]
    subprocess.run([*command, "-o", template, "."], cwd=ROOT, check=True)
    return read_po(io.BytesIO(template.read_bytes()))


def test_every_text_has_its_french(collected: Any) -> None:
    catalogue = french()
    wanted = {message.id for message in collected if message.id}
    known = {message.id: message for message in catalogue if message.id}
    missing = [text for text in wanted if text not in known or not all(_strings(known[text]))]
    assert missing == []
    assert [text for text, message in known.items() if message.fuzzy] == []
    assert sorted(map(str, set(known) - wanted)) == []


def test_no_text_is_within_an_f_string_where_it_is_not_collected() -> None:
    found = [path for path in (ROOT / "app").rglob("*.py") if re.search(r"\{_\(", path.read_text())]
    assert found == []


def test_french_keeps_the_places_to_fill_in() -> None:
    place = re.compile(r"%\(\w+\)\.?\d*[sdf]|(?<!%)\{\w+\}")
    for message in french():
        if message.id:
            english = message.id if isinstance(message.id, tuple) else (message.id,)
            for string, original in zip(_strings(message), english, strict=True):
                assert sorted(place.findall(string)) == sorted(place.findall(original)), message.id


def test_french_typography() -> None:
    for message in french():
        for string in _strings(message) if message.id else ():
            assert not re.search(r"(?<=\w)'(?=\w)", string), string
            assert not re.search(r"\.\.\.|[^\u202f\s]»|«(?!\u202f)| [;!?»]|[\w»][!?;](?:\s|$)", string), string


def test_french_typography_of_the_guides() -> None:
    for guide in (ROOT / "docs/fr").glob("*.md"):
        said = re.sub(r"```.*?```|`[^`]*`", "", guide.read_text(), flags=re.DOTALL)
        wrong = r"(?<=\w)'(?=\w)|\.\.\.|[^\u202f\s]»|«(?!\u202f)| [;:!?»]"
        assert not re.findall(rf".{{0,20}}(?:{wrong}).{{0,20}}", said), guide.name


def test_the_compiled_texts_are_those_of_the_source() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, french())
    assert (CATALOGUE / "messages.mo").read_bytes() == compiled.getvalue(), "run `make translations`"


def _strings(message: Any) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)

"""Templates, styles and browser modules: nothing inline or from elsewhere, made files that match their sources."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.structure.sources import ROOT, files, name_of, tracked
from tests.support.site import Site

TAILWIND = ROOT / "node_modules/.bin/tailwindcss"


def test_templates_have_nothing_inline() -> None:
    for path in files("templates", ".html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|<style", text), name_of(path)
        for script in re.findall(r"<script[^>]*>", text):
            assert re.search(r"\bsrc=|\bnonce=|type=\"application/json\"", script), (name_of(path), script)
        assert "javascript:" not in text


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in (*files("templates", ".html"), *files("static/css", ".css"), *files("static/js", ".js")):
        found = re.findall(r"(?:src|href|url|import|fetch)\W{0,3}https?://[^\s\"')]+", path.read_text())
        assert found == [], name_of(path)


def test_scripts_import_by_the_names_of_the_import_map(site: Site) -> None:
    with site.app.test_request_context():
        names = set(json.loads(site.app.jinja_env.globals["import_map"]())["imports"])
    for path in files("static/js", ".js"):
        imported = re.findall(r"^\s*(?:import|export)\s[^;]*?from\s+\"([^\"]+)\"", path.read_text(), re.MULTILINE)
        imported += re.findall(r"^import \"([^\"]+)\"|import\(\"([^\"]+)\"\)", path.read_text(), re.MULTILINE)
        for found in imported:
            for name in (found,) if isinstance(found, str) else filter(None, found):
                assert name in names, (name_of(path), name)


def test_the_styles_are_compiled_from_their_sources(tmp_path: Path) -> None:
    if not TAILWIND.exists() or shutil.which("node") is None:
        pytest.skip("*** Node or node_modules is missing: whether static/build/app.css is current is NOT CHECKED ***")
    made = tmp_path / "app.css"
    command = [TAILWIND, "-i", "static/css/app.css", "-o", made, "--minify"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert made.read_text() == (ROOT / "static/build/app.css").read_text(), "run `make build`"


def test_the_made_files_are_kept_with_the_sources() -> None:
    kept = {name_of(path) for path in tracked()}
    assert {"static/build/app.css", "static/build/icons.svg"} <= kept
    assert any(name.startswith("static/vendor/@hotwired/") for name in kept)


def test_a_token_of_the_configuration_reaches_the_compiled_styles() -> None:
    assert "--" in (ROOT / "static/build/app.css").read_text()
    assert '@config "../../tailwind.config.js"' in (ROOT / "static/css/app.css").read_text()

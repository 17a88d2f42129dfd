"""Templates, styles and browser modules: nothing inline or from elsewhere, made files that match their sources."""

import gzip
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.assets import BUILD, built, read
from tests.structure.sources import ROOT, files, name_of, tracked
from tests.support.person import Person
from tests.support.site import Site

PACKAGES = ROOT / "node_modules"


def test_templates_have_nothing_inline() -> None:
    for path in files("templates", ".html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|<style", text), name_of(path)
        for script in re.findall(r"<script[^>]*>", text):
            assert re.search(r"\bsrc=|type=\"application/json\"", script), (name_of(path), script)
        assert "javascript:" not in text


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in (*files("templates", ".html"), *files("static/css", ".css"), *files("static/js", ".js")):
        found = re.findall(r"(?:src|href|url|import|fetch)\W{0,3}https?://[^\s\"')]+", path.read_text())
        assert found == [], name_of(path)


def test_what_browsers_fetch_is_built_from_its_sources(tmp_path: Path) -> None:
    if not PACKAGES.exists() or shutil.which("node") is None:
        pytest.skip("*** Node or node_modules is missing: whether static/build is current is NOT CHECKED ***")
    subprocess.run(["node", "tools/build.mjs", tmp_path], cwd=ROOT, check=True)
    assert contents(tmp_path) == contents(ROOT / "static/build"), "run `make build`"


def contents(folder: Path) -> dict[str, str]:
    """Each file with the hash of what is in it; of a compressed one, of what it holds."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    plain = {name: gzip.decompress(body) if name.endswith(".gz") else body for name, body in found.items()}
    return {name: hashlib.sha256(body).hexdigest() for name, body in plain.items()}


def test_built_files_are_kept_with_the_sources() -> None:
    kept = {path for path in tracked() if path.is_relative_to(BUILD)}
    assert kept == {path for path in BUILD.rglob("*") if path.is_file()}
    assert {BUILD / name for name in built().values()} <= kept


def test_text_is_compressed_beside_itself() -> None:
    for name in built().values():
        zipped = BUILD / f"{name}.gz"
        assert zipped.exists() == name.endswith((".js", ".css", ".svg")), name


def test_each_page_has_one_script_and_the_log_in_page_fetches_the_next_one(site: Site, alice: Person) -> None:
    script = re.compile(r'<script type="module" src="([^"]+)"')
    (chat,) = script.findall(alice.get("/").text)
    login = Person(site.app).get("/login").text
    assert len(script.findall(login)) == 1
    assert f'<link rel="prefetch" href="{chat}" as="script">' in login
    # A part that several files share would be one more request, after this one.
    assert not re.search(r"""\b(?:import|from)\s*["']\./""", read("js/chat.js"))


def test_a_token_of_the_configuration_reaches_the_compiled_styles() -> None:
    assert "--" in read("css/app.css")
    assert '@config "../../tailwind.config.js"' in (ROOT / "static/css/app.css").read_text()

"""Measuring runs as files: a spreadsheet's, JSON that can be read back, Markdown, and the report that stands alone."""

import base64
import csv
import io
import json
import re
from typing import Any

import pytest

from app.bench import archive, report
from app.models.lab import LabMachine, LabRun, LabSample
from tests.functional.test_lab_pages import text_of
from tests.support.lab import names, seed
from tests.support.person import Person
from tests.support.site import Site


@pytest.fixture
def run_id(site: Site) -> int:
    """The later of two runs of two models."""
    with site.rows():
        return seed(2).id


def exported(person: Person, run_id: int, form: str) -> str:
    answer = person.get(f"/lab/runs/{run_id}/export/{form}")
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="labo-{run_id}.{form}"'
    return answer.text


def test_a_line_of_the_spreadsheet_for_each_sample(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "csv")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    with site.rows() as found:
        samples = found.query(LabSample).filter_by(run_id=run_id).order_by(LabSample.position).all()
        assert len(rows) == len(samples)
        for row, sample in zip(rows, samples, strict=True):
            assert (row["model"], row["prompt"], row["threads"]) == (
                sample.model, sample.prompt, str(sample.setting["threads"]),
            )  # fmt: skip
            for name, value in sample.metrics.items():
                assert row[name] == str(value)


def test_no_cell_is_a_formula(site: Site, bob: Person, run_id: int) -> None:
    with site.rows() as rows:
        rows.query(LabSample).filter_by(run_id=run_id).update({"model": '=HYPERLINK("x")'})
        rows.commit()
    rows = list(csv.reader(io.StringIO(exported(bob, run_id, "csv"))))
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def stored(rows: Any, run_id: int) -> list[tuple[Any, ...]]:
    """What the samples of a run are."""
    samples = rows.query(LabSample).filter_by(run_id=run_id).order_by(LabSample.position)
    return [(sample.position, sample.kind, sample.metrics, sample.series, sample.answer) for sample in samples]


def test_json_is_read_back_whole_elsewhere(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "json")
    with site.rows() as rows:
        before = stored(rows, run_id)
        for table in (LabSample, LabRun, LabMachine):
            rows.query(table).delete()
        rows.commit()
        (run,) = archive.load(text)
        after = stored(rows, run.id)
    assert after == before


def test_json_tells_nobody_s_name(site: Site, alice: Person, run_id: int) -> None:
    with site.rows() as rows:
        rows.get(LabRun, run_id).user_id = 1
        rows.commit()
    told = json.loads(exported(alice, run_id, "json"))
    assert "user_id" not in told["runs"][0]
    assert (told["format"], told["version"]) == ("couachgpt-labo", 1)


def test_markdown_has_a_table_for_the_ranking_and_each_chart(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "md")
    for heading in ("Classement", "Où va le temps", "Lecture, selon la longueur du texte", "Rédaction, à plusieurs"):
        assert f"## {heading}" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_report_needs_nothing_but_itself(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "html")
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert not re.search(r"url\((?!data:)[^)]*\)", text)
    assert "@import" not in text
    assert "@font-face" not in text
    for name, _size in names(2):
        assert name in text
    assert text.count("data-chart-spec-value") == 5
    assert '<html lang="fr"' in text


def test_every_module_of_the_report_is_in_it(site: Site, bob: Person, run_id: int) -> None:
    (told,) = re.findall(r'<script type="importmap">(.*?)</script>', exported(bob, run_id, "html"))
    imports = json.loads(told)["imports"]
    for name, address in imports.items():
        source = base64.b64decode(address.removeprefix("data:text/javascript;base64,")).decode()
        for wanted in re.findall(r'^import [^;]*?from "([^"]+)"', source, re.MULTILINE):
            assert wanted in imports, (name, wanted)


def test_texts_cannot_break_out_of_the_report(site: Site, bob: Person, run_id: int) -> None:
    hostile = "</script><script>alert(1)</script>'\""
    with site.rows() as rows:
        rows.query(LabSample).filter_by(run_id=run_id, model="modele-b:4b").update({"model": hostile})
        rows.get(LabRun, run_id).title = hostile
        rows.commit()
    assert "<script>alert" not in exported(bob, run_id, "html")
    page = bob.get(f"/lab/runs/{run_id}").text
    assert "<script>alert" not in page


def test_two_runs_make_one_report(site: Site, alice: Person, run_id: int) -> None:
    with site.app.test_request_context(headers={"Accept-Language": "fr"}):
        text = report.build([run_id - 1, run_id])
    words = text_of(text)
    assert "Essai 1.0" in words
    assert "Essai 1.1" in words


def test_unknown_forms_and_runs_are_not_found(site: Site, bob: Person, run_id: int) -> None:
    assert bob.get(f"/lab/runs/{run_id}/export/pdf").status_code == 404
    assert bob.get("/lab/runs/999/export/csv").status_code == 404

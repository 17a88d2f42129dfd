"""Measuring runs as files: a spreadsheet's, JSON that can be read back, Markdown, and the report that stands alone."""

import csv
import io
import json
import re
from typing import Any

import pytest

from app import assets
from app.lab.presentation import exports
from app.lab.runs import archive
from app.models.lab import LabCampaign, LabMachine, LabRun, LabSample
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
        (run,) = archive.import_archive(text)
        after = stored(rows, run.id)
    assert after == before


def test_json_tells_nobody_s_name(site: Site, alice: Person, run_id: int) -> None:
    with site.rows() as rows:
        rows.get(LabRun, run_id).user_id = 1
        rows.commit()
    told = json.loads(exported(alice, run_id, "json"))
    assert "user_id" not in told["runs"][0]
    assert (told["format"], told["version"]) == ("couachgpt-labo", 1)


WORSE = "Ce qui s’est dégradé depuis la mesure précédente"


def test_markdown_has_a_table_for_the_ranking_and_each_chart(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "md")
    charts = ("Lecture, selon la longueur du texte", "Rédaction, selon ce que contient déjà le contexte")
    for heading in ("Classement", "Où va le temps", *charts, "Rédaction, à plusieurs", WORSE):
        assert f"## {heading}" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_report_needs_nothing_but_itself(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "html")
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert not re.search(r"url\((?!data:|#)[^)]*\)", text)
    assert "@import" not in text
    assert "@font-face" not in text
    for name, _size in names(2):
        assert name in text
    assert text.count("data-chart-spec-value='") == 6
    assert '<html lang="fr"' in text


def test_the_report_s_script_is_whole_and_in_it(site: Site, bob: Person, run_id: int) -> None:
    text = exported(bob, run_id, "html")
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert script == assets.read("js/report.js")
    assert not re.search(r"\bimport\s*[({\"]", script)


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
        text = exports.build_report([run_id - 1, run_id])
    words = text_of(text)
    assert "se sont dégradés depuis la mesure précédente" in words
    assert "Essai 1.0" in words
    assert "Essai 1.1" in words


def test_unknown_forms_and_runs_are_not_found(site: Site, bob: Person, run_id: int) -> None:
    assert bob.get(f"/lab/runs/{run_id}/export/pdf").status_code == 404
    assert bob.get("/lab/runs/999/export/csv").status_code == 404


def test_what_is_the_administrator_s_stays_out_of_others_json(
    site: Site, alice: Person, bob: Person, run_id: int
) -> None:
    with site.rows() as rows:
        rows.get(LabRun, run_id).error_cause = "dial tcp"
        rows.add(LabCampaign(title="", run_id=run_id, models=["modele-b:4b"], prompts=["summary-title"]))
        rows.commit()

    def told(person: Person) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        run = json.loads(exported(person, run_id, "json"))["runs"][0]
        voted = [one for one in run["samples"] if (one["model"], one["prompt"]) == ("modele-b:4b", "summary-title")]
        return run, voted, [one for one in run["samples"] if one["kind"] == "task" and one not in voted]

    run, voted, others = told(alice)
    assert run["error_cause"] == "dial tcp"
    assert "connection closed" in {one["error_cause"] for one in run["samples"]}
    assert all(one["answer"] and one["judgement"] for one in voted)
    run, voted, others = told(bob)
    assert {one["error_cause"] for one in [run, *run["samples"]]} == {None}
    assert voted
    assert not any(one["answer"] or one["judgement"] for one in voted)
    assert all(one["answer"] for one in others)


def test_estimated_energy_is_called_so_in_every_file(site: Site, bob: Person, run_id: int) -> None:
    ranked = exported(bob, run_id, "md").partition("## Classement")[2].partition("##")[0]
    rows = [line for line in ranked.splitlines() if line.startswith("| modele-")]
    assert rows
    assert all(re.search(r"Wh\)? \(estimée\) \|", line) for line in rows)
    report_words = text_of(exported(bob, run_id, "html"))
    assert "watts supposés" in report_words
    assert "L’énergie est ici estimée" in report_words
    assert "Énergie (estimée)" in bob.get("/lab/recommendation").json["spec"]["words"]["size"]


def test_the_machine_and_what_has_no_column_are_in_the_report(site: Site, bob: Person, run_id: int) -> None:
    with site.rows() as rows:
        machine = rows.get(LabRun, run_id).machine
        machine.description = machine.description | {"sockets": 2, "nodes": 2, "quota": 3.5, "ram_limit": 8 * 10**9}
        rows.commit()
    for form in ("html", "md"):
        words = text_of(exported(bob, run_id, form)).replace("\u202f", " ").replace("\xa0", " ")
        for seen in (
            "2 sockets · 8 cœurs · 8 processeurs logiques", "3,5 CPU", "avx avx2 fma", "limitée à 8", "Ollama 1.1",
            "4 096", "Chargement depuis le disque", "Tokens/s chacun (personnes : 1 · 2 · 4)", "mauvaise langue",
            "1 échec · 1 perturbé",
        ):  # fmt: skip
            assert seen in words, (form, seen)
    assert "Étiquettes" in text_of(exported(bob, run_id, "html"))


def test_two_machines_are_told_apart_in_one_report(site: Site, alice: Person, run_id: int) -> None:
    with site.rows() as rows:
        first = rows.get(LabRun, run_id - 1)
        first.machine = LabMachine(fingerprint="autre", name="Autre machine", description={"cpu": "Autre"})
        rows.commit()
    with site.app.test_request_context(headers={"Accept-Language": "fr"}):
        page, table = exports.build_report([run_id - 1, run_id]), exports.markdown([run_id - 1, run_id])
    assert page.count('class="advice__name"') == 2
    assert 'id="scatter-title"' not in page
    assert len(set(re.findall(r'id="(scatter-[0-9]+-title)"', page))) == 2
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for words in (text_of(page), table):
        assert "modele-b:4b (Autre machine)" in words
        assert "modele-b:4b (Processeur d’essai)" in words
    with site.rows() as rows:
        # The same hardware with less memory has the same name.
        rows.query(LabMachine).filter_by(fingerprint="autre").one().name = rows.get(LabRun, run_id).machine.name
        rows.commit()
    with site.app.test_request_context(headers={"Accept-Language": "fr"}):
        table = exports.markdown([run_id - 1, run_id])
    assert len(set(re.findall(r"^\| modele-b:4b \((Processeur d’essai, \d)\)", table, re.MULTILINE))) == 2

"""`flask labo`: measuring, comparing and reporting from the shell."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app.models.lab import LabMachine, LabRun, LabState
from tests.fakes.ollama import FakeOllama
from tests.support.lab import seed
from tests.support.lab_runs import STEADY, Measuring
from tests.support.processes import wait_until
from tests.support.site import Site

Run = Callable[..., Result]
# Few samples, of two models.
SMALL = ("--kinds", "reading,task", "--prompts", "calc-vat", "--lengths", "100", "--repeat", "3")


@pytest.fixture
def run(make_site: Callable[..., Site]) -> Run:
    """Run `flask labo …`, each time as a program of its own."""

    def invoke(*words: str) -> Result:
        site = make_site()
        site.app.extensions["lab"].retry_policy = STEADY
        result = site.app.test_cli_runner().invoke(args=["labo", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        site.app.extensions["lab"].stop()
        return result

    return invoke


def test_all_models_are_measured_and_a_report_is_written(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    result = run("run", *SMALL, "--think", "both", "--title", "Premier essai", "--report", str(report))
    assert result.exit_code == 0, result.output
    assert {"phi3:mini", "deepseek-r1:1.5b"} <= set(re.findall(r"[\w.-]+:[\w.]+", result.output))
    assert str(report) in result.output
    page = report.read_text()
    assert "Premier essai" in page
    # What has no column stands below, line by line.
    assert re.search(r"deepseek-r1:1\.5b · \S.*\n  \S", result.output)
    assert "deepseek-r1:1.5b" in page
    # Nothing is fetched when it is read.
    assert not re.search(r"(?:src|href)=[\"']https?:", page)
    assert "Premier essai" in run("runs").output


@pytest.mark.slow
def test_runs_are_compared_by_model_and_by_number(run: Run) -> None:
    assert run("run", *SMALL).exit_code == 0
    assert run("run", *SMALL, "--models", "phi3:mini").exit_code == 0
    models = run("compare", "phi3:mini", "deepseek-r1:1.5b")
    assert models.exit_code == 0, models.output
    assert "phi3:mini" in models.output.splitlines()[0]
    assert len(models.output.splitlines()) > 4
    # The company's own figures have the first numbers.
    numbers = run("compare", "4", "5")
    assert numbers.exit_code == 0, numbers.output
    assert "phi3:mini (4)" in numbers.output.splitlines()[0]
    assert run("compare", "phi3:mini", "inconnu").exit_code == 1
    assert "not_found" in run("compare", "4", "99").output
    assert "nothing_to_compare" in run("compare", "phi3:mini", "gemma3:4b").output


@pytest.mark.slow
def test_reports_and_files_of_all_kinds(run: Run, tmp_path: Path) -> None:
    assert run("run", *SMALL, "--models", "phi3:mini").exit_code == 0
    for name in ("labo.html", "labo.md", "labo.csv", "labo.json"):
        assert run("report", "4", "--output", str(tmp_path / name)).exit_code == 0
    assert "phi3:mini" in (tmp_path / "labo.md").read_text()
    everything = tmp_path / "all.json"
    assert run("export", str(everything)).exit_code == 0
    assert len(json.loads(everything.read_text())["runs"]) == 4
    # All of it is here already.
    assert run("import", str(everything)).output.startswith("0 ")
    (tmp_path / "bad.json").write_text("{}")
    assert "lab_import_damaged" in run("import", str(tmp_path / "bad.json")).output


def test_a_run_is_deleted_after_a_question(run: Run) -> None:
    assert run("run", *SMALL, "--models", "phi3:mini", "--title", "De trop").exit_code == 0
    # Nobody answers.
    assert run("delete", "4").exit_code == 1
    assert "De trop" in run("runs").output
    assert run("delete", "4", "--yes").exit_code == 0
    assert "De trop" not in run("runs").output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "--models", "inconnu"), "unknown_model"),
        (("run", "--prompts", "no-such-task"), "unknown_task"),
        (("run", "--kinds", "sing"), "invalid_field"),
        (("run", "--repeat", "0"), "invalid_field"),
        (("run", "--threads", "two"), "two"),
        (("run", "--report", "report.pdf"), ".html"),
        (("run", "--report", "no/such/folder/report.html"), "no/such/folder"),
        (("report",), "flask labo run"),
        (("report", "99"), "not_found"),
        (("resume", "99"), "not_found"),
        (("resume", "9" * 20), "not_found"),
        (("compare", "9" * 20, "5"), "not_found"),
        (("resume", "1"), "lab_run_ended"),
        (("cancel", "1"), "lab_run_ended"),
        (("delete", "1", "--yes"), "lab_run_by_hand"),
        (("delete", "99", "--yes"), "not_found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_one_line(run: Run, words: tuple[str, ...], code: str) -> None:
    run("runs")
    result = run(*words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert code in result.output
    assert result.output.count("\n") == 1


def test_an_engine_that_is_away_is_named(make_site: Callable[..., Site]) -> None:
    result = make_site(OLLAMA_HOST="127.0.0.1:9").app.test_cli_runner().invoke(args=["labo", "run"])
    assert result.exit_code == 1
    assert "engine_unreachable" in result.output
    # Nobody asked a question that could be kept.
    assert "question" not in result.output


@pytest.mark.slow
def test_a_server_that_runs_does_the_measuring(run: Run, make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    server = Measuring(make_site().start(ollama))
    server.lab.start()
    wait_until(lambda: server.lab.claim())
    result = run("run", *SMALL, "--models", "phi3:mini")
    assert result.exit_code == 0, result.output
    assert server.run(4).state == LabState.DONE
    # The order of the samples is the server's, who knows what people need.
    assert server.lab.progress(4).state == LabState.DONE
    assert {sample.state for sample in server.samples(4)} == {"done"}


def test_an_interrupted_run_goes_on(run: Run, make_site: Callable[..., Site]) -> None:
    site = make_site()
    before = Measuring(site)
    before.lab.stop()
    run("runs")
    run_id = before.launch(kinds=["task"], tasks=["calc-vat", "calc-discount"])
    assert before.run(run_id).state == LabState.QUEUED
    assert run("cancel", str(run_id)).exit_code == 0
    assert before.run(run_id).state == LabState.CANCELLED
    result = run("resume", str(run_id))
    assert result.exit_code == 0, result.output
    assert before.run(run_id).state == LabState.DONE


def test_what_two_machines_measured_says_which_one(run: Run, make_site: Callable[..., Site]) -> None:
    with make_site().rows() as rows:
        later = seed(1).id
        first = rows.query(LabRun).filter_by(title="Essai 1.0").one()
        first.machine = LabMachine(fingerprint="autre", name="Autre machine", description={})
        rows.commit()
        earlier = first.id
    head = run("compare", str(earlier), str(later)).output.splitlines()[0]
    assert re.search(r"modele-a:1\.5b .*\(Autre machine\) +modele-a:1\.5b .*\(Processeur d’essai", head), head

"""Measuring runs as files: written here, read there, and refused in words when they are damaged."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.errors import AppError
from app.lab.presentation import exports
from app.lab.runs import archive, queries
from app.lab.runs.repository import RunRepository
from app.models.lab import LabMachine, LabRun, LabState
from tests.fakes.ollama import FakeOllama
from tests.support.lab_runs import Measuring
from tests.support.measured import machine, run, task
from tests.support.site import Site, furnished


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[tuple[Site, int]]:
    """A site that has measured a run, and the run's number."""
    folder = furnished(tmp_path_factory.mktemp("origin") / "instance", empty_database)
    with FakeOllama() as ollama:
        site = Site(folder, OLLAMA_HOST=ollama.url).start(ollama)
        measuring = Measuring(site)
        run_id = measuring.launch(kinds=["task", "reading"], tasks=["calc-vat"])
        measuring.ended(run_id)
        yield site, run_id
        site.stop()


@pytest.fixture
def origin(measured: tuple[Site, int]) -> Site:
    """Where it was measured."""
    return measured[0]


@pytest.fixture
def written(measured: tuple[Site, int]) -> dict[str, Any]:
    """The file of that run."""
    site, run_id = measured
    with site.rows():
        told: dict[str, Any] = json.loads(exports.json_text([run_id]))
    return told


@pytest.fixture
def elsewhere(make_site: Callable[..., Site]) -> Site:
    """A site on another server, where nothing was measured."""
    return make_site()


def test_a_run_is_the_same_on_another_server(origin: Site, elsewhere: Site, written: dict[str, Any]) -> None:
    with elsewhere.rows():
        (made,) = archive.import_archive(json.dumps(written))
        copy = json.loads(exports.json_text([made.id]))
        assert copy["machines"][0]["description"].pop("imported") is True
        assert copy == written
        # Another time it is there already, as it is where it came from.
        assert archive.import_archive(json.dumps(written)) == []
    with origin.rows():
        assert archive.import_archive(json.dumps(written)) == []


def test_another_servers_machine_is_never_taken_for_this_one(elsewhere: Site, written: dict[str, Any]) -> None:
    strange = json.loads(json.dumps(written))
    strange["machines"][0] |= {"fingerprint": "strange", "name": "Ailleurs"}
    strange["runs"][0]["machine"] = "strange"
    with elsewhere.rows():
        archive.import_archive(json.dumps(strange))
        assert [machine.name for machine in queries.machines()] == ["Ailleurs"]
        own = machine("Ici")
        run(own, [task("calc-vat", 1)])
        archive.import_archive(json.dumps(written))
        # The last that was used is another one each time.
        assert queries.machines()[0].name == "Ici"
        assert [bool(one.source) for one in queries.machines()] == [False, False, False]


def test_what_was_not_measured_there_is_not_measured_here(elsewhere: Site, written: dict[str, Any]) -> None:
    run = written["runs"][0]
    run["state"] = "running"
    run["samples"][0]["state"] = "waiting"
    with elsewhere.rows():
        (made,) = archive.import_archive(json.dumps(written))
        assert made.state == LabState.INTERRUPTED
        assert len(made.samples) == len(run["samples"]) - 1
        assert RunRepository(elsewhere.app.app_context).next_run() is None


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda told: told.pop(name)


@pytest.mark.parametrize(
    ("damage", "code", "part"),
    [
        (_without("format"), "lab_import_damaged", "format"),
        (lambda told: told.update(version=2), "import_version", "2"),
        (_without("runs"), "lab_import_damaged", "runs"),
        (lambda told: told.update(runs=[7]), "lab_import_damaged", "lab_runs"),
        (lambda told: told["machines"][0].pop("fingerprint"), "lab_import_damaged", "fingerprint"),
        (lambda told: told["runs"][0].update(machine="other"), "lab_import_damaged", "machine"),
        (lambda told: told["runs"][0].update(machine=["x"]), "lab_import_damaged", "machine"),
        (lambda told: told["runs"][0].update(state="asleep"), "lab_import_damaged", "state"),
        (lambda told: told["runs"][0].update(state=None), "lab_import_damaged", "state"),
        (lambda told: told["runs"][0]["samples"][0].pop("state"), "lab_import_damaged", "state"),
        (lambda told: told["runs"][0].update(models={"m": {"parameters": True}}), "lab_import_damaged", "models"),
        (lambda told: told["runs"][0].update(models={"m": {"context": 1e300}}), "lab_import_damaged", "models"),
        (lambda told: told["runs"][0]["samples"][0]["metrics"].update(total_ms=1e20), "lab_import_damaged", "metrics"),
        (lambda told: told["runs"][0].update(created_at="yesterday"), "lab_import_damaged", "created_at"),
        (lambda told: told["runs"][0].update(created_at="2026-01-01"), "lab_import_damaged", "created_at"),
        (lambda told: told["runs"][0].update(title="x" * 201), "lab_import_damaged", "title"),
        (lambda told: told["runs"][0]["samples"][0].update(position="first"), "lab_import_damaged", "position"),
        (lambda told: told["runs"][0]["samples"][0].update(kind="sing"), "lab_import_damaged", "kind"),
        (lambda told: told["runs"][0]["samples"][0].update(metrics=[]), "lab_import_damaged", "metrics"),
        (lambda told: told["runs"][0]["samples"][0].update(disturbed="no"), "lab_import_damaged", "disturbed"),
        (lambda told: told["runs"][0]["samples"][0].update(score=True), "lab_import_damaged", "score"),
        (
            lambda told: told["runs"][0]["samples"][0].update(metrics={"total_ms": "soon"}),
            "lab_import_damaged",
            "metrics",
        ),
        (
            lambda told: told["runs"][0]["samples"][0].update(metrics={"total_ms": True}),
            "lab_import_damaged",
            "metrics",
        ),
        (lambda told: told["runs"][0]["samples"][0].update(metrics={"total_ms": [1]}), "lab_import_damaged", "metrics"),
        (
            lambda told: told["runs"][0]["samples"][0].update(metrics={"total_ms": float("inf")}),
            "lab_import_damaged",
            "JSON",
        ),
        (
            lambda told: told["runs"][0]["samples"][0].update(metrics={"energy_method": "x" * 999}),
            "lab_import_damaged",
            "metrics",
        ),
        (lambda told: told["runs"][0]["samples"][0].update(series=[[1, 2, 3]]), "lab_import_damaged", "series"),
        (lambda told: told["runs"][0]["samples"][0].update(series=[[1, 2, 3, "much"]]), "lab_import_damaged", "series"),
        (lambda told: told["runs"][0]["samples"][0].update(series=[7]), "lab_import_damaged", "series"),
        (lambda told: told["runs"][0]["samples"][0].update(setting={"think": "yes"}), "lab_import_damaged", "setting"),
        (
            lambda told: told["runs"][0]["samples"][0].update(setting={"threads": "all"}),
            "lab_import_damaged",
            "setting",
        ),
        (lambda told: told["runs"][0]["samples"][0].update(setting={"colour": 1}), "lab_import_damaged", "setting"),
        (
            lambda told: told["runs"][0]["samples"][0].update(kind="reading", prompt="long"),
            "lab_import_damaged",
            "prompt",
        ),
        (lambda told: told["runs"][0]["samples"][0].update(kind="crowd", prompt="²"), "lab_import_damaged", "prompt"),
        (
            lambda told: told["runs"][0]["samples"][0].update(judgement={"failures": 7}),
            "lab_import_damaged",
            "judgement",
        ),
        (
            lambda told: told["runs"][0]["samples"][0].update(judgement={"failures": [[]]}),
            "lab_import_damaged",
            "judgement",
        ),
        (
            lambda told: told["runs"][0]["samples"][0].update(judgement={"checks": ["words"]}),
            "lab_import_damaged",
            "judgement",
        ),
        (
            lambda told: told["runs"][0]["samples"][0].update(
                judgement={"code": "essential_failed", "params": {"check": []}}
            ),
            "lab_import_damaged",
            "judgement",
        ),
        (lambda told: told["runs"][0]["samples"][0].update(position=10**30), "lab_import_damaged", "position"),
        (lambda told: told["runs"][0]["samples"][0].update(score=7), "lab_import_damaged", "score"),
        (lambda told: told["runs"][0]["samples"][0].update(answer="\0"), "lab_import_damaged", "answer"),
        (lambda told: told["runs"][0]["samples"][0].update(answer="\ud800"), "lab_import_damaged", "JSON"),
        (lambda told: told["runs"][0].update(plan={"models": 7}), "lab_import_damaged", "plan"),
        (lambda told: told["runs"][0].update(models={"phi3:mini": 7}), "lab_import_damaged", "models"),
        (
            lambda told: told["runs"][0].update(models={"phi3:mini": {"size_bytes": "large"}}),
            "lab_import_damaged",
            "models",
        ),
        (lambda told: told["runs"][0].update(engine={"version": [1]}), "lab_import_damaged", "engine"),
        (
            lambda told: told["runs"][0].update(created_at="0001-01-01T00:00:00+00:00"),
            "lab_import_damaged",
            "created_at",
        ),
        (lambda told: told["machines"][0].update(description={"threads": "many"}), "lab_import_damaged", "description"),
        (lambda told: told["machines"][0].update(description={"energy": 7}), "lab_import_damaged", "description"),
        (lambda told: told["runs"][0]["samples"][-1].pop("model"), "lab_import_damaged", "model"),
    ],
)
def test_a_damaged_file_is_refused_whole(
    elsewhere: Site, written: dict[str, Any], damage: Callable[[dict[str, Any]], object], code: str, part: str
) -> None:
    damage(written)
    with elsewhere.rows() as session:
        with pytest.raises(AppError) as refused:
            archive.import_archive(json.dumps(written))
        told = [str(value) for value in refused.value.params.values()]
        # With its place in the file before it.
        assert (refused.value.code, [value.rpartition(".")[2] for value in told]) == (code, [part])
        assert session.query(LabRun).count() == 0


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", "lab_import_syntax", {"line": 1}),
        ("no JSON", "lab_import_syntax", {"line": 1}),
        ('{"format": "couachgpt-labo",\n"version": }', "lab_import_syntax", {"line": 2}),
        ("[]", "lab_import_damaged", {"part": "format"}),
        ("[" * 100_000, "lab_import_damaged", {"part": "JSON"}),
    ],
)
def test_something_else_is_refused(elsewhere: Site, text: str, code: str, told: dict[str, object]) -> None:
    with elsewhere.rows(), pytest.raises(AppError) as refused:
        archive.import_archive(text)
    assert (refused.value.code, refused.value.params) == (code, told)


def test_the_place_of_what_is_wrong_is_told(elsewhere: Site, written: dict[str, Any]) -> None:
    written["runs"][0]["samples"][1]["kind"] = "sing"
    with elsewhere.rows(), pytest.raises(AppError) as refused:
        archive.import_archive(json.dumps(written))
    assert refused.value.params == {"part": "runs[0].samples[1].kind"}


def test_a_machine_that_this_program_measures_on_is_its_own(origin: Site) -> None:
    with origin.rows() as session:
        here = session.query(LabMachine).filter_by(source="").one()
        here.description = here.description | {queries.IMPORTED: True}
        session.commit()
    measuring = Measuring(origin)
    measuring.taken()
    with origin.rows() as session:
        assert queries.IMPORTED not in session.query(LabMachine).filter_by(source="").one().description

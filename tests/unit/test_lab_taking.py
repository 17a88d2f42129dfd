"""One answer by the clock, texts of a wanted length, the kernel's memory of a file, writing that must not be lost."""

import mmap
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from app.engines.base import Cancel, ChatRequest, Done, EngineEvent, Loading, Retold, Text, Thinking, Usage
from app.errors import AppError
from app.lab.measuring import machine, meters
from app.lab.measuring import sampler as prompts
from app.lab.measuring.plan import ModelOptions, SampleSpec
from app.lab.measuring.sampler import AnswerRecord, Question, Sampler, ask_engine
from app.lab.runs.runner import ShuttingDownError, retry_on_database_error
from app.models.lab import SampleKind

REQUEST = ChatRequest("model", ({"role": "user", "content": "Bonjour"},))


class Told:
    """An engine that tells these events; `closed` says whether it could put its work away."""

    def __init__(self, *events: EngineEvent) -> None:
        self._events = events
        self.closed = False

    def stream(self, _request: ChatRequest, _cancel: Cancel) -> Iterator[EngineEvent]:
        try:
            yield from self._events
        finally:
            self.closed = True


def heard(*events: EngineEvent) -> dict[str, Any]:
    found = AnswerRecord()
    ask_engine(Told(*events), REQUEST, Cancel(), found)
    return found.metrics()


def test_the_engines_own_figures_are_taken() -> None:
    usage = Usage(100, 20, 400.0, 30, 1500.0, 12.0)
    found = heard(Text("Bonjour"), Done("stop", usage))
    told = {"prompt_tokens": 100, "cached_tokens": 20, "prefill_ms": 400, "output_tokens": 30, "decode_ms": 1500}
    assert told.items() <= found.items()
    assert (found["prefill_tps"], found["decode_tps"], found["load_ms"]) == (200, 20, 12)
    assert (found["thinking_tokens"], found["thinking_ms"], found["reason"]) == (0, 0, "stop")
    assert found["total_ms"] >= found["first_token_ms"] >= 0


def test_text_that_turns_out_to_be_thinking_is_counted_as_such() -> None:
    found = heard(*[Text("mot ")] * 20, Retold("mot " * 20), Text("Oui."), Done("stop"))
    assert (found["output_tokens"], found["thinking_tokens"]) == (21, 20)
    found = heard(*[Thinking("mot ")] * 20, Retold(""), Text("mot " * 20), Done("stop"))
    assert (found["output_tokens"], found["thinking_tokens"]) == (21, 0)


def test_what_no_engine_tells_is_left_out_or_counted_here() -> None:
    found = heard(*[Text("mot ")] * 20, Done("stop"))
    assert found["output_tokens"] == 20
    assert not {"prefill_tps", "prompt_tokens", "load_ms"} & found.keys()
    assert found["decode_ms"] <= found["total_ms"]


def test_two_words_say_nothing_of_the_pace() -> None:
    assert "decode_tps" not in heard(Text("Oui."), Done("stop", Usage(output_tokens=2, decode_ms=100.0)))


def test_thinking_has_its_share_of_the_tokens() -> None:
    found = heard(Thinking("x" * 75), Text("y" * 25), Done("stop", Usage(output_tokens=40)))
    assert found["thinking_tokens"] == 30
    assert found["thinking_ms"] >= 0


def test_loading_that_was_waited_for_counts_more_than_what_the_engine_says_of_a_loaded_model() -> None:
    usage = Usage(load_ms=3.0)
    assert heard(Loading(0.5), Loading(2.0, loaded=True), Text("Oui"), Done("stop", usage))["load_ms"] == 2000


def test_an_answer_without_end_is_left_and_the_engine_put_away() -> None:
    engine, found = Told(*[Text("x" * 30_000)] * 5), AnswerRecord()
    with pytest.raises(AppError, match="answer_too_long"):
        ask_engine(engine, REQUEST, Cancel(), found)
    assert engine.closed
    assert sum(map(len, found.answer)) == 50_000
    assert not found.complete


def test_texts_are_as_long_as_was_asked_and_never_the_same() -> None:
    texts = [prompts.filler_text(1000, 3.0) for _ in range(5)]
    assert {round(len(text.encode()), -2) for text in texts} == {2900}
    # What is written after them shows the pace with so much in the context.
    assert all(text.endswith(prompts.SEQUEL) for text in texts)
    # Nothing of one could be taken from the cache for another.
    assert len({text[:20] for text in texts}) == 5
    assert len({prompts.instructions("Sois bref.") for _ in range(5)}) == 5
    assert prompts.instructions("Sois bref.").startswith("Sois bref.\n")


def test_the_models_file_is_found_where_the_engine_uses_it(tmp_path: Path) -> None:
    blob = f"/var/models/blobs/sha256-{'a' * 64}"
    (tmp_path / "7").mkdir()
    (tmp_path / "7/maps").write_text(
        "7f00-7f10 r--s 00000000 fe:00 42                         /data/my models/small.gguf\n"
        "7f10-7f20 r-xp 00000000 fe:00 43                         /usr/lib/libc.so.6\n"
        f"7f20-7f30 r--s 00000000 fe:00 44                         {blob}\n"
        "7f30-7f40 rw-p 00000000 00:00 0 \n"
    )
    found = machine.model_files((7, 8), tmp_path)
    assert found == {Path("/data/my models/small.gguf"), Path(blob)}


class Mapping:
    """An engine in this process, which maps its model's file from its second answer on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._answers = 0
        self._held: list[mmap.mmap] = []

    def pids(self, _model: str = "") -> tuple[int, ...]:
        return (os.getpid(),)

    def unload(self, _model: str) -> None:
        while self._held:
            self._held.pop().close()

    def stream(self, _request: ChatRequest, _cancel: Cancel) -> Iterator[EngineEvent]:
        self._answers += 1
        if self._answers > 1:
            with self._file.open("rb") as file:
                self._held.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        yield Done("stop", Usage(load_ms=10.0))


def test_a_models_file_that_was_not_seen_at_first_is_looked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "large.gguf"
    with path.open("wb") as file:
        file.truncate(machine.LARGE_BYTES)
    sampler = Sampler(Mapping(path), meters.find_energy_source(1, 2, 1, tmp_path), "", 7)
    cell = SampleSpec("model", ModelOptions(), SampleKind.LOAD, "cold", 1)
    # Between two of them somebody else used the engine, so that the model is loaded before.
    taken = [sampler.take(cell, Question("", 1), 0, turn, Cancel()) for turn in (1, 3, 5)]
    assert [one.error for one in taken] == [None, None, None]
    assert [one.metrics["from_disk"] for one in taken] == [0, 1, 1]


def test_only_what_could_be_dropped_counts_as_coming_from_the_disk(tmp_path: Path) -> None:
    large, small = tmp_path / "large.gguf", tmp_path / "small.gguf"
    with large.open("wb") as file:
        file.truncate(machine.LARGE_BYTES)
    small.write_bytes(b"x")
    assert machine.drop_page_cache([large])
    assert not machine.drop_page_cache([small])
    assert not machine.drop_page_cache([])
    assert not machine.drop_page_cache([large, tmp_path / "missing.gguf"])


def test_what_a_full_disk_refuses_is_written_later() -> None:
    tries: list[int] = []

    def write() -> str:
        tries.append(len(tries))
        if len(tries) == 1:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        return "stored"

    refused: list[bool] = []
    assert retry_on_database_error(write, threading.Event(), lambda: refused.append(True)) == "stored"
    assert (len(tries), refused) == (2, [True])


def test_the_end_of_the_program_is_not_waited_for_and_other_mistakes_are_not_repeated() -> None:
    def full() -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    def wrong() -> None:
        raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))

    ending = threading.Event()
    with pytest.raises(ShuttingDownError):
        retry_on_database_error(full, ending, ending.set)
    with pytest.raises(IntegrityError):
        retry_on_database_error(wrong, threading.Event(), lambda: None)

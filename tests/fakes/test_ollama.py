"""The stand-in Ollama says what the real one says, and has its habits."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes.engine import Outcome, Phase
from tests.fakes.ollama import BUSY, FakeOllama
from tests.fakes.ollama_library import FakeModel
from tests.fakes.scenario import Scenario

ROOT = Path(__file__).parents[2]
QUESTION = [{"role": "user", "content": "Combien font deux et deux ?"}]


def chat(ollama: FakeOllama, **body: Any) -> requests.Response:
    asked = {"model": "phi3:mini", "messages": QUESTION, **body}
    return requests.post(f"{ollama.url}/api/chat", json=asked, stream=True, timeout=10)


def ask_aside(ollama: FakeOllama, **body: Any) -> threading.Thread:
    """Ask in a thread; the server may end before the answer does."""

    def ask() -> None:
        with contextlib.suppress(requests.RequestException):
            assert chat(ollama, **body).content

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def chat_begun(ollama: FakeOllama, **body: Any) -> socket.socket:
    """Send a request and do not wait for its answer."""
    payload = json.dumps({"model": "phi3:mini", "messages": QUESTION, **body}).encode()
    client = socket.create_connection(("127.0.0.1", ollama.port))
    client.sendall(b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(payload), payload))
    return client


def unload(ollama: FakeOllama) -> None:
    requests.post(f"{ollama.url}/api/generate", json={"model": "phi3:mini", "keep_alive": 0}, timeout=5)


def loaded(ollama: FakeOllama) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = requests.get(f"{ollama.url}/api/ps", timeout=5).json()["models"]
    return models


def lines(response: requests.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.content.splitlines()]


def said(response: requests.Response, key: str = "content") -> str:
    return "".join(line["message"].get(key, "") for line in lines(response))


def test_it_answers_line_by_line_with_its_figures_last() -> None:
    with FakeOllama() as ollama:
        response = chat(ollama)
        *words, end = lines(response)
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert all(not line["done"] and line["message"]["content"] for line in words)
    assert end["done"]
    assert end["done_reason"] == "stop"
    assert end["eval_count"] == len(words)
    assert end["prompt_eval_count"] == 9
    assert end["eval_duration"] > 1_000_000


def test_the_same_question_gets_the_same_words() -> None:
    with FakeOllama() as ollama:
        assert said(chat(ollama)) == said(chat(ollama))


def test_thinking_is_on_when_nothing_is_said_about_it() -> None:
    with FakeOllama() as ollama:
        assert said(chat(ollama, model="deepseek-r1:1.5b"), "thinking")
        assert not said(chat(ollama, model="deepseek-r1:1.5b", think=False), "thinking")


def test_before_0_9_the_thinking_is_in_the_answer() -> None:
    with FakeOllama(version="0.6.2") as ollama:
        assert said(chat(ollama, model="deepseek-r1:1.5b", think=False)).startswith("<think>\n")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"model": "absent"}, 404, "model 'absent' not found"),
        ({"model": ""}, 400, "model is required"),
        ({"think": True}, 400, '"phi3:mini" does not support thinking'),
        ({"model": "nomic-embed-text"}, 400, '"nomic-embed-text" does not support chat'),
        ({"keep_alive": "-1"}, 400, 'time: missing unit in duration "-1"'),
    ],
)
def test_refusals(body: dict[str, Any], status: int, error: str) -> None:
    with FakeOllama() as ollama:
        response = chat(ollama, **body)
        assert (response.status_code, response.json()["error"]) == (status, error)


def test_a_missing_body_is_refused() -> None:
    with FakeOllama() as ollama:
        response = requests.post(f"{ollama.url}/api/chat", timeout=5)
    assert response.json() == {"error": "missing request body"}


def test_another_context_reloads_the_model() -> None:
    with FakeOllama() as ollama:
        chat(ollama)
        chat(ollama, options={"temperature": 0, "num_predict": 1})
        assert [load.reload for load in ollama.loads] == [False]
        chat(ollama, options={"num_ctx": 2048})
        assert [load.reload for load in ollama.loads] == [False, True]


def test_the_cache_keeps_the_longest_common_prefix() -> None:
    with FakeOllama() as ollama:
        answer = said(chat(ollama))
        answered = [*QUESTION, {"role": "assistant", "content": answer}]
        followed = [*answered, {"role": "user", "content": "Et trois ?"}]
        chat(ollama, messages=followed)
        first, second = ollama.generations
        assert first.cached == 0
        # The whole first prompt and its answer; what is new is the end of that turn and the next one.
        assert second.cached == len(first.prompt) + len(first.said)
        chat(ollama, messages=[{"role": "system", "content": "Il est midi."}, *followed])
        assert ollama.generations[2].cached == 0


def test_a_prompt_too_long_loses_its_oldest_turns_in_silence_unless_forbidden() -> None:
    turns = [{"role": "user", "content": f"Question {n} " + "mot " * 40} for n in range(5)]
    with FakeOllama(context=128) as ollama:
        end = lines(chat(ollama, messages=turns))[-1]
        assert end["prompt_eval_count"] < 128
        huge = [{"role": "user", "content": "mot " * 500}]
        assert lines(chat(ollama, messages=huge))[-1]["prompt_eval_count"] == 64
        refused = chat(ollama, messages=turns, truncate=False)
        assert refused.status_code == 400
        assert "exceeds the available context size" in refused.json()["error"]


def test_num_predict_ends_with_length_and_zero_never_ends() -> None:
    with FakeOllama(context=64) as ollama:
        assert lines(chat(ollama, options={"num_predict": 3}))[-1]["done_reason"] == "length"
        end = lines(chat(ollama, options={"num_predict": 0}))[-1]
        assert (end["eval_count"], end["done_reason"]) == (640, "length")


def test_what_is_zero_is_left_out() -> None:
    with FakeOllama() as ollama:
        ollama.script(Scenario.without_metrics("Bonjour"))
        assert lines(chat(ollama))[-1].keys() == {"model", "created_at", "message", "done", "done_reason"}


def test_scripted_trouble() -> None:
    with FakeOllama() as ollama:
        ollama.script(
            Scenario.mid_stream_error(after=2), Scenario.cut(after=2), Scenario.garbage(after=2),
            Scenario.refused(503, BUSY), Scenario.mid_stream_error(after=0), Scenario.drop(after=2),
        )  # fmt: skip
        assert lines(chat(ollama))[2] == {"error": "an error was encountered while running the model"}
        assert [line["done"] for line in lines(chat(ollama))] == [False, False]
        with pytest.raises(ValueError, match="Unterminated"):
            lines(chat(ollama))
        assert "please try again.  maximum" in chat(ollama).json()["error"]
        assert chat(ollama).status_code == 500
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            lines(chat(ollama))
        assert {made.outcome for made in ollama.generations} == {Outcome.FAILED}


def test_lines_arrive_in_pieces_that_cut_characters_in_two() -> None:
    with FakeOllama() as ollama:
        ollama.script(Scenario.pieces(7, "déjà naïf 模型 🙂"))
        chunks = list(chat(ollama).iter_content(chunk_size=None))
    assert max(map(len, chunks)) == 7
    assert b"".join(chunks).count(b"\n") == 5


def test_one_slot_serves_in_order_of_arrival() -> None:
    with FakeOllama() as ollama:
        ollama.script(Scenario.hold())
        asking = []
        for nth in range(3):
            asking.append(ask_aside(ollama))
            ollama.reached(Phase.QUEUED, nth)
        assert ollama.generations[1].phase is Phase.QUEUED
        ollama.release()
        for thread in asking:
            thread.join()
        ollama.reached(Phase.ENDED, 2)
        ends = [made.ended_at for made in ollama.generations]
    assert ends == sorted(ends)
    assert ollama.max_running == 1


def test_a_client_that_leaves_is_noticed_and_frees_the_slot() -> None:
    with FakeOllama() as ollama:
        ollama.script(Scenario.hold(after=2))
        chat(ollama).close()
        made = ollama.reached(Phase.ENDED)
        assert (made.outcome, made.left_in) == (Outcome.CANCELLED, Phase.DECODING)
        assert said(chat(ollama))


def test_a_wedged_slot_is_freed_by_unloading_only() -> None:
    with FakeOllama(wedges=True) as ollama:
        ollama.script(Scenario.hold(after=2))
        chat(ollama).close()
        ollama.reached(Phase.ENDED)
        waiting = chat_begun(ollama)
        assert ollama.reached(Phase.QUEUED, 1).phase is Phase.QUEUED
        waiting.close()
        unload(ollama)
        assert said(chat(ollama))


def test_an_unload_waits_for_a_running_answer() -> None:
    with FakeOllama() as ollama:
        ollama.script(Scenario.hold(after=2))
        asking = ask_aside(ollama)
        ollama.reached(Phase.DECODING)
        unload(ollama)
        assert loaded(ollama)
        ollama.release()
        asking.join()
        ollama.reached(Phase.ENDED)
        assert not loaded(ollama)


def test_before_0_30_a_reading_goes_on_after_its_client_left_until_the_model_is_unloaded() -> None:
    long = [{"role": "user", "content": "mot " * 2000}]
    with FakeOllama(version="0.24.0", prefill_per_second=1000) as ollama:
        client = chat_begun(ollama, messages=long)
        assert ollama.reached(Phase.PREFILL).phase is Phase.PREFILL
        client.close()
        unload(ollama)
        assert not loaded(ollama)
        started = time.monotonic()
        assert said(chat(ollama))
        assert time.monotonic() - started < 1


def test_a_loop_ends_the_stream_without_a_last_line() -> None:
    with FakeOllama() as ollama:
        ollama.script(Scenario.answer("Voici : " + "ha " * 90), Scenario.answer("non " * 31))
        pieces = lines(chat(ollama))
        assert [line["done"] for line in pieces] == [False] * 33
        assert lines(chat(ollama))[-1]["done"]


def test_another_name_of_a_model_shares_its_runner() -> None:
    models: list[str | FakeModel] = ["phi3:mini", FakeModel("copie:latest", copy_of="phi3:mini", trained_context=2048)]
    with FakeOllama(models) as ollama:
        chat(ollama, model="copie")
        chat(ollama)
        assert len(ollama.loads) == 1
        (line,) = loaded(ollama)
        assert (line["name"], line["context_length"]) == ("copie:latest", 2048)


def test_what_older_versions_do_not_know() -> None:
    turns = [{"role": "user", "content": f"Question {n} " + "mot " * 40} for n in range(5)]
    with FakeOllama(context=128, version="0.6.8") as ollama:
        assert lines(chat(ollama, messages=turns, truncate=False))[-1]["prompt_eval_count"] < 128
        assert "context_length" not in loaded(ollama)[0]
    with FakeOllama(context=128, version="0.24.0") as ollama:
        refused = chat(ollama, messages=turns, truncate=False)
        assert refused.json() == {"error": "the input length exceeds the context length"}


def test_a_pull_without_a_way_to_the_registry() -> None:
    with FakeOllama(offline=True) as ollama:
        answer = requests.post(f"{ollama.url}/api/pull", json={"model": "mistral"}, timeout=5)
        assert answer.status_code == 200
        assert lines(answer)[1]["error"].endswith("dial tcp: lookup registry.ollama.ai: no such host")


def test_keep_alive_decides_how_long_a_model_stays() -> None:
    with FakeOllama() as ollama:
        load = {"model": "phi3:mini", "keep_alive": -1}
        answer = requests.post(f"{ollama.url}/api/generate", json=load, timeout=5).json()
        assert answer["done_reason"] == "load"
        (loaded,) = requests.get(f"{ollama.url}/api/ps", timeout=5).json()["models"]
        assert loaded["expires_at"] > "2300"
        assert loaded["context_length"] == 4096
        chat(ollama, keep_alive=0)
        ollama.reached(Phase.ENDED)
        assert requests.get(f"{ollama.url}/api/ps", timeout=5).json() == {"models": []}


def test_older_versions_list_no_capabilities() -> None:
    eras = (("0.33.0", True, True), ("0.9.0", False, True), ("0.6.2", False, False))
    for version, in_tags, in_show in eras:
        with FakeOllama(version=version) as ollama:
            (entry, *_) = requests.get(f"{ollama.url}/api/tags", timeout=5).json()["models"]
            shown = requests.post(f"{ollama.url}/api/show", json={"model": "phi3:mini"}, timeout=5).json()
        assert ("capabilities" in entry, "capabilities" in shown) == (in_tags, in_show)
        assert shown["model_info"]["phi3.attention.head_count_kv"] == 32


def test_a_load_queue_that_is_full_is_the_only_503() -> None:
    with FakeOllama(max_queue=0, load_seconds=5) as ollama:
        first = ask_aside(ollama)
        ollama.await_load()
        assert chat(ollama, model="deepseek-r1:1.5b").json()["error"] == BUSY
    first.join()


def test_it_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.fakes.ollama", "--model", "mistral", "--load-seconds", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/api/tags", timeout=5).json()["models"][0]["name"] == "mistral:latest"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0

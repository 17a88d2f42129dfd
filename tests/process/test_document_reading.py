"""The real llama.cpp reads a document once: before the question, not with it, nor at the questions that follow."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import attached
from tests.support.processes import wait_until
from tests.support.server import RemotePerson, ServerProcess
from tests.support.site import Site

pytestmark = pytest.mark.slow

SETTINGS = {
    "ENGINE": "embedded", "CONTEXT_TOKENS": "1024", "MAX_OUTPUT_TOKENS": "8", "CACHE_RAM_MB": "0",
    "ENGINE_THREADS": "1", "SYSTEM_PROMPT": "Be brief.", "TEMPERATURE": "0",
}  # fmt: skip
DOCUMENT = " ".join(f"Boat {number} leaves the yard in week {number + 10}." for number in range(22))
LONG = "Tell me about the boats that leave the yard, the weeks in which they leave, and the people who build them. " * 4


def test_a_document_is_read_once(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with ServerProcess(instance, **SETTINGS) as server:
        wait_until(lambda: server.answers("/readyz"), 30)
        alice = RemotePerson(server, "alice")
        assert alice.register().status_code == 302
        rows = Site(instance)
        file = attached(rows, "alice", "boats.txt", DOCUMENT)
        rows.stop()
        conversation = alice.start()

        def reads_ahead() -> str:
            answer = alice.api("POST", f"/conversations/{conversation}/prefill", {"files": [file]})
            return str(answer.json["prefill"])

        def ask(question: str, **more: Any) -> tuple[dict[str, Any], list[str]]:
            events = alice.ask(conversation, question, **more).end()
            return events.data("done")["metrics"], [event.name for event in events.events]

        wait_until(lambda: reads_ahead() == "warm", 60)
        first, _ = ask("Which boat leaves in week 12?", files=[file])
        assert first["prompt_tokens"] > 250
        assert first["prompt_tokens"] - first["cached_tokens"] < 25
        earlier = first["prompt_tokens"] + first["output_tokens"]
        for question in ("And in week 14?", "And in week 16?"):
            later, _ = ask(question)
            assert later["cached_tokens"] >= 0.95 * earlier
            earlier = later["prompt_tokens"] + later["output_tokens"]
        # Also when the oldest turns no longer fit: the document has kept its place.
        for _ in range(8):
            metrics, names = ask(LONG)
            if "context" in names:
                break
        assert "context" in names
        assert metrics["cached_tokens"] >= 0.95 * (first["prompt_tokens"] - 25)

"""Several people at once: as many answers as the engine writes at the same time, the others wait for their turn."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from app.bench.measuring.exchange import Heard, ask
from app.engines.base import Cancel, ChatRequest, Engine


def ask_together(engine: Engine, requests: Sequence[ChatRequest], cancel: Cancel) -> list[Heard]:
    """All of them asked at the same moment; each one's clock runs from then on. Raises what the engine raises."""
    now = time.monotonic()
    heard = [Heard(now) for _request in requests]
    with ThreadPoolExecutor(at_once(engine, len(requests)), thread_name_prefix="crowd") as threads:
        answers = [
            threads.submit(_unless_cancelled, engine, request, cancel, one)
            for request, one in zip(requests, heard, strict=True)
        ]
        for answer in answers:
            answer.result()
    return heard


def at_once(engine: Engine, people: int) -> int:
    """How many of so many are really written at the same time."""
    return max(1, min(people, engine.slots))


def metrics(heard: Sequence[Heard], together: int) -> dict[str, Any]:
    """Figures of all of them together; `total_ms` is when the last one had the answer."""
    last = max(one.end_s or 0.0 for one in heard)
    tokens = sum(one.output_tokens for one in heard)
    rates = [one.output_tokens / one.decode_s for one in heard if one.decode_s > 0]
    return {
        "people": len(heard),
        "at_once": together,
        "output_tokens": tokens,
        "total_ms": round(last * 1000, 3),
        "total_tps": round(tokens / last, 3) if last > 0 else None,
        "person_tps": round(median(rates), 3) if rates else None,
        "first_token_ms": round(median((one.first_s or one.end_s or 0.0) * 1000 for one in heard), 3),
    }


def _unless_cancelled(engine: Engine, request: ChatRequest, cancel: Cancel, heard: Heard) -> None:
    if not cancel.is_set():
        ask(engine, request, cancel, heard)

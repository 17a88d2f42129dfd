"""What one answer cost: waiting, loading, reading, writing, our own time, tokens and energy."""

import time
from typing import TYPE_CHECKING, Any

from app.engines.base import Usage
from app.engines.rapl import Meter

if TYPE_CHECKING:
    from app.generation.worker import RunTicket

NAMES = (
    "queue_ms", "expected_queue_ms", "load_ms", "prompt_tokens", "cached_tokens", "prefill_ms", "output_tokens",
    "decode_ms", "first_token_ms", "total_ms", "overhead_ms", "energy_j",
)  # fmt: skip


def of(
    ticket: "RunTicket", usage: Usage, first_text: float | None, loading_s: float, meter: Meter | None
) -> dict[str, Any]:
    """Milliseconds, token counts and joules at the end of a run; what the engine does not tell is None.

    `first_text`: when it came, by the monotonic clock; `loading_s`: what was seen of loading.
    """
    total = (time.monotonic() - ticket.queued) * 1000
    queue = (ticket.started - ticket.queued) * 1000
    load = max(usage.load_ms or 0.0, loading_s * 1000)
    known = usage.prefill_ms is not None and usage.decode_ms is not None
    work = (usage.prefill_ms or 0) + (usage.decode_ms or 0)
    figures: dict[str, Any] = {
        "queue_ms": queue,
        "expected_queue_ms": None if ticket.expected_s is None else ticket.expected_s * 1000,
        "load_ms": load,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "prefill_ms": usage.prefill_ms,
        "output_tokens": usage.output_tokens,
        "decode_ms": usage.decode_ms,
        "first_token_ms": None if first_text is None else (first_text - ticket.queued) * 1000,
        "total_ms": total,
        "overhead_ms": max(0.0, total - queue - load - work) if known else None,
    }
    if meter is not None:
        meter.tick()
        figures["energy_j"] = meter.joules
    return {name: round(value, 1) if isinstance(value, float) else value for name, value in figures.items()}

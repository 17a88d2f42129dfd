"""Pages that are only open: each asks for the state now and then on its own connection, as its scripts do."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.perf.row import NotMeasuredError
from tests.perf.wire import Place
from tests.support.server import ROOT

# The one thing that a page with nothing running asks again.
SCRIPT = ROOT / "static/js/controllers/status_controller.js"
PATIENCE_S = 30
INTERVAL = re.compile(r"^const EVERY = ([\d_]+);", re.MULTILINE)


def status_every_s() -> float:
    """How often a page asks /api/status, from its own script."""
    found = INTERVAL.search(SCRIPT.read_text())
    if found is None:
        raise NotMeasuredError(f"how often a page asks for the state is no longer told by {SCRIPT.name}")
    return int(found[1]) / 1000


@dataclass(frozen=True, slots=True)
class Page:
    """What one browser sends: the page itself once, the state again and again, and perhaps a question that waits."""

    load: bytes
    status: bytes
    question: bytes = b""


async def kept_open(
    place: Place, pages: list[Page], ready: Callable[[], bool], seconds: float, read: Callable[[], float]
) -> float:
    """How much `read` grew in so many seconds, once all pages are open and `ready` says that the rest is too."""
    every = status_every_s()
    asking = [await _ask(place, page.question) for page in pages if page.question]
    opened = [await _open(place, page) for page in pages]
    start = time.monotonic()
    polling = [
        asyncio.create_task(_poll(*page, start + every * number / len(pages), every))
        for number, page in enumerate(opened)
    ]
    try:
        while not await asyncio.to_thread(ready):
            if time.monotonic() - start > PATIENCE_S:
                raise NotMeasuredError("the questions do not all wait")
            await asyncio.sleep(0.2)
        before = read()
        await asyncio.sleep(seconds)
        grown = read() - before
        if lost := [task for task in polling if task.done()]:
            raise NotMeasuredError(f"{len(lost)} pages lost their connection")
        if not await asyncio.to_thread(ready):
            raise NotMeasuredError("the questions did not wait to the end")
    finally:
        for task in polling:
            task.cancel()
        for writer in asking:
            writer.close()
    return grown


_Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]


async def _ask(place: Place, question: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(*place)
    writer.write(question)
    return writer


async def _open(place: Place, page: Page) -> _Opened:
    reader, writer = await asyncio.open_connection(*place)
    await _exchange(reader, writer, page.load)
    return reader, writer, page.status


async def _poll(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes, at: float, every: float
) -> None:
    while True:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        await _exchange(reader, writer, asked)
        at += every


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> None:
    writer.write(asked)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise NotMeasuredError(f"a page was refused: {head[:300]!r}")
    length = re.search(rb"content-length: (\d+)", head)
    if length is None:
        raise NotMeasuredError("a page without Content-Length")
    await reader.readexactly(int(length[1]))

"""The rows in the order in which they are measured and shown."""

from tests.perf.rows import (
    cache,
    cpu,
    document,
    idle,
    install,
    load,
    memory,
    page,
    reopen,
    search,
    slow,
    start,
    stop,
    stream,
)

_ORDER = (stream, cpu, idle, load, memory, install, start, cache, reopen, document, stop, slow, page, search)
ROWS = {module.ROW.name: module.ROW for module in _ORDER}

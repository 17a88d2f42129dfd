"""The rows in the order in which they are measured and shown."""

from tests.perf.rows import cache, cpu, idle, install, load, memory, page, reopen, start, stop, stream

_ORDER = (stream, cpu, idle, load, memory, install, start, cache, reopen, stop, page)
ROWS = {module.ROW.name: module.ROW for module in _ORDER}

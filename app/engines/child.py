"""The embedded engine's child as the web process sees it: which one runs, and having it replaced by another."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.engines import endpoint as files
from app.engines.base import Cancel, Loading
from app.engines.endpoint import Endpoint, Options
from app.engines.turns import Turn, Turns
from app.errors import AppError

SCRIPT = Path(__file__).with_name("llama_child.py")
# While another child is started: how often it is looked at, and how often that is told.
LOOK_S = 0.02
TELL_S = 0.25


class Child:
    """`failure(code, cause)` makes an engine failure; `in_use(endpoint)` tells whether a child answers anybody."""

    def __init__(
        self,
        instance: str,
        *,
        patience_s: float,
        failure: Callable[[str, object], AppError],
        in_use: Callable[[Endpoint], bool],
    ) -> None:
        self._instance = instance
        self._patience_s = patience_s
        self._failure = failure
        self._in_use = in_use
        self._read: tuple[tuple[int, int], Endpoint] | None = None
        self.turns = Turns()

    def endpoint(self) -> Endpoint:
        """What the master wrote down last; raises engine_unreachable when no server runs here."""
        path = files.endpoint_file(self._instance)
        try:
            state = path.stat()
            if self._read is None or self._read[0] != (state.st_ino, state.st_mtime_ns):
                self._read = (state.st_ino, state.st_mtime_ns), files.read_endpoint(path.read_text())
        except (OSError, ValueError) as error:
            raise self._failure("engine_unreachable", error) from error
        return self._read[1]

    def changing(self, seen: Endpoint) -> bool:
        """Whether the child that was seen is being replaced, because somebody asked for another."""
        wish = files.read_wish(self._instance)
        return (bool(seen.by) and not seen.ready) or (wish is not None and wish.number != seen.wish)

    def provided(self, options: Options, turn: Turn, cancel: Cancel, *, ready: bool = False) -> Iterator[Loading]:
        """Ends once the turn has come and the child has these options; one that has others is replaced.

        `ready`: one that has them, but is just starting again, is waited for too. Raises engine_load_failed,
        engine_silent, engine_unreachable.
        """
        started = told = asked = time.monotonic()
        wish = ""
        while not cancel.is_set():
            now, seen = time.monotonic(), self.endpoint()
            if self.turns.has_come(turn):
                if seen.options == options and (seen.ready or not (ready or wish)):
                    break
                if now - asked > self._patience_s:
                    raise self._failure("engine_silent", f"{options.model} is still loading")
                if wish:
                    self._check(wish, seen, options)
                    wish = self._insisted(wish, seen)
                elif seen.options != options and not self._in_use(seen):
                    asked, wish = now, self._wished(options)
                    self.end(seen)
            else:
                asked = now
            if told == started or now - told >= TELL_S:
                told = now
                yield Loading(now - started)
            cancel.wait(LOOK_S)
        if told != started and not cancel.is_set():
            yield Loading(time.monotonic() - started, loaded=True)

    def restart(self) -> None:
        """End the child, whatever it does, and wait until its supervisor has seen that."""
        deadline, seen = time.monotonic() + self._patience_s, self.endpoint()
        self.end(seen)
        while seen.pid and self.endpoint() is seen and time.monotonic() < deadline:
            time.sleep(LOOK_S)

    def end(self, seen: Endpoint) -> None:
        """Kill the child; its supervisor starts the next one."""
        with contextlib.suppress(OSError):
            # The number may be another program's by now.
            if seen.pid and SCRIPT.name in Path(f"/proc/{seen.pid}/cmdline").read_text():
                os.kill(seen.pid, signal.SIGKILL)

    def _wished(self, options: Options) -> str:
        try:
            return files.make_wish(self._instance, options)
        except OSError as error:
            raise AppError("storage_full", cause=str(error)) from error

    def _check(self, wish: str, seen: Endpoint, options: Options) -> None:
        if seen.failed == wish:
            raise AppError("engine_load_failed", cause="see embedded.log in INSTANCE_DIR", model=options.model)

    def _insisted(self, wish: str, seen: Endpoint) -> str:
        """The wish again, or none when another process has wished for something else since."""
        if seen.wish == wish:
            return wish
        last = files.read_wish(self._instance)
        if last is None or last.number != wish:
            return ""
        # A child that was just started in the place of one that died has not heard of it.
        self.end(seen)
        return wish

"""Stand-in for Tk's event loop: timers by the play's clock, keys and clicks of the player, pictures by checksum."""

import itertools
import re
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from app.bench.programs.players.play import Play, described

KEYSYMS = {"up": "Up", "right": "Right", "down": "Down", "left": "Left", "return": "Return"}
BINDING = re.compile(r"<?(?:Any-)?(KeyPress|KeyRelease|Key|Button|ButtonPress)?-?([^<>-]*)>?")
# What is never clicked: it ends the program.
CLOSES = re.compile(r"qui|exit|ferm|close|sort", re.IGNORECASE)
LOOK = 0.05
FIRST_CLICK, CLICK_EVERY = 0.6, 0.6


class TclError(Exception):
    """What Tk raises."""


class Event:
    """A key or a click."""

    def __init__(self, widget: Any, keysym: str = "", x: int = 0, y: int = 0) -> None:
        self.widget, self.keysym, self.x, self.y = widget, keysym, x, y
        self.char = {"space": " ", "Return": "\r"}.get(keysym, keysym if len(keysym) == 1 else "")
        self.keycode = ord(self.char) if self.char else 0
        self.x_root, self.y_root, self.num, self.delta, self.state, self.type = x, y, 1, 0, 0, "2"


class Loop:
    """`play` is set before the program begins; `widgets` are all that live, `root` the first window."""

    def __init__(self) -> None:
        self.play: Play
        self.clicks = False
        self.widgets: list[Any] = []
        self.root: Any = None
        self.focus: Any = None
        self._jobs: dict[str, tuple[float, Callable[[], Any]]] = {}
        self._names = itertools.count(1)
        self._clicked: list[Any] = []

    def after(self, milliseconds: Any, what: Callable[..., Any] | None, args: tuple[Any, ...]) -> str:
        """`after` and `after_idle`; without a function it waits."""
        if what is None:
            self.play.wait(float(milliseconds) / 1000)
            return ""
        name = f"after#{next(self._names)}"
        self._jobs[name] = (self.play.now() + float(milliseconds) / 1000, lambda: what(*args))
        return name

    def cancel(self, name: Any) -> None:
        self._jobs.pop(str(name), None)

    def run(self) -> None:
        """`mainloop`: until the window is gone."""
        while self.root is not None:
            self.update()
            self.play.wait(min(LOOK, max(0.0, self._next() - self.play.now())))

    def update(self) -> None:
        """Whatever is due: keys, clicks, timers; then one picture."""
        for down, key in self.play.due():
            self.press(KEYSYMS.get(key, key), down)
        if self.clicks and self.play.now() >= FIRST_CLICK + CLICK_EVERY * len(self._clicked):
            self._click()
        now = self.play.now()
        for name in [name for name, (when, _) in self._jobs.items() if when <= now]:
            if name in self._jobs:
                self.call(self._jobs.pop(name)[1])
        self.play.shown(zlib.crc32(repr([widget.looks() for widget in self.widgets]).encode()))

    def press(self, keysym: str, down: bool) -> None:
        """A key goes to the widget that has the focus, then to its window, then to what is bound for all."""
        focus = self.focus or self.root
        if focus is None:
            return
        targets = dict.fromkeys((focus, focus.winfo_toplevel()))
        bindings = [target.bindings for target in targets] + [self.root.all_bindings]
        for target, bound in zip([*targets, focus], bindings, strict=True):
            for sequence, what in list(bound.items()):
                if _means(sequence, keysym, down):
                    self.play.heard = True
                    self.call(partial(what, Event(target, keysym)))

    def call(self, what: Callable[[], Any]) -> None:
        """Tk itself would go on after an exception; the program would not do what it should."""
        try:
            what()
        except SystemExit:
            self.play.end("returned")
        except Exception as error:  # noqa: BLE001 - whatever a callback raises is told
            import traceback  # noqa: PLC0415 - only when something fails

            traceback.print_exc()
            self.play.end("crashed", described(error))

    def _next(self) -> float:
        return min((when for when, _ in self._jobs.values()), default=self.play.now() + LOOK)

    def _click(self) -> None:
        buttons = [widget for widget in self.widgets if hasattr(widget, "invoke") and widget not in self._clicked]
        button = next((one for one in buttons if not CLOSES.search(str(one.options.get("text", "")))), None)
        if button is not None:
            self._clicked.append(button)
            self.play.heard = True
            self.call(button.invoke)


def _means(sequence: str, keysym: str, down: bool) -> bool:
    """Whether a binding such as `<KeyPress-Up>`, `<Up>`, `<Key>` or `w` is for this key."""
    found = BINDING.fullmatch(sequence)
    if not found or (found[1] or "").startswith("Button") or ((found[1] == "KeyRelease") is down):
        return False
    detail = found[2]
    return detail == keysym or (not detail and bool(found[1])) or (detail in ("Key", "KeyPress") and not found[1])


LOOP = Loop()

"""Play tkinter and turtle programs: the real tkinter on a virtual display (Xvfb), with keys, clicks and a clock."""

import ctypes
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.lab.code_runner.players.play import Play, described

SCREEN = "1280x1024x24"
TMP = "/tmp"  # noqa: S108 - the sandbox's own
# The file in which Xvfb keeps the pixels of its screen.
PIXELS = Path(TMP, "Xvfb_screen0")
KEYSYMS = {"up": "Up", "right": "Right", "down": "Down", "left": "Left", "return": "Return"}
BUTTONS = {"Button", "TButton", "Checkbutton", "TCheckbutton", "Radiobutton", "TRadiobutton"}
# Buttons with such a text are not clicked: they end the program.
CLOSES = re.compile(r"qui|exit|ferm|close|sort", re.IGNORECASE)
FIRST_CLICK, CLICK_EVERY = 0.6, 0.6
# Milliseconds between two actions of the player.
LOOK = 20
# Seconds in which a window opens: its changes until then are no movement, and no widget has the focus yet.
OPENED = 0.3


def lacking() -> str:
    """Start the display; returns "tkinter" or "Xvfb" when that is missing, else an empty string."""
    try:
        importlib.import_module("tkinter")
        _tcl()
    except (ImportError, AttributeError):
        return "tkinter"
    program = shutil.which("Xvfb")
    return "" if program and _display(program) else "Xvfb"


def _display(program: str) -> bool:
    """Start Xvfb, reachable only by a socket in the sandbox's own /tmp; False when it does not start."""
    ready, sink = os.pipe()
    # Stop the cursor from blinking, which would count as movement.
    Path(os.environ["HOME"], ".Xdefaults").write_text("*insertOffTime: 0\n")
    with tempfile.TemporaryFile() as said:
        subprocess.Popen(  # noqa: S603 - a fixed command
            [program, "-displayfd", str(sink), "-screen", "0", SCREEN, "-fbdir", TMP, "-nolisten", "tcp", "-nocursor"],
            pass_fds=[sink],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        os.close(sink)
        with open(ready) as numbers:
            # Xvfb writes the number and the newline separately, so read the whole line.
            number = numbers.readline().strip()
        if not number:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            return False
    os.environ["DISPLAY"] = f":{number}"
    return True


def take_over(play: Play, clicks: bool) -> None:
    """Play every window that opens; `clicks`: also click its buttons."""
    tk: Any = importlib.import_module("tkinter")
    _keep_time(play)
    player = _WindowPlayer(tk, play, clicks)
    begin = tk.Tk.__init__

    def opened(root: Any, *args: Any, **options: Any) -> None:
        begin(root, *args, **options)
        root.after(LOOK, player.look, root)

    tk.Tk.__init__ = opened
    tk.Tk.report_callback_exception = player.failed
    tk.Misc._substitute = player.hearing(tk.Misc._substitute)


class _Time(ctypes.Structure):
    """Tcl's C structure Tcl_Time."""

    _fields_ = (("seconds", ctypes.c_long), ("microseconds", ctypes.c_long))


CLOCK = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Time), ctypes.c_void_p)
# The callbacks given to Tcl, kept so that they are not garbage-collected.
CLOCKS: list[Any] = []


def _tcl() -> Any:
    """Tcl's function that replaces its clock (TIP 233)."""
    return ctypes.CDLL(importlib.import_module("_tkinter").__file__).Tcl_SetTimeProc


def _keep_time(play: Play) -> None:
    """Make Tcl use the play's clock, and skip its waiting times."""

    def tell(time: Any, _: Any) -> None:
        time[0].seconds, time[0].microseconds = divmod(int(play.now() * 1e6), 1_000_000)

    def skip(time: Any, _: Any) -> None:
        play.wait(time[0].seconds + time[0].microseconds / 1e6)
        time[0].seconds = time[0].microseconds = 0

    CLOCKS[:] = CLOCK(tell), CLOCK(skip)
    _tcl()(*CLOCKS, None)


class _WindowPlayer:
    def __init__(self, tk: Any, play: Play, clicks: bool) -> None:
        self._tk, self._play, self._clicks = tk, play, clicks
        self._clicked: list[Any] = []

    def look(self, root: Any) -> None:
        """Press due keys, click, and record the picture; repeated by a Tk timer."""
        # Tk raises TclError once the window is gone.
        with suppress(self._tk.TclError):
            # Set the timer first: a key or click may open a dialogue, whose own loop must call this again.
            root.after(LOOK, self.look, root)
            self._focus(root)
            for down, key in self._play.due():
                self._key(root, KEYSYMS.get(key, key), down)
            if root.tk.call("grab", "current"):
                self._key(root, "Return", True)
                self._key(root, "Return", False)
            elif self._clicks and self._play.now() >= FIRST_CLICK + CLICK_EVERY * len(self._clicked):
                self._click(root)
            root.update_idletasks()
            # A round trip to the X server: its answer comes after everything was drawn.
            root.winfo_pointerx()
            if self._play.now() >= OPENED:
                self._play.shown(zlib.crc32(PIXELS.read_bytes()), 0)

    def failed(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Report a crash for an exception in a callback, after which Tk itself would go on."""
        traceback.print_exception(kind, error, trace)
        self._play.end("crashed", described(error))

    def hearing(self, substitute: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap Tk's conversion of events, to note when a key event reaches a function of the program."""
        keys = {self._tk.EventType.KeyPress, self._tk.EventType.KeyRelease}

        def heard(widget: Any, *words: Any) -> Any:
            (event, *_) = events = substitute(widget, *words)
            self._play.heard = self._play.heard or getattr(event, "type", None) in keys
            return events

        return heard

    def _focus(self, root: Any) -> None:
        """Give the opened window, or the widget in it that wants it, the focus: there is no window manager to do so."""
        if self._play.now() >= OPENED and not root.tk.call("focus"):
            root.tk.call("focus", "-force", root.tk.call("focus", "-lastfor", root))

    def _key(self, root: Any, keysym: str, down: bool) -> None:
        focus = root.tk.call("focus") or root
        root.tk.call("event", "generate", focus, "<KeyPress>" if down else "<KeyRelease>", "-keysym", keysym)

    def _click(self, root: Any) -> None:
        buttons = (one for one in _below(root) if one.winfo_class() in BUTTONS and one not in self._clicked)
        button = next((one for one in buttons if not CLOSES.search(str(one.cget("text")))), None)
        if button is not None:
            self._clicked.append(button)
            self._play.heard = True
            button.invoke()


def _below(widget: Any) -> Iterator[Any]:
    for child in list(widget.children.values()):
        yield child
        yield from _below(child)

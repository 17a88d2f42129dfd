"""Stand-in for `tkinter`: windows without a display, so that they need no X server; `turtle` draws with it too."""

import sys
from types import ModuleType
from typing import Any

from app.bench.programs.players.standins.beyond import Told, missing

from . import parts, variables
from .canvas import Canvas
from .loop import LOOP, Event, TclError
from .widgets import Misc, Tk, Toplevel, Widget, Wm

TkVersion = TclVersion = 8.6
# Seconds until somebody has clicked a message away.
ANSWERED = 0.5
# The constants are their own names in small letters.
_WORDS = (
    "NW SW NE SE NS EW NSEW N S E W CENTER NONE X Y BOTH LEFT TOP RIGHT BOTTOM RAISED SUNKEN FLAT RIDGE GROOVE SOLID "
    "HORIZONTAL VERTICAL NORMAL DISABLED ACTIVE HIDDEN END INSERT WORD CHAR ROUND BUTT PROJECTING ARC CHORD PIESLICE "
    "FIRST LAST ALL ANCHOR BROWSE SINGLE MULTIPLE EXTENDED"
)
CONSTANTS: dict[str, Any] = {word: word.lower() for word in _WORDS.split()}
CONSTANTS |= {"YES": True, "TRUE": True, "ON": True, "NO": False, "FALSE": False, "OFF": False}
_PARTS: dict[str, Any] = {
    name: found
    for module in (parts, variables)
    for name, found in vars(module).items()
    if isinstance(found, type) and name[0].isupper() and name not in ("Any", "Told")
}
globals().update(CONSTANTS)
globals().update(_PARTS)


def mainloop(n: int = 0) -> None:
    LOOP.run()


__all__ = ["Canvas", "Event", "Misc", "TclError", "Tk", "Toplevel", "Widget", "Wm", "mainloop"]
__all__ += [*CONSTANTS, *_PARTS]  # noqa: PLE0604 - they are names


def __getattr__(name: str) -> Any:
    raise missing("tkinter", name)


def _module(name: str, /, **names: Any) -> ModuleType:
    made = ModuleType(f"{__name__}.{name}")
    made.__dict__.update(names)
    if name != "constants":
        made.__getattr__ = lambda wanted: _lacks(name, wanted)  # type: ignore[method-assign]
    sys.modules[made.__name__] = made
    return made


def _lacks(owner: str, name: str) -> Any:
    raise missing(owner, name)


def _says(answer: Any) -> Any:
    """A dialogue that somebody answers at once."""

    def say(*_: Any, **__: Any) -> Any:
        LOOP.play.wait(ANSWERED)
        return answer

    return say


constants = _module("constants", **CONSTANTS)
messagebox = _module(
    "messagebox",
    **dict.fromkeys(("showinfo", "showwarning", "showerror"), _says("ok")),
    **dict.fromkeys(("askyesno", "askretrycancel", "askokcancel"), _says(False)),
    askquestion=_says("no"),
)
simpledialog = _module("simpledialog", askstring=_says("1"), askinteger=_says(1), askfloat=_says(1.0))
filedialog = _module("filedialog", askopenfilename=_says(""), asksaveasfilename=_says(""))


class Font(Told):
    """Letters of one width."""

    def __init__(self, root: Any = None, **options: Any) -> None:
        self._options = options

    def measure(self, text: str) -> int:
        return 8 * len(text)

    def configure(self, **options: Any) -> None:
        self._options |= options

    config = configure


class Style(Told):
    """Of the themed widgets; not seen."""

    def __init__(self, *_: Any) -> None:
        self.configure = self.map = self.theme_use = lambda *_, **__: None


font = _module("font", Font=Font)
ttk = _module("ttk", Style=Style, Combobox=parts.Entry, **_PARTS)

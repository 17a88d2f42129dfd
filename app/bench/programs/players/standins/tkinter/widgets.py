"""Stand-in for tkinter's widgets: options, bindings, geometry and variables, without a display."""

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from app.bench.programs.players.standins.beyond import Told

from .loop import LOOP, TclError

_NAMES = itertools.count(1)


class Misc(Told):
    """What windows and widgets share."""

    def __init__(self, master: Any = None, cnf: dict[str, Any] | None = None, **options: Any) -> None:
        self.master = master if master is not None or LOOP.root is None else LOOP.root
        self.children: dict[str, Any] = {}
        self._name = f"!{type(self).__name__.lower()}{next(_NAMES)}"
        self.tk = self
        self.options: dict[str, Any] = {**(cnf or {}), **options}
        self.bindings: dict[str, Callable[..., Any]] = {}
        self._alive = True
        if self.master is not None:
            self.master._check()
            self.master.children[self._name] = self
        LOOP.widgets.append(self)

    def _check(self) -> None:
        if not self._alive:
            raise TclError(f'invalid command name ".{self._name}"')

    def looks(self) -> Any:
        """What one would see of it."""
        text = self.options.get("textvariable")
        shown = ("text", "bg", "background", "fg", "image", "state", "value")
        return [str(self.options[name]) for name in shown if name in self.options], text.get() if text else None

    def __str__(self) -> str:
        return f".{self._name}"

    def configure(self, cnf: dict[str, Any] | None = None, **options: Any) -> Any:
        self._check()
        self.options |= {**(cnf or {}), **options}

    config = configure

    def cget(self, key: str) -> Any:
        return self.options.get(key, {"width": 0, "height": 0}.get(key, ""))

    __getitem__ = cget

    def __setitem__(self, key: str, value: Any) -> None:
        self.configure({key: value})

    def keys(self) -> list[str]:
        return list(self.options)

    def bind(self, sequence: str = "", func: Any = None, add: Any = None) -> str:
        self._check()
        if func is not None:
            self.bindings[str(sequence)] = func
        return str(sequence)

    def unbind(self, sequence: str, funcid: Any = None) -> None:
        self.bindings.pop(sequence, None)

    def bind_all(self, sequence: str = "", func: Any = None, add: Any = None) -> str:
        LOOP.root.all_bindings[str(sequence)] = func
        return str(sequence)

    def after(self, ms: Any, func: Any = None, *args: Any) -> str:
        return LOOP.after(ms, func, args)

    def after_idle(self, func: Any, *args: Any) -> str:
        return LOOP.after(0, func, args)

    def after_cancel(self, id: Any) -> None:
        LOOP.cancel(id)

    def update(self) -> None:
        self._check()
        LOOP.update()

    def update_idletasks(self) -> None:
        self._check()

    def mainloop(self, n: int = 0) -> None:
        LOOP.run()

    def quit(self) -> None:
        LOOP.root = None

    def destroy(self) -> None:
        for child in list(self.children.values()):
            child.destroy()
        self._alive = False
        if self in LOOP.widgets:
            LOOP.widgets.remove(self)
        if self.master is not None:
            self.master.children.pop(self._name, None)
        if LOOP.root is self:
            LOOP.root = None

    def focus_set(self) -> None:
        LOOP.focus = self

    focus = focus_force = focus_set

    def focus_get(self) -> Any:
        return LOOP.focus

    def winfo_toplevel(self) -> Any:
        return self if self.master is None or isinstance(self, Wm) else self.master.winfo_toplevel()

    def winfo_exists(self) -> int:
        return int(self._alive)

    def winfo_children(self) -> list[Any]:
        return list(self.children.values())

    def winfo_width(self) -> int:
        return int(self.options.get("width") or 200)

    def winfo_height(self) -> int:
        return int(self.options.get("height") or 200)

    winfo_reqwidth, winfo_reqheight = winfo_width, winfo_height

    def winfo_screenwidth(self) -> int:
        return 1280

    def winfo_screenheight(self) -> int:
        return 720

    def winfo_x(self) -> int:
        return 0

    winfo_y = winfo_rootx = winfo_rooty = winfo_pointerx = winfo_pointery = winfo_x

    def winfo_rgb(self, color: str) -> tuple[int, int, int]:
        return (0, 0, 0) if color == "black" else (65535, 65535, 65535)

    def bell(self) -> None:
        """Silence."""

    def lift(self, *_: Any) -> None:
        """There is one layer."""

    tkraise = lower = grab_set = grab_release = lift

    def columnconfigure(self, index: Any, **_: Any) -> None:
        """Sizes are not computed."""

    rowconfigure = grid_columnconfigure = grid_rowconfigure = columnconfigure

    def pack_propagate(self, *_: Any) -> None:
        """Sizes are not computed."""

    grid_propagate = pack_propagate


class Wm(Misc):
    """A window."""

    def __init__(self, master: Any = None, *_: Any, **options: Any) -> None:
        super().__init__(master, None, **options)
        self.all_bindings: dict[str, Callable[..., Any]] = {}
        self._title = "tk"

    def title(self, string: str | None = None) -> str:
        self._title = self._title if string is None else str(string)
        return self._title

    def geometry(self, size: str | None = None) -> str:
        if size:
            with contextlib.suppress(ValueError):
                width, height = size.partition("+")[0].split("x")
                self.options |= {"width": int(width), "height": int(height)}
        return f"{self.winfo_width()}x{self.winfo_height()}+0+0"

    def protocol(self, name: str | None = None, func: Any = None) -> None:
        """Nobody closes the window."""

    def resizable(self, *_: Any, **__: Any) -> None:
        """Its size stays."""

    attributes = minsize = maxsize = iconbitmap = iconphoto = state = overrideredirect = resizable
    withdraw = deiconify = iconify = transient = resizable
    wm_title, wm_protocol, wm_geometry, wm_attributes = title, protocol, geometry, attributes


class Tk(Wm):
    """The main window."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(None)
        if LOOP.root is None:
            LOOP.root = self


class Toplevel(Wm):
    """Another window."""


class Widget(Misc):
    """What is put into a window."""

    def __init__(self, master: Any = None, cnf: dict[str, Any] | None = None, **options: Any) -> None:
        if master is None and LOOP.root is None:
            Tk()
        super().__init__(master, cnf, **options)

    def pack(self, *_: Any, **__: Any) -> None:
        self._check()

    grid = place = pack_configure = grid_configure = place_configure = pack
    pack_forget = grid_forget = place_forget = grid_remove = forget = pack

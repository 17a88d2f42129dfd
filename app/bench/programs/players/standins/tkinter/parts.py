"""Stand-in for tkinter's usual widgets: labels, buttons, entries, lists, menus, pictures."""

from typing import Any

from app.bench.programs.players.standins.beyond import Told

from .loop import LOOP
from .widgets import Widget


class Frame(Widget):
    """A part of a window."""


class LabelFrame(Widget):
    """A part of a window, with a title."""


class Label(Widget):
    """A text."""


class Scrollbar(Widget):
    """To scroll with."""

    def set(self, *_: Any) -> None:
        """Nothing scrolls."""


class Button(Widget):
    """Something to press."""

    def invoke(self) -> Any:
        command = self.options.get("command")
        return command() if callable(command) and self.options.get("state") != "disabled" else None

    def flash(self) -> None:
        """Nobody sees it."""


class Checkbutton(Button):
    """A box to tick."""

    def invoke(self) -> Any:
        variable = self.options.get("variable")
        if variable is not None:
            variable.set(not variable.get())
        return super().invoke()


class Radiobutton(Button):
    """One choice of several."""

    def invoke(self) -> Any:
        variable = self.options.get("variable")
        if variable is not None:
            variable.set(self.options.get("value", ""))
        return super().invoke()


class Entry(Widget):
    """A line to fill in."""

    def __init__(self, master: Any = None, cnf: Any = None, **options: Any) -> None:
        super().__init__(master, cnf, **options)
        self._text = ""

    def looks(self) -> Any:
        return (super().looks(), self.get())

    def get(self) -> str:
        variable = self.options.get("textvariable")
        return str(variable.get()) if variable is not None else self._text

    def insert(self, index: Any, string: Any) -> None:
        self._put(str(string) + self.get() if index == 0 else self.get() + str(string))

    def delete(self, first: Any, last: Any = None) -> None:
        text = self.get()
        start = first if isinstance(first, int) else len(text)
        self._put(text[:start] + (text[last:] if isinstance(last, int) else "" if last else text[start + 1 :]))

    def _put(self, text: str) -> None:
        variable = self.options.get("textvariable")
        if variable is not None:
            variable.set(text)
        self._text = text

    def select_range(self, *_: Any) -> None:
        """Nothing is marked."""

    selection_range = icursor = select_range


class Spinbox(Entry):
    """A number to choose."""


class Text(Widget):
    """Lines to fill in."""

    def __init__(self, master: Any = None, cnf: Any = None, **options: Any) -> None:
        super().__init__(master, cnf, **options)
        self._text = ""

    def looks(self) -> Any:
        return (super().looks(), self._text)

    def get(self, *_: Any) -> str:
        return self._text + "\n"

    def insert(self, index: Any, chars: Any, *_: Any) -> None:
        self._text = str(chars) + self._text if str(index) in ("1.0", "0.0") else self._text + str(chars)

    def delete(self, *_: Any) -> None:
        self._text = ""

    def see(self, *_: Any) -> None:
        """All of it is seen."""

    tag_configure = tag_config = tag_add = yview = see


class Listbox(Widget):
    """Lines to choose from."""

    def __init__(self, master: Any = None, cnf: Any = None, **options: Any) -> None:
        super().__init__(master, cnf, **options)
        self._lines: list[str] = []

    def looks(self) -> Any:
        return (super().looks(), self._lines)

    def insert(self, index: Any, *elements: Any) -> None:
        place = len(self._lines) if index in ("end", "END") else int(index)
        self._lines[place:place] = [str(one) for one in elements]

    def delete(self, first: Any, last: Any = None) -> None:
        end = len(self._lines) if last in ("end", "END") else int(first if last is None else last) + 1
        del self._lines[int(first) : end]

    def get(self, first: Any, last: Any = None) -> Any:
        return self._lines[int(first)] if last is None else tuple(self._lines[int(first) :])

    def size(self) -> int:
        return len(self._lines)

    def curselection(self) -> tuple[int, ...]:
        return (0,) if self._lines else ()


class Scale(Widget):
    """A slider."""

    def get(self) -> Any:
        variable = self.options.get("variable")
        return variable.get() if variable is not None else self.options.get("value", self.options.get("from_", 0))

    def set(self, value: Any) -> None:
        self.options["value"] = value


class Menu(Widget):
    """Commands in a list; they are not pressed here."""

    def add_command(self, *_: Any, **__: Any) -> None:
        self._check()

    add_cascade = add_separator = add_checkbutton = add_radiobutton = add_command


class PhotoImage(Told):
    """A picture, of no colour."""

    def __init__(self, name: Any = None, cnf: Any = None, master: Any = None, **options: Any) -> None:
        if options.get("file"):
            with open(options["file"], "rb"):
                pass
        self._options = options
        self.name = str(name or f"pyimage{len(LOOP.widgets)}")

    def __str__(self) -> str:
        return self.name

    def width(self) -> int:
        return int(self._options.get("width", 1))

    def height(self) -> int:
        return int(self._options.get("height", 1))

    def put(self, *_: Any, **__: Any) -> None:
        """It stays without colour."""

    blank = configure = config = put

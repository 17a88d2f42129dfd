"""Stand-in for tkinter's canvas: its items with their places, options and tags."""

import itertools
from typing import Any

from .widgets import Widget


class Canvas(Widget):
    """Items by number, in the order in which they lie upon each other."""

    def __init__(self, master: Any = None, cnf: Any = None, **options: Any) -> None:
        super().__init__(master, cnf, **options)
        self._numbers = itertools.count(1)
        self._items: dict[int, tuple[str, list[float], dict[str, Any]]] = {}

    def looks(self) -> Any:
        items = [(kind, places, sorted(options.items(), key=repr)) for kind, places, options in self._items.values()]
        return (super().looks(), repr(items))

    def _make(self, kind: str, args: tuple[Any, ...], options: dict[str, Any]) -> int:
        self._check()
        flat: list[float] = []
        given = list(args)
        if given and isinstance(given[-1], dict):
            options = {**given.pop(), **options}
        for one in given:
            flat += [float(number) for number in _flat(one)]
        number = next(self._numbers)
        self._items[number] = (kind, flat, options)
        return number

    def create_rectangle(self, *args: Any, **options: Any) -> int:
        return self._make("rectangle", args, options)

    def create_oval(self, *args: Any, **options: Any) -> int:
        return self._make("oval", args, options)

    def create_line(self, *args: Any, **options: Any) -> int:
        return self._make("line", args, options)

    def create_polygon(self, *args: Any, **options: Any) -> int:
        return self._make("polygon", args, options)

    def create_arc(self, *args: Any, **options: Any) -> int:
        return self._make("arc", args, options)

    def create_text(self, *args: Any, **options: Any) -> int:
        return self._make("text", args, options)

    def create_image(self, *args: Any, **options: Any) -> int:
        return self._make("image", args, options)

    def create_window(self, *args: Any, **options: Any) -> int:
        return self._make("window", args, options)

    def _found(self, tag: Any) -> list[int]:
        if tag == "all":
            return list(self._items)
        if str(tag).isdigit():
            return [int(tag)] if int(tag) in self._items else []
        return [number for number in self._items if str(tag) in self.gettags(number)]

    def gettags(self, tag: Any) -> tuple[str, ...]:
        for number in [int(tag)] if str(tag).isdigit() else self._found(tag):
            options = self._items[number][2]
            tags = options.get("tags", options.get("tag", ()))
            return tuple(tags.split()) if isinstance(tags, str) else tuple(tags)
        return ()

    def delete(self, *tags: Any) -> None:
        self._check()
        for tag in tags:
            for number in self._found(tag):
                del self._items[number]

    def coords(self, *args: Any) -> list[float]:
        found = self._found(args[0])
        if not found:
            return []
        kind, places, options = self._items[found[0]]
        if len(args) > 1:
            places = [float(number) for one in args[1:] for number in _flat(one)]
            self._items[found[0]] = (kind, places, options)
        return list(places)

    def move(self, tag: Any, dx: Any, dy: Any) -> None:
        for number in self._found(tag):
            kind, places, options = self._items[number]
            shift = itertools.cycle((float(dx), float(dy)))
            self._items[number] = (kind, [place + by for place, by in zip(places, shift, strict=False)], options)

    def moveto(self, tag: Any, x: Any, y: Any) -> None:
        box = self.bbox(tag)
        if box:
            self.move(tag, float(x) - box[0], float(y) - box[1])

    def itemconfigure(self, tag: Any, cnf: dict[str, Any] | None = None, **options: Any) -> None:
        self._check()
        for number in self._found(tag):
            self._items[number][2].update({**(cnf or {}), **options})

    itemconfig = itemconfigure

    def itemcget(self, tag: Any, option: str) -> Any:
        found = self._found(tag)
        return self._items[found[0]][2].get(option, "") if found else ""

    def type(self, tag: Any) -> str | None:
        found = self._found(tag)
        return self._items[found[0]][0] if found else None

    def bbox(self, *tags: Any) -> tuple[int, int, int, int] | None:
        places = [self._items[number][1] for tag in tags for number in self._found(tag)]
        across = [x for one in places for x in one[::2]]
        down = [y for one in places for y in one[1::2]]
        return (int(min(across)), int(min(down)), int(max(across)), int(max(down))) if across and down else None

    def find_all(self) -> tuple[int, ...]:
        return tuple(self._items)

    def find_withtag(self, tag: Any) -> tuple[int, ...]:
        return tuple(self._found(tag))

    def find_overlapping(self, x1: float, y1: float, x2: float, y2: float) -> tuple[int, ...]:
        boxes = {number: self.bbox(number) for number in self._items}
        return tuple(
            number
            for number, box in boxes.items()
            if box and box[0] <= x2 and x1 <= box[2] and box[1] <= y2 and y1 <= box[3]
        )

    def tag_bind(self, tag: Any, sequence: str = "", func: Any = None, add: Any = None) -> None:
        """Nobody clicks into the picture."""

    def tag_raise(self, *_: Any) -> None:
        """What lies above is not seen."""

    tag_lower = tag_unbind = addtag_withtag = tag_raise
    xview = yview = xview_moveto = yview_moveto = scan_mark = scan_dragto = tag_raise

    def canvasx(self, x: float, gridspacing: Any = None) -> float:
        return float(x)

    canvasy = canvasx


def _flat(one: Any) -> list[Any]:
    return [number for part in one for number in _flat(part)] if isinstance(one, list | tuple) else [one]

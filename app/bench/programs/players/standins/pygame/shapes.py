"""Stand-in for pygame's rectangles, colours and vectors."""

import math
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from app.bench.programs.players.standins.beyond import Told


def numbers(value: Any, count: int) -> tuple[float, ...]:
    """So many numbers, or a TypeError as pygame raises it."""
    found = tuple(value)
    if len(found) != count or not all(isinstance(one, int | float) for one in found):
        raise TypeError(f"{count} numbers are expected")
    return found


class Rect(Told):
    """A rectangle of whole numbers, with all the names of its corners and edges."""

    x: int
    y: int
    w: int
    h: int

    def __init__(self, *given: Any) -> None:
        values = given[0] if len(given) == 1 else given
        values = getattr(values, "rect", values)
        if isinstance(values, Rect):
            values = (values.x, values.y, values.w, values.h)
        elif len(values) == 2:
            values = (*values[0], *values[1])
        self.x, self.y, self.w, self.h = (int(one) for one in numbers(values, 4))

    def __iter__(self) -> Iterator[int]:
        return iter((self.x, self.y, self.w, self.h))

    def __getitem__(self, place: Any) -> Any:
        return (self.x, self.y, self.w, self.h)[place]

    def __len__(self) -> int:
        return 4

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rect | tuple | list) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<rect({self.x}, {self.y}, {self.w}, {self.h})>"

    def __getattr__(self, name: str) -> Any:
        if name in _PLACES:
            across, down = _PLACES[name]
            pair = tuple(
                int(start + length * share)
                for start, length, share in ((self.x, self.w, across), (self.y, self.h, down))
                if share is not None
            )
            return pair if len(pair) == 2 else pair[0]
        if name == "size":
            return (self.w, self.h)
        return self.w if name == "width" else self.h if name == "height" else super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PLACES:
            across, down = _PLACES[name]
            values = list(value) if None not in (across, down) else [value]
            for axis, length, share in (("x", self.w, across), ("y", self.h, down)):
                if share is not None:
                    object.__setattr__(self, axis, int(values.pop(0) - length * share))
        elif name == "size":
            self.w, self.h = (int(one) for one in value)
        else:
            object.__setattr__(self, {"width": "w", "height": "h"}.get(name, name), int(value))

    def copy(self) -> "Rect":
        return Rect(self)

    def move(self, *by: Any) -> "Rect":
        x, y = by[0] if len(by) == 1 else by
        return Rect(self.x + x, self.y + y, self.w, self.h)

    def move_ip(self, *by: Any) -> None:
        self.x, self.y = self.move(*by)[:2]

    def inflate(self, x: float, y: float) -> "Rect":
        return Rect(self.x - x / 2, self.y - y / 2, self.w + x, self.h + y)

    def inflate_ip(self, x: float, y: float) -> None:
        self.x, self.y, self.w, self.h = self.inflate(x, y)

    def update(self, *given: Any) -> None:
        self.x, self.y, self.w, self.h = Rect(*given)

    def clamp(self, other: Any) -> "Rect":
        area = Rect(other)
        x = max(area.x, min(self.x, area.x + area.w - self.w))
        return Rect(x, max(area.y, min(self.y, area.y + area.h - self.h)), self.w, self.h)

    def clamp_ip(self, other: Any) -> None:
        self.x, self.y = self.clamp(other)[:2]

    def union(self, other: Any) -> "Rect":
        rect = Rect(other)
        x, y = min(self.x, rect.x), min(self.y, rect.y)
        return Rect(x, y, max(self.right, rect.right) - x, max(self.bottom, rect.bottom) - y)

    def colliderect(self, *given: Any) -> bool:
        other = Rect(*given)
        across = self.x < other.x + other.w and other.x < self.x + self.w
        return across and self.y < other.y + other.h and other.y < self.y + self.h

    def collidepoint(self, *point: Any) -> bool:
        x, y = point[0] if len(point) == 1 else point
        return bool(self.x <= x < self.x + self.w and self.y <= y < self.y + self.h)

    def collidelist(self, others: Any) -> int:
        return next((place for place, other in enumerate(others) if self.colliderect(other)), -1)

    def contains(self, *given: Any) -> bool:
        other = Rect(*given)
        within = self.x <= other.x and other.x + other.w <= self.x + self.w
        return within and self.y <= other.y and other.y + other.h <= self.y + self.h


# Share of the width and of the height.
_PLACES: dict[str, tuple[float | None, float | None]] = {
    "left": (0, None),
    "right": (1, None),
    "centerx": (0.5, None),
    "top": (None, 0),
    "bottom": (None, 1),
    "centery": (None, 0.5),
    "topleft": (0, 0),
    "topright": (1, 0),
    "bottomleft": (0, 1),
    "bottomright": (1, 1),
    "center": (0.5, 0.5),
    "midtop": (0.5, 0),
    "midbottom": (0.5, 1),
    "midleft": (0, 0.5),
    "midright": (1, 0.5),
}


class Color(tuple[int, int, int, int]):
    """A colour: red, green, blue, alpha from 0 to 255, or a name."""

    def __new__(cls, *given: Any) -> "Color":
        value = given[0] if len(given) == 1 else given
        if isinstance(value, str):
            digits = value.lstrip("#").removeprefix("0x")
            if value[:1] == "#" or value[:2] == "0x":
                value = tuple(int(digits[place : place + 2], 16) for place in range(0, len(digits), 2))
            elif value.replace(" ", "").isalnum():
                value = (*value.encode()[:3].ljust(3),)
        parts = tuple(value) if isinstance(value, tuple | list) else ()
        if len(parts) not in (3, 4) or not all(isinstance(one, int) and 0 <= one <= 255 for one in parts):
            raise ValueError("invalid color argument")
        return super().__new__(cls, (*parts, 255)[:4])

    r, g, b, a = (property(itemgetter(place)) for place in range(4))

    def lerp(self, other: Any, share: float) -> "Color":
        return Color(*(int(mine + (its - mine) * share) for mine, its in zip(self, Color(other), strict=True)))


class Vector2(Told):
    """A point or a direction."""

    def __init__(self, x: Any = 0, y: Any = None) -> None:
        pair = (x, 0 if x == 0 else x) if isinstance(x, int | float) and y is None else x if y is None else (x, y)
        self.x, self.y = numbers(pair, 2)

    def __iter__(self) -> Iterator[float]:
        return iter((self.x, self.y))

    def __getitem__(self, place: Any) -> Any:
        return (self.x, self.y)[place]

    def __setitem__(self, place: int, value: float) -> None:
        setattr(self, "xy"[place], value)

    def __len__(self) -> int:
        return 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector2 | tuple | list) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"[{self.x:g}, {self.y:g}]"

    def __add__(self, other: Any) -> "Vector2":
        return Vector2(self.x + other[0], self.y + other[1])

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Vector2":
        return Vector2(self.x - other[0], self.y - other[1])

    def __neg__(self) -> "Vector2":
        return Vector2(-self.x, -self.y)

    def __mul__(self, by: Any) -> Any:
        return self.dot(by) if hasattr(by, "__len__") else Vector2(self.x * by, self.y * by)

    __rmul__ = __mul__

    def __truediv__(self, by: float) -> "Vector2":
        return Vector2(self.x / by, self.y / by)

    def dot(self, other: Any) -> float:
        return float(self.x * other[0] + self.y * other[1])

    def copy(self) -> "Vector2":
        return Vector2(self)

    def update(self, *given: Any) -> None:
        self.x, self.y = Vector2(*given)

    def length(self) -> float:
        return math.hypot(self.x, self.y)

    magnitude = length

    def normalize(self) -> "Vector2":
        if not self.length():
            raise ValueError("Can't normalize Vector of length zero")
        return self / self.length()

    def distance_to(self, other: Any) -> float:
        return math.dist(self, other)

    def rotate(self, degrees: float) -> "Vector2":
        turn = complex(self.x, self.y) * complex(math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
        return Vector2(turn.real, turn.imag)

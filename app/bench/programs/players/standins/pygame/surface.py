"""Stand-in for pygame's surfaces and what draws on them: a checksum of what was drawn since the last filling."""

import zlib
from pathlib import Path
from typing import Any

from app.bench.programs.players.standins.beyond import Told

from .shapes import Color, Rect, numbers


class Surface(Told):
    """Its `digest` changes with all that is drawn."""

    def __init__(self, size: Any, *_: Any, **__: Any) -> None:
        if isinstance(size, Surface):
            size = size.get_size()
        self._size = tuple(int(one) for one in numbers(size, 2))
        self.digest = 0
        self._alpha: int | None = None

    def draw(self, *what: Any) -> None:
        """Note something drawn."""
        self.digest = zlib.crc32(repr(what).encode(), self.digest)

    def fill(self, color: Any, rect: Any = None, *_: Any, **__: Any) -> Rect:
        if rect is None:
            self.digest = 0
        self.draw("fill", Color(color), None if rect is None else Rect(rect))
        return self.get_rect() if rect is None else Rect(rect)

    def blit(self, source: "Surface", dest: Any, area: Any = None, *_: Any, **__: Any) -> Rect:
        if not isinstance(source, Surface):
            raise TypeError("argument 1 must be pygame.Surface")
        place = (int(dest[0]), int(dest[1]))
        if place == (0, 0) and source._size == self._size:
            self.digest = 0
        self.draw("blit", source.digest, place, area and Rect(area))
        return Rect(place, source._size)

    def blits(self, several: Any, doreturn: int = 1) -> list[Rect] | None:
        done = [self.blit(*one) for one in several]
        return done if doreturn else None

    def get_rect(self, **places: Any) -> Rect:
        rect = Rect(0, 0, *self._size)
        for name, value in places.items():
            setattr(rect, name, value)
        return rect

    def get_size(self) -> tuple[int, ...]:
        return self._size

    def get_width(self) -> int:
        return self._size[0]

    def get_height(self) -> int:
        return self._size[1]

    def convert(self, *_: Any) -> "Surface":
        return self.copy()

    convert_alpha = convert

    def copy(self) -> "Surface":
        made = Surface(self._size)
        made.digest = self.digest
        return made

    def subsurface(self, *given: Any) -> "Surface":
        made = Surface(Rect(*given).size)
        made.digest = self.digest
        return made

    def set_alpha(self, value: int | None = None, *_: Any) -> None:
        self._alpha = value

    def get_alpha(self) -> int | None:
        return self._alpha

    def set_at(self, place: Any, color: Any) -> None:
        self.draw("pixel", tuple(place), Color(color))

    def get_at(self, place: Any) -> Color:
        return Color(0, 0, 0, 255) if self.get_rect().collidepoint(place) else _outside()

    def set_colorkey(self, *_: Any) -> None:
        """Nothing is seen through here."""

    def set_clip(self, *_: Any) -> None:
        """Nothing is cut off here."""

    def lock(self) -> None:
        """Always ready."""

    unlock = lock


def _outside() -> Color:
    raise IndexError("pixel index out of range")


def _box(surface: Surface, what: str, color: Any, box: Rect, *rest: Any) -> Rect:
    if not isinstance(surface, Surface):
        raise TypeError("argument 1 must be pygame.Surface")
    surface.draw(what, Color(color), box, rest)
    return box


def rect(surface: Any, color: Any, rect: Any, width: int = 0, border_radius: int = 0, **_: int) -> Rect:
    return _box(surface, "rect", color, Rect(rect), width, border_radius)


def ellipse(surface: Any, color: Any, rect: Any, width: int = 0) -> Rect:
    return _box(surface, "ellipse", color, Rect(rect), width)


def arc(  # noqa: PLR0917 - pygame's own
    surface: Any, color: Any, rect: Any, start_angle: float, stop_angle: float, width: int = 1
) -> Rect:
    return _box(surface, "arc", color, Rect(rect), start_angle, stop_angle, width)


def circle(surface: Any, color: Any, center: Any, radius: float, width: int = 0, **_: Any) -> Rect:
    x, y = numbers(center, 2)
    return _box(surface, "circle", color, Rect(x - radius, y - radius, 2 * radius, 2 * radius), width)


def line(surface: Any, color: Any, start_pos: Any, end_pos: Any, width: int = 1) -> Rect:
    return lines(surface, color, False, (start_pos, end_pos), width)


def aaline(surface: Any, color: Any, start_pos: Any, end_pos: Any, blend: int = 1) -> Rect:
    return lines(surface, color, False, (start_pos, end_pos), blend)


def lines(surface: Any, color: Any, closed: Any, points: Any, width: int = 1) -> Rect:
    return polygon(surface, color, points, width, bool(closed))


def polygon(surface: Any, color: Any, points: Any, width: int = 0, closed: bool = True) -> Rect:
    across, down = zip(*(numbers(point, 2) for point in points), strict=True)
    box = Rect(min(across), min(down), max(across) - min(across), max(down) - min(down))
    return _box(surface, "polygon", color, box, list(zip(across, down, strict=True)), width, closed)


def load(file: Any, *_: Any) -> Surface:
    """An image of a file that is there."""
    if isinstance(file, str | Path) and not Path(file).exists():
        raise FileNotFoundError(f"No file '{file}' found in working directory '{Path.cwd()}'.")
    return Surface((32, 32))


def save(*_: Any) -> None:
    """Nobody looks at it."""


def scale(surface: Surface, size: Any, *_: Any) -> Surface:
    made = Surface(size)
    made.digest = surface.digest
    return made


def rotate(surface: Surface, angle: float) -> Surface:
    made = surface.copy()
    made.draw("rotate", angle)
    return made


def flip(surface: Surface, flip_x: Any, flip_y: Any) -> Surface:
    made = surface.copy()
    made.draw("flip", bool(flip_x), bool(flip_y))
    return made

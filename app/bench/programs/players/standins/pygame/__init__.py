"""Stand-in for `pygame` where it is not installed: its usual parts, without screen and sound."""

import sys
from types import ModuleType
from typing import Any

from app.bench.programs.players.standins.beyond import Told, missing

from . import parts, sprites, surface
from .constants import VALUES
from .parts import error
from .shapes import Color, Rect, Vector2
from .surface import Surface

__all__ = ["Color", "Rect", "Surface", "Vector2", "error"]
globals().update(VALUES)
NOEVENT = 0
ver = "2.6.1"


def init() -> tuple[int, int]:
    parts.READY.update(("display", "font", "mixer"))
    return (5, 0)


def quit() -> None:
    parts.READY.clear()


def get_init() -> bool:
    return "display" in parts.READY


def _part(name: str, /, **names: Any) -> ModuleType:
    """One of pygame's modules."""
    made = ModuleType(f"{__name__}.{name}")
    made.__dict__.update(names)
    made.__getattr__ = lambda wanted: _missing(name, wanted)  # type: ignore[method-assign]
    sys.modules[made.__name__] = made
    return made


def _missing(owner: str, name: str) -> Any:
    raise missing(owner, name)


def __getattr__(name: str) -> Any:
    return _missing("pygame", name)


display = _part("display", **parts.DISPLAY)
event = _part("event", **parts.EVENT)
font = _part("font", **parts.FONT)
key = _part("key", **parts.KEY)
mouse = _part("mouse", **parts.MOUSE)
mixer = _part("mixer", **parts.MIXER, music=_part("mixer.music", **parts.MUSIC))
time = _part("time", Clock=Told, wait=None, delay=None, get_ticks=None, set_timer=None)
SHAPES = ("rect", "ellipse", "arc", "circle", "line", "aaline", "lines", "polygon")
draw = _part("draw", **{name: getattr(surface, name) for name in SHAPES})
image = _part("image", load=surface.load, save=surface.save)
transform = _part("transform", scale=surface.scale, smoothscale=surface.scale, rotate=surface.rotate, flip=surface.flip)
math = _part("math", Vector2=Vector2)
sprite = _part("sprite", **sprites.SPRITE)
joystick = _part("joystick", init=lambda: None, get_count=lambda: 0)

"""Stand-in for pygame's window, events, fonts, keys, mouse and sound."""

from pathlib import Path
from typing import Any

from app.bench.programs.players.standins.beyond import Told

from .constants import VALUES
from .shapes import Color
from .surface import Surface

# The subsystems that are on.
READY: set[str] = set()
_SCREEN: list[Surface] = []
_EVENTS: list["Event"] = []
_CAPTION = ["pygame window"]


class error(RuntimeError):  # noqa: N801, N818 - its name in pygame
    """What pygame raises."""


def _need(system: str) -> None:
    if system not in READY:
        raise error({"display": "video system not initialized"}.get(system, f"{system} not initialized"))


# --- the window


def _set_mode(size: Any = (800, 600), *_: Any, **__: Any) -> Surface:
    READY.add("display")
    _SCREEN[:] = [Surface(size if any(size) else (1280, 720))]
    return _SCREEN[0]


def _show(*_: Any) -> None:
    _need("display")
    if not _SCREEN:
        raise error("Display mode not set")


def _set_caption(title: str, *_: Any) -> None:
    if not isinstance(title, str):
        raise TypeError("argument 1 must be str")
    _CAPTION[0] = title


def _window_size() -> tuple[int, ...]:
    return _SCREEN[0].get_size()


class _Info:
    current_w, current_h = 1280, 720


DISPLAY: dict[str, Any] = {
    "init": lambda: READY.add("display"),
    "quit": lambda: READY.discard("display"),
    "get_init": lambda: "display" in READY,
    "set_mode": _set_mode,
    "get_surface": lambda: _SCREEN[0] if _SCREEN else None,
    "flip": _show,
    "update": _show,
    "set_caption": _set_caption,
    "get_caption": lambda: (_CAPTION[0], _CAPTION[0]),
    "set_icon": lambda _icon: None,
    "Info": _Info,
    "get_window_size": _window_size,
    "toggle_fullscreen": lambda: 0,
}


# --- events


class Event:
    """Something that happened."""

    def __init__(self, type: int, *given: dict[str, Any], **attributes: Any) -> None:
        self.type = type
        self.__dict__.update(*given, **attributes)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'pygame.event.Event' object has no attribute {name!r}")


def _get(eventtype: Any = None, *_: Any, **__: Any) -> list[Event]:
    _need("display")
    wanted = None if eventtype is None else {eventtype} if isinstance(eventtype, int) else set(eventtype)
    found = [event for event in _EVENTS if wanted is None or event.type in wanted]
    _EVENTS[:] = [event for event in _EVENTS if event not in found]
    return found


def _poll() -> Event:
    _need("display")
    return _EVENTS.pop(0) if _EVENTS else Event(0)


def _peek(eventtype: Any = None, **_: Any) -> bool:
    return any(eventtype in (None, event.type) for event in _EVENTS)


def _post(event: Event) -> bool:
    _EVENTS.append(event)
    return True


EVENT: dict[str, Any] = {
    "Event": Event,
    "EventType": Event,
    "get": _get,
    "poll": _poll,
    "pump": lambda: _need("display"),
    "peek": _peek,
    "wait": None,
    "clear": lambda *_: _EVENTS.clear(),
    "post": _post,
    "set_allowed": lambda _kinds: None,
    "set_blocked": lambda _kinds: None,
    "set_grab": lambda _on: None,
    "custom_type": lambda: VALUES["USEREVENT"] + 1,
    "event_name": lambda kind: next((name for name, value in VALUES.items() if value == kind), "Unknown"),
}


# --- fonts


class Font(Told):
    """Letters of one width."""

    def __init__(self, name: Any = None, size: int = 20, *_: Any, **__: Any) -> None:
        _need("font")
        if isinstance(name, str | Path) and not Path(name).exists():
            raise FileNotFoundError(f"No file '{name}' found in working directory '{Path.cwd()}'.")
        self._size = int(size)

    def size(self, text: str) -> tuple[int, int]:
        return (len(text) * self._size // 2, self._size)

    def render(self, text: Any, antialias: Any, color: Any, background: Any = None) -> Surface:
        if text is not None and not isinstance(text, str | bytes):
            raise TypeError("text must be a unicode or bytes")
        made = Surface(self.size(str(text)))
        made.draw("text", text, bool(antialias), Color(color), background)
        return made

    def get_height(self) -> int:
        return self._size

    get_linesize = get_height

    def set_bold(self, _on: bool) -> None:
        """All letters look alike."""

    set_italic = set_underline = set_bold


def _system_font(_name: Any, size: int, bold: bool = False, italic: bool = False) -> Font:
    return Font(None, size)


FONT: dict[str, Any] = {
    "Font": Font,
    "SysFont": _system_font,
    "init": lambda: READY.add("font"),
    "quit": lambda: READY.discard("font"),
    "get_init": lambda: "font" in READY,
    "get_default_font": lambda: None,
    "get_fonts": lambda: ["arial"],
    "match_font": lambda *_, **__: None,
}

# --- keys and mouse

_NAMES = {value: name[2:].lower() for name, value in VALUES.items() if name.startswith("K_")}

KEY: dict[str, Any] = {
    "get_pressed": None,
    "get_mods": lambda: 0,
    "set_repeat": lambda *_: None,
    "name": lambda key, *_: _NAMES.get(key, ""),
    "get_focused": lambda: True,
}

MOUSE: dict[str, Any] = {
    "get_pos": lambda: (0, 0),
    "get_pressed": lambda *_: (False, False, False),
    "get_rel": lambda: (0, 0),
    "set_visible": bool,
    "set_pos": lambda *_: None,
    "get_focused": lambda: True,
}


# --- sound


class Sound(Told):
    """Silence, of a file that is there."""

    def __init__(self, file: Any = None, **_: Any) -> None:
        _need("mixer")
        _load(file)

    def play(self, *_: Any, **__: Any) -> "Sound":
        return self

    def stop(self) -> None:
        """It never began."""

    def set_volume(self, *_: Any) -> None:
        """It stays silent."""

    def get_length(self) -> float:
        return 1.0


def _load(file: Any, *_: Any) -> None:
    if isinstance(file, str | Path) and not Path(file).exists():
        raise FileNotFoundError(f"No file '{file}' found in working directory '{Path.cwd()}'.")


def _nothing(*_: Any, **__: Any) -> None:
    """Silence."""


MIXER: dict[str, Any] = {
    "Sound": Sound,
    "init": lambda *_, **__: READY.add("mixer"),
    "quit": lambda: READY.discard("mixer"),
    "get_init": lambda: (44100, -16, 2) if "mixer" in READY else None,
    "pre_init": _nothing,
    "stop": _nothing,
    "set_num_channels": _nothing,
    "get_busy": lambda: False,
}
MUSIC: dict[str, Any] = {
    "load": _load,
    **dict.fromkeys(("play", "stop", "pause", "unpause", "set_volume", "fadeout"), _nothing),
    "get_busy": lambda: False,
}

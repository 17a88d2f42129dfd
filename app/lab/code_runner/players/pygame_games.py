"""Play pygame programs: the real pygame without a screen, with its keys, timers and clock replaced."""

import importlib
import zlib
from collections.abc import Callable
from typing import Any

from app.lab.code_runner.players.play import Play

NAMES = {"up": "K_UP", "right": "K_RIGHT", "down": "K_DOWN", "left": "K_LEFT", "space": "K_SPACE", "return": "K_RETURN"}
# Seconds on the program's clock between two looks for events while it waits for one.
LOOK = 0.01


def lacking() -> str:
    """Return "pygame" when it is not installed, else an empty string."""
    try:
        importlib.import_module("pygame")
    except ImportError:
        return "pygame"
    return ""


def take_over(play: Play) -> None:
    """Replace pygame's functions that wait, read events and keys, or update the screen."""
    pygame: Any = importlib.import_module("pygame")
    pygame.font.init()
    # Load the font list now: pygame runs another program for it, whose time must not be skipped.
    pygame.font.get_fonts()
    pygame.font.quit()
    player = _GamePlayer(pygame, play)
    pygame.time.Clock = lambda: _Clock(play)
    pygame.time.wait = pygame.time.delay = player.wait
    pygame.time.get_ticks = lambda: int(play.now() * 1000)
    pygame.time.set_timer = player.set_timer
    for name in ("get", "poll", "pump", "peek"):
        setattr(pygame.event, name, player.listening(getattr(pygame.event, name)))
    pygame.event.wait = player.wait_for_event
    pygame.key.get_pressed = player.pressed
    for name in ("flip", "update"):
        setattr(pygame.display, name, player.showing(getattr(pygame.display, name)))


class _GamePlayer:
    def __init__(self, pygame: Any, play: Play) -> None:
        self._pygame = pygame
        self._play = play
        # [event, every so many seconds, next time, times left or None]
        self._timers: list[list[Any]] = []

    def wait(self, milliseconds: float) -> int:
        self._play.wait(milliseconds / 1000)
        return int(milliseconds)

    def set_timer(self, event: Any, millis: int, loops: int = 0) -> None:
        event = event if hasattr(event, "type") else self._pygame.event.Event(event)
        self._timers = [timer for timer in self._timers if timer[0].type != event.type]
        if millis > 0:
            self._timers.append([event, millis / 1000, self._play.now() + millis / 1000, loops or None])

    def listening(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def listen(*args: Any, **options: Any) -> Any:
            self._feed()
            return original(*args, **options)

        return listen

    def wait_for_event(self, timeout: int = 0) -> Any:
        until = self._play.now() + timeout / 1000
        while True:
            event = self._pygame.event.poll()
            if event.type != self._pygame.NOEVENT or (timeout and self._play.now() >= until):
                return event
            self._play.wait(LOOK)

    def pressed(self) -> "_Held":
        self._feed()
        self._play.heard = True
        return _Held({self._code(key) for key in self._play.held()})

    def showing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def show(*args: Any, **options: Any) -> None:
            original(*args, **options)
            screen = self._pygame.display.get_surface()
            if screen is not None:
                self._play.shown(zlib.crc32(self._pygame.image.tobytes(screen, "RGB")))

        return show

    def _feed(self) -> None:
        event = self._pygame.event
        for down, key in self._play.due():
            self._play.heard = True
            kind = self._pygame.KEYDOWN if down else self._pygame.KEYUP
            letter = key if len(key) == 1 else " " if key == "space" else ""
            event.post(event.Event(kind, key=self._code(key), mod=0, unicode=letter, scancode=0))
        now = self._play.now()
        for timer in self._timers:
            if timer[2] <= now and timer[3] != 0:
                event.post(timer[0])
                timer[2] = now + timer[1]
                timer[3] = None if timer[3] is None else timer[3] - 1

    def _code(self, key: str) -> int:
        return int(getattr(self._pygame, NAMES.get(key, f"K_{key}")))


class _Clock:
    def __init__(self, play: Play) -> None:
        self._play = play
        self._last = play.now()
        self._took = 0.0

    def tick(self, framerate: float = 0) -> int:
        if framerate > 0:
            self._play.wait(self._last + 1 / framerate - self._play.now())
        now = self._play.now()
        self._took, self._last = now - self._last, now
        return int(self._took * 1000)

    tick_busy_loop = tick

    def get_time(self) -> int:
        return int(self._took * 1000)

    get_rawtime = get_time

    def get_fps(self) -> float:
        return 1 / self._took if self._took else 0.0


class _Held:
    """The result of `key.get_pressed()`: whether each key is down."""

    def __init__(self, keys: set[int]) -> None:
        self._keys = keys

    def __getitem__(self, key: int) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return 512

    def __iter__(self) -> Any:
        return (key in self._keys for key in range(len(self)))

"""Writing that must not be lost: what a full disk or a busy database refuses is tried again until it is taken."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError

# After what pauses it is tried again; the last one from then on.
PAUSES_S = (0.2, 1.0, 3.0, 10.0)

T = TypeVar("T")

logger = logging.getLogger(__name__)


class EndedError(Exception):
    """The program ends before it could be stored."""


def patiently(write: Callable[[], T], ending: threading.Event, refused: Callable[[], None]) -> T:
    """What `write` returns once it got through; `refused` hears each time that it did not. Raises EndedError."""
    tries = 0
    while True:
        try:
            return write()
        except OperationalError as error:
            refused()
            logger.warning("not stored, trying again cause=%s", error.orig)
        if ending.wait(PAUSES_S[min(tries, len(PAUSES_S) - 1)]):
            raise EndedError
        tries += 1

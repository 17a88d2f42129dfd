"""What is done at the start and once a day: erase what has been in the bin for long enough."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.models import bin

EVERY_S = 86_400.0

logger = logging.getLogger(__name__)


class Tidy:
    """Called often, it works once a day; `forget` is told what was erased."""

    def __init__(self, context: Callable[[], AbstractContextManager[Any]], forget: Callable[[str], None]) -> None:
        self._context = context
        self._forget = forget
        self._last = -EVERY_S

    def __call__(self) -> None:
        """Nobody waits for it: a busy database is for another day."""
        if time.monotonic() - self._last < EVERY_S:
            return
        self._last = time.monotonic()
        try:
            with self._context():
                if count := bin.purge(self._forget):
                    logger.info("bin purged conversations=%d", count)
        except SQLAlchemyError:
            logger.warning("bin not purged", exc_info=True)

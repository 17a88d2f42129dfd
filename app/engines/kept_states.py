"""What the embedded engine has read of each conversation, kept on disk: taking it back costs milliseconds where reading
the text again costs seconds, also after a restart."""

import contextlib
import logging
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

# Reading fewer tokens again takes less time than anybody notices.
TOKENS_WORTH_KEEPING = 64
# One conversation may take this part of the room at most.
SHARE = 4

logger = logging.getLogger(__name__)

# `ask("save" | "restore", file name)`: have the engine's slot do so; whether it did.
Ask = Callable[[str, str], bool]


def tidy(parent: Path, engines: Collection[str], *, empty: bool) -> None:
    """Delete the folders of models, or options of them, that are no more: nobody can use those states.

    `empty`: nothing is kept from now on, and nothing stays of what was.
    """
    for path in parent.glob("*"):
        if path.name not in engines or empty:
            shutil.rmtree(path, ignore_errors=True)
    for unfinished in parent.glob("*/*.new"):
        unfinished.unlink(missing_ok=True)


def folder(parent: Path, engine: str) -> Path:
    """The folder for the states of one model with its options."""
    made = parent / engine
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


class KeptStates:
    """Files in a folder, the least recently used deleted first. For an engine with one slot.

    `room` in bytes, for this model and those in the folders beside it together.
    """

    def __init__(self, folder: Path, room: int, ask: Ask) -> None:
        self._folder = folder
        self._room = room
        self._ask = ask
        self._in_slot = ""
        self._bytes_per_token = 0.0
        # Conversations that were deleted: one may still be on its way to the disk.
        self._gone: set[str] = set()

    def restore(self, conversation_id: str) -> None:
        """Give the slot back what it had read of a conversation, unless that is what it holds."""
        path = self._path(conversation_id)
        self._gone.discard(conversation_id)
        if self._in_slot != conversation_id and path.is_file():
            path.touch()
            if not self._ask("restore", path.name):
                path.unlink(missing_ok=True)
        self._in_slot = conversation_id

    def keep(self, conversation_id: str, tokens: int) -> None:
        """Write down what the slot has read, if that is worth it and fits; an older state would only mislead."""
        path = self._path(conversation_id)
        if tokens < TOKENS_WORTH_KEEPING or self._bytes_per_token * tokens > self._room / SHARE:
            path.unlink(missing_ok=True)
        elif self._ask("save", f"{path.name}.new"):
            with contextlib.suppress(OSError):
                # A state that is half written would end the engine when it is restored.
                new = path.with_name(f"{path.name}.new")
                self._bytes_per_token = new.stat().st_size / tokens
                new.replace(path)
                self._make_room()
            if conversation_id in self._gone:
                self.forget(conversation_id)

    def forget(self, conversation_id: str) -> None:
        """Delete what is kept of a conversation, also what is being written down."""
        self._gone.add(conversation_id)
        for path in self._folder.parent.glob(f"*/{conversation_id}.state"):
            path.unlink(missing_ok=True)

    def _path(self, conversation_id: str) -> Path:
        return self._folder / f"{conversation_id}.state"

    def _make_room(self) -> None:
        files = sorted(self._folder.parent.glob("*/*.state"), key=lambda path: path.stat().st_mtime)
        taken = sum(path.stat().st_size for path in files)
        for path in files:
            if taken <= self._room:
                break
            taken -= path.stat().st_size
            path.unlink(missing_ok=True)

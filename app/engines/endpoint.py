"""What the server's master and the web process write down for each other about the embedded engine's child."""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """What a child is started with; without a model there is none."""

    model: str = ""
    threads: int = 0
    context: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Written by the master: how to reach the child that runs now, and what it is. `pid` 0: there is none.

    `own`: the server's options, with the model that is loaded first. `places`: where models lie. `wish`: the last one
    that was heard, from the process `by` (0: nobody asked for this child), and the last one that `failed`.
    """

    url: str
    key: str
    pid: int
    options: Options
    own: Options
    places: tuple[str, ...]
    states: str = ""
    room: int = 0
    ready: bool = False
    wish: str = ""
    by: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """Written by the web process: the child that it wants instead, heard when the one that runs has ended."""

    number: str
    by: int
    options: Options


def endpoint_file(instance: str) -> Path:
    """Only its owner may read it, for it holds the key."""
    return Path(instance) / "embedded.json"


def wish_file(instance: str) -> Path:
    return Path(instance) / "embedded.wish.json"


def announce(instance: str, endpoint: Endpoint) -> None:
    """Write the endpoint down."""
    _write(endpoint_file(instance), asdict(endpoint))


def read_endpoint(text: str) -> Endpoint:
    """The endpoint that was written down; raises ValueError."""
    try:
        found = json.loads(text)
        own, options = Options(**found.pop("own")), Options(**found.pop("options"))
        return Endpoint(own=own, options=options, places=tuple(found.pop("places")), **found)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not an endpoint: {error!r}") from error


def make_wish(instance: str, options: Options) -> str:
    """Ask for a child with these options; returns the wish's number."""
    wish = Wish(secrets.token_hex(8), os.getpid(), options)
    _write(wish_file(instance), asdict(wish))
    return wish.number


def read_wish(instance: str) -> Wish | None:
    """The last wish, heard or not."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(wish_file(instance).read_text())
        return Wish(found["number"], found["by"], Options(**found["options"]))
    return None


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole at any moment."""
    new = path.with_suffix(f".{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
    new.replace(path)

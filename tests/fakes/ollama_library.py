"""The models of the fake Ollama, and how /api/tags, /api/show, /api/ps and /api/pull describe them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# Bytes of a file that arrive between two progress lines.
PULL_STEP = 400_000_000

BLOBS = "/usr/share/ollama/.ollama/models/blobs"


@dataclass(frozen=True, slots=True)
class FakeModel:
    """One model of the library."""

    name: str
    family: str = "llama"
    parameters: str = "7B"
    quantization: str = "Q4_0"
    size: int = 4_100_000_000
    trained_context: int = 32768
    layers: int = 32
    heads: int = 32
    kv_heads: int = 8
    width: int = 4096
    capabilities: tuple[str, ...] = ("completion",)
    copy_of: str = ""
    """The model that this one is another name of."""
    remote_host: str = ""
    """Where a cloud model runs."""
    load_error: str = ""
    """Why it cannot be loaded."""

    @property
    def digest(self) -> str:
        return hashlib.sha256((self.copy_of or self.name).encode()).hexdigest()

    @property
    def weights(self) -> str:
        """The name of the file that a runner is given."""
        return "sha256-" + hashlib.sha256(f"weights {self.copy_of or self.name}".encode()).hexdigest()

    @property
    def thinks(self) -> bool:
        return "thinking" in self.capabilities

    @property
    def sees(self) -> bool:
        return "vision" in self.capabilities


KNOWN = {
    model.name: model
    for model in (
        FakeModel("phi3:mini", "phi3", "3.8B", "Q4_0", 2_176_178_913, 131072, 32, 32, 32, 3072),
        FakeModel("mistral:latest", "llama", "7.2B", "Q4_0", 4_113_301_824, 32768, 32, 32, 8, 4096),
        FakeModel("deepseek-r1:1.5b", "qwen2", "1.8B", "Q4_K_M", 1_117_322_768, 131072, 28, 12, 2, 1536,
                  ("completion", "thinking")),
        FakeModel("nomic-embed-text:latest", "nomic-bert", "137M", "F16", 274_302_450, 2048, 12, 12, 12, 768,
                  ("embedding",)),
        FakeModel("gemma3:4b", "gemma3", "4.3B", "Q4_K_M", 3_338_801_804, 131072, 34, 8, 4, 2560,
                  ("completion", "vision")),
    )
}  # fmt: skip


def full_name(name: str) -> str:
    """A name without a tag means the tag `latest`."""
    return name if ":" in name else f"{name}:latest"


def model_called(model: str | FakeModel) -> FakeModel:
    """A known model by its name, or any other with ordinary facts."""
    if isinstance(model, FakeModel):
        return model
    name = full_name(model)
    return KNOWN.get(name) or FakeModel(name)


def timestamp(moment: datetime | None = None) -> str:
    """A time as Go prints it."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def listed(model: FakeModel, *, capabilities: bool) -> dict[str, Any]:
    """A line of /api/tags; older versions tell neither the capabilities nor the context."""
    entry = {**_identity(model), "modified_at": "2026-01-02T03:04:05Z", "size": model.size}
    if capabilities:
        entry["details"]["context_length"] = model.trained_context
        entry["capabilities"] = list(model.capabilities)
    if model.remote_host:
        entry |= {"remote_model": model.name.removesuffix("-cloud"), "remote_host": model.remote_host}
    return entry


def shown(model: FakeModel, *, capabilities: bool) -> dict[str, Any]:
    """The answer of /api/show."""
    facts = {
        "general.architecture": model.family,
        f"{model.family}.context_length": model.trained_context,
        f"{model.family}.block_count": model.layers,
        f"{model.family}.embedding_length": model.width,
        f"{model.family}.attention.head_count": model.heads,
        f"{model.family}.attention.head_count_kv": model.kv_heads,
    }
    answer = {
        "license": "Apache License 2.0", "modelfile": f"# Modelfile\nFROM {BLOBS}/{model.weights}\n",
        "template": "{{ .Prompt }}",
        "details": _identity(model)["details"], "model_info": facts, "modified_at": "2026-01-02T03:04:05Z",
    }  # fmt: skip
    return {**answer, "capabilities": list(model.capabilities)} if capabilities else answer


def in_memory(model: FakeModel, context: int, expires: datetime, *, tells_context: bool) -> dict[str, Any]:
    """A line of /api/ps, for a machine without a graphics card; older versions do not tell the context."""
    kv = 4 * context * model.layers * model.kv_heads * (model.width // model.heads)
    line = {**_identity(model), "size": model.size + kv, "expires_at": timestamp(expires), "size_vram": 0}
    return {**line, "context_length": context} if tells_context else line


def pulling(model: FakeModel) -> Iterator[dict[str, Any]]:
    """The lines of /api/pull: `completed` is left out while it is 0, and there are several files."""
    yield {"status": "pulling manifest"}
    for part, total in (("weights", model.size), ("template", 1024), ("params", 77)):
        digest = hashlib.sha256(f"{model.name} {part}".encode()).hexdigest()
        line = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": total}
        yield line
        for completed in (*range(PULL_STEP, total, PULL_STEP), total):
            yield {**line, "completed": completed}
    yield {"status": "verifying sha256 digest"}
    yield {"status": "writing manifest"}
    yield {"status": "success"}


def _identity(model: FakeModel) -> dict[str, Any]:
    details = {
        "parent_model": "", "format": "gguf", "family": model.family, "families": [model.family],
        "parameter_size": model.parameters, "quantization_level": model.quantization,
    }  # fmt: skip
    return {"name": model.name, "model": model.name, "digest": model.digest, "details": details}

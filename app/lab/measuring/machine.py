"""Describe this machine, find its row by a hardware fingerprint, and drop model files from the page cache."""

import hashlib
import json
import os
import platform
import re
from collections import ChainMap
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.diagnostics.host import Host
from app.engines.base import Engine
from app.extensions import db
from app.lab.measuring.meters import Power
from app.models.lab import LabMachine

# The CPU flags of instruction sets that llama.cpp uses, on x86 and ARM.
FLAGS = (
    "sse4_2", "f16c", "fma", "avx", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16",
    "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip
# The fingerprint rounds memory to GiB, since a kernel update changes the reported size a little.
GIB = 2**30
# The fields of a description that go into the fingerprint; the others do not change the machine's speed.
DECISIVE = ("cpu", "sockets", "cores", "threads", "allowed", "quota", "nodes", "flags", "virtual")
# Parts of processors' names that are left out.
NOISE = re.compile(r"\((?:R|TM|tm)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*$")
# Smaller files are programs and libraries, which must stay in the page cache.
LARGE_BYTES = 16 * 2**20
MODEL = re.compile(r"\.gguf$|/sha256-[0-9a-f]{64}$")


def this_machine(engine: Engine, power: Power, root: Path = Path("/")) -> LabMachine:
    """Get or create this machine's row and update its description; flushes, the caller commits."""
    description = describe(engine, power, root)
    mark = fingerprint(description)
    machine = db.session.scalar(select(LabMachine).where(LabMachine.fingerprint == mark))
    if machine is None:
        machine = LabMachine(fingerprint=mark, name=name_of(description))
        db.session.add(machine)
    machine.description = description | {"energy": _remembered(machine.description or {}, description["energy"])}
    db.session.flush()
    return machine


def _remembered(before: dict[str, Any], energy: dict[str, Any]) -> dict[str, Any]:
    """Keep the stored power at rest as long as this process has not measured it."""
    known = before.get("energy") or {}
    unseen = energy["idle_w"] is None and energy["method"] == known.get("method")
    return energy | known if unseen else energy


def describe(engine: Engine, power: Power, root: Path = Path("/")) -> dict[str, Any]:
    """Describe the hardware, the limits that apply to the engine, the engine and the energy source, as JSON."""
    host = Host(root)
    pids = engine.pids()
    # Without an engine process here, the limits of this process are used.
    pid = pids[-1] if pids else None
    processors = _processors(root)
    facts = ChainMap(*processors)
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    allowed = len(host.cores(pid)) or len(processors) or 1
    return {
        "cpu": " ".join(NOISE.sub(" ", facts.get("model name") or platform.machine()).split()),
        "sockets": len({one["physical id"] for one in processors if "physical id" in one}) or 1,
        "cores": host.physical_cores(pid) or allowed,
        "threads": len(processors) or allowed,
        "allowed": allowed,
        "quota": host.quota(pid),
        "ram_bytes": host.memory().get("MemTotal", 0),
        "ram_limit": host.memory_limit(pid),
        "nodes": host.memory_nodes() or 1,
        "flags": [flag for flag in FLAGS if flag in flags],
        "virtual": "hypervisor" in flags,
        "governor": ", ".join(sorted({name for _driver, name in host.governors()})),
        "engine": {"name": engine.name, "label": engine.label},
        "energy": power.as_json(),
    }


def fingerprint(description: dict[str, Any]) -> str:
    """A hash that is equal for the same hardware, limits and kind of engine."""
    limit = description["ram_limit"]
    marks = {name: description[name] for name in DECISIVE} | {
        "ram": round(description["ram_bytes"] / GIB),
        "ram_limit": round(limit / GIB, 1) if limit else None,
        "engine": description["engine"]["name"],
    }
    return hashlib.sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()


def name_of(description: dict[str, Any]) -> str:
    """A short name for the machine, without words that need translation."""
    sockets = f"{description['sockets']} × " if description["sockets"] > 1 else ""
    usable = min(description["allowed"], description["quota"] or description["allowed"])
    return f"{sockets}{description['cpu']} · {usable:g} CPU · {description['engine']['label']}"[:200]


def _processors(root: Path) -> list[dict[str, str]]:
    """The logical CPUs of /proc/cpuinfo, each as a dictionary."""
    try:
        text = (root / "proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return []
    found = [dict(re.findall(r"^([\w ]+?)\s*: (.*)$", part, re.MULTILINE)) for part in text.split("\n\n")]
    return [one for one in found if "processor" in one]


# Model files


def model_files(pids: Iterable[int], root: Path = Path("/proc")) -> frozenset[Path]:
    """The model files that these processes have mapped; empty when /proc does not let us read that."""
    found: set[Path] = set()
    for pid in pids:
        with suppress(OSError):
            lines = (root / str(pid) / "maps").read_text(errors="replace").splitlines()
            found |= {Path(line.split(maxsplit=5)[5]) for line in lines if MODEL.search(line)}
    return frozenset(found)


def drop_page_cache(files: Iterable[Path]) -> bool:
    """Drop these files from the kernel's page cache, so that the next load reads the disk.

    Returns False when a file could not be opened or dropped, or when none was large enough to be a model.
    """
    dropped = False
    for path in files:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            if os.fstat(file).st_size >= LARGE_BYTES:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                dropped = True
        except OSError:
            return False
        finally:
            os.close(file)
    return dropped

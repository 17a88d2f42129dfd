"""The machine that samples are taken on: described once, and found again by what decides how fast it is."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select

from app.diagnostics.host import Host
from app.extensions import db
from app.lab.measuring.energy import Power
from app.models.lab import LabMachine

# What llama.cpp computes with, where the processor has it; x86's and ARM's names.
FLAGS = (
    "sse4_2", "f16c", "fma", "avx", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16",
    "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip
# A kernel's update moves what it tells of the memory a little.
GIB = 2**30
# What decides whether two descriptions are of the same machine; the rest may change without slowing anything.
DECISIVE = ("cpu", "sockets", "cores", "threads", "allowed", "quota", "nodes", "flags", "virtual")
# What vendors write into their processors' names and nobody says.
NOISE = re.compile(r"\((?:R|TM|tm)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*$")
# Programs and their libraries are smaller, and must stay.
LARGE_BYTES = 16 * 2**20
MODEL = re.compile(r"\.gguf$|/sha256-[0-9a-f]{64}$")


class Described(Protocol):
    """What the record says of an engine."""

    @property
    def name(self) -> str:
        """Its kind."""

    @property
    def label(self) -> str:
        """Its name for people."""

    def pids(self) -> tuple[int, ...]:
        """Its processes here, whose limits count."""


def this_machine(engine: Described, power: Power | None = None, root: Path = Path("/")) -> LabMachine:
    """This machine's row, found or made; the caller commits."""
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
    """The watts at rest that were seen once, where this process has not looked yet."""
    known = before.get("energy") or {}
    unseen = energy.get("idle_w") is None and energy.get("method", known.get("method")) == known.get("method")
    return energy | known if unseen else energy


def describe(engine: Described, power: Power | None = None, root: Path = Path("/")) -> dict[str, Any]:
    """What there is, and what of it the engine may use."""
    host = Host(root)
    pids = engine.pids()
    # Where the engine has no process here, the limits of this one stand for its.
    pid = pids[-1] if pids else None
    processors = _processors(root)
    allowed = len(host.cores(pid)) or len(processors) or 1
    return {
        "cpu": _clean(_first(processors, "model name") or platform.machine()),
        "sockets": len({one["physical id"] for one in processors if "physical id" in one}) or 1,
        "cores": host.physical_cores(pid) or allowed,
        "threads": len(processors) or allowed,
        "allowed": allowed,
        "quota": host.quota(pid),
        "ram_bytes": host.memory().get("MemTotal", 0),
        "ram_limit": host.memory_limit(pid),
        "nodes": host.memory_nodes() or 1,
        "flags": [flag for flag in FLAGS if flag in _flags(processors)],
        "virtual": "hypervisor" in _flags(processors),
        "governor": ", ".join(sorted({name for _driver, name in host.governors()})),
        "engine": {"name": engine.name, "label": engine.label},
        "energy": power.as_json() if power else {},
    }


def fingerprint(description: dict[str, Any]) -> str:
    """The same hardware, limits and kind of engine have the same one."""
    limit = description["ram_limit"]
    marks = {name: description[name] for name in DECISIVE} | {
        "ram": round(description["ram_bytes"] / GIB),
        "ram_limit": round(limit / GIB, 1) if limit else None,
        "engine": description["engine"]["name"],
    }
    return hashlib.sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()


def name_of(description: dict[str, Any]) -> str:
    """In few words that need no translation."""
    sockets = f"{description['sockets']} × " if description["sockets"] > 1 else ""
    usable = min(description["allowed"], description["quota"] or description["allowed"])
    return f"{sockets}{description['cpu']} · {usable:g} CPU · {description['engine']['label']}"[:200]


def _processors(root: Path) -> list[dict[str, str]]:
    """The logical CPUs as the kernel tells of them."""
    try:
        text = (root / "proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return []
    found = [dict(re.findall(r"^([\w ]+?)\s*: (.*)$", part, re.MULTILINE)) for part in text.split("\n\n")]
    return [one for one in found if "processor" in one]


def _first(processors: list[dict[str, str]], name: str) -> str:
    return next((one[name] for one in processors if name in one), "")


def _flags(processors: list[dict[str, str]]) -> set[str]:
    return set((_first(processors, "flags") or _first(processors, "Features")).split())


def _clean(name: str) -> str:
    return " ".join(NOISE.sub(" ", name).split())


def model_files(pids: Iterable[int], root: Path = Path("/proc")) -> frozenset[Path]:
    """The models' files that these processes use; none where we may not look."""
    found: set[Path] = set()
    for pid in pids:
        with suppress(OSError):
            lines = (root / str(pid) / "maps").read_text(errors="replace").splitlines()
            found |= {Path(line.split(maxsplit=5)[5]) for line in lines if MODEL.search(line)}
    return frozenset(found)


def drop_page_cache(files: Iterable[Path]) -> bool:
    """Have the kernel forget these files' contents; whether it was told to, for all of them and for one at least."""
    told = False
    for path in files:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            if os.fstat(file).st_size >= LARGE_BYTES:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                told = True
        except OSError:
            return False
        finally:
            os.close(file)
    return told

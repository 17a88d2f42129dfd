"""The quick checks of the administrator's page and of `flask doctor`: the engine, its machine, and people's files."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_babel import ngettext

from app.diagnostics import Finding, FindingState
from app.diagnostics.history import Record, history_findings
from app.diagnostics.host import Host
from app.engines.base import Engine
from app.engines.registry import VENDORS
from app.engines.supervisor import default_threads
from app.errors import AppError
from app.extraction.reader import is_installed
from app.formatting import filesize, number, percent
from app.generation.model_registry import ModelRegistry
from app.models import File

PROBE_EVENTS, PAUSE_S = 5, 0.2
LOCAL = ("127.0.0.1", "localhost", "::1")
# Seconds that other programs are watched, and the share of a core from which they matter.
SAMPLE_S = 0.25
BUSY = 0.3
# With less free memory, as a share, the kernel cannot keep the model's file cached.
SHORT, VERY_SHORT = 0.10, 0.03
# A few pages used only at the start are rightly swapped out.
SWAPPED_BYTES = 16 * 2**20
THROTTLED = 0.05
# Drivers whose governor "powersave" still raises the frequency under load.
SELF_RAISING = ("intel_pstate", "amd-pstate-epp")


@dataclass(frozen=True, slots=True)
class Subject:
    """The engine to check, on this machine; `pids` is empty if none of its processes are visible.

    `threads`: 0 if it chooses them, None if it was started with a number of its own.
    """

    label: str
    threads: int | None
    pids: tuple[int, ...] = ()

    @property
    def pid(self) -> int | None:
        """The id of one of the engine's processes; None means our own."""
        return self.pids[-1] if self.pids else None


def quick_findings(settings: dict[str, Any], registry: ModelRegistry, records: Sequence[Record]) -> list[Finding]:
    """Check the engine, its machine if that is this one, people's files, and the last answers."""
    host = Host()
    engine = registry.engine
    found = [_engine(registry), *_version(registry)]
    if _is_here(engine):
        found += host_findings(host, subject(host, engine, settings))
    else:
        text = _(
            "%(engine)s runs on another machine, whose cores and memory cannot be seen from here.", engine=engine.label
        )
        mend = _("Look there: threads against cores, quota, swap, memory nodes, frequency.")
        found.append(Finding("elsewhere", FindingState.UNKNOWN, text, mend))
    return [*found, documents(), *history_findings(records, engine.name)]


def subject(host: Host, engine: Engine, settings: dict[str, Any]) -> Subject:
    """Return the engine with those of its processes that run, and the threads that it was asked to use."""
    threads: int | None = settings["ENGINE_THREADS"] or (default_threads() if engine.name == "embedded" else 0)
    if "threads" not in engine.adjusts:
        threads = None
    return Subject(engine.label, threads, tuple(pid for pid in engine.pids() if host.runs(pid)))


def _is_here(engine: Engine) -> bool:
    try:
        return urlsplit(engine.url).hostname in LOCAL
    except AppError:
        # The embedded engine has no address before its start, but is always on this machine.
        return True


def _engine(registry: ModelRegistry) -> Finding:
    """Check whether the engine answers and has loaded the default model."""
    engine, default = registry.engine, registry.default()
    words = {"engine": engine.label, "model": default.effective or default.name}
    if not registry.reachable:
        cause = _("%(engine)s does not answer: %(cause)s", engine=engine.label, cause=registry.failure or "?")
        return Finding("engine", FindingState.BAD, cause, str(VENDORS[engine.name].start))
    if default.effective is None:
        return Finding(
            "engine", FindingState.BAD, _("No model is installed."), _("Install one: .venv/bin/flask models pull …")
        )
    if default.effective not in registry.loaded:
        cause = _("%(engine)s answers, but %(model)s is not in its memory: the next question waits for it.", **words)
        mend = _("Load it: .venv/bin/flask models warm; with Ollama OLLAMA_KEEP_ALIVE=-1 keeps it.")
        return Finding("engine", FindingState.WARNING, cause, mend)
    return Finding("engine", FindingState.OK, _("%(engine)s answers, %(model)s is loaded.", **words))


def _version(registry: ModelRegistry) -> list[Finding]:
    """Check what the engine's version cannot do; no finding if it can all that is needed, or does not answer."""
    engine = registry.engine
    if not registry.reachable or (engine.refuses_long_prompts and engine.stops_reading):
        return []
    try:
        words = {"engine": engine.label, "version": engine.version()}
    except AppError:
        return []
    mend = _("Install a newer one; nothing else is to be changed.")
    if not engine.refuses_long_prompts:
        cause = _(
            "%(engine)s %(version)s cuts long conversations without a word, so that fewer messages are sent to it; "
            "a reading that somebody stopped goes on until the model is unloaded.",
            **words,
        )
        return [Finding("version", FindingState.WARNING, cause, mend)]
    cause = _(
        "%(engine)s %(version)s reads a prompt to its end although somebody stopped it: the model is unloaded then, "
        "the next question loads it again, and little is read ahead.",
        **words,
    )
    return [Finding("version", FindingState.WARNING, cause, mend)]


def host_findings(host: Host, subject: Subject, pause: Callable[[float], None] = time.sleep) -> list[Finding]:
    """Check the machine; takes SAMPLE_S seconds."""
    return [
        threads(host, subject),
        quota(host, subject),
        load(host, subject, pause),
        memory(host),
        swap(host, subject),
        numa(host),
        governor(host),
    ]


def threads(host: Host, subject: Subject) -> Finding:
    """Check that the engine has no more threads than cores: they would wait for each other."""
    limit, allowed = host.quota(subject.pid), len(host.cores(subject.pid)) or 1
    usable = allowed if limit is None else max(1, min(allowed, int(limit)))
    physical = min(host.physical_cores(subject.pid) or allowed, usable)
    asked = subject.threads
    words = {"engine": subject.label, "threads": _threads(asked or 0), "cores": _cores(usable), "best": physical}
    mend = _("Write ENGINE_THREADS=%(best)s in .env and start again.", **words)
    if asked is None:
        cause = _("%(engine)s was started with threads of its own choice; it may use %(cores)s here.", **words)
        return Finding(
            "threads", FindingState.UNKNOWN, cause, _("Its option --threads %(best)s is right here.", **words)
        )
    if not asked and usable < allowed:
        cause = _("%(engine)s counts the machine’s cores and does not see that it may only use %(cores)s.", **words)
        return Finding("threads", FindingState.BAD, cause, mend)
    if not asked:
        text = _("%(engine)s chooses its threads itself; it may use %(cores)s.", **words)
        return Finding("threads", FindingState.OK, text)
    if asked > usable:
        cause = _("%(threads)s for %(cores)s: they wait for each other at every token.", **words)
        return Finding("threads", FindingState.BAD, cause, mend)
    if asked > physical:
        words["cores"] = _cores(physical)
        cause = _("%(threads)s for %(cores)s: two threads of one core write no faster than one.", **words)
        return Finding("threads", FindingState.WARNING, cause, mend)
    return Finding("threads", FindingState.OK, _("%(threads)s for %(cores)s.", **words))


def quota(host: Host, subject: Subject) -> Finding:
    """Check whether a CPU quota stops the engine."""
    limit = host.quota(subject.pid)
    if limit is None:
        return Finding("quota", FindingState.OK, _("No control group limits the CPU."))
    share = host.throttled(subject.pid)
    words = {"cores": _cores(limit), "share": percent(share)}
    if share > THROTTLED:
        cause = _("The control group allows %(cores)s and has stopped the engine in %(share)s of periods.", **words)
        mend = _("Raise the quota (CPUQuota= of the service, --cpus of the container) or lower ENGINE_THREADS.")
        return Finding("quota", FindingState.WARNING, cause, mend)
    return Finding("quota", FindingState.OK, _("The control group allows %(cores)s, which suffices.", **words))


def load(host: Host, subject: Subject, pause: Callable[[float], None]) -> Finding:
    """Check whether other programs take CPU time: the engine is as slow as its slowest thread."""
    before = {process.pid: process.ticks for process in host.processes()}
    pause(SAMPLE_S)
    full = SAMPLE_S * os.sysconf("SC_CLK_TCK")
    # A process that started meanwhile counts from 0 ticks.
    shares = {
        process: (process.ticks - before.get(process.pid, 0)) / full
        for process in host.processes()
        if process.pid not in (*subject.pids, os.getpid())
    }
    allowed = len(host.cores()) or 1
    taken = min(sum(shares.values()), allowed)
    if taken >= BUSY:
        worst = max(shares, key=lambda process: shares[process])
        words = {"share": percent(taken), "name": worst.name, "pid": str(worst.pid)}
        cause = _("They take %(share)s of a core just now, %(name)s (process %(pid)s) most of it.", **words)
        return Finding("load", FindingState.WARNING, cause, _way_for_the_engine(host, worst.pid))
    words = {"load": number(host.load(), 1), "cores": _cores(allowed)}
    return Finding("load", FindingState.OK, _("None takes much CPU just now (load %(load)s on %(cores)s).", **words))


def _way_for_the_engine(host: Host, pid: int) -> str:
    """Return how to keep a program from the engine's CPU time.

    Not by its nice value: the kernel shares the CPU among services first, and counts that value within one only.
    """
    if service := host.service(pid):
        words = {"command": f"sudo systemctl set-property {service} CPUWeight=1"}
        return str(_("Run it elsewhere or at night, or let it give way: %(command)s", **words))
    return str(_("Run it elsewhere or at night, or as a service of its own with CPUWeight=1, which gives way."))


def memory(host: Host) -> Finding:
    """Check the free memory: a model that does not fit is read from the disk again and again."""
    sizes = host.memory()
    free, whole = sizes.get("MemAvailable", 0), sizes.get("MemTotal", 0)
    if not whole:
        return Finding("memory", FindingState.UNKNOWN, _("This machine does not tell its memory."))
    words = {"free": filesize(free), "whole": filesize(whole)}
    text = _("%(free)s of %(whole)s are free.", **words)
    if free > SHORT * whole:
        return Finding("memory", FindingState.OK, text)
    mend = _("Stop other programs, choose a smaller model, or lower CONTEXT_TOKENS or CACHE_RAM_MB.")
    return Finding("memory", FindingState.BAD if free < VERY_SHORT * whole else FindingState.WARNING, text, mend)


def swap(host: Host, subject: Subject) -> Finding:
    """Check for swapped memory: each token reads the whole model, so swapped parts come from the disk each time."""
    sizes = host.memory()
    used = sizes.get("SwapTotal", 0) - sizes.get("SwapFree", 0)
    swapped = sum(host.swapped(pid) for pid in subject.pids)
    words = {"used": filesize(used), "swapped": filesize(swapped)}
    mend = _("Free memory, then bring it back: sudo swapoff -a && sudo swapon -a")
    if swapped > SWAPPED_BYTES:
        return Finding(
            "swap", FindingState.BAD, _("%(swapped)s of the engine lie in swap, on the disk.", **words), mend
        )
    if not subject.pids and used > SWAPPED_BYTES:
        cause = _("%(used)s lie in swap; whether the engine’s are among them cannot be seen.", **words)
        return Finding("swap", FindingState.WARNING, cause, mend)
    if used:
        return Finding("swap", FindingState.OK, _("%(used)s lie in swap, nothing of the engine.", **words))
    return Finding("swap", FindingState.OK, _("Nothing lies in swap."))


def numa(host: Host) -> Finding:
    """Check for several NUMA nodes: memory of the other one is slower."""
    nodes = host.memory_nodes()
    if nodes <= 1:
        return Finding("numa", FindingState.OK, _("All cores share one memory."))
    cause = _("The machine has %(nodes)s memory nodes: cores that read the other one’s are slowed down.", nodes=nodes)
    mend = _("Start the engine with numactl --cpunodebind=0 --membind=0, or give the virtual machine one socket.")
    return Finding("numa", FindingState.WARNING, cause, mend)


def governor(host: Host) -> Finding:
    """Check whether the governor keeps the CPU frequency low."""
    found = host.governors()
    if not found:
        text = _("This machine does not show how its CPU’s frequency is governed, as is usual for a virtual one.")
        return Finding("governor", FindingState.UNKNOWN, text)
    names = ", ".join(sorted({name for _driver, name in found}))
    if any(name == "powersave" and driver not in SELF_RAISING for driver, name in found):
        cause = _("The governor powersave holds the CPU at its lowest frequency.")
        mend = _("For the time of a start: sudo cpupower frequency-set -g performance")
        return Finding("governor", FindingState.BAD, cause, mend)
    return Finding("governor", FindingState.OK, _("The governor %(names)s follows the work.", names=names))


def documents() -> Finding:
    """Tell what people's files take, and how many are still to be read; or how to add what reads them."""
    if not is_installed():
        text = _("Nobody can attach a file: what reads documents is not installed.")
        return Finding("documents", FindingState.OK, text, _("To add it: make setup DOCUMENTS=1, then start again."))
    count, size, waiting = File.totals()
    text = ngettext("%(num)s file, %(size)s.", "%(num)s files, %(size)s.", count, size=filesize(size))
    if waiting:
        text += " " + ngettext("%(num)s is still to be read.", "%(num)s are still to be read.", waiting)
    return Finding("documents", FindingState.OK, text)


def proxy_probe(pause: Callable[[float], None] = time.sleep) -> Iterator[bytes]:
    """Yield PROBE_EVENTS numbered events, PAUSE_S seconds apart; the page measures whether a proxy holds them back."""
    for place in range(1, PROBE_EVENTS + 1):
        if place > 1:
            pause(PAUSE_S)
        yield f"id: {place}\nevent: beat\ndata: {json.dumps({'number': place})}\n\n".encode()


def _cores(count: float) -> str:
    """Format a number of cores, which a quota may make fractional."""
    digits = 0 if float(count).is_integer() else 1
    return str(ngettext("%(count)s core", "%(count)s cores", ceil(count), count=number(count, digits)))


def _threads(count: int) -> str:
    return str(ngettext("%(count)s thread", "%(count)s threads", count, count=number(count)))

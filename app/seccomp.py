"""The filters of system calls of processes that handle what strangers wrote.

A filter is a program for the kernel's BPF machine, as `bwrap --seccomp` and prctl(2) take it; see seccomp(2).
"""

import errno
import os
import platform
import struct
from collections.abc import Iterable, Mapping

LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_EQUAL, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Offsets in the kernel's description of a call: its number, the machine, the first argument.
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16
CLONE_NEWUSER = 0x10000000
# From this number on, calls of x86_64 are those of its 32-bit variant, which have numbers of their own.
X32 = 0x40000000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# The numbers of `clone`, `tgkill` and `prlimit64` on both.
CLONE = {"x86_64": 56, "aarch64": 220}
TGKILL = {"x86_64": 234, "aarch64": 131}
PRLIMIT = {"x86_64": 302, "aarch64": 261}
# `clone3` hides its flags from the filter: without it, the C library takes `clone`.
CLONE3 = 435
# What reaches into the kernel or into other processes.
PRIVILEGED = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "unshare": 272, "setns": 308, "mount": 165,
        "umount2": 166, "pivot_root": 155, "chroot": 161, "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321,
        "perf_event_open": 298, "userfaultfd": 323,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "unshare": 97, "setns": 268, "mount": 40,
        "umount2": 39, "pivot_root": 41, "chroot": 51, "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282,
    },
}  # fmt: skip
# The same numbers on all machines.
NEW_CALLS = {"io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "fspick": 433}
# The network, other programs, signals to other processes, and the time that these get.
OUTSIDE = {
    "x86_64": {
        "socket": 41, "socketpair": 53, "connect": 42, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200,
        "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424, "pidfd_open": 434,
        "pidfd_getfd": 438, "setpriority": 141, "ioprio_set": 251, "sched_setparam": 142, "sched_setscheduler": 144,
        "sched_setaffinity": 203, "sched_setattr": 314,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "connect": 203, "execve": 221, "execveat": 281, "kill": 129, "tkill": 130,
        "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "pidfd_send_signal": 424, "pidfd_open": 434,
        "pidfd_getfd": 438, "setpriority": 140, "ioprio_set": 30, "sched_setparam": 118, "sched_setscheduler": 119,
        "sched_setaffinity": 122, "sched_setattr": 274,
    },
}  # fmt: skip
# Files by their names, to read or to change.
FILES = {
    "x86_64": {
        "open": 2, "creat": 85, "openat": 257, "openat2": 437, "unlink": 87, "unlinkat": 263, "rename": 82,
        "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "link": 86, "linkat": 265,
        "symlink": 88, "symlinkat": 266, "chmod": 90, "fchmodat": 268, "fchmodat2": 452, "chown": 92, "lchown": 94,
        "fchownat": 260, "truncate": 76, "mknod": 133, "mknodat": 259,
    },
    "aarch64": {
        "openat": 56, "openat2": 437, "unlinkat": 35, "renameat": 38, "renameat2": 276, "mkdirat": 34, "linkat": 37,
        "symlinkat": 36, "fchmodat": 53, "fchmodat2": 452, "fchownat": 54, "truncate": 45, "mknodat": 33,
    },
}  # fmt: skip


def sandbox_filter() -> bytes:
    """Return the filter of the sandbox for programs; b"" for a machine whose calls' numbers are not known here."""
    return _program(PRIVILEGED) if platform.machine() in MACHINES else b""


def reader_filter(*, files: bool) -> bytes:
    """Return the filter of a process that only reads what it has open; b"" as above.

    `files`: it may still open and change files by their names.
    """
    if platform.machine() not in MACHINES:
        return b""
    # abort() needs the one, and its signal tells the parent what happened; 0 is the process that asks for its limits.
    machine = platform.machine()
    only = {TGKILL[machine]: os.getpid(), PRLIMIT[machine]: 0}
    return _program(PRIVILEGED, OUTSIDE, *([] if files else [FILES]), only=only)


def _program(*refused: dict[str, dict[str, int]], only: Mapping[int, int] | None = None) -> bytes:
    """Return the program that refuses these calls. `only`: calls that are refused unless their first argument, a
    process, is that one.
    """
    machine = platform.machine()
    denied, unknown = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS
    steps = [(LOAD, 0, 0, MACHINE), (JUMP_IF_EQUAL, 1, 0, MACHINES[machine]), (RETURN, 0, 0, KILL)]
    steps += [(LOAD, 0, 0, NUMBER), (JUMP_IF_GREATER_EQUAL, 0, 1, X32), (RETURN, 0, 0, unknown)]
    numbers: Iterable[int] = (number for calls in refused for number in calls[machine].values())
    for number in (*numbers, *NEW_CALLS.values()):
        steps += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, denied)]
    steps += [(JUMP_IF_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, unknown)]
    for number, process in (only or {}).items():
        steps += [(JUMP_IF_EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST_ARGUMENT)]
        steps += [(JUMP_IF_EQUAL, 0, 1, process), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, denied)]
    # Processes and threads may be made, but no user namespace, in which one would be root.
    steps += [(JUMP_IF_EQUAL, 0, 3, CLONE[machine]), (LOAD, 0, 0, FIRST_ARGUMENT)]
    steps += [(JUMP_IF_SET, 0, 1, CLONE_NEWUSER), (RETURN, 0, 0, denied), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)

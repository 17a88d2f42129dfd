"""The filter of system calls in the sandbox: what reaches into the kernel or into other processes is refused.

It is a program for the kernel's BPF machine, as `bwrap --seccomp` takes it; see seccomp(2).
"""

import errno
import platform
import struct

LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_EQUAL, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Offsets in the kernel's description of a call: its number, the machine, the first argument.
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16
CLONE_NEWUSER = 0x10000000
# From this number on, calls of x86_64 are those of its 32-bit variant, which have numbers of their own.
X32 = 0x40000000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# The numbers of `clone` on both.
CLONE = {"x86_64": 56, "aarch64": 220}
# `clone3` hides its flags from the filter: without it, the C library takes `clone`.
CLONE3 = 435
REFUSED = {
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


def bpf() -> bytes:
    """Return the filter for this machine; b"" for one whose calls' numbers are not known here."""
    machine = platform.machine()
    if machine not in MACHINES:
        return b""
    refused, unknown = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS
    steps = [(LOAD, 0, 0, MACHINE), (JUMP_IF_EQUAL, 1, 0, MACHINES[machine]), (RETURN, 0, 0, KILL)]
    steps += [(LOAD, 0, 0, NUMBER), (JUMP_IF_GREATER_EQUAL, 0, 1, X32), (RETURN, 0, 0, unknown)]
    for number in (*REFUSED[machine].values(), *NEW_CALLS.values()):
        steps += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, refused)]
    steps += [(JUMP_IF_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, unknown)]
    # Processes and threads may be made, but no user namespace, in which one would be root.
    steps += [(JUMP_IF_EQUAL, 0, 3, CLONE[machine]), (LOAD, 0, 0, FIRST_ARGUMENT)]
    steps += [(JUMP_IF_SET, 0, 1, CLONE_NEWUSER), (RETURN, 0, 0, refused), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)

"""The llama.cpp process: loads one GGUF file, serves it on loopback, and ends when its parent does.

Run as a script by `app.engines.embedded`; it imports nothing of the project, so that it holds nothing but the model.
Its orders are one line of JSON on standard input. It says `ready` on standard output once the model is loaded, and
ends when standard input does: even a parent that was killed leaves nothing behind.
"""

import contextlib
import json
import os
import sys
import threading


def main() -> None:
    """Serve until standard input ends."""
    orders = json.loads(sys.stdin.readline())
    # From the start: a parent that dies during the load must not leave this process behind.
    lifeline = threading.Thread(target=_end_with_parent)
    lifeline.start()

    import xllamacpp  # noqa: PLC0415 - loads 100 MB of native code, which only this process needs

    params = xllamacpp.CommonParams()
    params.model.path = orders["model"]
    params.model_alias = {orders["alias"]}
    params.port = orders["port"]
    params.api_keys = [orders["key"]]
    params.n_parallel = orders["slots"]
    params.n_ctx = orders["context"] * orders["slots"]
    # Small batches: llama.cpp looks at closed connections between two of them, and other slots wait for one.
    params.n_batch = params.n_ubatch = 64
    params.cache_ram_mib = orders["cache_ram_mb"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = orders["threads"]
    params.n_threads_http = 4 + orders["slots"]
    params.endpoint_slots = True
    params.slot_save_path = orders["states"] + os.sep
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        # Nobody restarts a process that stays.
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    with contextlib.suppress(BrokenPipeError):
        print("ready", server.listening_address, flush=True)
    lifeline.join()


def _end_with_parent() -> None:
    sys.stdin.read()
    # At once: the engine's own way to end can wait for ever.
    os._exit(0)


if __name__ == "__main__":
    main()

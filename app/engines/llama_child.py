"""The llama.cpp process: loads one GGUF file, serves it on loopback, and ends when its parent does.

`app.engines.supervisor` runs it as a script; it imports nothing of the project, to hold nothing but the model in
memory. It reads its options as one line of JSON from standard input, prints `ready` once the model is loaded, and ends
at the end of standard input, so that even a killed parent leaves no process behind.
"""

import contextlib
import json
import os
import sys
import threading


def main() -> None:
    """Serve until standard input ends."""
    settings = json.loads(sys.stdin.readline())
    # Started first: a parent that dies during the load must not leave this process behind.
    watcher = threading.Thread(target=_end_with_parent)
    watcher.start()

    import xllamacpp  # noqa: PLC0415 - loads 100 MB of native code, which only this process needs

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["alias"]}
    params.port = settings["port"]
    params.api_keys = [settings["key"]]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["context"] * settings["slots"]
    # Small batches: llama.cpp checks for closed connections between two of them, and other slots wait for one.
    params.n_batch = params.n_ubatch = 64
    params.cache_ram_mib = settings["cache_ram_mb"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.n_threads_http = 4 + settings["slots"]
    params.endpoint_slots = True
    params.slot_save_path = settings["states"] + os.sep
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        # Exit even if the other thread still runs: the supervisor restarts only a process that has ended.
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    with contextlib.suppress(BrokenPipeError):
        print("ready", server.listening_address, flush=True)
    watcher.join()


def _end_with_parent() -> None:
    sys.stdin.read()
    # Exit at once: the engine's own shutdown can block for ever.
    os._exit(0)


if __name__ == "__main__":
    main()

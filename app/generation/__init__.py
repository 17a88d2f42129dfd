"""How a question becomes an answer: `service` stores it, `queue` gives it its turn, `worker` has the engine write it,
`events` brings it to those who follow. No Flask, no HTML, no sockets of clients.

`store` reads and writes the rows of runs, `prompt` makes the messages for the model, `estimates` learns durations,
`model_registry` knows the engine's models, `background` is what runs while nobody waits, `serializers` is the JSON.

Threads of the package:

* one for each ticket that runs, from the queue's pool (`run_…`); the work of answers is `Worker.write`
* `models` polls the engine and loads the default model; `restart` frees an engine that hangs, and ends
* `trash` empties the trash once a day

Those of requests call `Generation`, and iterate over the events that they follow.

Locks, in the order in which they are taken; while one is held, only those below it may be:

1. `Generation._submitting`, held while a question is stored, so also while the database is waited for
2. `RunQueue._announcing`, held while places in the queue are published
3. `RunQueue._lock`, with the condition `_idle`
4. the leaves, under which no other lock of the package is taken: `EventLog._lock`, `EventStream._condition`,
   `StreamRegistry._lock`, `Estimates._lock`, `ModelRegistry._lock`, `Prefill._lock`, `BackgroundSlot._lock`, and
   `Cancel._lock` of the engines

None is held while the engine is asked or a socket is written to. What is registered with a `Cancel` is called without
any lock held.
"""

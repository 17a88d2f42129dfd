"""Answering questions: `service` stores a question, `queue` gives it a turn, `worker` streams the engine's answer, and
`events` delivers it to the clients that follow. It knows no Flask views, no HTML and no client sockets.

`conversation_changes` is where conversations are changed or erased, `store` reads and writes the rows of runs,
`run_ends` keeps the ends that the database refuses, `prompt` builds the messages for the model, `documents` makes the
text of files that goes with a question, `citations` compares an answer with it, `estimates` learns durations,
`model_registry` knows the models, `completion` streams answers for the API, `part_reading` reads long documents part by
part, `background` holds prefill, benchmarks and the purge of the trash, `serializers` makes the JSON, `backends` keeps
the events and carries the notices between processes.

Threads of the package:

* `run_…`: one per running ticket, from the queue's pool; an answer's work is `Worker.write`
* `models`: polls the engine and loads the default model
* `recover`: ends or queues again the runs of an earlier process, if the start could not write
* `ends`: stores the ends of runs that the database refused, until none is left
* `deferred`: has the queue look whether answers that wait for a quiet hour are due
* `trash`: erases what was deleted 30 days ago, once a day

Request threads call `Generation` and iterate over the events that they follow.

Locks, in the order in which a thread may take them; while it holds one, it may only take those below:

1. `Generation._submitting`, held while an answer is queued or a conversation is changed, so also while waiting for the
   database
2. `RunQueue._announcing`, held while positions in the queue are published
3. `RunQueue._lock`, with the condition `_idle`
4. `RunEnds._lock`, held while an end that the database refused is written
5. leaf locks, under which no other lock of the package is taken: `MemoryEventLog._lock`,
   `MemoryEventStream._condition`, `StreamRegistry._lock`, `Estimates._lock`, `ModelRegistry._lock`, `Prefill._lock`,
   `BackgroundSlot._lock`, and `Cancel._lock` of the engines

No lock is held during a call to the engine or a write to a socket. `Cancel` runs its callbacks without holding a lock.
"""

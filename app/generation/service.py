"""The one object that pages talk to: ask, go on, stop, follow, and what the engine is doing."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from app.engines.base import ChatRequest, Engine, Model
from app.errors import AppError
from app.extensions import db
from app.generation.background import BackgroundSlot, TrashPurge
from app.generation.completion import Completion
from app.generation.events import Event, EventStream, StreamRegistry, Subscriber, encode
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings, total_tokens
from app.generation.runs import Runs
from app.generation.serializers import accepted_json, error_json
from app.generation.store import Store
from app.models import Conversation, Follows, Message, Run, RunState
from app.models.tree import Tree

# How long the end of the program waits for running answers to be saved.
FAREWELL_S = 4.0

logger = logging.getLogger(__name__)


class Generation:
    """All runs of this process."""

    def __init__(
        self,
        engine: Engine,
        settings: GenerationSettings,
        *,
        queue_max: int,
        followers: int,
        context: Callable[[], AbstractContextManager[Any]],
        preference: Callable[[], tuple[str, str]],
    ) -> None:
        self.engine = engine
        self._trash_purge = TrashPurge(context, engine.forget)
        self.registry = ModelRegistry(engine, preference)
        self._store = Store(context)
        self._context = context
        self._runs = Runs(engine, self.registry, self._store, settings, queue_max)
        self._queue = self._runs.queue
        self.estimates = self._runs.estimates
        # Reads conversations ahead of their next question.
        self.prefill = self._runs.prefill
        self.background = BackgroundSlot(self._queue)
        # Held from before a run is in the rows until the queue knows it: between the two it looks abandoned.
        self._submitting = threading.RLock()
        self.streams = StreamRegistry(followers)

    def start(self) -> None:
        """Once for each worker process: take up what an earlier one left, and look at the engine."""
        for model, seconds, usage in self._store.recent_runs():
            self.estimates.learn(model, seconds, usage)
        with self._context():
            self._recover()
        self._trash_purge.start()
        self.registry.start()

    def stop(self) -> None:
        """Save what is being written as interrupted, and end all followers."""
        self._trash_purge.stop()
        self.registry.stop()
        self._runs.close(FAREWELL_S)

    def model_for(self, name: str | None, think: bool) -> Model:
        """The model to answer with: that name, else the default's. Raises unknown_model, thinking_unsupported.

        One that was installed a moment ago is taken too; its run looks for it.
        """
        wanted = name or self.registry.default().effective or self.registry.default().name
        model = self.registry.find(wanted, maybe_new=True)
        if think and model.installed and not model.thinking and self.registry.reachable:
            raise AppError("thinking_unsupported", model=model.name)
        return model

    def ask(
        self,
        conversation: Conversation,
        content: str,
        *,
        model: str | None,
        think: bool,
        client_id: str,
        follows: Follows,
    ) -> Subscriber:
        """Store a question and start its answer; the same `client_id` again gives the first answer. Its events."""
        name = self.model_for(model or conversation.model, think).name
        with self._submitting:
            # Nothing stands beside what follows the end.
            beside = (None if follows.first else follows.parent_id or conversation.head_id) != conversation.head_id
            state = self._first_state()
            answer, new = conversation.ask(
                content, model=name, think=think, client_id=client_id, follows=follows, state=state
            )
            if new:
                return Subscriber(self._runs.submit(answer, Tree(conversation) if beside else None))
        return self.follow(answer)

    def regenerate(self, answer: Message, *, model: str | None, think: bool | None) -> Subscriber:
        """Start another answer to the same question. Raises run_active while one to it is being written."""
        with self._submitting:
            state = self._first_state()
            run = self._ended_run(answer)
            if any(other.parent_id == answer.parent_id for other in answer.conversation.being_written()):
                raise AppError("run_active")
            think = run.think if think is None else think
            name = self.model_for(model or run.model, think).name
            sibling = answer.conversation.regenerate(answer, model=name, think=think, state=state)
            return Subscriber(self._runs.submit(sibling, Tree(answer.conversation)))

    def go_on(self, answer: Message) -> Subscriber:
        """Go on writing an answer that was stopped, interrupted, failed or cut. Raises nothing_to_continue."""
        with self._submitting:
            run = self._ended_run(answer)
            if run.state == RunState.DONE and run.reason != "length":
                raise AppError("nothing_to_continue")
            self._first_state()
            run.queue_again(model=self.model_for(run.model, run.think).name)
            db.session.commit()
            return Subscriber(self._runs.submit(answer))

    @contextmanager
    def at_rest(self, conversation: Conversation) -> Iterator[None]:
        """While inside, no answer of a conversation is being written and none begins. Raises run_active."""
        with self._submitting:
            if any(self._settled(answer).active for answer in conversation.being_written()):
                raise AppError("run_active")
            # Another request may have moved its end since it was read.
            db.session.refresh(conversation)
            yield

    def request_stop(self, answer: Message) -> str:
        """Stop an answer; returns its state, which a running one leaves a moment later."""
        ticket = self._queue.cancel(answer.id)
        if ticket is not None:
            self._store.finish(answer.id, RunState.STOPPED)
            self._runs.abandon(answer.id, RunState.STOPPED)
            return str(RunState.STOPPED)
        return str(self._settled(answer).state)

    def complete(self, request: ChatRequest, user_id: int) -> Completion:
        """Put a request that is not stored in the queue. Raises queue_full, stopping."""
        patience = self.estimates.read_timeout(request.model, total_tokens(request.messages))
        request = replace(request, patience_s=patience)
        return Completion(
            request,
            user_id,
            registry=self.registry,
            queue=self._queue,
            estimates=self.estimates,
        )

    def channel(self, message_id: int) -> EventStream | None:
        """The events of an answer, while they are in memory."""
        return self._runs.channel(message_id)

    def follow(self, answer: Message, after: int = 0, attempt: int | None = None) -> Subscriber:
        """The events of an answer after number `after`.

        `attempt`: the one that the follower has seen; when it is another, or is no longer in memory, the whole
        text so far comes again in an `accepted` event with `reset`.
        """
        run = self._settled(answer)
        channel = self._runs.channel(answer.id)
        if channel is not None and (attempt is None or attempt == run.attempt):
            return Subscriber(channel, after)
        whole = accepted_json(answer)
        if channel is not None:
            snapshot = channel.text()
            whole["message"] |= {"content": snapshot.content, "thinking": snapshot.thinking}
            number = max(1, snapshot.number)
            return Subscriber(channel, number, encode(number, Event.ACCEPTED, whole | {"reset": True}))
        done = {"status": str(run.state), "reason": run.reason, "error": error_json(run), "metrics": run.metrics}
        events = (encode(1, Event.ACCEPTED, whole | {"reset": True}), encode(2, Event.DONE, done))
        return Subscriber(None, first=b"".join(events))

    def status(self) -> dict[str, Any]:
        """The machine's state, for everyone."""
        running, waiting = self._queue.counts()
        default = self.registry.default()
        slots = max(1, self.engine.slots)
        wait = self._runs.expected_wait()
        load = "calm" if running < slots else "busy" if waiting <= 2 * slots else "saturated"
        return {
            "state": load if self.registry.reachable else "down",
            "running": running,
            "waiting": waiting,
            "slots": slots,
            "model": default.effective or default.name,
            "loaded": default.effective in self.registry.loaded,
            "eta_s": None if wait is None else round(wait),
        }

    def _first_state(self) -> RunState:
        """What a new run is stored as: where its turn comes at once, a second writing is saved. Raises queue_full."""
        return RunState.RUNNING if self._queue.check_room() else RunState.QUEUED

    def _ended_run(self, answer: Message) -> Run:
        """The run of an answer that is not being written; raises run_active. The caller holds `_submitting`."""
        if answer.run is not None:
            # Another request may have gone on with it since it was read.
            db.session.refresh(answer.run)
        run = self._settled(answer)
        if run.active:
            raise AppError("run_active")
        return run

    def _settled(self, answer: Message) -> Run:
        """An answer's run; one whose end could not be stored, because the disk was full, is ended now."""
        run = answer.run
        if run is None:
            raise AppError("not_found")
        # Looked at first without the lock: it may be held by a question that waits for the database.
        if run.active and not self._queue.knows(answer.id):
            with self._submitting:
                if not self._queue.knows(answer.id):
                    # It may have ended since it was read.
                    db.session.refresh(run)
                    if run.active:
                        self._abandon(answer)
                        db.session.refresh(run)
        return run

    def _abandon(self, answer: Message) -> None:
        """End a run that nobody carries, with its text if that is still in memory."""
        channel = self._runs.channel(answer.id)
        _, content, thinking = channel.text() if channel else (0, None, "")
        failure = AppError("interrupted")
        self._store.finish(answer.id, RunState.INTERRUPTED, content=content, thinking=thinking, error=failure)
        self._runs.abandon(answer.id, RunState.INTERRUPTED)

    def _recover(self) -> None:
        """Queued runs of an earlier process go on; running ones are interrupted, with the text that was saved."""
        for run in Run.active_runs():
            answer = run.message
            if run.state == RunState.QUEUED and answer.conversation.deleted_at is None:
                run.attempt += 1
                db.session.commit()
                self._runs.submit(answer)
            else:
                self._store.finish(answer.id, RunState.INTERRUPTED, error=AppError("interrupted"))
            logger.info("run recovered run=%s state=%s", answer.id, run.state)

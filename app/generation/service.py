"""The interface of this package for the pages: ask, regenerate, resume, stop and follow answers; the
engine's status.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.engines.base import ChatRequest, Engine, Model
from app.engines.tokens import estimated_tokens, total_tokens
from app.errors import AppError
from app.extensions import db
from app.generation import attaching, prompt
from app.generation.background import BackgroundSlot, Prefill, TrashPurge
from app.generation.completion import Completion
from app.generation.conversation_changes import ConversationChanges
from app.generation.estimates import Estimates
from app.generation.events import Event, EventLog, EventStream, Signals, StreamRegistry, Subscriber, Topic, encode
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings
from app.generation.queue import Priority, RunQueue, Ticket
from app.generation.run_ends import RunEnds
from app.generation.serializers import accepted_json, error_json
from app.generation.store import RunEnd, Store
from app.generation.worker import AnswerTicket, Worker
from app.models import Conversation, Message, ParentRef, Run, RunState, User
from app.models.attachments import NOTHING, Attachment
from app.models.branches import MessageTree
from app.models.lab import LabLabel

# Seconds that `stop` waits for running answers to be saved.
CLOSE_TIMEOUT_S = 4.0
# An announced wait older than this is announced again to a client that begins to follow.
OUTDATED_S = 2.0
# Seconds between two tries to end the runs of an earlier process while the database cannot be written to.
RECOVER_EVERY_S = 5.0
# Seconds without a person or a prefill before long documents are read, as who reads an answer will ask again and the
# engine's cache has their conversation; and seconds between two looks at whether they are due.
QUIET_S = 120.0
LOOK_EVERY_S = 5.0

logger = logging.getLogger(__name__)


class Generation:
    """All runs of this process.

    `queue_max`: tickets that may wait; `followers`: streams that may be followed at once. `context` makes an
    application context, `preference` returns the default model's name and its source. `event_log`, `signals`: what
    connects the processes of one service.
    """

    def __init__(
        self,
        engine: Engine,
        settings: GenerationSettings,
        *,
        queue_max: int,
        followers: int,
        context: Callable[[], AbstractContextManager[Any]],
        preference: Callable[[], tuple[str, str]],
        event_log: EventLog,
        signals: Signals,
    ) -> None:
        self.engine = engine
        self._queue = RunQueue(lambda: engine.slots, queue_max, self._announce_places)
        self.registry = ModelRegistry(engine, preference, self._queue.is_idle)
        self.estimates = Estimates(settings.read_timeout_s)
        self.streams = StreamRegistry(followers, signals)
        self._settings = settings
        self._context = context
        self._store = Store(context)
        self._event_log = event_log
        self._signals = signals
        self._ends = RunEnds(self._store, event_log)
        self.prefill = Prefill(self.registry, self._queue, self._store, self.estimates, settings)
        self.background = BackgroundSlot(self._queue)
        self.worker = Worker(
            self.registry,
            self._store,
            ends=self._ends,
            estimates=self.estimates,
            prefill=self.prefill,
            settings=settings,
        )
        self.changes = ConversationChanges(self._exclusive, self.stop_answer, self._forget_everywhere)
        self._trash_purge = TrashPurge(context, self.changes.purge_trash)
        signals.listen(Topic.FORGOTTEN, self._forget)
        signals.listen(Topic.MODELS, lambda _: self.registry.wake())
        # Held from before a run is stored until the queue knows it: in between it would look abandoned.
        self._submitting = threading.RLock()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Recover the runs that an earlier process left, and start the threads; once in each worker process."""
        with contextlib.suppress(SQLAlchemyError):
            for model, seconds, usage in self._store.recent_runs():
                self.estimates.learn(model, seconds, usage)
        if not self._recovered():
            threading.Thread(target=self._recover_later, name="recover", daemon=True).start()
        threading.Thread(target=self._start_deferred, name="deferred", daemon=True).start()
        self._trash_purge.start()
        self.registry.start()

    def stop(self) -> None:
        """Save the answers in progress as interrupted, and end all event streams."""
        self._stopped.set()
        self._trash_purge.stop()
        self.registry.stop()
        self._queue.close(CLOSE_TIMEOUT_S)
        self._ends.stop()
        self._event_log.close()

    def model_for(self, name: str | None, think: bool) -> Model:
        """Return the model to answer with: that name, else the default. Raises unknown_model, not_a_chat_model,
        thinking_unsupported.

        Also accepts a model that was installed since the last poll; its run verifies it.
        """
        wanted = name or self.registry.default().effective or self.registry.default().name
        model = self.registry.find(wanted, maybe_new=True)
        if think and model.installed and not model.thinking and self.registry.reachable:
            raise AppError("thinking_unsupported", model=model.name)
        return model

    def check_sees(self, model: Model) -> None:
        """Raise images_unsupported unless a model sees pictures, or may do: the engine has not told it yet."""
        if model.installed and not model.vision and self.registry.reachable:
            raise AppError("images_unsupported", model=model.name)

    def document_tokens(self, model: str) -> int:
        """Return the tokens that whole documents may take with this model."""
        return self._settings.for_model(model, self.registry.context_of(model)).document_tokens

    def attachment(
        self,
        user: User,
        files: Sequence[str],
        model: str,
        *,
        passages: Sequence[int] = (),
        timing: str | None = None,
    ) -> Attachment:
        """Return what goes with a question to a model about these files of the user: see `attaching.attachment`."""
        return attaching.attachment(
            user,
            files,
            passages,
            limit=self.document_tokens(model),
            image_tokens=self.registry.image_tokens(model),
            timing=timing,
        )

    def proven(self, models: Collection[str]) -> set[str]:
        """Return those of the models that may answer from passages: the Labo has measured that they are good at it."""
        if self._settings.all_proven:
            return set(models)
        labels = LabLabel.by_model()
        return {model for model in models if model in labels and labels[model].proven}

    def ask(
        self,
        conversation: Conversation,
        content: str,
        *,
        model: str | None,
        think: bool,
        client_id: str,
        follows: ParentRef,
        attachment: Attachment = NOTHING,
    ) -> Subscriber:
        """Store a question and queue its answer; return a subscriber to the answer's events.

        A repeated `client_id` returns those of the first answer. Raises unknown_model, not_a_chat_model,
        thinking_unsupported, model_not_proven, images_unsupported, queue_full, too_many_waiting, stopping,
        unknown_parent, conversation_moved.
        """
        answering = self.model_for(model or conversation.model, think)
        name = answering.name
        self._check_proven(name, attachment.text)
        if attachment.pictures:
            self.check_sees(answering)
        with self._submitting:
            # Only a question that does not follow the end of the shown branch can have other versions.
            parent_id = None if follows.first else follows.parent_id or conversation.head_id
            has_versions = parent_id != conversation.head_id
            state = self._first_state(conversation.user_id, attachment.text)
            reading_s = self._reading_s(conversation.id, parent_id, name, attachment)
            answer, new = conversation.ask(
                content,
                model=name,
                think=think,
                client_id=client_id,
                follows=follows,
                state=state,
                attachment=attachment,
            )
            if new:
                tree = MessageTree(conversation) if has_versions else None
                return Subscriber(self._submit(answer, tree, reading_s))
        return self.follow(answer)

    def regenerate(self, answer: Message, *, model: str | None, think: bool | None) -> Subscriber:
        """Queue another answer to the same question.

        Raises run_active while an answer to it is being written, model_not_proven.
        """
        with self._submitting:
            attached = answer.parent.attached if answer.parent else ""
            state = self._first_state(answer.conversation.user_id, attached)
            run = self._ended_run(answer)
            if any(other.parent_id == answer.parent_id for other in answer.conversation.being_written()):
                raise AppError("run_active")
            think = run.think if think is None else think
            name = self.model_for(model or run.model, think).name
            self._check_proven(name, attached)
            sibling = answer.conversation.regenerate(answer, model=name, think=think, state=state)
            return Subscriber(self._submit(sibling, MessageTree(answer.conversation)))

    def resume(self, answer: Message) -> Subscriber:
        """Queue an answer that was stopped, interrupted, failed or cut, to be continued.

        Raises nothing_to_continue if it is complete, run_active while it is being written.
        """
        with self._submitting:
            run = self._ended_run(answer)
            if run.state == RunState.DONE and run.reason != "length":
                raise AppError("nothing_to_continue")
            self._first_state(answer.conversation.user_id, answer.parent.attached if answer.parent else "")
            run.queue_again(self.model_for(run.model, run.think).name)
            db.session.commit()
            return Subscriber(self._submit(answer))

    def forget_file(self, file_id: str) -> None:
        """Stop reading ahead a file that is erased before a question was asked with it; drop what is cached of it."""
        conversations = self.prefill.read_with(file_id)
        waiting, running = self._queue.snapshot()
        for ticket in (*waiting, *running):
            if ticket.priority == Priority.PREFILL and ticket.conversation_id in conversations:
                self._queue.cancel(ticket.key)
        for conversation_id in conversations:
            self._forget_everywhere(conversation_id)

    def models_changed(self) -> None:
        """Have the engine's models and the default model looked at now."""
        self._signals.send(Topic.MODELS)

    def stop_answer(self, answer: Message) -> str:
        """Stop an answer; return its state, which may still be "running" for a moment."""
        ticket = self._queue.cancel(answer.id)
        if ticket is not None:
            if answer.parent is not None and prompt.is_unread(answer.parent.attached):
                self._store.drop_notes(answer.parent.id)
            self._end(answer.id, RunEnd(RunState.STOPPED))
            return str(RunState.STOPPED)
        return str(self._settled(answer).state)

    def complete(self, request: ChatRequest, user_id: int) -> Completion:
        """Queue a request whose answer is streamed but not stored.

        Raises queue_full, too_many_waiting, stopping.
        """
        timeout_s = self.estimates.read_timeout(request.model, total_tokens(request.messages))
        request = replace(request, read_timeout_s=timeout_s)
        return Completion(request, user_id, self.registry, self._queue, self.estimates)

    def events(self, message_id: int) -> EventStream | None:
        """Return an answer's event stream, or None if it is no longer in memory."""
        return self._event_log.get(message_id)

    def follow(self, answer: Message, after: int = 0, attempt: int | None = None) -> Subscriber:
        """Return a subscriber to an answer's events after number `after`.

        `attempt`: the one that the client has seen. If it is not the current one, or its events are no longer in
        memory, the whole text so far is sent first, in an `accepted` event with `reset`.
        """
        run = self._settled(answer)
        self._recount(answer.id)
        events = self.events(answer.id)
        if events is not None and (attempt is None or attempt == run.attempt):
            return Subscriber(events, after)
        whole = accepted_json(answer)
        if events is not None:
            text = events.text()
            whole["message"] |= {"content": text.content, "thinking": text.thinking}
            number = max(1, text.number)
            return Subscriber(events, number, encode(number, Event.ACCEPTED, whole | {"reset": True}))
        done = {"status": str(run.state), "reason": run.reason, "error": error_json(answer)}
        done |= {"metrics": run.metrics, "sources": run.sources}
        frames = (encode(1, Event.ACCEPTED, whole | {"reset": True}), encode(2, Event.DONE, done))
        return Subscriber(None, first=b"".join(frames))

    def status(self) -> dict[str, Any]:
        """Return the load of the queue and the state of the default model, for all users.

        `eta_s`: seconds that one more question to that model would wait; 0 with all slots taken: longer than expected.
        """
        running, waiting = self._queue.counts()
        default = self.registry.default()
        slots = max(1, self.engine.slots)
        order, at_work = self._queue.snapshot()
        before = [(ticket.model, ticket.reading_s) for ticket in order if not ticket.priority.preemptible]
        wait = 0.0 if running < slots else self._waits([*before, (default.effective or "", 0.0)], at_work)[-1]
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

    @contextmanager
    def _exclusive(self, conversation: Conversation) -> Iterator[None]:
        """Ensure that no answer of a conversation is being written, and that none begins while inside.
        Raises run_active.
        """
        with self._submitting:
            if any(self._settled(answer).active for answer in conversation.being_written()):
                raise AppError("run_active")
            # Another request may have moved `head_id` since the conversation was read.
            db.session.refresh(conversation)
            yield

    def _forget_everywhere(self, conversation_id: str) -> None:
        self._signals.send(Topic.FORGOTTEN, conversation_id)

    def _forget(self, conversation_id: str) -> None:
        """Drop what is cached of a conversation: the engine's saved prompt cache is its text in another form."""
        self.engine.forget(conversation_id)
        self.prefill.forget(conversation_id)

    def _check_proven(self, model: str, attached: str) -> None:
        """Raise model_not_proven if a question is asked with passages, or with documents that are to be read part by
        part, and the model may not answer from them.
        """
        if (prompt.has_passages(attached) or prompt.is_unread(attached)) and not self.proven([model]):
            raise AppError("model_not_proven", model=model)

    def _reading_s(self, conversation_id: str, parent_id: int | None, model: str, attachment: Attachment) -> float:
        """Return the seconds that reading what a question is asked with will take; 0 if the engine holds it, or if its
        pace is not known.
        """
        read = self.prefill.holds(conversation_id, parent_id, model, attachment)
        if not attachment.text or attachment.timing or read:
            return 0.0
        pace = self.estimates.reading_pace(model)
        tokens = estimated_tokens(attachment.text) + self.registry.image_tokens(model) * len(attachment.pictures)
        return tokens / pace if pace else 0.0

    def _submit(self, answer: Message, tree: MessageTree | None = None, reading_s: float = 0.0) -> EventStream:
        """Queue a stored answer and publish its first event. `tree`: where there may be other versions; `reading_s`:
        seconds that reading its documents will take.
        """
        events = self._event_log.open(answer.id, answer.content, answer.thinking)
        accepted = accepted_json(answer, tree)
        events.publish(Event.ACCEPTED, accepted)
        run = answer.run
        assert run is not None  # noqa: S101 - an answer to be written has one
        ticket = AnswerTicket(
            answer.id,
            answer.conversation.user_id,
            answer.conversation_id,
            self.worker.write,
            model=run.model,
            reading_s=reading_s,
            events=events,
            accepted=accepted,
            stored_as_running=run.state == RunState.RUNNING,
        )
        if part := accepted["message"]["part"]:
            ticket.priority, ticket.part = Priority.DEFERRED, part | {"reading": False}
            ticket.is_due = lambda: self._is_due(ticket, part["when"])
            events.publish(Event.PART, ticket.part)
        self._queue.submit(ticket)
        return events

    def _is_due(self, ticket: AnswerTicket, when: str) -> bool:
        """Return whether a deferred answer may be written now, as far as its hour and other people are concerned."""
        first, last = self._settings.deferred_hours
        hour = time.localtime().tm_hour
        night = first <= hour < last if first <= last else (hour >= first or hour < last)
        return (night or when == "idle") and self._queue.quiet_s >= QUIET_S and time.monotonic() >= ticket.not_before

    def _start_deferred(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            self._queue.look_again()

    def _announce_places(self, order: Sequence[Ticket], running: Sequence[Ticket]) -> None:
        """Publish the position of each waiting answer if it changed; the queue calls this."""
        waits = self._waits([(ticket.model, ticket.reading_s) for ticket in order], running)
        own = Counter(ticket.user_id for ticket in running)
        for position, (ticket, wait) in enumerate(zip(order, waits, strict=True), start=1):
            place = (position, len(running), own[ticket.user_id])
            own[ticket.user_id] += 1
            if not isinstance(ticket, AnswerTicket) or ticket.priority == Priority.DEFERRED:
                continue
            if ticket.last_place == place and not ticket.is_outdated:
                continue
            if ticket.last_place is None:
                ticket.expected_wait_s = wait
            ticket.last_place, ticket.told_at, ticket.is_outdated = place, time.monotonic(), False
            eta = None if wait is None else round(wait)
            queued = {"position": position, "ahead": position - 1 + len(running), "own": place[-1], "eta_s": eta}
            ticket.events.publish(Event.QUEUED, queued)

    def _waits(self, waiting: Sequence[tuple[str, float]], running: Sequence[Ticket]) -> list[float] | list[None]:
        """Return the seconds until answers, waiting in this order, would each get a slot: see `queue_waits`."""
        awaited, now = [ticket for ticket in running if not ticket.priority.preemptible], time.monotonic()
        at_work = [(ticket.model, now - ticket.started - ticket.reading_s) for ticket in awaited]
        return self.estimates.queue_waits(waiting, at_work, max(1, self.engine.slots))

    def _recount(self, answer_id: int) -> None:
        """Publish the place of a waiting answer again if it was told a while ago: for whoever follows it from now on,
        who counts the seconds from when they hear of it.
        """
        ticket = self._queue.waiting(answer_id)
        if isinstance(ticket, AnswerTicket) and time.monotonic() - ticket.told_at >= OUTDATED_S:
            ticket.is_outdated = True
            self._queue.announce_again()

    def _first_state(self, user_id: int, attached: str) -> RunState:
        """Return the state to store a new run with: running if it will start at once, which saves a second write.

        `attached`: what its question is asked with. Raises queue_full, too_many_waiting, stopping.
        """
        at_once = self._queue.check_room(user_id, deferred=prompt.is_unread(attached))
        return RunState.RUNNING if at_once else RunState.QUEUED

    def _ended_run(self, answer: Message) -> Run:
        """Return the run of an answer that is not being written; raises run_active. The caller holds `_submitting`."""
        if answer.run is not None:
            # Another request may have resumed it since it was read.
            db.session.refresh(answer.run)
        run = self._settled(answer)
        if run.active:
            raise AppError("run_active")
        return run

    def _settled(self, answer: Message) -> Run:
        """Return an answer's run; end it first if it is active in the database but not in the queue.

        Raises not_found for a message without a run.
        """
        run = answer.run
        if run is None:
            raise AppError("not_found")
        # Checked first without the lock, which may be held by a question that waits for the database.
        if run.active and not self._alive(answer):
            with self._submitting:
                if not self._alive(answer):
                    # The run may have ended since it was read.
                    db.session.refresh(run)
                    if run.active:
                        self._abandon(answer)
                        db.session.refresh(run)
        return run

    def _alive(self, answer: Message) -> bool:
        """Return True if a thread works on an answer, or will, or only its end is left to be stored."""
        return self._queue.knows(answer.id) or self._ends.waits(answer.id)

    def _abandon(self, answer: Message) -> None:
        """End a run that no thread works on, with its text if that is still in memory."""
        events = self.events(answer.id)
        _, content, thinking = events.text() if events else (0, None, "")
        error = AppError("interrupted")
        self._end(answer.id, RunEnd(RunState.INTERRUPTED, error=error, content=content, thinking=thinking))

    def _end(self, message_id: int, end: RunEnd) -> None:
        """Store the end of a run that no thread works on, and publish it."""
        self._ends.store(message_id, end)
        events = self.events(message_id)
        if events is not None:
            done = {"status": str(end.state), "reason": None, "error": None, "metrics": None, "sources": None}
            events.publish(Event.DONE, done, last=True)

    def _recovered(self) -> bool:
        """Try to recover; False if the database cannot be written to: a full or locked disk must not stop the start."""
        try:
            with self._context(), self._submitting:
                self._recover()
        except SQLAlchemyError:
            logger.warning("runs of an earlier process are not recovered yet", exc_info=True)
            return False
        return True

    def _recover_later(self) -> None:
        while not self._stopped.wait(RECOVER_EVERY_S) and not self._recovered():
            pass

    def _recover(self) -> None:
        """Queue again the runs that an earlier process left queued; end those it left running as interrupted."""
        for run in Run.active_runs():
            answer = run.message
            if self._alive(answer):
                continue
            if run.state == RunState.QUEUED and answer.conversation.deleted_at is None:
                run.attempt += 1
                db.session.commit()
                self._submit(answer)
            else:
                self._store.finish(answer.id, RunEnd(RunState.INTERRUPTED, error=AppError("interrupted")))
            logger.info("run recovered run=%s state=%s", answer.id, run.state)

"""The one place where the text of a conversation is changed, hidden or erased, so that no trace of it is forgotten."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from app.models import Conversation, Message, Share, User, branches, trash
from app.models.conversations import being_written


class ConversationChanges:
    """Changes to stored conversations; after each, the engine's and the prefill's copies of the old text are dropped.

    `exclusive` ensures that no answer of a conversation is being written, or raises run_active; `stop` ends a running
    answer; `forget` drops what is cached of a conversation.
    """

    def __init__(
        self,
        exclusive: Callable[[Conversation], AbstractContextManager[None]],
        stop: Callable[[Message], object],
        forget: Callable[[str], None],
    ) -> None:
        self._exclusive = exclusive
        self._stop = stop
        self._forget = forget

    def correct(self, question: Message, content: str) -> None:
        """Change a question's text without asking it again. Raises run_active."""
        with self._exclusive(question.conversation):
            question.correct(content)
        self._forget(question.conversation_id)

    def instruct(self, conversation: Conversation, instructions: str) -> None:
        """Set the conversation's own instructions; the engine reads the whole of it again with the next question."""
        conversation.change(instructions=instructions)
        self._forget(conversation.id)

    def show_branch(self, conversation: Conversation, message_id: int) -> None:
        """Show the newest branch that contains a message. Raises run_active, not_found."""
        with self._exclusive(conversation):
            branches.show_branch(conversation, message_id)

    def remove_turn(self, question: Message) -> Conversation:
        """Remove a question with all that follows it, and return it as a deleted conversation. Raises run_active."""
        conversation = question.conversation
        with self._exclusive(conversation):
            removed = branches.remove_turn(question)
        self._forget(conversation.id)
        return removed

    def restore_turn(self, conversation: Conversation, removed: Conversation, parent_id: int | None) -> None:
        """Put a removed turn back under an answer. Raises run_active, not_found, unknown_parent."""
        with self._exclusive(removed), self._exclusive(conversation):
            branches.restore_turn(conversation, removed, parent_id)

    def copy_branch(self, answer: Message) -> Conversation:
        """Copy the messages up to an answer into a new conversation. Raises run_active."""
        with self._exclusive(answer.conversation):
            return branches.copy_branch(answer)

    def share(self, conversation: Conversation) -> Share:
        """Publish a copy of the branch shown now. Raises run_active, nothing_to_share, too_many_shares."""
        with self._exclusive(conversation):
            return Share.take(conversation)

    def delete(self, conversation: Conversation) -> None:
        """Stop its running answers, end its shares and move it to the trash."""
        for answer in conversation.being_written():
            self._stop(answer)
        conversation.delete()
        self._forget(conversation.id)

    def erase(self, ids: Collection[str]) -> None:
        """Erase conversations for good, with all that belongs to them."""
        trash.erase(ids, self._forget)

    def erase_all_of(self, user: User) -> None:
        """Erase everything that a user wrote; stops the running answers first."""
        for answer in being_written(Conversation.user_id == user.id):
            self._stop(answer)
        trash.erase_all_of(user, self._forget)

    def purge_trash(self) -> int:
        """Erase the conversations whose time in the trash is over; return how many."""
        return trash.purge(self._forget)

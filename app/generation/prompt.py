"""History → what is sent to the model: the same bytes each turn, within the context."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Bytes of UTF-8 in a token, on the safe side for French; and what a template adds to each message.
BYTES_PER_TOKEN = 3.0
TOKENS_PER_MESSAGE = 8
# The part of the context kept for history when the oldest turns must go. Going down far at once leaves the
# prompt's beginning unchanged for many turns, so that the engine's cache stays good.
KEPT_AFTER_CUT = 0.5
# What leads in people's texts in the system message: always in one language, as the bytes must never change.
PERSONAL = "Ce que la personne dit d’elle et de la façon de lui répondre :"
OWN = "Consignes pour cette conversation :"


class Turn(NamedTuple):
    """A message of the branch, as the prompt needs it."""

    id: int
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages for the engine, how many of the branch were left out, and the first one that is read."""

    messages: tuple[dict[str, str], ...]
    left_out: int = 0
    first_read: int | None = None

    @property
    def tokens(self) -> int:
        """About how many tokens it has."""
        return total_tokens(self.messages)


def estimated_tokens(text: str) -> int:
    """An estimate that never changes for the same text, so that the cut stays where it is."""
    return int(len(text.encode(errors="replace")) / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE


def total_tokens(messages: Sequence[dict[str, str]]) -> int:
    """About how many tokens these messages have."""
    return sum(estimated_tokens(message["content"]) for message in messages)


def system_text(general: str, personal: str | None, own: str) -> str:
    """The system message: everybody's part first, so that what begins all prompts alike is read once."""
    parts = [general, f"{PERSONAL}\n{personal}" if personal else "", f"{OWN}\n{own}" if own else ""]
    return "\n\n".join(filter(None, parts))


def build(system: str, branch: Sequence[Turn], budget: int) -> Prompt:
    """The prompt of a branch that ends with the question (or with the answer to go on writing).

    `budget`: tokens that the whole prompt may take. The last message is always sent.
    """
    start = _first_that_fits(branch, budget - estimated_tokens(system))
    kept = branch[start:]
    messages = [{"role": "system", "content": system}] if system else []
    for turn in kept:
        if not turn.content:
            continue
        if messages and messages[-1]["role"] == turn.role:
            # An answer that never came leaves two questions in a row, which many templates refuse.
            messages[-1] = {"role": turn.role, "content": f"{messages[-1]['content']}\n\n{turn.content}"}
        else:
            messages.append({"role": turn.role, "content": turn.content})
    return Prompt(tuple(messages), start, kept[0].id if start else None)


def _first_that_fits(branch: Sequence[Turn], budget: int) -> int:
    """Replays the conversation: whenever it outgrew the budget, whole turns went, down to half of it."""
    start, used, question = 0, 0, 0
    for end, turn in enumerate(branch):
        if turn.role == "user":
            question = end
        used += estimated_tokens(turn.content)
        if used <= budget:
            continue
        target = int(budget * KEPT_AFTER_CUT)
        # Up to the latest question only: what is kept never begins with an answer, which many templates refuse.
        while start < question and (used > target or branch[start].role != "user"):
            used -= estimated_tokens(branch[start].content)
            start += 1
    return start

"""From a conversation's history to the messages sent to the model: the same bytes each turn, within the context."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

# Bytes of UTF-8 in a token, on the safe side for French; and what a template adds to each message.
BYTES_PER_TOKEN = 3.0
TOKENS_PER_MESSAGE = 8
# The part of the context kept for history when the oldest turns must go. Cutting far at once leaves the prompt's
# beginning unchanged for many turns, so that the engine's prompt cache stays good.
KEPT_AFTER_CUT = 0.5
# Headings of people's own texts in the system message: always in one language, as the bytes must never change.
PERSONAL = "Ce que la personne dit d’elle et de la façon de lui répondre :"
OWN = "Consignes pour cette conversation :"


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """How answers are written here. `context` and `max_output` in tokens; `read_timeout_s`: the engine's longest
    silence.
    """

    system_prompt: str
    context: int
    max_output: int
    read_timeout_s: float
    temperature: float | None = None

    def for_context(self, context: int) -> "GenerationSettings":
        """The same for a model with that context; 0 where the engine does not tell."""
        return replace(self, context=context or self.context)

    @property
    def max_tokens(self) -> int:
        """The longest answer: what was set, but half of the context at most."""
        return min(self.max_output, self.context // 2)

    @property
    def prompt_budget(self) -> int:
        """Tokens that the whole prompt may take beside the longest answer."""
        return self.context - self.max_tokens


class PromptMessage(NamedTuple):
    """A message of the branch, as the prompt needs it."""

    id: int
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class BuiltPrompt:
    """Messages for the engine; how many messages of the branch were left out, and the id of the first one sent."""

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
    """The system message: the part that all prompts share comes first, so that engines can cache it once.

    `personal`: the person's instructions; `own`: the conversation's.
    """
    parts = [general, f"{PERSONAL}\n{personal}" if personal else "", f"{OWN}\n{own}" if own else ""]
    return "\n\n".join(filter(None, parts))


def build(system: str, branch: Sequence[PromptMessage], budget: int) -> BuiltPrompt:
    """The prompt of a branch that ends with the question, or with the answer to go on writing.

    `budget`: tokens that the whole prompt may take. The last message is always sent.
    """
    start = _first_that_fits(branch, budget - estimated_tokens(system))
    kept = branch[start:]
    messages = [{"role": "system", "content": system}] if system else []
    for message in kept:
        if not message.content:
            continue
        if messages and messages[-1]["role"] == message.role:
            # An answer that never came leaves two questions in a row, which many templates refuse.
            messages[-1] = {"role": message.role, "content": f"{messages[-1]['content']}\n\n{message.content}"}
        else:
            messages.append({"role": message.role, "content": message.content})
    return BuiltPrompt(tuple(messages), start, kept[0].id if start else None)


def _first_that_fits(branch: Sequence[PromptMessage], budget: int) -> int:
    """Replay the conversation: whenever it outgrew the budget, whole turns were cut, down to half of it."""
    start, used, question = 0, 0, 0
    for end, message in enumerate(branch):
        if message.role == "user":
            question = end
        used += estimated_tokens(message.content)
        if used <= budget:
            continue
        target = int(budget * KEPT_AFTER_CUT)
        # Up to the latest question only: what is kept never begins with an answer, which many templates refuse.
        while start < question and (used > target or branch[start].role != "user"):
            used -= estimated_tokens(branch[start].content)
            start += 1
    return start

"""Build a prompt from a conversation's history that fits the context and keeps the same first bytes
from turn to turn.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from app.engines.catalogue import ASKED_WITH
from app.engines.tokens import estimated_tokens, total_tokens

# Part of the budget that the history keeps when the oldest turns are cut. Cutting far at once leaves the beginning of
# the prompt unchanged for many turns, so that the engine's prompt cache stays valid.
KEPT_AFTER_CUT = 0.5
# Headings before the users' own texts in the system message. Not translated, because the bytes must never change.
PERSONAL = "Ce que la personne dit d’elle et de la façon de lui répondre :"
OWN = "Consignes pour cette conversation :"


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """Settings of answers: `context` and `max_output` in tokens; `read_timeout_s`: the engine's longest silence."""

    system_prompt: str
    context: int
    max_output: int
    read_timeout_s: float
    temperature: float | None = None
    repeat_penalty: float | None = None

    def for_model(self, name: str, context: int) -> "GenerationSettings":
        """Return the settings for a model with that context in tokens; 0 keeps the configured context."""
        settings = replace(self, context=context or self.context)
        own = ASKED_WITH.get(name)
        return replace(settings, **asdict(own)) if own else settings

    @property
    def max_tokens(self) -> int:
        """Tokens of the longest answer: `max_output`, but at most half of the context."""
        return min(self.max_output, self.context // 2)

    @property
    def prompt_budget(self) -> int:
        """Tokens that the whole prompt may take beside the longest answer."""
        return self.context - self.max_tokens


class PromptMessage(NamedTuple):
    """The fields of a message that the prompt needs. `attached`: what the model reads before a question's words."""

    id: int
    role: str
    content: str
    attached: str = ""

    @property
    def text(self) -> str:
        """All that the model reads of it."""
        return f"{self.attached}\n\n{self.content}" if self.attached else self.content


@dataclass(frozen=True, slots=True)
class BuiltPrompt:
    """Messages for the engine, the number of messages left out, and the id of the first one sent if any were."""

    messages: tuple[dict[str, str], ...]
    left_out: int = 0
    first_read: int | None = None

    @property
    def tokens(self) -> int:
        """Estimated number of tokens."""
        return total_tokens(self.messages)


def system_text(general: str, personal: str | None, own: str) -> str:
    """Return the system message, with the part that all prompts share first, so that engines can cache it once.

    `general`: the server's prompt; `personal`: the user's instructions; `own`: the conversation's.
    """
    parts = [general, f"{PERSONAL}\n{personal}" if personal else "", f"{OWN}\n{own}" if own else ""]
    return "\n\n".join(filter(None, parts))


def build(system: str, branch: Sequence[PromptMessage], budget: int) -> BuiltPrompt:
    """Build the prompt of a branch that ends with the question, or with the answer to continue.

    `budget`: tokens that the whole prompt may take. The last message is always sent, even beyond the budget.
    """
    start = _first_that_fits(branch, budget - estimated_tokens(system))
    kept = branch[start:]
    messages = [{"role": "system", "content": system}] if system else []
    for message in kept:
        if not message.text:
            continue
        if messages and messages[-1]["role"] == message.role:
            # A question without an answer leaves two questions in a row, which many templates refuse.
            messages[-1] = {"role": message.role, "content": f"{messages[-1]['content']}\n\n{message.text}"}
        else:
            messages.append({"role": message.role, "content": message.text})
    return BuiltPrompt(tuple(messages), start, kept[0].id if start else None)


def _first_that_fits(branch: Sequence[PromptMessage], budget: int) -> int:
    """Return the index of the first message to send.

    Replays the conversation: each time it exceeded the budget, whole turns were cut, down to KEPT_AFTER_CUT of it.
    """
    start, used, question = 0, 0, 0
    for end, message in enumerate(branch):
        if message.role == "user":
            question = end
        used += estimated_tokens(message.text)
        if used <= budget:
            continue
        target = int(budget * KEPT_AFTER_CUT)
        # Stop at the latest question: many templates refuse a history that begins with an answer.
        while start < question and (used > target or branch[start].role != "user"):
            used -= estimated_tokens(branch[start].text)
            start += 1
    return start

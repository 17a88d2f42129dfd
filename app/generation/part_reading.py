"""Long documents are read part by part: notes of each part, then notes of the notes until they fit into one prompt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.engines.base import Cancel, ChatRequest, Done, Text
from app.engines.tokens import estimated_tokens, text_tokens
from app.errors import AppError
from app.generation import prompt
from app.generation.estimates import Estimates
from app.generation.model_registry import ModelRegistry
from app.generation.prompt import GenerationSettings, PromptMessage
from app.generation.store import Piece, RunInput, Store

# Part of the prompt's budget that a part of the documents takes.
PART_OF_BUDGET = 0.5
# Tokens of the longest notes of one part; a round of shortening must at least halve what it gets.
MOST_NOTE_TOKENS = 200
NOTES_OF_PART = 4
# A smaller part would not be worth its request.
FEWEST_PART_TOKENS = 200
# What a model writes of a part that says nothing, and no longer than this.
NOTHING_NOTED = "rien"
SHORT = 40


@dataclass(frozen=True, slots=True)
class _Reading:
    """What all requests about the documents of one question have in common."""

    run: RunInput
    settings: GenerationSettings
    system: str
    question: str
    part_tokens: int
    cancel: Cancel


class PartReader:
    """Read the documents of questions part by part, and store at once what was noted, so that others come between."""

    def __init__(self, registry: ModelRegistry, store: Store, estimates: Estimates) -> None:
        self._registry = registry
        self._store = store
        self._estimates = estimates

    def read(
        self,
        question: PromptMessage,
        run: RunInput,
        settings: GenerationSettings,
        cancel: Cancel,
        tell: Callable[[dict[str, Any]], bool],
    ) -> str | None:
        """Read what is left of a question's documents; return what the model reads before the question from now on.

        `tell` gets how far the reading is, before each part, and returns whether to go on. None if it was not to, or
        `cancel` was set. Raises document_erased, context_exceeded, and what the engine raises.
        """
        system = prompt.system_text(settings.system_prompt, *run.instructions)
        names, pieces = self._store.pieces(question.id)
        notes = self._store.notes(question.id)
        size = notes.part_tokens or part_tokens(settings.prompt_budget, system, question.content)
        reading = _Reading(run, settings, system, question.content, size, cancel)
        parts = in_parts(pieces, size)
        # The names of pictures that the question goes with, too.
        rest = question.attached.partition("\n\n")[2]
        rounds = notes.rounds or [[]]
        while True:
            texts = parts if len(rounds) == 1 else batches(rounds[-2], size)
            total = sum(map(len, rounds[:-1])) + len(texts)
            for number in range(len(rounds[-1]), len(texts)):
                if not tell({"done": sum(map(len, rounds)), "total": total, "when": notes.timing, "reading": True}):
                    return None
                if len(rounds) == 1:
                    asked = prompt.part_request(number + 1, len(texts), texts[number], question.content)
                else:
                    asked = prompt.shortening_request(texts[number], question.content)
                noted = self._noted(reading, asked)
                if noted is None:
                    return None
                rounds[-1].append(noted)
                self._store.save_notes(question.id, rounds, parts=total, part_tokens=size)
            text = prompt.notes_text(names, [each for each in rounds[-1] if each])
            text = "\n\n".join(filter(None, (text, rest)))
            if estimated_tokens(text) <= settings.document_tokens or len(texts) <= 1:
                self._store.end_notes(question.id, text)
                return text
            rounds.append([])

    def _noted(self, reading: _Reading, asked: str) -> str | None:
        """Ask for notes; "" if there is nothing to note, None if the request was cancelled."""
        messages = ({"role": "system", "content": reading.system}, {"role": "user", "content": asked})
        model, settings = reading.run.model, reading.settings
        request = ChatRequest(
            model,
            messages if reading.system else messages[1:],
            max_tokens=min(MOST_NOTE_TOKENS, reading.part_tokens // NOTES_OF_PART),
            temperature=settings.temperature,
            repeat_penalty=settings.repeat_penalty,
            read_timeout_s=self._estimates.read_timeout(model, estimated_tokens(reading.system + asked)),
        )
        written, whole = [], False
        for event in self._registry.engine.stream(request, reading.cancel):
            match event:
                case Text(text):
                    written.append(text)
                case Done(_, usage):
                    whole = True
                    self._estimates.learn_reading(model, usage)
        return _without_nothing("".join(written).strip()) if whole else None


def part_tokens(budget: int, system: str, question: str) -> int:
    """Return how many tokens of documents go into one request of `budget` tokens. Raises context_exceeded."""
    frame = estimated_tokens(prompt.part_request(999, 999, "", question)) + estimated_tokens(system)
    size = min(int(PART_OF_BUDGET * budget), budget - frame)
    if size < FEWEST_PART_TOKENS:
        raise AppError("context_exceeded")
    return size


def in_parts(pieces: Sequence[Piece], tokens: int) -> list[str]:
    """Return the pieces of documents, in their order, as parts of at most so many tokens each, with pages named."""
    parts: list[str] = []
    lines: list[str] = []
    used, place = 0, ("", 0)
    for piece in pieces:
        size = text_tokens(piece.text)
        if lines and used + size > tokens:
            parts.append("\n\n".join(lines))
            lines, used, place = [], 0, ("", 0)
        if piece.name != place[0]:
            lines.append(f"« {piece.name} »")
        if piece.page and (piece.name, piece.page) != place:
            lines.append(f"[p. {piece.page}]")
        place = (piece.name, piece.page)
        lines.append(piece.text)
        used += size
    return [*parts, "\n\n".join(lines)] if lines else parts


def batches(notes: Sequence[str], tokens: int) -> list[str]:
    """Return the notes joined to texts of at most so many tokens each, those of nothing left out."""
    return in_parts([Piece("", 0, note) for note in notes if note], tokens)


def _without_nothing(notes: str) -> str:
    return "" if len(notes) <= SHORT and notes.lower().lstrip(" *-«\u202f").startswith(NOTHING_NOTED) else notes

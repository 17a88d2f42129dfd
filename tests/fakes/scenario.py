"""What a fake engine does with one request: named scenarios, and the words of its answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from itertools import chain, count, islice
from typing import Self

VOCABULARY = [
    "le", "serveur", "répond", "à", "chaque", "question", "même", "très", "longue", "car", "où", "naïf",
    "cœur", "模型", "🙂", "déjà", "garçon", "élève", "mémoire", "processeur", "œuvre", "calme", "fenêtre",
]  # fmt: skip
ANSWER_WORDS = 24
THINKING_WORDS = 8


class Fault(StrEnum):
    """What may go wrong, once `after` tokens were sent."""

    ERROR = auto()
    GARBAGE = auto()
    CUT = auto()
    DROP = auto()
    HOLD = auto()


class End(StrEnum):
    """How a verbatim body ends: as HTTP has it, by a reset, or not until the client leaves, who hears pings perhaps."""

    WHOLE = auto()
    RESET = auto()
    NEVER = auto()
    PINGS = auto()


@dataclass(frozen=True, slots=True)
class Framing:
    """How the bytes of the answer reach the network."""

    piece: int = 0
    """Bytes per write; 0 sends each record whole."""
    together: bool = False
    """Everything in one write, at the end."""
    newline: bytes = b"\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request's fate. Made by the named constructors below; `replace` combines them."""

    name: str
    text: str | None = None
    thinking: str | None = None
    unending: bool = False
    status: int = 200
    message: str = ""
    page: bool = False
    fault: Fault | None = None
    after: int = 0
    whole: bool = False
    metrics: bool = True
    framing: Framing = Framing()
    verbatim: tuple[bytes, ...] = ()
    """The whole body, each piece in a write of its own."""
    end: End = End.WHOLE

    @classmethod
    def answer(cls, text: str | None = None, thinking: str | None = None) -> Self:
        """This text, or words derived from the question."""
        return cls("answer", text=text, thinking=thinking)

    @classmethod
    def one_token(cls, text: str) -> Self:
        """This text as one single token, however long."""
        return cls("one_token", text=text, whole=True)

    @classmethod
    def endless(cls) -> Self:
        """Words without end: only the token limit or the client stops them."""
        return cls("endless", unending=True)

    @classmethod
    def refused(cls, status: int, message: str) -> Self:
        """An HTTP error instead of an answer."""
        return cls("refused", status=status, message=message)

    @classmethod
    def proxy_page(cls, status: int = 502) -> Self:
        """The error page of a proxy in between: not the engine's JSON."""
        return cls("proxy_page", status=status, message="<html><h1>Bad Gateway</h1></html>", page=True)

    @classmethod
    def mid_stream_error(cls, after: int = 5, message: str = "") -> Self:
        """An error record in the middle of the answer, the status being sent already."""
        return cls("mid_stream_error", fault=Fault.ERROR, after=after, message=message, unending=True)

    @classmethod
    def garbage(cls, after: int = 5, line: str = '{"message": {"content": "coup') -> Self:
        """A line that no parser understands."""
        return cls("garbage", fault=Fault.GARBAGE, after=after, message=line, unending=True)

    @classmethod
    def cut(cls, after: int = 5) -> Self:
        """The answer ends properly for HTTP, but without the engine's own end."""
        return cls("cut", fault=Fault.CUT, after=after, unending=True)

    @classmethod
    def drop(cls, after: int = 5) -> Self:
        """The connection closes in the middle of the answer: the engine died."""
        return cls("drop", fault=Fault.DROP, after=after, unending=True)

    @classmethod
    def hold(cls, after: int = 0) -> Self:
        """Say nothing more after so many tokens (0: hold in the prefill) until `release()`, then go on."""
        return cls("hold", fault=Fault.HOLD, after=after)

    @classmethod
    def pieces(cls, size: int, text: str | None = None) -> Self:
        """Writes of so many bytes, whatever they cut in two."""
        return cls("pieces", text=text, framing=Framing(piece=size))

    @classmethod
    def together(cls, text: str | None = None) -> Self:
        """All records in one write."""
        return cls("together", text=text, framing=Framing(together=True))

    @classmethod
    def crlf(cls, text: str | None = None) -> Self:
        """Lines that end with CRLF."""
        return cls("crlf", text=text, framing=Framing(newline=b"\r\n"))

    @classmethod
    def without_metrics(cls, text: str | None = None) -> Self:
        """A plain answer whose end carries no figures."""
        return cls("without_metrics", text=text, metrics=False)

    @classmethod
    def exactly(cls, *pieces: bytes, after: int = 0, end: End = End.WHOLE) -> Self:
        """These bytes as the body, whatever they are; waits for `release()` after so many pieces (0: never)."""
        return cls("exactly", verbatim=pieces, after=after, end=end)

    def with_thinking(self, thinking: str) -> Self:
        return replace(self, thinking=thinking)

    def thoughts(self, question: str) -> Iterator[str]:
        """The tokens of the thinking."""
        return iter(tokens(self.thinking or sentence("pensée " + question, THINKING_WORDS)))

    def words(self, question: str) -> Iterator[str]:
        """The tokens of the answer."""
        if self.text is None and self.unending:
            return babble(question)
        text = sentence(question, ANSWER_WORDS) if self.text is None else self.text
        return iter([text] if self.whole else tokens(text))


def tokens(text: str) -> list[str]:
    """Split into words, each with the space before it; joined, they are the text again."""
    return re.findall(r"\s*\S+|\s+$", text)


def babble(question: str) -> Iterator[str]:
    """Words without end, always the same ones for the same question."""
    digests = (hashlib.sha256(f"{n} {question}".encode()).digest() for n in count())
    words = (VOCABULARY[byte % len(VOCABULARY)] for byte in chain.from_iterable(digests))
    return (f" {word}" if n else word.capitalize() for n, word in enumerate(words))


def sentence(question: str, length: int) -> str:
    return "".join(islice(babble(question), length)) + "."

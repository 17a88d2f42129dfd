"""A program of somebody's, which uses the API with a personal token."""

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.person import Person

SECRET = re.compile(r"sk-couach-[\w-]{43}")


def token_of(person: Person, name: str = "Programme") -> str:
    """Make a token on the person's page, as it is shown there."""
    answer = person.submit("/settings", {"name": name})
    assert answer.status_code == 302, answer.text
    (token,) = set(SECRET.findall(person.get("/settings").text))
    return str(token)


class Program:
    """It has no cookies, and only its token."""

    def __init__(self, app: Flask, token: str = "", **headers: str) -> None:
        self._client = app.test_client(use_cookies=False)
        self._headers = headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        headers = {**self._headers, **kwargs.pop("headers", {})}
        return self._client.open(f"/v1{path}", method=method, headers=headers, **kwargs)

    def get(self, path: str) -> TestResponse:
        return self.send("GET", path)

    def complete(self, body: Any, **kwargs: Any) -> TestResponse:
        """One request for an answer."""
        return self.send("POST", "/chat/completions", json=body, **kwargs)

    def ask(self, content: Any = "Bonjour", **fields: Any) -> TestResponse:
        """One question."""
        return self.complete({"messages": [{"role": "user", "content": content}], **fields})

    def stream(self, content: Any = "Bonjour", **fields: Any) -> "Chunks":
        """One question, whose answer comes in chunks."""
        answer = self.ask(content, stream=True, **fields)
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == "text/event-stream"
        return Chunks(answer)


class Chunks:
    """A streamed answer; what was read so far stays in `read`."""

    def __init__(self, answer: TestResponse) -> None:
        self.read: list[Any] = []
        self._answer = answer
        self._coming = self._parsed()

    def _parsed(self) -> Iterator[Any]:
        for frame in self._answer.response:
            for block in frame.removesuffix(b"\n\n").split(b"\n\n"):
                if block.startswith(b":"):
                    yield block
                elif block == b"data: [DONE]":
                    yield None
                else:
                    yield json.loads(block.removeprefix(b"data: "))

    def next(self) -> Any:
        """One more chunk; a comment as bytes, the end's mark as None."""
        self.read.append(next(self._coming))
        return self.read[-1]

    def end(self) -> "Chunks":
        """Read to the end."""
        self.read.extend(self._coming)
        return self

    def leave(self) -> None:
        """Close the connection."""
        self._answer.close()

    @property
    def choices(self) -> list[Any]:
        return [chunk["choices"][0] for chunk in self.read if isinstance(chunk, dict) and chunk.get("choices")]

    def text(self, name: str = "content") -> str:
        return "".join(choice["delta"].get(name, "") for choice in self.choices)


def refusal(answer: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal, which must be of OpenAI's shape."""
    assert answer.mimetype == "application/json", answer.text
    assert set(answer.json) == {"error"}
    error = answer.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["type"]
    return answer.status_code, error["code"], error["param"]

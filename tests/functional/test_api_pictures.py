"""Pictures that programs send to the API: in the request, never fetched."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.ollama import FakeOllama
from tests.support.pictures import exif, jpeg, png
from tests.support.program import Program

SEES, BLIND = "gemma3:4b", "phi3:mini"


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A stand-in with a model that sees and one that does not."""
    with FakeOllama([SEES, BLIND]) as running:
        yield running


def part(data: bytes, kind: str = "jpeg") -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{b64encode(data).decode()}"}}


def asked(*parts: dict[str, Any], model: str = SEES, role: str = "user") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": role, "content": [{"type": "text", "text": "Que lit-on ?"}, *parts]}]}


def test_programs_send_pictures_in_the_request(program: Program, ollama: FakeOllama) -> None:
    answer = program.complete(asked(part(jpeg(40, 20, exif())), part(png(), "png")))
    assert answer.status_code == 200, answer.text
    (message,) = ollama.received("/api/chat")[-1]["messages"]
    assert message["content"] == "Que lit-on ?"
    assert [b64decode(image) for image in message["images"]] == [jpeg(), png()]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (asked({"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/a.jpg"}}), 422, "image_not_inline"),
        (asked({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}), 422, "image_not_inline"),
        (asked(part(b"<svg/>", "svg+xml")), 422, "image_not_inline"),
        (asked(part(b"<svg/>")), 422, "file_kind_unknown"),
        (asked(part(jpeg()[:-2])), 422, "file_damaged"),
        (asked({"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}), 422, "file_damaged"),
        (asked({"type": "image_url", "image_url": {}}), 400, "invalid_value"),
        (asked(part(jpeg(60_000, 60_000))), 422, "image_too_fine"),
        (asked(part(jpeg()), model=BLIND), 422, "images_unsupported"),
        (asked(part(jpeg()), role="system"), 400, "unsupported_value"),
        (asked(part(jpeg() + bytes(6_000_000))), 413, "request_too_large"),
    ],
    ids=[
        "fetched",
        "file",
        "svg",
        "no picture",
        "cut",
        "no base64",
        "no address",
        "too fine",
        "blind",
        "system",
        "8 MB",
    ],
)
def test_pictures_of_programs_that_are_refused(
    program: Program, ollama: FakeOllama, body: dict[str, Any], status: int, code: str
) -> None:
    answer = program.complete(body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert answer.json["error"]["message"]
    assert ollama.generations == []

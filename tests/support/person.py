"""A person with a browser: signed in, with the token of the forms, asking and following."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.processes import wait_until
from tests.support.sse import Stream

PASSWORD = "un mot de passe long"
# PASSWORD_COST of the sites that tests make: the usual one takes 30 ms and 19 MiB for each account and log-in.
CHEAP_HASH = "1 1"
TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)">')


class Person:
    """One browser; `name` is the account's."""

    def __init__(self, app: Flask, name: str = "", **headers: str) -> None:
        self.app: Flask | None = app
        self.name = name
        self.client = app.test_client()
        self._headers = headers
        self._token = ""

    def register(self, name: str = "", **fields: str) -> TestResponse:
        """Create an account, which signs in."""
        self.name = name or self.name
        form = {
            "username": self.name,
            "display_name": self.name.title(),
            "password": PASSWORD,
            "confirm": PASSWORD,
            **fields,
        }
        if self.app is not None:
            # Asked of the first account only, where the browser is not on the server's machine.
            form.setdefault("code", self.app.extensions["first_account_code"])
        return self.submit("/register", form)

    def sign_in(self, password: str = PASSWORD, *, path: str = "/login", **fields: str) -> TestResponse:
        return self.submit(path, {"username": self.name, "password": password, **fields})

    def submit(self, path: str, form: dict[str, str]) -> TestResponse:
        """Send a form as a page does; signing in changes the token."""
        answer = self.send("POST", path, data={"csrf_token": self.token, **form})
        self._token = ""
        return answer

    def send(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        """One request with this browser's headers."""
        headers = {**self._headers, **kwargs.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.send("GET", path, **kwargs)

    def api(self, method: str, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        """A call of the page's own scripts."""
        headers = {"X-CSRFToken": self.token, **kwargs.pop("headers", {})}
        if body is not None:
            kwargs["json"] = body
        return self.send(method, f"/api{path}", headers=headers, **kwargs)

    @property
    def token(self) -> str:
        """The token of the page that is open."""
        if not self._token:
            page = self.get("/", follow_redirects=True).text
            found = TOKEN.search(page)
            assert found, page[:500]
            self._token = found[1]
        return self._token

    def start(self, **body: Any) -> str:
        """A new conversation; its id."""
        answer = self.api("POST", "/conversations", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def post(self, conversation: str, content: Any, **body: Any) -> TestResponse:
        """Ask, and give the answer as HTTP gives it."""
        return self.api("POST", f"/conversations/{conversation}/messages", {"content": content, **body})

    def ask(self, conversation: str, content: str, **body: Any) -> Stream:
        """Ask, and follow."""
        return streamed(self.post(conversation, content, **body))

    def follow(self, message: int, after: int | None = None, **headers: str) -> Stream:
        query = "" if after is None else f"?after={after}"
        return streamed(self.get(f"/api/messages/{message}/stream{query}", headers=headers))

    def regenerate(self, message: int, **body: Any) -> Stream:
        return streamed(self.api("POST", f"/messages/{message}/regenerate", body))

    def go_on(self, message: int) -> Stream:
        return streamed(self.api("POST", f"/messages/{message}/continue"))

    def stop(self, message: int) -> str:
        """Stop an answer; the state that the server tells."""
        answer = self.api("POST", f"/messages/{message}/stop")
        assert answer.status_code == 202, answer.text
        return str(answer.json["status"])

    def attach(self, name: str, content: bytes, place: str = "/files") -> TestResponse:
        """Send a file to an address of the API."""
        quoted = name.replace("\\", "\\\\").replace('"', "%22")
        head = f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'
        headers = {"X-CSRFToken": self.token, "Content-Type": "multipart/form-data; boundary=limit"}
        return self.send("POST", f"/api{place}", data=head.encode() + content + b"\r\n--limit--\r\n", headers=headers)

    def document(self, name: str, content: bytes) -> dict[str, Any]:
        """A file that was sent, once it is read."""
        answer = self.attach(name, content)
        assert answer.status_code in (200, 201), answer.text
        return self.read(answer.json["id"])

    def read(self, file_id: str) -> dict[str, Any]:
        """A file once it is read, or could not be."""
        wait_until(lambda: self.api("GET", f"/files/{file_id}").json["state"] != "extracting", 20)
        found: dict[str, Any] = self.api("GET", f"/files/{file_id}").json
        return found

    def messages(self, conversation: str) -> list[dict[str, Any]]:
        """The visible branch."""
        answer = self.api("GET", f"/conversations/{conversation}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json["messages"]
        return found


def streamed(answer: TestResponse) -> Stream:
    """The events of an answer that must be a stream."""
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/event-stream"
    return Stream(answer.response, answer.close)


def problem(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal, which must be of the standard's form."""
    assert answer.mimetype == "application/problem+json", answer.text
    body = answer.json
    assert set(body) == {"type", "title", "status", "code", "detail"}
    assert body["status"] == answer.status_code
    assert body["detail"]
    return answer.status_code, body["code"]

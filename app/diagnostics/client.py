"""An HTTP client that uses this server as the pages' scripts do, with a temporary session."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import requests
from flask import Flask
from flask_babel import gettext as _
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from app.engines.transport import direct_session
from app.extensions import context_of, db
from app.models import AccountRole, Conversation, LoginSession, User
from app.models.base import utcnow

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - replaced, not bound to
CONNECT_S, ANSWER_S = 2.0, 30.0
# Prefix of these conversations' ids; all other ids are hexadecimal.
MARK = "doctor-"
# Conversations older than this were left behind by a killed process and are deleted; its session has expired too.
STALE = timedelta(minutes=30)


class NotComparedError(Exception):
    """The comparison was not possible: a code (see `_failure_finding` in `comparison.py`) and its detail."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def own_address(settings: dict[str, Any]) -> str:
    """Return the URL of the server of these settings, from this machine."""
    host = str(settings["HOST"])
    host = EVERYWHERE.get(host) or (f"[{host}]" if ":" in host else host)
    return f"http://{host}:{settings['PORT']}"


def is_answering(address: str) -> bool:
    """Return whether a server answers at `address`."""
    with suppress(requests.RequestException), direct_session() as session:
        return session.get(f"{address}/healthz", timeout=CONNECT_S, allow_redirects=False).ok
    return False


class HttpClient:
    """A client in a user's log-in session. Its requests raise NotComparedError: away (no server answers), stranger (it
    does not accept this instance's sessions) or refused, with the server's own words.
    """

    def __init__(self, app: Flask, user_id: int, session: str, address: str) -> None:
        assert app.secret_key is not None  # noqa: S101 - no server without one
        self._app = app
        self._user_id = user_id
        self._address = address
        # The session cookie as the log-in page would set it, and the CSRF token as the pages contain it.
        secret = secrets.token_hex(20)
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        content = serializer.dumps({"_user_id": session, "_fresh": True, "csrf_token": secret})
        self._cookie = {app.config["SESSION_COOKIE_NAME"]: str(content)}
        token = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(secret)
        self._headers = {"X-CSRFToken": str(token)}
        self._http = direct_session()
        # The ids of the conversations that it created.
        self.conversations: list[str] = []

    def new_conversation(self) -> str:
        """Create a conversation and return its id."""
        with context_of(self._app):
            conversation = Conversation(
                id=MARK + secrets.token_hex(4),
                user_id=self._user_id,
                title=_("Comparison with the terminal"),
                # No instructions of the user: the direct question to the engine has none either.
                personal_instructions="",
            )
            self.conversations.append(conversation.id)
            db.session.add(conversation)
            db.session.commit()
        return self.conversations[-1]

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON at that path."""
        with self._send("GET", path) as response:
            try:
                found: dict[str, Any] = response.json()
            except ValueError as error:
                raise NotComparedError("stranger", f"GET {path}: no JSON") from error
        return found

    def ask(self, conversation: str, question: str, model: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Ask a question and yield the events of its answer, as name and data."""
        body = {"content": question, "model": model, "think": False, "client_id": secrets.token_hex(8)}
        path = f"/api/conversations/{conversation}/messages"
        try:
            with self._send("POST", path, json=body, stream=True) as response:
                held = b""
                for piece in response.iter_content(None):
                    *blocks, held = (held + piece).split(b"\n\n")
                    yield from filter(None, map(_event, blocks))
        except requests.RequestException as error:
            raise NotComparedError("away", self._address) from error

    def forget(self, conversation: str) -> None:
        """Stop the conversation's answer and delete it, so that the engine forgets it; ignores errors."""
        with suppress(NotComparedError), direct_session() as other:
            self._send("DELETE", f"/api/conversations/{conversation}", session=other).close()

    def _send(
        self, method: str, path: str, session: requests.Session | None = None, **kwargs: Any
    ) -> requests.Response:
        try:
            response = (session or self._http).request(
                method,
                self._address + path,
                headers=self._headers,
                cookies=self._cookie,
                timeout=(CONNECT_S, ANSWER_S),
                allow_redirects=False,
                **kwargs,
            )
        except requests.RequestException as error:
            raise NotComparedError("away", self._address) from error
        if response.status_code in (302, 401, 403, 404, 405) or (response.status_code == 400 and method == "POST"):
            response.close()
            raise NotComparedError("stranger", f"{method} {path}: {response.status_code}")
        if not response.ok:
            raise NotComparedError("refused", _detail(response))
        return response


def _event(block: bytes) -> tuple[str, dict[str, Any]] | None:
    lines = dict(line.split(": ", 1) for line in block.decode(errors="replace").split("\n") if ": " in line)
    return (lines["event"], json.loads(lines["data"])) if "event" in lines and "data" in lines else None


def _detail(response: requests.Response) -> str:
    with response, suppress(ValueError):
        return str(response.json()["detail"])
    return f"{response.status_code} {response.reason}"


def first_administrator() -> int | None:
    """Return the id of the first administrator, for whom the command asks; None if there is none."""
    return db.session.scalar(select(User.id).where(User.role == AccountRole.ADMINISTRATOR).order_by(User.id).limit(1))


@contextmanager
def temporary_session(app: Flask, user_id: int, address: str) -> Iterator[HttpClient]:
    """Yield a client signed in as the user; delete its session and conversations at the end."""
    with context_of(app):
        user = db.session.get_one(User, user_id)
        session = LoginSession.open(user, lasting=STALE, user_agent="flask doctor")
        _erase(app, Conversation.id.startswith(MARK), Conversation.created_at < utcnow() - STALE)
    client = HttpClient(app, user_id, session, address)
    try:
        yield client
    finally:
        for conversation in client.conversations:
            client.forget(conversation)
        with context_of(app):
            _erase(app, Conversation.id.in_(client.conversations))
            LoginSession.close(session)


def _erase(app: Flask, *where: Any) -> None:
    """Erase conversations as the pages do, for good."""
    app.extensions["generation"].changes.erase(db.session.scalars(select(Conversation.id).where(*where)).all())

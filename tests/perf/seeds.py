"""A person's past: many conversations and a long one, put into the rows as years of use would."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from app.models import Conversation, Message, Role, Run, RunState, User
from app.models.base import public_id, utcnow
from tests.support.site import Site

QUESTION = "Peux-tu m’expliquer l’étape {} et donner un exemple ?"
ANSWER = """Voici l’étape {}, en trois points :

1. ouvrir le fichier `config.py` et lire les réglages ;
2. changer *une seule* valeur à la fois, puis mesurer ;
3. noter le résultat avant de passer à la suite.
{}
Le plus simple est de commencer par le premier point, car les deux autres en dépendent."""
CODE = """
```python
def mesure(valeur: int) -> float:
    return sum(range(valeur)) / max(1, valeur)
```
"""
TABLE = """
| réglage | avant | après |
|---|---|---|
| débit | 12 | 18 |
"""
# Nothing else in these conversations is bold: where it shows, the last message does.
LAST = "C’était la **dernière** étape."


def answer(turn: int) -> str:
    """What was said at that turn: code in every third answer, a table in every fifth."""
    return ANSWER.format(turn, (CODE if turn % 3 == 0 else "") + (TABLE if turn % 5 == 0 else ""))


class Past:
    """What one person did before; writes into the database of a site, which may be running."""

    def __init__(self, instance: Path, username: str) -> None:
        self._site = Site(instance)
        with self._site.rows() as rows:
            self._user = rows.scalar(select(User.id).where(User.username == username))

    def conversations(self, count: int, turns: int = 1) -> None:
        """So many, of so many questions each, one every hour."""
        ids = [self._conversation(f"Conversation {number}", number) for number in range(count)]
        self._write(ids, turns)

    def long_one(self, messages: int) -> str:
        """One of so many messages; its id."""
        conversation = self._conversation("Une longue conversation", 0)
        self._write([conversation], turns=messages // 2)
        return str(conversation["id"])

    def close(self) -> None:
        """Let go of the database."""
        self._site.database.dispose()

    def _conversation(self, title: str, hours: int) -> dict[str, Any]:
        moment = utcnow() - timedelta(hours=hours)
        return {"id": public_id(), "user_id": self._user, "title": title, "created_at": moment, "updated_at": moment}

    def _write(self, conversations: list[dict[str, Any]], turns: int) -> None:
        with self._site.rows() as rows:
            last = rows.scalar(select(func.max(Message.id))) or 0
            messages: list[dict[str, Any]] = []
            for conversation in conversations:
                parent = None
                for turn in range(1, turns + 1):
                    said = LAST if turn == turns else answer(turn)
                    for role, text in ((Role.USER, QUESTION.format(turn)), (Role.ASSISTANT, said)):
                        last += 1
                        owner = {"id": last, "conversation_id": conversation["id"], "parent_id": parent}
                        messages.append(owner | {"role": role, "content": text})
                        parent = last
                conversation["head_id"] = parent
            runs = [
                {"message_id": each["id"], "model": "fast", "state": RunState.DONE, "reason": "stop",
                 "finished_at": utcnow()}
                for each in messages if each["role"] == Role.ASSISTANT
            ]  # fmt: skip
            for model, values in ((Conversation, conversations), (Message, messages), (Run, runs)):
                rows.execute(insert(model), values)
            rows.commit()

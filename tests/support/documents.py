"""Files that a person has attached, as they are stored once their text was read."""

from collections.abc import Sequence
from typing import Any

from app.engines.tokens import estimated_tokens
from app.extensions import db
from app.extraction.reader import Page
from app.generation.prompt import document_text
from app.models import File, FilePage, FileState, Passage, User
from app.models.cutting import PassageCutter
from app.models.passages import store
from tests.support.site import Site


def attached(site: Site, owner: str, name: str, *pages: str, **values: Any) -> str:
    """Store a file with these pages; its id. `values`: of its row."""
    with site.rows() as rows:
        user_id = rows.query(User.id).filter_by(username=owner).scalar()
        tokens = estimated_tokens(document_text(name, list(enumerate(pages, 1))))
        facts = {"sha256": "0" * 64, "kind": "txt", "size": sum(map(len, pages)), "state": FileState.READY}
        file = File(user_id=user_id, name=name, **facts | {"pages": len(pages), "tokens": tokens} | values)
        rows.add(file)
        rows.flush()
        rows.add_all(FilePage(file_id=file.id, number=number, content=page) for number, page in enumerate(pages, 1))
        rows.commit()
        return str(file.id)


def passages(site: Site, file_id: str, *texts: str) -> list[int]:
    """Store these pieces of a file's pages as its passages; their ids."""
    with site.rows() as rows:
        pages: Sequence[FilePage] = rows.query(FilePage).filter_by(file_id=file_id).order_by(FilePage.number).all()
        made = []
        for text in texts:
            page = next(page for page in pages if text in page.content)
            start = page.content.index(text)
            made.append(Passage(file_id=file_id, page=page.number, start=start, end=start + len(text)))
        rows.add_all(made)
        db.session.commit()
        return [passage.id for passage in made]


def indexed(site: Site, file_id: str) -> str:
    """Store and index all passages of a file's pages; the same id."""
    with site.rows() as rows:
        pages: Sequence[FilePage] = rows.query(FilePage).filter_by(file_id=file_id).order_by(FilePage.number).all()
        read = [Page(number=page.number, title=page.title, text=page.content) for page in pages]
        store(rows.get(File, file_id), read, PassageCutter())
        rows.commit()
        return file_id

"""Settings that the administrator changes while the program runs."""

from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db

DEFAULT_MODEL_SETTING = "default_model"


class StoredSetting(db.Model):  # type: ignore[name-defined,misc]
    """One name and its value."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(400))

    @classmethod
    def get(cls, name: str) -> str:
        """The value, or an empty string."""
        return db.session.connection().scalar(VALUE, {"name": name}) or ""

    @classmethod
    def put(cls, name: str, value: str) -> None:
        """Store and commit."""
        db.session.merge(cls(name=name, value=value))
        db.session.commit()


# A plain statement, built once: every question reads the default model.
VALUE = select(StoredSetting.value).where(StoredSetting.name == bindparam("name"))

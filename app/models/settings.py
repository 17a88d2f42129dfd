"""Settings that administrators change while the server runs."""

from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db

DEFAULT_MODEL_SETTING = "default_model"


class StoredSetting(db.Model):  # type: ignore[name-defined,misc]
    """A setting's name and value."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(400))

    @classmethod
    def get(cls, name: str) -> str:
        """Return the setting's value; "" if it is not set."""
        return db.session.connection().scalar(VALUE, {"name": name}) or ""

    @classmethod
    def put(cls, name: str, value: str) -> None:
        """Store a setting; commits."""
        db.session.merge(cls(name=name, value=value))
        db.session.commit()


# A core statement, built once: every question reads the default model.
VALUE = select(StoredSetting.value).where(StoredSetting.name == bindparam("name"))

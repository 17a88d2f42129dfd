"""Read spreadsheets of Excel and LibreOffice by calamine: the values that were last computed, not the formulas."""

import datetime
from typing import IO, Any

from python_calamine import CalamineWorkbook, PasswordError

from app.extraction.sections import Content, Progress, UnreadableError, plain, table_parts

MIDNIGHT = datetime.time()


def read_workbook(file: IO[bytes]) -> Content:
    """Read each sheet, in parts, as lines "a | b | c". Raises UnreadableError for one with a password."""
    file.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
    except PasswordError:
        raise UnreadableError("file_encrypted") from None
    names = workbook.sheet_names
    for number, name in enumerate(names):
        yield Progress(number, len(names))
        rows = workbook.get_sheet_by_name(name).iter_rows()
        yield from table_parts((list(map(_written, row)) for row in rows), plain(name))


def _written(value: Any) -> str:
    """Return a value as people write it: no ".0" after whole numbers, dates as ISO 8601, no time at midnight."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        # The digits that Excel keeps.
        return format(value, ".15g")
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == MIDNIGHT else value.isoformat(" ", "seconds")
    return str(value)

"""A file becomes text as it does for people, and LibreOffice writes files of its formats."""

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import AppError
from app.extraction.reader import Extracted, is_installed, read_document

Read = Callable[..., Extracted]


@pytest.fixture(autouse=True)
def installed() -> None:
    """Skip without the packages that the extra installs."""
    if not is_installed():
        pytest.skip("*** requirements-documents.txt is not installed: reading documents is NOT TESTED ***")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a file with this content and this name."""

    def make(content: bytes, name: str) -> Extracted:
        path = tmp_path / "file"
        path.write_bytes(content)
        return read_document(path, name, lambda _done, _total: None, threading.Event())

    return make


@pytest.fixture
def refusal(read: Read) -> Callable[..., str]:
    """The code of the error with which a file is refused."""

    def make(content: bytes, name: str = "a.pdf") -> str:
        with pytest.raises(AppError) as refused:
            read(content, name)
        return refused.value.code

    return make


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Have LibreOffice write the content of a file (`name`: how it is called) in another format."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("*** LibreOffice is not installed: reading what it writes is NOT TESTED ***")
    folder = tmp_path_factory.mktemp("office")

    def convert(content: bytes, name: str, to: str, *options: str) -> bytes:
        (folder / name).write_bytes(content)
        command = [office, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", to]
        subprocess.run([*command, *options, name], cwd=folder, check=True, capture_output=True, timeout=120)
        return (folder / name).with_suffix(f".{to.partition(':')[0]}").read_bytes()

    return convert

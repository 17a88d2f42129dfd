"""The project's own files."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OURS = (".venv", "node_modules", "instance", "__pycache__", "vendor", "build")


def files(folder: str, suffix: str) -> list[Path]:
    """Our files below a folder, without what is made or copied."""
    found = (ROOT / folder).rglob(f"*{suffix}")
    return sorted(path for path in found if path.is_file() and not set(path.relative_to(ROOT).parts) & set(NOT_OURS))


@cache
def tracked() -> list[Path]:
    """Every file of the repository; of an unpacked archive, every file that is not made by a tool."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for path in files(".", "") if not path.relative_to(ROOT).parts[0].startswith(".")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()

"""Define all settings, and read them from the environment and from `.env`."""

import contextlib
import math
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from limits import RateLimitItem, parse_many
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

ROOT = Path(__file__).resolve().parent
COLOUR = re.compile("#[0-9a-f]{6}")
RESERVE = 1 << 20
# In the instance folder. A key has the second name until the database has its tables (`keep_secret_key`).
SECRET_KEY_FILE, NEW_SECRET_KEY_FILE = "secret_key", "secret_key.new"


class SettingError(ValueError):
    """A setting has an invalid value; the message names it and says what is expected."""


# A parser raises ValueError for an invalid value. Its docstring is shown to users as what is expected.


def text(value: str) -> str:
    """any text"""
    return value.strip()


def whole(value: str) -> int:
    """a whole number, 0 or more"""
    if int(value) < 0:
        raise ValueError(value)
    return int(value)


def signed(value: str) -> int:
    """a whole number"""
    return int(value)


def decimal(value: str) -> float | None:
    """a number, or nothing"""
    return float(value) if value else None


def watts(value: str) -> float | None:
    """a power in watts, or nothing"""
    if not value:
        return None
    if not 0 <= float(value) < 100_000:
        raise ValueError(value)
    return float(value)


def switch(value: str) -> bool:
    """yes | no"""
    return one_of("yes", "no")(value) == "yes"


def time_zone(value: str) -> str:
    """a name such as Europe/Paris"""
    try:
        return ZoneInfo(value.strip()).key
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(value) from None


def between(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not low <= int(value) <= high:
            raise ValueError(value)
        return int(value)

    parse.__doc__ = f"a whole number from {low} to {high}"
    return parse


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.strip().lower() not in allowed:
            raise ValueError(value)
        return value.strip().lower()

    parse.__doc__ = " | ".join(allowed)
    return parse


def rate(value: str) -> RateLimitItem:
    """a limit such as: 5 per 5 minutes"""
    found = parse_many(value)
    # `limits` reads a period of 0 as 1.
    if len(found) != 1 or not all(map(int, re.findall(r"\d+", value))):
        raise ValueError(value)
    return found[0]


def password_cost(value: str) -> tuple[int, int]:
    """passes and MiB of argon2id, such as: 2 19"""
    passes, mebibytes = map(int, value.split())
    if not (1 <= passes <= 100 and 1 <= mebibytes <= 4096):
        raise ValueError(value)
    return passes, mebibytes


def hours(value: str) -> tuple[int, int]:
    """two hours of the day such as: 20-7"""
    first, last = map(int, value.split("-"))
    if not (0 <= first <= 24 and 0 <= last <= 24):
        raise ValueError(value)
    return first, last


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """addresses or networks such as: 127.0.0.1 10.0.3.0/24"""
    return tuple(ip_network(each) for each in value.split())


def colours(value: str) -> tuple[str, ...]:
    """six colours such as #12324f with spaces between, or nothing"""
    found = tuple(value.lower().split())
    if found and (len(found) != 6 or not all(COLOUR.fullmatch(each) for each in found)):
        raise ValueError(value)
    return found


def picture(value: str) -> str:
    """the path of an .svg or .png file that exists, or nothing"""
    path = ROOT / value.strip()
    if value.strip() and not (path.is_file() and path.suffix.lower() in (".svg", ".png")):
        raise ValueError(value)
    return str(path) if value.strip() else ""


def database_url(value: str) -> str:
    """a URL that SQLAlchemy has a driver for, or nothing"""
    if not value.strip():
        return ""
    try:
        url = make_url(value.strip())
        url.get_dialect()
    except SQLAlchemyError as error:
        raise ValueError(value) from error
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        # Flask-SQLAlchemy means this folder by a relative path.
        url = url.set(database=str(ROOT / "instance" / url.database))
    return url.render_as_string(hide_password=False)


def ollama_url(value: str) -> str:
    """an address such as http://127.0.0.1:11434"""
    # Accepts all forms that Ollama accepts. 0.0.0.0 is an address to listen on; clients call 127.0.0.1.
    value = value.strip().rstrip("/")
    if "://" not in value:
        value = f"http://{value}"
    parts = urlsplit(value)
    host = "127.0.0.1" if parts.hostname in (None, "0.0.0.0", "::") else parts.hostname  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or 11434}{parts.path}"


def base_url(value: str) -> str:
    """an http:// or https:// address, with or without its trailing /v1"""
    value = value.strip().rstrip("/")
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise ValueError(value)
    return value.removesuffix("/v1")


@dataclass(frozen=True)
class Setting:
    """A setting; `default` is parsed like a given value, `help` is its line in docs/configuration.md."""

    name: str
    parse: Callable[[str], Any]
    default: str
    help: str

    def read(self, value: str) -> Any:
        """Parse `value`; raises SettingError."""
        try:
            return self.parse(value)
        except ValueError:
            raise SettingError(f"{self.name}={value!r} is not valid, expected: {self.parse.__doc__}") from None


SETTINGS = (
    Setting("HOST", text, "0.0.0.0", "address to listen on"),  # noqa: S104 - the LAN is the point
    Setting("PORT", between(1, 65535), "8294", "port to listen on"),
    Setting("INSTANCE_DIR", text, "instance", "folder of the database, the secret key and the logs"),
    Setting("DATABASE_URL", database_url, "", "SQLAlchemy URL; empty: SQLite in `INSTANCE_DIR`"),
    Setting("SECRET_KEY", text, "", "signs the cookies; empty: made once and kept in `INSTANCE_DIR/secret_key` (0600)"),
    Setting(
        "ENGINE",
        one_of("auto", "ollama", "openai", "embedded"),
        "auto",
        "`auto`: Ollama if it answers, else `OPENAI_BASE_URL` if set, else the embedded llama.cpp",
    ),
    Setting("OLLAMA_HOST", ollama_url, "http://127.0.0.1:11434", "where Ollama listens"),
    Setting("OPENAI_BASE_URL", base_url, "", "llama-server or any OpenAI-compatible server"),
    Setting("OPENAI_API_KEY", text, "", "its key, if it wants one"),
    Setting(
        "EMBEDDED_MODEL",
        text,
        "",
        "GGUF files, or folders of them, for the embedded engine, separated by `:`; those in `INSTANCE_DIR/models` are "
        "added; empty: the demonstration model and those",
    ),
    Setting(
        "DEFAULT_MODEL",
        text,
        "",
        "model proposed first; wins over `flask models set-default`; empty: that setting, else `phi3:mini` with Ollama",
    ),
    Setting(
        "ENGINE_SLOTS",
        whole,
        "0",
        "answers written at the same time; 0: 1 for Ollama and embedded, else asked of the engine",
    ),
    Setting(
        "ENGINE_THREADS", whole, "0", "CPU threads of the model; 0: chosen by the engine (embedded: the cores allowed)"
    ),
    Setting(
        "CONTEXT_TOKENS",
        between(512, 1_000_000),
        "4096",
        "context of each model, in tokens (`num_ctx`); frozen, so that no model is reloaded",
    ),
    Setting(
        "MAX_OUTPUT_TOKENS",
        between(1, 1_000_000),
        "1024",
        "longest answer, in tokens; « Reprendre » goes on from there",
    ),
    Setting(
        "DOCUMENT_ANSWERS",
        one_of("measured", "always"),
        "measured",
        "models that may answer from chosen passages; `measured`: those that the Labo found good at it; `always`: all",
    ),
    Setting(
        "DEFERRED_HOURS",
        hours,
        "20-7",
        "hours, in `TIMEZONE`, in which long documents are read that may wait for the night",
    ),
    Setting("TEMPERATURE", decimal, "", "sampling temperature of the chat; empty: the model's own"),
    Setting("CACHE_RAM_MB", whole, "1024", "RAM of the embedded engine's prompt cache, in MB"),
    Setting(
        "CACHE_DISK_MB",
        whole,
        "2048",
        "disk that the embedded engine may use to keep what it has read of each conversation; 0: none",
    ),
    Setting("KEEP_ALIVE", signed, "-1", "seconds that Ollama keeps a model loaded; -1: for ever"),
    Setting("ENGINE_TIMEOUT", whole, "900", "seconds of silence after which an answer is given up"),
    Setting("QUEUE_MAX", whole, "200", "questions that may wait, a quarter of them from one person"),
    Setting(
        "SYSTEM_PROMPT",
        text,
        "Tu es {PRODUCT_NAME}, l’assistant interne. Réponds dans la langue de la question, avec clarté et concision.",
        "first message of every prompt; keep it short and stable, it is read once and cached",
    ),
    Setting("PRODUCT_NAME", text, "CouachGPT", "name shown on the pages"),
    Setting(
        "BRAND_LOGO",
        picture,
        "",
        "path of a square .svg or .png, shown instead of the drawn mark and as the pages' icon; empty: the mark",
    ),
    Setting(
        "BRAND_COLORS",
        colours,
        "",
        "six colours: button, its hover, accent, on light; the same on dark; refused at the start where text on them "
        "could not be read; empty: those of `static/css/brand.css`",
    ),
    Setting("WELCOME_TEXT", text, "", "sentence under the greeting and on the log-in page; empty: the program's own"),
    Setting(
        "REGISTRATION",
        one_of("", "open", "approval", "invitation", "closed"),
        "",
        "who may register: everybody, everybody after approval, who has an invitation, nobody; wins over the page "
        "« Inscription »; empty: that page's choice, else `open`",
    ),
    Setting("REGISTER_LIMIT", rate, "300 per hour", "registrations from one address"),
    Setting(
        "LOGIN_LIMIT",
        rate,
        "5 per 5 minutes",
        "failed log-ins of one name, or wrong tokens, from one address (with IPv6: one /64)",
    ),
    Setting(
        "PASSWORD_COST",
        password_cost,
        "2 19",
        "work of hashing a password: passes and MiB of argon2id; a log-in renews hashes of another cost",
    ),
    Setting("DEFAULT_LOCALE", one_of("fr", "en"), "fr", "language when neither the person nor the browser says"),
    Setting("TIMEZONE", time_zone, "Europe/Paris", "time zone of all dates and times shown"),
    Setting("SESSION_DAYS", whole, "30", "days that « Rester connecté » lasts"),
    Setting(
        "TRUSTED_PROXIES",
        whole,
        "0",
        "reverse proxies in front, whose X-Forwarded headers are believed; set `HOST=127.0.0.1` too, so that nobody "
        "goes round them",
    ),
    Setting(
        "PROXY_ADDRESSES",
        networks,
        "127.0.0.1 ::1",
        "where the proxy's requests come from: these headers are believed from there only",
    ),
    Setting("FILE_MB", between(1, 1000), "50", "largest file that can be attached, in MB"),
    Setting("FILES_MB", between(1, 1_000_000), "500", "what the files of one person may take, in MB"),
    Setting("THREADS", between(8, 4096), "320", "requests served at the same time; each followed answer holds one"),
    Setting(
        "LAB_RUN_CODE",
        switch,
        "no",
        "`yes`: the Labo runs the programs that models write, apart from everything (needs Debian's `bubblewrap`)",
    ),
    Setting(
        "LAB_WATTS_IDLE",
        watts,
        "",
        "watts of this machine when it does nothing, for the Labo's estimate; empty: assumed by its number of cores",
    ),
    Setting(
        "LAB_WATTS_FULL",
        watts,
        "",
        "watts of this machine when all cores work; neither is used where the processor counts its energy (RAPL)",
    ),
    Setting("LOG_LEVEL", one_of("debug", "info", "warning", "error"), "info", "detail of the log"),
)


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env") -> dict[str, Any]:
    """Return Flask's configuration: the environment wins over `.env`, which wins over the defaults.

    Raises SettingError for an invalid value, or for settings that contradict each other.
    """
    values: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        values |= {name: value or "" for name, value in dotenv_values(env_file).items()}
    values |= dict(os.environ if environ is None else environ)
    settings = {}
    for setting in SETTINGS:
        given = values.get(setting.name, "")
        settings[setting.name] = setting.read(given if given.strip() else setting.default)
    if settings["ENGINE"] == "openai" and not settings["OPENAI_BASE_URL"]:
        raise SettingError("ENGINE=openai needs OPENAI_BASE_URL")
    if settings["MAX_OUTPUT_TOKENS"] * 2 > settings["CONTEXT_TOKENS"]:
        raise SettingError("MAX_OUTPUT_TOKENS may be half of CONTEXT_TOKENS at most: the question needs room too")
    if (settings["LAB_WATTS_FULL"] or math.inf) < (settings["LAB_WATTS_IDLE"] or 0):
        raise SettingError("LAB_WATTS_FULL must not be less than LAB_WATTS_IDLE")
    settings["SYSTEM_PROMPT"] = settings["SYSTEM_PROMPT"].replace("{PRODUCT_NAME}", settings["PRODUCT_NAME"])
    instance = Path(settings["INSTANCE_DIR"])
    settings["INSTANCE_DIR"] = str(instance if instance.is_absolute() else ROOT / instance)
    settings["SQLALCHEMY_DATABASE_URI"] = settings["DATABASE_URL"] or (
        f"sqlite:///{settings['INSTANCE_DIR']}/couachgpt.sqlite3"
    )
    return settings


def load_or_exit() -> dict[str, Any]:
    """Like `load()`, but end the program with a one-line message if a setting is invalid."""
    try:
        return load()
    except SettingError as error:
        raise SystemExit(f"CouachGPT: {error}") from None


def prepare_instance(settings: dict[str, Any]) -> None:
    """Create the instance folder and the secret key if missing, and set `settings["SECRET_KEY"]`.

    Ends the program if the folder cannot be used or the key is too short.
    """
    folder = Path(settings["INSTANCE_DIR"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # It holds conversations and password hashes: only the owner may read it.
        folder.chmod(0o700)
        if settings["SECRET_KEY"]:
            return
        path = folder / SECRET_KEY_FILE
        if not path.exists():
            path = folder / NEW_SECRET_KEY_FILE
            _write_once(path, secrets.token_hex(32))
        settings["SECRET_KEY"] = path.read_text().strip()
    except OSError as error:
        raise SystemExit(f"CouachGPT: INSTANCE_DIR={folder} cannot be used: {error.strerror}") from None
    if len(settings["SECRET_KEY"]) < 32:
        raise SystemExit(f"CouachGPT: {path} is too short to sign cookies; delete it and start again")


def keep_secret_key(settings: dict[str, Any]) -> None:
    """Give a new secret key its lasting name, once the database has its tables.

    From then on a key without a database means that the database was lost.
    """
    new, lasting = (Path(settings["INSTANCE_DIR"], name) for name in (NEW_SECRET_KEY_FILE, SECRET_KEY_FILE))
    if lasting.exists():
        # A command made one, and then put an archive back with the key of that.
        new.unlink(missing_ok=True)
    elif new.exists():
        new.rename(lasting)


def check_database_is_there(settings: dict[str, Any]) -> None:
    """End the program if the instance folder had an SQLite database that is missing or empty now."""
    url, key = make_url(settings["SQLALCHEMY_DATABASE_URI"]), Path(settings["INSTANCE_DIR"], SECRET_KEY_FILE)
    if url.get_backend_name() != "sqlite" or not url.database or not key.exists():
        return
    path = Path(url.database)
    if not path.exists() or path.stat().st_size == 0:
        raise SystemExit(
            f"CouachGPT: {path} is missing or empty, although this folder was in use. Put a copy back "
            f"(flask backup restore FILE, or one of before-migration/); to begin anew, delete {key}."
        )


def keep_reserve(settings: dict[str, Any]) -> None:
    """Keep a file of RESERVE bytes in the instance folder, and give its room back when a start finds the disk full.

    SQLite needs some room beside the database even to read it.
    """
    file = Path(settings["INSTANCE_DIR"], "reserve")
    with contextlib.suppress(OSError):
        if shutil.disk_usage(file.parent).free < RESERVE:
            file.unlink(missing_ok=True)
        elif not file.exists():
            file.write_bytes(os.urandom(RESERVE))


def _write_once(path: Path, text: str) -> None:
    """Create a private file with its whole text, or not at all; leave one that exists already as it is."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".new-") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)

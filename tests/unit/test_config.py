"""Settings: what each parser takes, what a mistake says, and who wins."""

from pathlib import Path

import pytest

import config
from config import ROOT, SettingError, keep_secret_key, load, prepare_instance


def read(**environ: str) -> dict:
    return load(environ, env_file=None)


def test_without_anything_the_defaults_hold() -> None:
    settings = read()
    assert (settings["PORT"], settings["ENGINE"], settings["DEFAULT_LOCALE"]) == (8294, "auto", "fr")
    assert settings["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{config.ROOT}/instance/couachgpt.sqlite3"
    assert {setting.name for setting in config.SETTINGS} < set(settings)


def test_the_environment_wins_over_the_file_which_wins_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=9001\nENGINE = embedded\n# comment\nPRODUCT_NAME='Maison'\nLOG_LEVEL\n")
    settings = load({"PORT": "9002"}, env_file=file)
    assert (settings["PORT"], settings["ENGINE"], settings["PRODUCT_NAME"]) == (9002, "embedded", "Maison")
    assert (settings["LOG_LEVEL"], settings["HOST"]) == ("info", "0.0.0.0")
    assert load({}, env_file=tmp_path / "missing")["PORT"] == 8294


def test_an_empty_value_means_the_default() -> None:
    assert read(PORT="", ENGINE="  ")["PORT"] == 8294


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("PORT", "80.5"),
        ("ENGINE", "gpt"), ("DEFAULT_LOCALE", "de"), ("LOG_LEVEL", "loud"), ("REGISTRATION", "maybe"),
        ("QUEUE_MAX", "-1"), ("THREADS", "many"), ("KEEP_ALIVE", "5m"), ("OPENAI_BASE_URL", "localhost:8080"),
        ("OLLAMA_HOST", "127.0.0.1:port"), ("PASSWORD_COST", "2"), ("PASSWORD_COST", "0 19"),
        ("PASSWORD_COST", "2 8192"), ("TIMEZONE", "Mars"), ("TIMEZONE", "Europe"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_setting_and_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingError) as error:
        read(**{name: value})
    assert f"{name}={value!r} is not valid, expected: " in str(error.value)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://ollama.lan/", "http://ollama.lan:11434"),
        ("https://ollama.lan:443/prefix/", "https://ollama.lan:443/prefix"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("http://[::]", "http://127.0.0.1:11434"),
    ],
)
def test_every_form_that_ollama_takes(given: str, url: str) -> None:
    assert read(OLLAMA_HOST=given)["OLLAMA_HOST"] == url


def test_an_openai_address_with_or_without_its_version() -> None:
    for given in ("http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"):
        assert read(OPENAI_BASE_URL=given)["OPENAI_BASE_URL"] == "http://h:1"


def test_words_are_taken_in_any_case() -> None:
    assert read(ENGINE=" Ollama ", LOG_LEVEL="WARNING")["LOG_LEVEL"] == "warning"


def test_the_instance_folder_and_another_database() -> None:
    assert read(INSTANCE_DIR="/srv/x")["SQLALCHEMY_DATABASE_URI"] == "sqlite:////srv/x/couachgpt.sqlite3"
    assert read(DATABASE_URL="postgresql://db/x")["SQLALCHEMY_DATABASE_URI"] == "postgresql://db/x"


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first, second = ({"INSTANCE_DIR": str(tmp_path / "new" / "i"), "SECRET_KEY": ""} for _ in range(2))
    prepare_instance(first)
    prepare_instance(second)
    assert len(first["SECRET_KEY"]) == 64
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert (tmp_path / "new" / "i" / "secret_key.new").stat().st_mode & 0o777 == 0o600
    keep_secret_key(first)
    third = {"INSTANCE_DIR": first["INSTANCE_DIR"], "SECRET_KEY": ""}
    prepare_instance(third)
    assert third["SECRET_KEY"] == first["SECRET_KEY"]
    assert [path.name for path in (tmp_path / "new" / "i").iterdir()] == ["secret_key"]
    given = {"INSTANCE_DIR": str(tmp_path / "other"), "SECRET_KEY": "given"}
    prepare_instance(given)
    assert list((tmp_path / "other").iterdir()) == []


def test_a_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short\n")
    with pytest.raises(SystemExit, match="too short"):
        prepare_instance({"INSTANCE_DIR": str(tmp_path), "SECRET_KEY": ""})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"LOGIN_LIMIT": "often"}, "LOGIN_LIMIT"),
        ({"LOGIN_LIMIT": "0 per minute"}, "LOGIN_LIMIT"),
        ({"LOGIN_LIMIT": "5 per minute; 9 per hour"}, "LOGIN_LIMIT"),
        ({"REGISTER_LIMIT": "5 per 0 hours"}, "REGISTER_LIMIT"),
        ({"THREADS": "0"}, "THREADS"),
        ({"LAB_WATTS_IDLE": "-5"}, "LAB_WATTS_IDLE"),
        ({"LAB_WATTS_IDLE": "nan"}, "LAB_WATTS_IDLE"),
        ({"LAB_WATTS_IDLE": "80", "LAB_WATTS_FULL": "60"}, "LAB_WATTS_FULL"),
        ({"CONTEXT_TOKENS": "100"}, "CONTEXT_TOKENS"),
        ({"DATABASE_URL": "foo://x"}, "DATABASE_URL"),
        ({"ENGINE": "openai"}, "OPENAI_BASE_URL"),
        ({"CONTEXT_TOKENS": "1024", "MAX_OUTPUT_TOKENS": "1000"}, "MAX_OUTPUT_TOKENS"),
    ],
)
def test_what_cannot_work_is_refused_by_its_name(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError, match=named):
        load(given, None)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("5 per 5 minutes", (5, 300)),
        ("300 per hour", (300, 3600)),
        ("1/second", (1, 1)),
        (" 20 Per 2 Days ", (20, 172_800)),
    ],
)
def test_limits_are_read_as_people_write_them(text: str, read: tuple[int, int]) -> None:
    limit = load({"LOGIN_LIMIT": text}, None)["LOGIN_LIMIT"]
    assert (limit.amount, limit.get_expiry()) == read


def test_a_relative_database_lies_where_flask_looks_for_it() -> None:
    found = read(DATABASE_URL="sqlite:///other.sqlite3")["SQLALCHEMY_DATABASE_URI"]
    assert found == f"sqlite:///{ROOT / 'instance' / 'other.sqlite3'}"
    assert read(DATABASE_URL="sqlite:////srv/a.sqlite3")["SQLALCHEMY_DATABASE_URI"] == "sqlite:////srv/a.sqlite3"
    assert read(DATABASE_URL="sqlite://")["SQLALCHEMY_DATABASE_URI"] == "sqlite://"

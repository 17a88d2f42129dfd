"""The administrator's commands."""

from collections.abc import Callable

import pytest
from click.testing import Result

from app.models import User
from tests.fakes.ollama import FakeOllama
from tests.support.person import PASSWORD, Person
from tests.support.program import Program, token_of
from tests.support.site import Site

Run = Callable[..., Result]


def runner(site: Site) -> Run:
    return lambda *words: site.app.test_cli_runner().invoke(args=list(words))


@pytest.fixture
def run(make_site: Callable[..., Site]) -> Run:
    """Run `flask …` beside a server that is not running here."""
    return runner(make_site())


def test_users_are_created_listed_and_promoted(run: Run) -> None:
    first = run("users", "create", "Alice", "--display-name", "Alice Martin", "--password", "un mot de passe")
    second = run("users", "create", "bob")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "un mot de passe" not in first.output
    rows = [line.split("\t") for line in run("users", "list").output.splitlines()]
    assert [row[:3] for row in rows] == [["Alice", "Alice Martin", "Administrateur"], ["bob", "bob", "Utilisateur"]]
    assert run("users", "promote", "BOB").exit_code == 0
    assert run("users", "list").output.count("Administrateur") == 2


def test_an_administrator_is_made_when_asked(run: Run) -> None:
    run("users", "create", "alice")
    run("users", "create", "bob", "--admin")
    assert run("users", "list").output.count("Administrateur") == 2


def test_a_password_is_read_from_standard_input(make_site: Callable[..., Site]) -> None:
    site = make_site()
    create = ["users", "create", "alice", "--password", "-"]
    assert site.app.test_cli_runner().invoke(args=create, input="court\n").exit_code == 1
    made = site.app.test_cli_runner().invoke(args=create, input=f"{PASSWORD}\n")
    assert (made.exit_code, PASSWORD in made.output) == (0, False)
    assert Person(site.app, "alice").sign_in().status_code == 302


def test_an_administrator_becomes_a_member_again(run: Run) -> None:
    run("users", "create", "alice")
    run("users", "create", "bob", "--admin")
    assert run("users", "demote", "alice").exit_code == 0
    assert run("users", "list").output.splitlines()[0].split("\t")[2] == "Utilisateur"


@pytest.mark.parametrize("words", [("demote",), ("role",), ("suspend",), ("close",)])
def test_the_last_active_administrator_stays(run: Run, words: tuple[str, ...]) -> None:
    run("users", "create", "alice")
    run("users", "create", "bob", "--admin")
    assert run("users", "suspend", "bob").exit_code == 0
    before = run("users", "list").output
    refused = run("users", *words, "alice", *(["helper"] if words == ("role",) else []))
    assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    assert "(last_administrator)" in refused.output
    assert run("users", "list").output == before


def test_a_role_is_given(run: Run) -> None:
    run("users", "create", "alice")
    run("users", "create", "bob")
    assert "Aide aux utilisateurs" in run("users", "role", "bob", "helper").output
    assert "\tAide aux utilisateurs\tActif\t" in run("users", "list").output
    assert run("users", "role", "bob", "chef").exit_code == 2


def test_who_is_suspended_is_told_so_and_comes_back(make_site: Callable[..., Site]) -> None:
    site = make_site()
    run, alice, bob = runner(site), Person(site.app, "alice"), Person(site.app, "bob")
    alice.register()
    bob.register()
    token, conversation = token_of(bob), bob.start()
    assert run("users", "suspend", "bob").exit_code == 0
    assert bob.get("/").status_code == 302
    assert Program(site.app, token).get("/models").status_code == 401
    told = bob.sign_in()
    assert told.status_code == 403
    assert "Votre compte est suspendu." in told.text
    assert bob.api("GET", "/conversations").status_code == 401
    assert run("users", "restore", "bob").exit_code == 0
    assert bob.sign_in().status_code == 302
    assert bob.api("GET", f"/conversations/{conversation}").status_code == 200
    assert Program(site.app, token).get("/models").status_code == 401


def test_who_has_left_comes_in_no_more_and_what_they_wrote_stays(make_site: Callable[..., Site]) -> None:
    site = make_site()
    run, alice = runner(site), Person(site.app, "alice")
    alice.register()
    run("users", "create", "root", "--admin")
    token, conversation = token_of(alice), alice.start()
    assert run("users", "close", "Alice").exit_code == 0
    assert run("users", "list").output.splitlines()[0].split("\t")[3] == "Fermé"
    assert alice.get("/").status_code == 302
    assert Program(site.app, token).get("/models").status_code == 401
    for password in (PASSWORD, "", "nobody has this password"):
        assert Person(site.app, "alice").sign_in(password).status_code == 422
    opened = run("users", "reset-password", "alice").output.split()[-1]
    assert alice.sign_in(opened).status_code == 302
    assert alice.api("GET", f"/conversations/{conversation}").status_code == 200
    assert run("users", "close", "alice").exit_code == 0
    assert run("users", "link", "alice").exit_code == 1
    assert run("users", "restore", "alice").exit_code == 0
    assert Person(site.app, "alice").sign_in("nobody has this password").status_code == 422


def test_a_made_up_password_is_shown_once_and_works(make_site: Callable[..., Site]) -> None:
    site = make_site()
    run = runner(site)
    made = run("users", "create", "alice").output.split()[-1]
    assert len(made) == 19
    assert Person(site.app, "alice").sign_in(made).status_code == 302
    changed = run("users", "reset-password", "alice").output.split()[-1]
    assert Person(site.app, "alice").sign_in(made).status_code == 422
    assert Person(site.app, "alice").sign_in(changed).status_code == 302
    with site.rows():
        assert made not in User.everyone()[0].password_hash


@pytest.mark.parametrize(
    "words",
    [
        ("users", "create", "alice"),
        ("users", "create", "ALICE "),
        ("users", "create", "a"),
        ("users", "create", "a\tb"),
        ("users", "create", "x" * 65),
        ("users", "create", "carol", "--password", "court"),
        ("users", "create", "carol", "--password", "x" * 201),
        ("users", "create", "carol", "--password", "carol-couachgpt"),
        ("users", "create", "carol", "--display-name", "x" * 81),
        ("users", "create", "carol", "--display-name", "a\nb"),
        ("users", "promote", "personne"),
        ("users", "demote", "personne"),
        ("users", "close", "personne"),
        ("users", "reset-password", "personne"),
        ("users", "reset-password", "alice", "--password", "court"),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_mistake_is_one_line_and_changes_nothing(run: Run, words: tuple[str, ...]) -> None:
    run("users", "create", "alice")
    before = run("users", "list").output
    result = run(*words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert run("users", "list").output == before


def test_models_are_listed_with_what_can_be_pulled(run: Run, ollama: FakeOllama) -> None:
    lines = run("models", "list").output.splitlines()
    assert lines[0] == f"Ollama, {ollama.url} (ENGINE=ollama)"
    (phi3,) = [line for line in lines if "phi3:mini  " in line]
    assert "2,2\u202fGo" in phi3
    assert "par défaut" in phi3
    assert not any("nomic" in line for line in lines)
    assert any("pas installé\N{NO-BREAK SPACE}: flask models pull mistral" in line for line in lines)
    assert "phi3:mini" in lines[-1]


def test_a_model_is_pulled_with_its_progress(run: Run, ollama: FakeOllama) -> None:
    result = run("models", "pull", "mistral")
    assert result.exit_code == 0, result.output
    assert "100.0%" in result.output
    assert "4,1\u202fGo" in result.output
    assert "mistral" in run("models", "list").output.partition("flask models pull")[0]


def test_a_model_that_does_not_exist_is_not_pulled(run: Run) -> None:
    result = run("models", "pull", "inconnu")
    assert result.exit_code == 1
    assert "unknown_model" in result.output


def test_a_pull_that_breaks_says_so(make_site: Callable[..., Site]) -> None:
    with FakeOllama(pull_error_after=3) as ollama:
        result = runner(make_site(OLLAMA_HOST=ollama.url))("models", "pull", "mistral")
    assert result.exit_code == 1
    assert "max retries exceeded" in result.output


def test_a_model_is_loaded_and_stays(run: Run, ollama: FakeOllama) -> None:
    assert "phi3:mini" in run("models", "warm").output
    assert run("models", "warm", "deepseek-r1:1.5b").exit_code == 0
    assert [load.model for load in ollama.loads] == ["phi3:mini", "deepseek-r1:1.5b"]
    assert {body["keep_alive"] for body in ollama.received("/api/generate")} == {-1}
    assert run("models", "warm", "inconnu").exit_code == 1


def test_the_default_is_stored_and_what_wins_is_printed(make_site: Callable[..., Site]) -> None:
    free = runner(make_site())
    result = free("models", "set-default", "deepseek-r1:1.5b")
    assert result.exit_code == 0
    assert "deepseek-r1:1.5b (flask models set-default)" in result.output
    assert "deepseek-r1:1.5b (flask models set-default)" in free("models", "list").output
    fixed = runner(make_site(DEFAULT_MODEL="phi3:mini"))
    result = fixed("models", "set-default", "deepseek-r1:1.5b")
    assert "phi3:mini (DEFAULT_MODEL" in result.output
    assert free("models", "set-default", "inconnu").exit_code == 1


def test_a_server_that_runs_takes_up_the_new_default(make_site: Callable[..., Site], ollama: FakeOllama) -> None:
    alice = Person(make_site().start(ollama).app)
    alice.register("alice")
    runner(make_site())("models", "set-default", "deepseek-r1:1.5b")
    assert alice.get("/api/models").json["default"] == "deepseek-r1:1.5b"


def test_commands_without_an_engine_say_which_does_not_answer(make_site: Callable[..., Site]) -> None:
    run = runner(make_site(OLLAMA_HOST="127.0.0.1:9"))
    for words in (("list",), ("pull", "mistral"), ("warm",), ("set-default", "mistral")):
        result = run("models", *words)
        assert result.exit_code == 1
        assert "Ollama ne répond pas" in result.output

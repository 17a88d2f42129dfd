"""What is wrong with a measuring run that is asked for: told by the form's or the command's names, with the limits."""

import re

import pytest

from app.models.lab import LabRun
from tests.functional.test_lab_pages import text_of
from tests.functional.test_lab_runs import SMALL
from tests.support.person import Person
from tests.support.site import Site


def words_of(text: str) -> str:
    return text_of(text).replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize(
    ("field", "given", "sentence"),
    [
        ("repeats", "0", "« Répétitions » accepte des nombres entiers de 1 à 50."),
        ("repeats", "many", "« Répétitions » accepte des nombres entiers de 1 à 50."),
        ("threads", "two", "« Fils » accepte des nombres entiers de 0 à 1 024."),
        ("crowds", "65", "« Personnes à la fois » accepte des nombres entiers de 1 à 64."),
        ("readings", "5", "« Longueurs à lire » accepte des nombres entiers de 50 à 100 000."),
        ("temperature", "2,5", "« Température » accepte des nombres de 0 à 2."),
        ("max_tokens", "1000001", "« Réponse la plus longue » accepte des nombres entiers de 0 à 1 000 000."),
        ("seed", "-1", "« Graine de l’ordre » accepte des nombres entiers de 0 à 2 147 483 647."),
    ],
)
def test_the_form_marks_the_field_and_tells_what_it_takes(
    site: Site, alice: Person, field: str, given: str, sentence: str
) -> None:
    answer = alice.submit("/lab/runs", SMALL | {field: given})
    assert answer.status_code == 422
    assert sentence in words_of(answer.text)
    (marked,) = re.findall(r"<input[^>]* aria-invalid=[^>]*>", answer.text)
    assert f'name="{field}"' in marked
    assert f'value="{given}"' in marked
    assert f'aria-describedby="{field}-error {field}-help"' in marked
    assert " autofocus" in marked
    (told,) = re.findall(rf'<p class="field__error" id="{field}-error">.*?</p>', answer.text, re.DOTALL)
    assert sentence in words_of(told)


@pytest.mark.parametrize(
    ("option", "given", "sentence"),
    [
        ("--repeat", "0", "« --repeat » accepte des nombres entiers de 1 à 50."),
        ("--people", "65", "« --people » accepte des nombres entiers de 1 à 64."),
        ("--lengths", "5", "« --lengths » accepte des nombres entiers de 50 à 100 000."),
        ("--temperature", "3", "« --temperature » accepte des nombres de 0 à 2."),
        ("--threads", "two", "--threads accepte des nombres séparés par des virgules, pas « two »."),
        ("--context", "10", "Un contexte de 10 tokens est trop petit pour ce qui est demandé : il en faut au moins "),
    ],
)
def test_the_command_names_its_option(site: Site, option: str, given: str, sentence: str) -> None:
    result = site.app.test_cli_runner().invoke(args=["labo", "run", option, given])
    site.app.extensions["lab"].stop()
    assert result.exit_code == 1
    assert sentence in words_of(result.output)


def test_the_least_context_that_is_told_is_taken_and_one_less_is_not(site: Site, alice: Person) -> None:
    asked = SMALL | {"kind": "task", "task": "calc-vat", "look": "1"}
    refused = alice.submit("/lab/runs", asked | {"context": "10"})
    assert refused.status_code == 422
    found = re.search(r"il en faut au moins ([\d ]+)\.", words_of(refused.text))
    assert found
    least = int(found[1].replace(" ", ""))
    assert alice.submit("/lab/runs", asked | {"context": str(least - 1)}).status_code == 422
    assert alice.submit("/lab/runs", asked | {"context": str(least)}).status_code == 200
    # What fits into one of several is not enough.
    assert alice.submit("/lab/runs", asked | {"context": f"10 {least}"}).status_code == 422


def test_a_text_that_fits_nowhere_is_refused(site: Site, alice: Person) -> None:
    answer = alice.submit("/lab/runs", SMALL | {"kind": "reading", "readings": "100 5000"})
    assert answer.status_code == 422
    assert "Un texte de 5 000 tokens ne tient dans aucun contexte" in words_of(answer.text)
    assert re.search(r'<input[^>]*name="readings"[^>]* aria-invalid="true"', answer.text)
    with site.rows() as rows:
        assert rows.query(LabRun).count() == 0


def test_a_text_that_fits_into_some_contexts_only_is_said_to_be_left_out(site: Site, alice: Person) -> None:
    form = SMALL | {"kind": "reading", "readings": "100 3000", "context": "2048 4096"}
    said = "Textes laissés de côté : 3 000 tokens ne tiennent pas dans un contexte de 2 048 (phi3:mini)."
    looked = words_of(alice.submit("/lab/runs", form | {"look": "1"}).text)
    assert said in looked
    assert "contexte de 4 096 (" not in looked
    path = alice.submit("/lab/runs", form).location
    assert said in words_of(alice.get(path).text)
    alice.submit(path + "/cancel", {})
    fitting = words_of(alice.submit("/lab/runs", form | {"context": "4096", "look": "1"}).text)
    assert "laissés de côté" not in fitting


def test_the_command_tells_what_is_left_out(site: Site) -> None:
    words = ["run", "--models", "phi3:mini", "--kinds", "reading", "--lengths", "100,3000", "--context", "2048,4096"]
    result = site.app.test_cli_runner().invoke(args=["labo", *words, "--repeat", "1"])
    site.app.extensions["lab"].stop()
    assert result.exit_code == 0, result.output
    assert "3 000 tokens ne tiennent pas dans un contexte de 2 048 (phi3:mini)" in words_of(result.output)

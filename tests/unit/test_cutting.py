"""Passages: they hold a page's text, in order, none too long, and are cut where a reader would."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.tokens import TOKENS_PER_MESSAGE, estimated_tokens
from app.models.cutting import PassageCutter

SENTENCE = "Le chantier contrôle la coque et les passe-coques avant chaque mise à l’eau. "
WORDS = st.text(st.sampled_from("abé|#. \n\n12A–€x"), max_size=3000)


def cut(text: str) -> list[str]:
    return [text[each.start : each.end] for each in PassageCutter().cut(text)]


@given(WORDS | st.text(max_size=400))
def test_passages_hold_all_text_in_order_and_none_is_too_long(text: str) -> None:
    end = 0
    for each in PassageCutter().cut(text):
        assert end <= each.start < each.end
        assert text[end : each.start].strip() == ""
        end = each.end
        passage = text[each.start : each.end]
        assert passage == passage.strip()
        assert estimated_tokens(passage) <= 180 + TOKENS_PER_MESSAGE
    assert text[end:].strip() == ""


def test_a_line_that_begins_with_a_figure_is_no_heading() -> None:
    text = f"{SENTENCE * 3}\n30 jours à compter de la livraison, sauf\naccord écrit.\n\n{SENTENCE * 12}"
    assert all("30 jours" not in each.context for each in PassageCutter().cut(text))


def test_a_heading_begins_a_passage_and_stays_with_its_text() -> None:
    for heading in ("# Vidange", "3.2 Vidange", "ARTICLE 4 – VIDANGE", "VIDANGE DU MOTEUR"):
        text = f"{SENTENCE * 3}\n{heading}\n{SENTENCE * 6}"
        assert [each.splitlines()[0] for each in cut(text)][1] == heading
        assert all(each.strip() != heading for each in cut(text))


def test_a_line_that_announces_others_stays_with_them() -> None:
    text = f"{SENTENCE * 3}\n\nDosage du catalyseur :\n\nTempérature | Taux\n" + "\n".join(["18 °C | 1,8 %"] * 9)
    assert [each.splitlines()[0] for each in cut(text)][1] == "Dosage du catalyseur :"


def test_short_paragraphs_stand_together() -> None:
    text = "\n\n".join(["Fermer la vanne.", "Ouvrir la purge.", "# Remontage", "Serrer les écrous.", "Rincer."])
    assert cut(text) == [text]


def test_long_text_is_cut_between_paragraphs_rather_than_within() -> None:
    one, two, three, four = (SENTENCE.strip() + SENTENCE * more for more in (1, 1, 3, 1))
    assert cut("\n\n".join((one, two, three, four))) == [f"{one}\n\n{two.strip()}", f"{three}\n\n{four.strip()}"]
    assert all(each.endswith(".") for each in cut(SENTENCE * 20))


def test_a_list_with_numbers_is_no_list_of_headings() -> None:
    steps = "\n".join(f"{number}. Serrer la vis {number} au couple" for number in range(1, 30))
    for heading in ("# Montage", "MONTAGE"):
        assert {each.context for each in PassageCutter().cut(f"{heading}\n{steps}")[1:]} == {heading}


def test_a_later_passage_knows_its_headings_and_the_head_of_its_table() -> None:
    cutter = PassageCutter()
    rows = "\n".join(f"Vernis {number} | {number},50 €" for number in range(60))
    first, *others = cutter.cut(f"# Tarifs\n## Vernis\nProduit | Prix\n{rows}")
    assert first.context == ""
    assert {each.context for each in others} == {"# Tarifs\n## Vernis\nProduit | Prix"}
    assert cutter.cut("Les prix sont hors taxes.")[0].context == "# Tarifs\n## Vernis"
    assert cutter.cut("## Colles\nÀ froid.")[0].context == "# Tarifs"
    # The first heading of all is the document's title.
    assert cutter.cut("# Délais\nSix jours.")[0].context == "# Tarifs"


@pytest.mark.slow
def test_five_thousand_pages_are_cut_in_a_moment() -> None:
    page = "\n\n".join([f"3.{number} Entretien\n{SENTENCE * 5}" for number in range(5)])
    began = time.process_time()
    cutter = PassageCutter()
    for _ in range(5000):
        cutter.cut(page)
    assert time.process_time() - began < 6

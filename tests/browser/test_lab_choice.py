"""Choosing a model in the browser: weights by keyboard, the table that sorts, bubbles that lead to lines."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import LAB_MODELS, Visitors
from tests.browser.served import Served
from tests.browser.visitor import Visitor
from tests.support.server import RemotePerson


def advice(page: Page) -> Locator:
    return page.get_by_role("region", name="Recommandation")


def models(page: Page) -> list[str]:
    """The ranking's names, from above."""
    return page.locator("#ranking tbody .row__name").all_inner_texts()


def test_the_recommendation_changes_as_sliders_move(lab_admin: Visitor) -> None:
    page = lab_admin.here.open("/lab/").page
    name = advice(page).locator(".advice__name")
    fields = {"Qualité": "quality", "Rapidité": "speed", "Sobriété": "sobriety"}
    sliders = {key: page.get_by_role("slider", name=key) for key in fields}
    found = {}
    for key, slider in sliders.items():
        slider.press("End")
        expect(slider).to_have_js_property("value", "100")
        # The address changes last.
        expect(page).to_have_url(re.compile(f"{fields[key]}=100"))
        for other in set(sliders) - {key}:
            expect(sliders[other]).to_have_js_property("value", "0")
        # The card, the picture and the table agree.
        best = page.get_by_role("link", name=re.compile("recommandé")).get_attribute("href")
        expect(page.locator("#ranking tbody tr").first).to_have_id(str(best).removeprefix("#"))
        found[key] = name.inner_text()
    assert found["Qualité"] != found["Rapidité"]
    sliders["Sobriété"].press("ArrowLeft")
    expect(sliders["Sobriété"]).to_have_js_property("value", "95")
    total = sum(int(slider.input_value()) for slider in sliders.values())
    assert total == 100


def test_presets_put_the_sliders_and_are_kept_in_the_address(lab_admin: Visitor) -> None:
    page = lab_admin.here.open("/lab/").page
    expect(page.get_by_role("button", name="Équilibré")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Sobre").click()
    expect(page.get_by_role("button", name="Sobre")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="Sobriété")).to_have_js_property("value", "60")
    expect(page).to_have_url(re.compile("sobriety=60"))
    chosen = advice(page).locator(".advice__name").inner_text()
    page.reload()
    expect(page.get_by_role("button", name="Sobre")).to_have_attribute("aria-pressed", "true")
    expect(advice(page).locator(".advice__name")).to_have_text(chosen)


@pytest.mark.screen("desk")
def test_the_table_sorts_by_its_heads_and_says_so(lab_admin: Visitor) -> None:
    page = lab_admin.here.open("/lab/").page
    head = page.locator("#ranking th[data-key=time]")
    assert len(models(page)) == LAB_MODELS
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#announcer")).to_have_text("Trié par Temps")
    times = page.locator("#ranking tbody tr").evaluate_all("rows => rows.map(row => Number(row.dataset.time))")
    assert times == sorted(times)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert page.locator("#ranking th[aria-sort]").count() == 1
    turned = page.locator("#ranking tbody tr").evaluate_all("rows => rows.map(row => Number(row.dataset.time))")
    assert turned == sorted(times, reverse=True)


@pytest.mark.screen("phone")
def test_on_a_phone_the_lines_are_cards_sorted_by_a_choice(lab_admin: Visitor) -> None:
    page = lab_admin.here.open("/lab/").page
    page.get_by_label("Trier par").select_option("quality")
    values = page.locator("#ranking tbody tr").evaluate_all("rows => rows.map(row => Number(row.dataset.quality))")
    assert values == sorted(values, reverse=True)


def test_a_bubble_is_the_way_to_its_line(lab_admin: Visitor) -> None:
    page = lab_admin.here.open("/lab/").page
    expect(page.locator("svg.plot a")).to_have_count(LAB_MODELS)
    link = page.get_by_role("link", name=re.compile("modele-c:7b : qualité"))
    link.focus()
    expect(page.locator("#ranking tr.is-lit")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#ligne-"))
    expect(page.locator("#ranking tr:target .row__name")).to_have_text(re.compile("modele-c:7b"))


def test_without_scripts_the_tables_and_weights_still_work(visit: Visitors, lab: Served, chief: RemotePerson) -> None:
    visitor = visit(lab, java_script_enabled=False)
    visitor.carry(chief)
    page = visitor.here.open("/lab/").page
    page.get_by_role("button", name="Rapide").click()
    expect(page).to_have_url(re.compile("preset=quick"))
    expect(page.get_by_role("button", name="Rapide")).to_have_attribute("aria-pressed", "true")
    expect(advice(page)).to_be_visible()
    assert len(models(page)) == LAB_MODELS

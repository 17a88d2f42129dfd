"""« Utilisateurs » as an administrator and a newcomer see it."""

import itertools
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitors
from tests.browser.served import Served
from tests.browser.test_accessibility import SIDEWAYS, check
from tests.browser.visitor import Visitor
from tests.support.person import PASSWORD
from tests.support.server import RemotePerson

NUMBERS = itertools.count(1)


@pytest.fixture
def admin(visit: Visitors, server: Served, captain: RemotePerson) -> Visitor:
    """The administrator, at an empty page."""
    visitor = visit(server)
    visitor.carry(captain)
    return visitor


def register(page: Page, name: str) -> None:
    page.get_by_label("Identifiant").fill(name)
    page.get_by_label("Nom affiché").fill(f"Yann {name.title()}")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("Confirmer le mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Créer un compte").click()


@pytest.mark.screen("desk", "phone")
def test_a_newcomer_is_invited_suspended_and_restored(visit: Visitors, server: Served, admin: Visitor) -> None:
    name = f"nouveau{next(NUMBERS)}"
    page = admin.here.open("/admin/people").page
    page.get_by_role("link", name="Inviter").click()
    page.get_by_role("button", name="Faire une invitation").click()
    link = page.locator(".people__link").inner_text()
    check(page)
    newcomer = visit(server)
    newcomer.here.open(link.removeprefix(server.origin))
    register(newcomer.page, name)
    expect(newcomer.here.message).to_be_visible()
    admin.here.open("/admin/people")
    page.get_by_role("searchbox", name="Chercher des personnes par nom").fill(name)
    page.get_by_role("button", name="Rechercher").click()
    page.get_by_role("checkbox", name=f"Choisir Yann {name.title()}").check()
    page.get_by_role("button", name="Suspendre").click()
    expect(page.get_by_text("1 compte est modifié.")).to_be_visible()
    newcomer.here.open("/")
    expect(newcomer.page).to_have_url(re.compile("/login"))
    admin.here.open(f"/admin/people?q={name}")
    page.get_by_role("link", name=f"Yann {name.title()}").click()
    expect(page.get_by_text("Suspendu")).to_be_visible()
    check(page)
    assert page.evaluate(SIDEWAYS) == 0
    page.get_by_role("button", name="Rétablir").click()
    expect(page.get_by_text("Actif")).to_be_visible()


@pytest.mark.screen("desk", "phone")
def test_a_forgotten_password_is_replaced_by_a_link(visit: Visitors, server: Served, admin: Visitor) -> None:
    forgetful = visit(server, "oubli")
    page = admin.here.open(f"/admin/people?q={forgetful.name}").page
    check(page)
    assert page.evaluate(SIDEWAYS) == 0
    page.locator(".people a").click()
    page.get_by_role("button", name="Créer un lien").click()
    link = page.locator(".people__link").inner_text()
    theirs = visit(server)
    theirs.here.open(link.removeprefix(server.origin))
    check(theirs.page)
    theirs.page.get_by_label("Nouveau mot de passe", exact=True).fill("une autre phrase assez longue")
    theirs.page.get_by_label("Confirmer le nouveau mot de passe").fill("une autre phrase assez longue")
    theirs.page.get_by_role("button", name="Enregistrer").click()
    expect(theirs.page.get_by_text("Votre mot de passe est changé.")).to_be_visible()
    theirs.page.get_by_label("Identifiant").fill(forgetful.name)
    theirs.page.get_by_label("Mot de passe", exact=True).fill("une autre phrase assez longue")
    theirs.page.get_by_role("button", name="Se connecter").click()
    expect(theirs.here.message).to_be_visible()

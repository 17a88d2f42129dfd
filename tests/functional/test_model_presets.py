"""« Rapide » and « Soigné »: shown when an administrator mapped both to models that are there."""

import re
from typing import Any

from app.models import StoredSetting
from app.models.model_choice import stored_presets, usable_presets
from tests.support.person import Person
from tests.support.site import Site

QUICK, CAREFUL = "phi3:mini", "deepseek-r1:1.5b"
SHOWN = re.compile(r'data-label="(?:Rapide|Soigné)"')


def shown(person: Person) -> int:
    """How many presets the list of models has."""
    return len(SHOWN.findall(person.get("/").text))


def choose(person: Person, quick: str, careful: str) -> int:
    return person.submit("/admin/models/intents", {"quick": quick, "careful": careful}).status_code


def test_both_mapped_are_shown_to_everyone(alice: Person, bob: Person) -> None:
    assert shown(bob) == 0
    assert choose(alice, QUICK, CAREFUL) == 302
    page = bob.get("/").text
    assert re.search(rf'data-name="{QUICK}"\s+data-label="Rapide"', page)
    assert re.search(rf'data-name="{CAREFUL}"\s+data-label="Soigné"', page)
    assert f"<option selected>{CAREFUL}</option>" in alice.get("/admin/models").text


def test_one_alone_or_twice_the_same_is_no_choice(alice: Person) -> None:
    for quick, careful in ((QUICK, ""), ("", CAREFUL), (QUICK, QUICK), ("", "")):
        assert choose(alice, quick, careful) == 302
        assert shown(alice) == 0, (quick, careful)


def test_an_unknown_model_is_refused_and_nothing_is_changed(site: Site, alice: Person) -> None:
    choose(alice, QUICK, CAREFUL)
    assert choose(alice, "inconnu", CAREFUL) == 422
    with site.rows():
        assert stored_presets() == {"quick": QUICK, "careful": CAREFUL}


def test_a_model_that_went_away_takes_the_choice_with_it(site: Site, alice: Person) -> None:
    choose(alice, QUICK, CAREFUL)
    with site.rows():
        StoredSetting.put("careful_model", "parti:7b")
        assert usable_presets([QUICK, CAREFUL]) == {}
    assert shown(alice) == 0


def test_only_an_administrator_maps_them(alice: Person, bob: Person) -> None:
    assert choose(bob, QUICK, CAREFUL) == 403
    assert shown(alice) == 0


def test_what_care_costs_is_learnt_from_the_past(alice: Person) -> None:
    assert careful(alice) is None
    choose(alice, QUICK, CAREFUL)
    conversation = alice.start()
    quick = alice.ask(conversation, "Vite ?").end().message_id
    assert careful(alice) == {"quick": QUICK, "model": CAREFUL, "extra_s": None}
    alice.regenerate(quick, model=CAREFUL).end()
    told = careful(alice)
    assert told is not None
    assert told["extra_s"] >= 0
    assert [len(message["siblings"]) for message in alice.messages(conversation)] == [1, 2]


def test_care_is_offered_only_where_the_two_differ(alice: Person) -> None:
    for quick, careful_model in ((QUICK, ""), (QUICK, QUICK)):
        choose(alice, quick, careful_model)
        assert careful(alice) is None
        assert 'data-part="redo"' not in alice.get("/").text
    choose(alice, QUICK, CAREFUL)
    assert f'data-turn-actions-model-param="{CAREFUL}"' in alice.get("/").text
    assert 'data-part="redo"' in alice.get("/").text


def careful(person: Person) -> Any:
    """What the status says of doing a quick answer again."""
    return person.get("/api/status").json["careful"]

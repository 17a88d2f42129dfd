"""Plans of measuring runs: what is understood, what is refused with which code, and the order of the samples."""

from itertools import pairwise
from typing import Any

import pytest

from app.errors import AppError
from tests.fakes.openai_server import FakeOpenAI
from tests.support.lab_runs import Measuring
from tests.support.site import Site


@pytest.fixture
def measuring(site: Site) -> Measuring:
    return Measuring(site)


@pytest.mark.parametrize(
    ("plan", "code", "about"),
    [
        ({"models": "phi3:mini"}, "invalid_field", "models"),
        ({"models": [""]}, "invalid_field", "models"),
        ({"models": [7]}, "invalid_field", "models"),
        ({"models": ["phi3:mini"] * 201}, "invalid_field", "models"),
        ({"models": ["inconnu"]}, "unknown_model", "inconnu"),
        ({"models": ["nomic-embed-text"]}, "not_a_chat_model", "nomic-embed-text"),
        ({"kinds": ["sing"]}, "invalid_field", "kinds"),
        ({"kinds": []}, "nothing_to_measure", None),
        ({"kinds": ["task"], "tasks": []}, "nothing_to_measure", None),
        ({"kinds": ["reading"], "readings": [90_000]}, "reading_too_long", 90_000),
        ({"readings": [100, 5000]}, "reading_too_long", 4096),
        ({"kinds": ["reading"], "settings": [{"context": 10}]}, "context_too_small", 576),
        ({"settings": []}, "nothing_to_measure", None),
        ({"settings": [{"thinking": True}]}, "invalid_field", "settings"),
        ({"settings": [{"think": "yes"}]}, "invalid_field", "think"),
        ({"settings": [{"threads": -1}]}, "invalid_field", "threads"),
        ({"settings": [{"temperature": -0.5}]}, "invalid_field", "temperature"),
        ({"settings": [{"temperature": 3}]}, "invalid_field", "temperature"),
        ({"settings": [{"think": True}]}, "thinking_unsupported", "phi3:mini"),
        ({"kinds": ["task"], "tasks": ["no-such-task"]}, "unknown_task", "no-such-task"),
        ({"readings": [10]}, "invalid_field", "readings"),
        ({"crowds": [0]}, "invalid_field", "crowds"),
        ({"repeats": 0}, "invalid_field", "repeats"),
        ({"repeats": True}, "invalid_field", "repeats"),
        ({"repeats": 50, "kinds": ["task"], "tasks": ["all"], "settings": [{"temperature": t / 10} for t in range(20)]},
         "plan_too_large", 20_000),
        ({"seed": -1}, "invalid_field", "seed"),
        ({"colour": "blue"}, "unsupported_field", "colour"),
        ([], "bad_request", None),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_carried_out_is_refused(site: Site, plan: Any, code: str, about: Any) -> None:
    wanted = {"models": ["phi3:mini"]} | plan if isinstance(plan, dict) else plan
    with site.rows(), pytest.raises(AppError) as refused:
        site.app.extensions["lab"].launch(wanted)
    assert refused.value.code == code
    assert about is None or about in refused.value.params.values()
    assert refused.value.sentence


def test_the_plan_that_nobody_chose_is_short_and_takes_all_models(measuring: Measuring) -> None:
    with measuring.site.rows():
        run = measuring.lab.launch({"models": [], "repeats": 1})
        plan = run.plan
    assert plan["models"] == ["phi3:mini", "deepseek-r1:1.5b"]
    assert plan["readings"] == [100, 1000, 4000]
    assert "mail-reply-ten-lines" in plan["tasks"]
    assert 5 <= len(plan["tasks"]) <= 20
    assert {sample.model for sample in measuring.samples(run.id)} == set(plan["models"])
    measuring.lab.cancel(run.id)


@pytest.mark.parametrize("named", [[], ["phi3:mini", "deepseek-r1:1.5b"]])
def test_thinking_of_all_models_is_asked_of_those_that_can(measuring: Measuring, named: list[str]) -> None:
    with measuring.site.rows():
        run = measuring.lab.launch({"models": named, "settings": [{"think": True}], "kinds": ["task"], "repeats": 1})
        assert run.plan["models"] == list(run.models) == ["deepseek-r1:1.5b"]
    assert {sample.model for sample in measuring.samples(run.id)} == {"deepseek-r1:1.5b"}
    measuring.lab.cancel(run.id)


def test_a_temperature_of_nothing_is_the_usual_one(measuring: Measuring) -> None:
    settings = [{"temperature": 0}, {"temperature": 0.0}, {}, {"temperature": 0.5}]
    with measuring.site.rows():
        run = measuring.lab.launch({"models": ["phi3:mini"], "settings": settings, "repeats": 1})
        assert [setting["temperature"] for setting in run.plan["settings"]] == [None, 0.5]
    measuring.lab.cancel(run.id)


def test_the_same_seed_gives_the_same_order_and_another_repeat_another_one(measuring: Measuring) -> None:
    plan = {"models": ["phi3:mini", "deepseek-r1:1.5b"], "kinds": ["load", "task"], "tasks": ["office"], "repeats": 2}

    def order(seed: int) -> list[tuple[int, str, str]]:
        run_id = measuring.launch(**plan, seed=seed)
        measuring.lab.cancel(run_id)
        return [(sample.repeat, sample.model, sample.prompt) for sample in measuring.samples(run_id)]

    first = order(1)
    assert first == order(1)
    assert first != order(2)
    assert sorted(first) == sorted(order(2))
    rounds = [[cell[1:] for cell in first if cell[0] == repeat] for repeat in (1, 2)]
    assert sorted(rounds[0]) == sorted(rounds[1])
    assert rounds[0] != rounds[1]
    # A model is loaded once in a round: its samples stand together.
    for cells in rounds:
        changes = sum(before[0] != after[0] for before, after in pairwise(cells))
        assert changes == 1


def test_an_engine_whose_options_are_fixed_says_so(make_site: Any) -> None:
    with FakeOpenAI() as llama:
        site = make_site(ENGINE="openai", OPENAI_BASE_URL=llama.url)
        measuring = Measuring(site)
        site.generation.registry.refresh()
        (model,) = [model.name for model in site.generation.registry.models][:1]
        for name in ("threads", "context"):
            with pytest.raises(AppError) as refused:
                measuring.launch(models=[model], settings=[{name: 2}])
            assert (refused.value.code, refused.value.params["field"]) == ("setting_fixed", name)
        # It cannot be told to unload a model either: loading is not measured.
        samples = measuring.taken(models=[model], kinds=["load", "reading"])
        assert [(sample.kind, sample.state) for sample in samples] == [("reading", "done")]

"""Blind votes in tests: a campaign on made-up answers, and people who vote by the page's own forms."""

import re
from typing import Any

from app.lab.votes.campaigns import create
from app.models.lab import LabMachine, LabRun, LabSample, LabState, SampleState
from tests.support.person import Person
from tests.support.site import Site

MODELS = ("petit:1b", "moyen:4b", "grand:7b")
PROMPTS = ("mail-reply-ten-lines", "calc-total-price")
FIRST_ID = 70_001
PAIR = re.compile(r'name="pair" value="([0-9a-f]{32})"')
ANSWER = re.compile(r'data-static-answer-target="text">([^<]*)<')


def answered(site: Site, models: tuple[str, ...] = MODELS, prompts: tuple[str, ...] = PROMPTS, **run: Any) -> int:
    """A run whose models have answered these prompts; its number. Each answer ends with its model's first letter."""
    with site.rows() as rows:
        machine = rows.query(LabMachine).filter_by(fingerprint="votes").first()
        machine = machine or LabMachine(fingerprint="votes", name="Processeur d’essai")
        made = LabRun(machine=machine, **{"state": LabState.DONE} | run)
        # Numbers that nothing else on a page has by chance.
        taken = FIRST_ID + rows.query(LabSample).count()
        for place, (model, prompt) in enumerate((model, prompt) for model in models for prompt in prompts):
            metrics = {"total_ms": 1000.0 * (place + 1), "energy_j": 360.0, "energy_method": "estimated"}
            made.samples.append(
                LabSample(
                    id=taken + place,
                    position=place,
                    kind="task",
                    model=model,
                    prompt=prompt,
                    state=SampleState.DONE,
                    setting={},
                    metrics=metrics,
                    question="Une question ?",
                    answer=f"Une **réponse** {model[0].upper()}",
                )
            )
        rows.add(made)
        rows.commit()
        return int(made.id)


def campaign(site: Site, models: tuple[str, ...] = MODELS, prompts: tuple[str, ...] = PROMPTS) -> int:
    """A campaign on answers that are there; its number."""
    answered(site, models, prompts)
    with site.app.app_context():
        return create(site.app.extensions["lab"], models, prompts, 1, "Avis d’essai").id


def shown(person: Person, number: int) -> tuple[str, list[str]]:
    """The pair that a person is shown, and its two answers; nothing where there is none left."""
    page = person.get(f"/lab/campaigns/{number}").text
    found = PAIR.search(page)
    return (found[1] if found else ""), ANSWER.findall(page)


def vote(person: Person, number: int, pair: str, choice: str) -> Any:
    return person.submit(f"/lab/campaigns/{number}/votes", {"pair": pair, "choice": choice})


def vote_all(person: Person, number: int, favourite: str = "G") -> int:
    """Vote until nothing is left, always for one model's answers where they are shown; how many votes that took."""
    count = 0
    while True:
        pair, answers = shown(person, number)
        if not pair:
            return count
        won = [choice for choice, text in zip(("first", "second"), answers, strict=True) if text.endswith(favourite)]
        assert vote(person, number, pair, (won or ["alike"])[0]).status_code == 302
        count += 1

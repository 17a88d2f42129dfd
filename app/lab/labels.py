"""A model's label, like a fridge's: its class, how long a mail takes here, its memory, and what it is good at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from sqlalchemy import delete, select

from app.extensions import db
from app.lab.stats import thresholds
from app.lab.stats.aggregate import SETTING
from app.lab.stats.ranking import Entry, leaderboard
from app.models.lab import Kind, LabLabel, LabMachine, LabRun, LabSample, Verdict


@dataclass(frozen=True, slots=True)
class Label:
    """`letter` A to F by `basis`, "energy" or "time", both empty where neither is known; `good_at`: categories.

    A model that failed has no letter, with the basis "failed", and no time: next to nothing is spent on a bad answer,
    and the best letter would recommend it.
    """

    letter: str
    basis: str
    mail_s: int | None
    ram_bytes: float | None
    good_at: tuple[str, ...]


def label(entry: Entry, categories: Mapping[str, str]) -> Label:
    """Of one line; `categories`: which one each task is of."""
    letter, basis, failed = "", "", entry.verdict == Verdict.FAILED
    if failed:
        basis = "failed"
    elif entry.energy_wh:
        letter, basis = _letter(entry.energy_wh.median, thresholds.ENERGY_CLASSES), "energy"
    elif entry.time_s:
        letter, basis = _letter(entry.time_s.median, thresholds.TIME_CLASSES), "time"
    known = entry.facts.get("ram_bytes") or None
    return Label(
        letter=letter,
        basis=basis,
        mail_s=rounded(entry.mail_s) if entry.mail_s is not None and not failed else None,
        ram_bytes=entry.ram_bytes.median if entry.ram_bytes else known,
        good_at=good_at(entry.by_task, categories),
    )


def by_model(entries: Iterable[Entry], categories: Mapping[str, str]) -> dict[str, Label]:
    """One label for each model, as the chat uses it: the line of the usual setting, else the first there is."""
    found: dict[str, Label] = {}
    for entry in sorted(entries, key=lambda one: one.setting != SETTING):
        if not entry.historical and entry.model not in found:
            found[entry.model] = label(entry, categories)
    return found


def publish(machine_id: int, categories: Mapping[str, str]) -> None:
    """Write the labels of what was measured on this machine where the chat finds them; commits.

    A machine of which nothing is known tells nothing against the labels there are: an engine that is away, or has
    other limits for a while, makes it look like another one. Only models whose every answer was deleted lose theirs.
    """
    entries = [entry for entry in leaderboard(machine_id) if entry.quality]
    if not entries:
        answered = select(LabSample.model).join(LabRun).join(LabMachine)
        answered = answered.where(LabSample.kind == Kind.TASK, LabMachine.source == "")
        db.session.execute(delete(LabLabel).where(LabLabel.model.not_in(answered)))
        db.session.commit()
        return
    db.session.execute(delete(LabLabel))
    for model, made in by_model(entries, categories).items():
        ram = None if made.ram_bytes is None else round(made.ram_bytes)
        # The chat calls the letter that of energy; what a class by time would say, the time of a mail says there.
        letter = made.letter if made.basis == "energy" else ""
        told = {"letter": letter, "mail_s": made.mail_s, "ram_bytes": ram, "good_at": list(made.good_at)}
        db.session.add(LabLabel(model=model, **told))
    db.session.commit()


def good_at(by_task: Mapping[str, float], categories: Mapping[str, str]) -> tuple[str, ...]:
    """The categories whose tasks it does well, the best first."""
    means: defaultdict[str, list[float]] = defaultdict(list)
    for task, mean in by_task.items():
        if task in categories:
            means[categories[task]].append(mean)
    well = {
        category: fmean(scores)
        for category, scores in means.items()
        if len(scores) >= thresholds.GOOD_AT_TASKS and fmean(scores) >= thresholds.GOOD_AT
    }
    return tuple(sorted(well, key=lambda category: (-well[category], category))[: thresholds.GOOD_AT_NAMED])


def rounded(seconds: float) -> int:
    """As one says it: 4 s, 25 s, 1 min 10."""
    step = 1 if seconds < 10 else 5 if seconds < 60 else 10
    return max(1, round(seconds / step) * step)


def _letter(value: float, bounds: tuple[float, ...]) -> str:
    return thresholds.LETTERS[sum(value > bound for bound in bounds)]

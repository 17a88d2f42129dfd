"""Model labels, like a fridge's energy label: energy class, mail time on this server, memory, and strong categories."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean

from sqlalchemy import delete, select

from app.extensions import db
from app.lab.stats.configurations import SETTING
from app.lab.stats.ranking import Entry, leaderboard
from app.models.lab import LabLabel, LabMachine, LabRun, LabSample, SampleKind, Verdict, is_proven

# The upper bounds of classes A to E: an answer's energy in Wh, or its seconds when the energy is not known.
LETTERS = "ABCDEF"
ENERGY_CLASSES = (0.05, 0.1, 0.25, 0.5, 1.0)
TIME_CLASSES = (10.0, 20.0, 40.0, 60.0, 120.0)
# "Good at" a category: mean quality at least this, over at least so many of its tasks; so many categories are named.
GOOD_AT, GOOD_AT_TASKS, GOOD_AT_NAMED = 80, 2, 3
# How the names of the tasks begin that tell whether a model may answer from passages, with the answer and without it.
# Short texts prove nothing: models that read them well may still fail with four passages.
READING, ABSTENTION = "passages-", "abstention-"
PROVEN_TASKS = 3


@dataclass(frozen=True, slots=True)
class Label:
    """A model's label: `letter` A to F by `basis` ("energy" or "time", both empty when neither is known).

    `mail_s`: seconds to answer a mail; `good_at`: categories, the best first; `reading`, `abstention`: mean scores of
    answering from passages and of saying that the answer is not there, None after too few tasks. A model that failed
    has no letter (its basis is "failed") and no mail time, since bad answers are cheap and would earn the best letter.
    """

    letter: str
    basis: str
    mail_s: int | None
    ram_bytes: int | None
    good_at: tuple[str, ...]
    reading: int | None = None
    abstention: int | None = None

    @property
    def proven(self) -> bool:
        """True if the model may answer from passages."""
        return is_proven(self.reading, self.abstention)


def label(entry: Entry, categories: Mapping[str, str]) -> Label:
    """The label of a leaderboard entry; `categories`: each task's category."""
    letter, basis, failed = "", "", entry.verdict == Verdict.FAILED
    if failed:
        basis = "failed"
    elif entry.energy_wh:
        letter, basis = LETTERS[bisect_left(ENERGY_CLASSES, entry.energy_wh.median)], "energy"
    elif entry.time_s:
        letter, basis = LETTERS[bisect_left(TIME_CLASSES, entry.time_s.median)], "time"
    ram = entry.ram_bytes.median if entry.ram_bytes else entry.facts.get("ram_bytes")
    return Label(
        letter=letter,
        basis=basis,
        mail_s=rounded(entry.mail_s) if entry.mail_s is not None and not failed else None,
        ram_bytes=round(ram) if ram else None,
        good_at=good_at(entry.by_task, categories),
        reading=mean_score(entry.by_task, READING),
        abstention=mean_score(entry.by_task, ABSTENTION),
    )


def by_model(entries: Iterable[Entry], categories: Mapping[str, str]) -> dict[str, Label]:
    """One label for each model with a quality: of its entry with the default setting, else of its first one."""
    found: dict[str, Label] = {}
    for entry in sorted(entries, key=lambda one: one.setting != SETTING):
        if entry.quality and not entry.historical and entry.model not in found:
            found[entry.model] = label(entry, categories)
    return found


def publish(machine_id: int, categories: Mapping[str, str]) -> None:
    """Replace the labels that the chat reads by those of this machine's measurements; commits.

    Without measurements on this machine the labels stay, since an unreachable engine or changed limits make it look
    like another machine; then only models without any answer left lose theirs.
    """
    labels = by_model(leaderboard(machine_id), categories)
    if not labels:
        answered = select(LabSample.model).join(LabRun).join(LabMachine)
        answered = answered.where(LabSample.kind == SampleKind.TASK, LabMachine.source == "")
        db.session.execute(delete(LabLabel).where(LabLabel.model.not_in(answered)))
        db.session.commit()
        return
    db.session.execute(delete(LabLabel))
    for model, made in labels.items():
        # The chat shows the letter as the energy class, and the mail time beside it: a class by time is left out.
        letter = made.letter if made.basis == "energy" else ""
        facts = asdict(made) | {"letter": letter, "good_at": list(made.good_at)}
        del facts["basis"]
        db.session.add(LabLabel(model=model, **facts))
    db.session.commit()


def good_at(by_task: Mapping[str, float], categories: Mapping[str, str]) -> tuple[str, ...]:
    """The categories in which the mean score is high enough over enough tasks, the best first."""
    means: defaultdict[str, list[float]] = defaultdict(list)
    for task, mean in by_task.items():
        if task in categories:
            means[categories[task]].append(mean)
    well = {
        category: fmean(scores)
        for category, scores in means.items()
        if len(scores) >= GOOD_AT_TASKS and fmean(scores) >= GOOD_AT
    }
    return tuple(sorted(well, key=lambda category: (-well[category], category))[:GOOD_AT_NAMED])


def mean_score(by_task: Mapping[str, float], beginning: str) -> int | None:
    """The mean score of the tasks whose names begin so; None with too few."""
    scores = [mean for task, mean in by_task.items() if task.startswith(beginning)]
    # Rounded down: nearly good enough is not.
    return int(fmean(scores)) if len(scores) >= PROVEN_TASKS else None


def rounded(seconds: float) -> int:
    """Round seconds as people say them: to 1 below 10, to 5 below a minute, else to 10; at least 1."""
    step = 1 if seconds < 10 else 5 if seconds < 60 else 10
    return max(1, round(seconds / step) * step)

"""What is recommended, in words: why it is best, and for reports one model for each machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from flask_babel import ngettext

from app.bench import names, words
from app.bench.figures.ranking import Entry
from app.bench.figures.tradeoff import PRESETS, Recommendation, Seen, recommend
from app.bench.showing import charts
from app.bench.showing.charts import Chart
from app.bench.showing.scatter import scatter
from app.formatting import number


@dataclass(frozen=True, slots=True)
class Advice:
    """`machine`: empty where there is but one; `estimated`: whether its energy is."""

    machine: str
    name: str
    score: int
    why: str
    certain: bool
    estimated: bool


def why(choice: Recommendation) -> str:
    """One sentence against the next one: what counts most comes first, and no difference that was not seen."""
    if not choice.seen:
        return words.sentence("choice_only" if choice.best else "choice_none")
    other = names.cell_name(choice.runners_up[0].model, choice.runners_up[0].setting)
    first, *rest = _hoped(choice.seen)
    better, worse = ([_amount(seen) for seen in rest if seen.verdict == verdict] for verdict in ("better", "worse"))
    alike = [_of(seen) for seen in rest if seen.verdict == "none"]
    if first.verdict == "none":
        parts = [_("No difference %(of_what)s was seen from %(other)s", of_what=_of(first), other=other)]
        parts += [_("nor %(of_what)s", of_what=one) for one in alike]
        parts += [_("but with %(gains)s", gains=_both(better))] if better else []
    else:
        parts = [_("%(amount)s than %(other)s", amount=_amount(first), other=other)]
        parts += [_("a difference that may be chance")] if first.verdict == "hoped" else []
        parts += [_("with %(gains)s", gains=_both(better))] if better else []
    parts += [_("for %(losses)s", losses=_both(worse))] if worse else []
    if first.verdict != "none" and alike:
        parts.append(_("without any difference %(of_what)s seen", of_what=_nor(alike)))
    return f"{', '.join(parts)}."


def _hoped(seen: Sequence[Seen]) -> list[Seen]:
    """Where nothing that was seen speaks for the best one and something against it, the figure that put it first is
    told first, as "hoped": a reason must not be none.
    """
    verdicts = {one.verdict for one in seen}
    unseen = [one for one in seen if one.verdict == "none" and one.amount]
    gains = [one for one in unseen if (one.amount > 0) == (one.aspect == "quality")]
    if "better" in verdicts or "worse" not in verdicts or not gains:
        return list(seen)
    return [replace(gains[0], verdict="hoped"), *(one for one in seen if one is not gains[0])]


def of_entries(entries: Sequence[Entry]) -> tuple[list[Advice], list[Chart]]:
    """The recommended models with balanced weights, and the pictures of the trade-off, machine by machine."""
    several = charts.several_machines(entries)
    found: list[Advice] = []
    pictures: list[Chart] = []
    for machine_id in dict.fromkeys(entry.machine_id for entry in entries):
        own = [entry for entry in entries if entry.machine_id == machine_id]
        machine = own[0].machine if several else ""
        choice = recommend(own, PRESETS["balanced"])
        if choice.best is not None:
            found.append(_advice(choice, choice.best, machine))
        if picture := scatter(own, choice):
            title = f"{picture.title} ({machine})" if machine else picture.title
            chart_id = f"{picture.id}-{machine_id}" if machine else picture.id
            pictures.append(replace(picture, id=chart_id, title=title, spec=picture.spec | {"label": title}))
    return found, pictures


def _advice(choice: Recommendation, best: Entry, machine: str) -> Advice:
    return Advice(
        machine=machine,
        name=charts.entry_name(best),
        score=choice.scores[best.key],
        why=why(choice),
        certain=choice.certain,
        estimated=best.energy_method == "estimated",
    )


def _amount(seen: Seen) -> str:
    """A difference, where there is one."""
    size, better = abs(seen.amount), seen.verdict != "worse"
    if seen.aspect == "quality":
        points = ngettext("%(count)s point", "%(count)s points", int(size), count=number(size, 0 if size >= 2 else 1))
        texts = _("%(points)s of quality more", points=points), _("%(points)s of quality less", points=points)
    elif seen.aspect == "speed":
        time = names.seconds(size)
        texts = _("%(time)s less for an answer", time=time), _("%(time)s more for an answer", time=time)
    elif seen.amount >= 1:
        return str(_("%(count)s times as much energy", count=number(1 + size, 1 if size < 9 else 0)))
    else:
        part = names.share(100 * size)
        texts = _("%(part)s less energy", part=part), _("%(part)s more energy", part=part)
    return str(texts[0] if better else texts[1])


def _of(seen: Seen) -> str:
    return str({"quality": _("of quality"), "speed": _("of time"), "sobriety": _("of energy")}[seen.aspect])


def _both(parts: Sequence[str]) -> str:
    one, *others = parts
    return str(_("%(one)s and %(other)s", one=one, other=others[0])) if others else one


def _nor(parts: Sequence[str]) -> str:
    one, *others = parts
    return str(_("%(one)s or %(other)s", one=one, other=others[0])) if others else one

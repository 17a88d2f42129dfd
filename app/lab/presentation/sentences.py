"""Sentences on the pages and in reports: the reasons of a recommendation, and the errors of runs, samples and plans."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.errors import AppError
from app.formatting import number
from app.lab import wording
from app.lab.measuring.plan import LIMITS
from app.lab.measuring.sampler import LONGEST_CHARACTERS
from app.lab.presentation import display
from app.lab.stats.tradeoff import AspectDifference, Recommendation
from app.models.lab import LabRun, LabSample

# Recommendations


def why_recommended(choice: Recommendation) -> str:
    """Explain a recommendation in one sentence: its significant differences from the runner-up, the heaviest first."""
    if not choice.seen:
        return wording.sentence("choice_only" if choice.best else "choice_none")
    other = display.entry_name(choice.runners_up[0])
    first, *rest = _gain_first(choice.seen)
    better, worse = ([_amount(seen) for seen in rest if seen.verdict == verdict] for verdict in ("better", "worse"))
    alike = [_of(seen) for seen in rest if seen.verdict == "none"]
    if first.verdict == "none":
        parts = [_("No difference %(of_what)s was seen from %(other)s", of_what=_of(first), other=other)]
        parts += [_("nor %(of_what)s", of_what=one) for one in alike]
        parts += [_("but with %(gains)s", gains=_both(better))] if better else []
    else:
        parts = [_("%(amount)s than %(other)s", amount=_amount(first), other=other)]
        parts += [_("a difference that may be chance")] if first.verdict == "uncertain" else []
        parts += [_("with %(gains)s", gains=_both(better))] if better else []
    parts += [_("for %(losses)s", losses=_both(worse))] if worse else []
    if first.verdict != "none" and alike:
        parts.append(_("without any difference %(of_what)s seen", of_what=_nor(alike)))
    return f"{', '.join(parts)}."


def _gain_first(seen: Sequence[AspectDifference]) -> list[AspectDifference]:
    """When all significant differences speak against the best entry, put its first better figure at the front.

    Its verdict becomes "uncertain" (it may be chance), so that the sentence names a reason for the recommendation.
    """
    verdicts = {one.verdict for one in seen}
    unseen = [one for one in seen if one.verdict == "none" and one.amount]
    gains = [one for one in unseen if (one.amount > 0) == (one.aspect == "quality")]
    if "better" in verdicts or "worse" not in verdicts or not gains:
        return list(seen)
    return [replace(gains[0], verdict="uncertain"), *(one for one in seen if one is not gains[0])]


def _amount(seen: AspectDifference) -> str:
    """A difference in words, as in « 3 s de moins pour une réponse »."""
    size, better = abs(seen.amount), seen.verdict != "worse"
    if seen.aspect == "quality":
        points = ngettext("%(count)s point", "%(count)s points", int(size), count=number(size, 0 if size >= 2 else 1))
        texts = _("%(points)s of quality more", points=points), _("%(points)s of quality less", points=points)
    elif seen.aspect == "speed":
        time = display.seconds(size)
        texts = _("%(time)s less for an answer", time=time), _("%(time)s more for an answer", time=time)
    elif seen.amount >= 1:
        return str(_("%(count)s times as much energy", count=number(1 + size, 1 if size < 9 else 0)))
    else:
        part = display.share(100 * size)
        texts = _("%(part)s less energy", part=part), _("%(part)s more energy", part=part)
    return str(texts[0] if better else texts[1])


def _of(seen: AspectDifference) -> str:
    return str({"quality": _("of quality"), "speed": _("of time"), "sobriety": _("of energy")}[seen.aspect])


def _both(parts: Sequence[str]) -> str:
    one, *others = parts
    return str(_("%(one)s and %(other)s", one=one, other=others[0])) if others else one


def _nor(parts: Sequence[str]) -> str:
    one, *others = parts
    return str(_("%(one)s or %(other)s", one=one, other=others[0])) if others else one


# Failures of runs and samples


def failure_sentence(failed: LabRun | LabSample) -> str:
    """Why a run or a sample failed; empty when it did not."""
    if isinstance(failed, LabSample):
        run, model, task = failed.run, failed.model, failed.prompt
    else:
        run, model, task = failed, ", ".join(failed.models), ", ".join(failed.plan.get("tasks", ()))
    # Runs measured by hand or imported may not name an engine.
    engine = run.engine.get("label") or _("The engine")
    params = {"engine": engine, "model": model, "task": task, "limit": LONGEST_CHARACTERS}
    return wording.error_sentence(failed.error_code, params) if failed.error_code else ""


# Plans


def refusal_sentence(error: AppError, names: Mapping[str, Any]) -> str:
    """Why a plan is refused, with the numbers that would be allowed. `names`: what its fields are called here."""
    field = error.params.get("field", "")
    name = str(names.get(field, field))
    if error.code != "invalid_field" or field not in LIMITS:
        return wording.error_sentence(error.code, error.params | {"field": name})
    low, high = (display.whole(number) for number in LIMITS[field])
    if field == "temperature":
        return str(_("“%(field)s” takes numbers from %(low)s to %(high)s.", field=name, low=low, high=high))
    return str(_("“%(field)s” takes whole numbers from %(low)s to %(high)s.", field=name, low=low, high=high))


def left_out_sentence(found: Mapping[tuple[int, int], Sequence[str]], blind: Sequence[str] = ()) -> str:
    """Sentences on the reading lengths that do not fit into a context (see `planning.left_out`), and on the models that
    are asked nothing about pictures; empty without any.
    """
    parts = [
        _(
            "%(length)s tokens do not fit into a context of %(context)s (%(models)s)",
            length=display.whole(length),
            context=display.whole(context),
            models=", ".join(models),
        )
        for (length, context), models in found.items()
    ]
    texts = _("Texts that are left out: %(texts)s.", texts="; ".join(parts)) if parts else ""
    models = ", ".join(blind)
    pictures = _("The questions about pictures are not for models that see none: %(models)s.", models=models)
    return " ".join(filter(None, (texts, pictures if blind else "")))

"""What is wrong with a plan, and what of it is left out, by the names that a form or a command has for its parts."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from app.bench import names
from app.bench.measuring.plan import LIMITS
from app.bench.showing import troubles
from app.errors import AppError


def refused(error: AppError, called: Mapping[str, Any]) -> str:
    """Why a plan is not taken, with the numbers that are. `called`: the parts as the reader knows them."""
    field = error.params.get("field", "")
    told = error.params | {"field": str(called.get(field, field))}
    if error.code != "invalid_field" or field not in LIMITS:
        return troubles.said(error.code, told)
    low, high = (names.whole(number) for number in LIMITS[field])
    if field == "temperature":
        return str(_("“%(field)s” takes numbers from %(low)s to %(high)s.", field=told["field"], low=low, high=high))
    return str(_("“%(field)s” takes whole numbers from %(low)s to %(high)s.", field=told["field"], low=low, high=high))


def left_out(found: Mapping[tuple[int, int], Sequence[str]]) -> str:
    """Which texts are not read, by which models; empty where all are."""
    parts = [
        _(
            "%(length)s tokens do not fit into a context of %(context)s (%(models)s)",
            length=names.whole(length),
            context=names.whole(context),
            models=", ".join(models),
        )
        for (length, context), models in found.items()
    ]
    return _("Texts that are left out: %(texts)s.", texts="; ".join(parts)) if parts else ""

"""Which models people found good or bad, and why: counts and reasons only."""

from flask import render_template

from app.admin.views import blueprint
from app.doctor.figures import number, percent
from app.guards import admin
from app.models import rating_stats


@blueprint.get("/ratings")
@admin
def ratings() -> str:
    """A row for each model that has answered, and the reasons that were given."""
    found = rating_stats.ratings_by_model()
    return render_template(
        "admin/ratings.html",
        page="admin",
        rated=any(each.share is not None for each in found),
        rows=[
            {
                "model": each.model,
                "answers": number(each.answers),
                "good": number(each.good),
                "bad": number(each.bad),
                "share": "–" if each.share is None else percent(each.share),
            }
            for each in found
        ],
        explained=[each for each in found if each.reasons],
    )

"""OpenAI's API under `/v1`, for the programs that people use already; each brings a personal token."""

from flask import Blueprint

from app.extensions import csrf

blueprint = Blueprint("api", __name__, url_prefix="/v1")
# No cookie is looked at here, so that no other site's page can use one.
csrf.exempt(blueprint)

from app.openai_api import views  # noqa: E402 - it adds its addresses to the blueprint

__all__ = ["blueprint", "views"]

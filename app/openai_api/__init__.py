"""An OpenAI-compatible API under `/v1`, for other programs; each request carries a personal token."""

from flask import Blueprint

from app.security import csrf

blueprint = Blueprint("openai_api", __name__, url_prefix="/v1")
# No CSRF protection: cookies are ignored here, so another site's page cannot use them.
csrf.exempt(blueprint)

from app.openai_api import views  # noqa: E402 - it adds its addresses to the blueprint

__all__ = ["blueprint", "views"]

"""Documents that people attach: taking them, having them read, giving what was read; and the page of one's files."""

from flask import Blueprint

blueprint = Blueprint("documents", __name__)

# Each module adds its routes to the blueprint.
from app.documents import api, my_files  # noqa: E402, F401

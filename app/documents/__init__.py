"""Documents that people attach: taking them, having them read, giving what was read; the page of one's files;
and libraries of documents for everybody.
"""

from flask import Blueprint

blueprint = Blueprint("documents", __name__)

# Each module adds its routes to the blueprint.
from app.documents import api, library_pages, my_files  # noqa: E402, F401

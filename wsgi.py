"""Create the WSGI application for gunicorn and the `flask` command."""

import os

import config
from app import create_app
from app.brand import BrandError
from app.engines import registry
from app.instance import adopt_settings

# Whatever the server and its commands write is for their user alone: the database, its copies, archives elsewhere.
os.umask(0o077)
settings = config.load_or_exit()
config.prepare_instance(settings)
if not adopt_settings(settings):
    settings["ENGINE"], settings["ENGINE_REASON"] = registry.choose(settings)
try:
    app = create_app(settings)
except BrandError as error:
    raise SystemExit(f"CouachGPT: {error}") from None

"""Build the Flask application in named steps; `create_app()` opens no connection and starts no thread."""

import logging
import os
import time
from pathlib import Path
from typing import Any

from flask import Flask
from flask_babel import Babel

from app import accounts, admin, assets, brand, chat, cli, documents, error_pages, openai_api, security, web
from app.accounts.settings import OneTimeTokens
from app.diagnostics import comparison
from app.diagnostics.host import Host
from app.documents.extractor import Extractor
from app.engines import registry
from app.engines.model_files import ModelFiles
from app.extensions import context_of, db
from app.generation.backends.memory import MemoryEventLog, MemorySignals
from app.generation.model_import import ModelImport
from app.generation.prompt import GenerationSettings
from app.generation.service import Generation
from app.lab import pages as lab_pages
from app.lab.service import Lab, LabSettings
from app.models.model_choice import default_model

ROOT = Path(__file__).resolve().parent.parent
# The longest question allowed (`web.MAX_CONTENT`), with every character written as a JSON escape.
MAX_REQUEST_BYTES = 3 * 1024 * 1024
# Database connections, all kept open: opening one takes longer than most queries, and those that SQLAlchemy calls
# overflow are closed as soon as they are given back. Errors do not name the parameters of statements: they are logged,
# and those may be what people wrote.
POOL = {"pool_size": 32, "max_overflow": 0, "hide_parameters": True}
# Request threads that event streams may not occupy, so that other requests are always served.
SPARE_THREADS = 16


def create_app(settings: dict[str, Any]) -> Flask:
    """Return the application for `settings` (from `config.load()`); ENGINE must be a concrete engine, not "auto"."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=None)
    _configure(app, settings)
    db.init_app(app)
    security.init_app(app)
    Babel(app, locale_selector=web.select_locale)
    web.init_app(app)
    error_pages.init_app(app)
    assets.init_app(app, brand.init_app(app, ROOT / "static"))
    make_services(app)
    for package in (accounts, chat, documents, lab_pages, admin, openai_api):
        app.register_blueprint(package.blueprint)
    cli.init_app(app)
    return app


def _configure(app: Flask, settings: dict[str, Any]) -> None:
    app.config.update(settings)
    app.config.update(
        SESSION_COOKIE_NAME="couachgpt",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=settings["SESSION_DAYS"] * 86_400,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=web.MAX_FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,
        SQLALCHEMY_ENGINE_OPTIONS=POOL | settings.get("SQLALCHEMY_ENGINE_OPTIONS", {}),
        BABEL_DEFAULT_LOCALE=settings["DEFAULT_LOCALE"],
    )
    # What `datetime.astimezone()` converts to in this process.
    os.environ["TZ"] = settings["TIMEZONE"]
    time.tzset()
    logging.basicConfig(level=settings["LOG_LEVEL"].upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if settings["TRUSTED_PROXIES"]:
        app.wsgi_app = security.ForwardedHeaders(  # type: ignore[method-assign]
            app.wsgi_app, settings["TRUSTED_PROXIES"], settings["PROXY_ADDRESSES"]
        )


def make_services(app: Flask) -> None:
    """Create the in-memory services of this process. Tests call it again to start with empty ones.

    Their threads start in the worker process (`gunicorn.conf.py`).
    """
    config = app.config
    generation = Generation(
        registry.make(config["ENGINE"], config),
        GenerationSettings(
            config["SYSTEM_PROMPT"],
            config["CONTEXT_TOKENS"],
            config["MAX_OUTPUT_TOKENS"],
            config["ENGINE_TIMEOUT"],
            config["TEMPERATURE"],
            all_proven=config["DOCUMENT_ANSWERS"] == "always",
            deferred_hours=config["DEFERRED_HOURS"],
        ),
        queue_max=config["QUEUE_MAX"],
        followers=max(config["THREADS"] - SPARE_THREADS, config["THREADS"] // 2),
        context=lambda: context_of(app),
        preference=lambda: default_model(app),
        event_log=MemoryEventLog(),
        signals=MemorySignals(),
    )
    watts = (config["LAB_WATTS_IDLE"], config["LAB_WATTS_FULL"])
    lab = Lab(
        generation.registry,
        generation.background,
        LabSettings(config["SYSTEM_PROMPT"], config["LAB_RUN_CODE"], watts),
        folder=Path(config["INSTANCE_DIR"]),
        context=lambda: context_of(app),
    )
    files = ModelFiles(config, Host().usable_memory())
    app.extensions |= {
        "generation": generation,
        "model_import": ModelImport(generation.registry, files, lambda: context_of(app)),
        "lab": lab,
        "extractor": Extractor(lambda: context_of(app)),
        "rate_limiter": security.RateLimiter(),
        "one_time_tokens": OneTimeTokens(),
    }
    comparison.init_app(app)

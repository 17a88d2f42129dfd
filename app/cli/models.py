"""`flask models`: list, pull and load the engine's models, and set the default one."""

import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import gettext as _

from app.cli.output import AppCommand, engine_unreachable
from app.engines.registry import VENDORS, can_be_pulled
from app.formatting import filesize
from app.generation.model_import import ImportPhase
from app.generation.model_registry import DefaultModel, ModelRegistry
from app.models import StoredSetting
from app.models.model_choice import DEFAULT_MODEL_SETTING, ENVIRONMENT, STORED
from app.web import generation, model_import

models = AppGroup("models", help="Models: list, pull, warm, set the default.")
models.command_class = AppCommand


def _registry() -> ModelRegistry:
    """Return the engine's models, read now; raises ClickException if the engine does not answer."""
    registry = generation().registry
    registry.refresh()
    if not registry.reachable:
        raise engine_unreachable(registry)
    return registry


def _default_line(default: DefaultModel) -> str:
    """Return a line with the default model and where it is set."""
    sources = {ENVIRONMENT: _("DEFAULT_MODEL in the environment or .env"), STORED: _("flask models set-default")}
    source = sources.get(default.source, _("built in"))
    return str(_("Default: %(name)s (%(source)s).", name=default.name or "-", source=source))


@models.command("list")
def list_models() -> None:
    """List the engine's models and, with Ollama, those of the catalogue that can be pulled."""
    registry = _registry()
    default = registry.default()
    click.echo(f"{registry.engine.label}, {registry.engine.url} ({current_app.config['ENGINE_REASON']})")
    for model in registry.models:
        marks = {
            _("default"): model.name == default.effective,
            _("loaded"): model.name in registry.loaded,
            _("can think"): model.thinking,
            _("sees pictures"): model.vision,
        }
        words = ", ".join(mark for mark, applies in marks.items() if applies)
        click.echo(f"  {model.name:28} {filesize(model.size_bytes):>10}  {model.description}  {words}".rstrip())
    for model in can_be_pulled(registry.engine, registry.models):
        missing = _("not installed: %(fix)s", fix=f"flask models pull {model.name}")
        size = filesize(model.size_bytes) if model.size_bytes else "–"
        click.echo(f"  {model.name:28} {size:>10}  {missing}")
    click.echo(_default_line(default))
    if default.effective and not default.installed:
        click.echo(
            _(
                "The model %(wanted)s is not installed here: answers come from %(used)s.",
                wanted=default.name,
                used=default.effective,
            )
        )
        if VENDORS[registry.engine.name].pulls:
            click.echo(f"  flask models pull {default.name}")


@models.command("pull")
@click.argument("name")
def pull(name: str) -> None:
    """Download a model with Ollama, showing the progress; an interrupted download goes on where it was."""
    engine = _registry().engine
    if not VENDORS[engine.name].pulls:
        raise click.ClickException(_("%(engine)s cannot download models: only Ollama can.", engine=engine.label))
    label = ""
    try:
        for progress in engine.pull(name):  # type: ignore[attr-defined]
            if progress.total:
                done = progress.completed / progress.total
                click.echo(
                    f"\r{progress.status:32} {done:6.1%}  {filesize(progress.completed):>10} / "
                    f"{filesize(progress.total)}  ",
                    nl=False,
                )
            elif progress.status != label:
                click.echo(f"\n{progress.status}", nl=False)
            label = progress.status
    finally:
        click.echo()
    click.echo(_("%(model)s is installed.", model=name))


@models.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(file: Path) -> None:
    """Copy a GGUF FILE into INSTANCE_DIR/models, load it and make it the default model."""
    importing, size = model_import(), file.stat().st_size
    with file.open("rb") as source, click.progressbar(length=size, label=file.name) as bar:

        def read(most: int) -> bytes:
            piece = source.read(most)
            bar.update(len(piece))
            return piece

        model = importing.receive(file.name, size, read)
    click.echo(_("%(model)s is installed.", model=model))
    click.echo(_("Loading %(model)s…", model=model))
    importing.load(model)
    state = importing.state
    if state is not None and state.failure is not None:
        raise state.failure
    if state is not None and state.phase == ImportPhase.WAITING:
        click.echo(_("No server runs here: it is loaded when one starts."))
    click.echo(_default_line(generation().registry.default()))


@models.command("warm")
@click.argument("name", required=False)
def warm(name: str | None) -> None:
    """Load a model (the default one when left out) and keep it loaded."""
    registry = _registry()
    wanted = registry.find(name or registry.default().effective or "").name
    click.echo(_("Loading %(model)s…", model=wanted))
    started = time.monotonic()
    registry.engine.warm(wanted)
    click.echo(_("%(model)s is loaded (%(seconds).1f s).", model=wanted, seconds=time.monotonic() - started))


@models.command("set-default")
@click.argument("name")
def set_default(name: str) -> None:
    """Choose the model proposed first; DEFAULT_MODEL in the environment or .env wins over it."""
    registry = _registry()
    model = registry.find(name)
    StoredSetting.put(DEFAULT_MODEL_SETTING, model.name)
    default = registry.default()
    click.echo(_("Stored: %(model)s.", model=model.name))
    if default.source == ENVIRONMENT:
        click.echo(_("It has no effect while DEFAULT_MODEL is set."))
    click.echo(_default_line(default))

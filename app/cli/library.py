"""`flask libraries`: make libraries of documents, fill them from files on the server, remove them."""

from collections.abc import Iterator
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import gettext as _

from app.cli.output import AppCommand
from app.extraction.reader import is_installed
from app.formatting import filesize
from app.models import File, Library, User, file_erasure
from app.models.file_store import file_store
from app.models.libraries import LONGEST_DESCRIPTION, LONGEST_NAME
from app.web import MAX_NAME, one_line

# Bytes that are read at a time.
PIECE = 1 << 20

libraries = AppGroup("libraries", help="Libraries: list, create, add documents, remove.")
libraries.command_class = AppCommand


def _named(name: str) -> Library:
    """Return the library of that name; raises ClickException."""
    library = Library.named(name)
    if library is None:
        raise click.ClickException(_("No library is called %(name)s.", name=name))
    return library


@libraries.command("list")
def list_libraries() -> None:
    """List the libraries with what is in them."""
    contents = File.by_library()
    for library in Library.all():
        inside = contents[library.id]
        state = _(
            "%(ready)s documents, %(pages)s pages; %(reading)s to be read, %(failed)s not read",
            ready=inside.ready,
            pages=inside.pages,
            reading=inside.reading,
            failed=inside.failed,
        )
        click.echo(f"{library.name}\t{state}\t{filesize(inside.size)}")


@libraries.command("create")
@click.argument("name")
@click.option("--description", default="", help="What is in it.")
def create_library(name: str, description: str) -> None:
    """Make an empty library."""
    shown = one_line(name)
    if not shown or len(shown) > LONGEST_NAME or len(one_line(description)) > LONGEST_DESCRIPTION:
        raise click.ClickException(_("A name has 1 to %(limit)d characters.", limit=LONGEST_NAME))
    Library.create(shown, one_line(description))
    click.echo(_("Library %(name)s created.", name=shown))


@libraries.command("add")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_files(name: str, files: tuple[Path, ...]) -> None:
    """Add files to a library; the server reads them, now or at its next start."""
    library = _named(name)
    if not is_installed():
        raise click.ClickException(_("Nobody can attach a file: what reads documents is not installed."))
    owner = next((user for user in User.everyone() if user.is_admin), None)
    if owner is None:
        raise click.ClickException(_("There is no administrator yet."))
    limit = int(current_app.config["FILE_MB"]) * 1_000_000
    for path in files:
        shown = one_line(path.name)[-MAX_NAME:] or "document"
        with file_store().arriving(_pieces(path), limit) as arrival:
            _file, is_new = File.take(owner.id, shown, arrival, 0, library_id=library.id)
        click.echo(_("%(name)s: added.", name=shown) if is_new else _("%(name)s: there already.", name=shown))


@libraries.command("remove")
@click.argument("name")
@click.confirmation_option(prompt="Erase this library and its documents?")
def remove_library(name: str) -> None:
    """Erase a library with its documents."""
    file_erasure.erase(file_erasure.remove_library(_named(name)))
    click.echo(_("The library “%(name)s” is erased.", name=name))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece

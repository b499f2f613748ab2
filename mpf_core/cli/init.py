"""``mpfctl init``: a configuration, a store with its key, and an embedded directory, ready to try requests on."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from mpf_core.cli.console import err
from mpf_core.cli.state import DEFAULT_FILE
from mpf_core.cli.template import config_text
from mpf_core.config import Config
from mpf_core.errors import ConfigError

DIRECTORY_FILE = "directory.db"
#: As the template has them.
STORE_FILE, KEY_FILE = "mpf.db", "mpf.key"
#: In the order in which they are put in their places: the configuration last, which makes the others be used.
FILES = (KEY_FILE, STORE_FILE, DIRECTORY_FILE, DEFAULT_FILE)
DOMAIN_ADMIN = "Administrator@fabrikam.com"
PLUGINS = ("mpf.directory", "mpf.error", "mpf.config", "mpf.ocs", "mpf.managed", "mpf.policy", "mpf.eventlog")


@click.command(
    short_help="Write mpf.toml, a store, and a directory to try things in.",
    epilog="""\b
Examples:
  mpfctl init
  mpfctl init trial && mpfctl --config trial/mpf.toml namespaces
""",
)
@click.argument("folder", required=False, default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the files that are there. What is in directory and store is lost.")
def init(folder: Path, force: bool) -> None:
    """Write mpf.toml, a store and an embedded directory with sample organizations to FOLDER (here, if not given).

    The store (mpf.db) is a journal of every request. What stands in it can be undone only with its key (mpf.key).
    """
    config = create(folder, force=force)
    option = "" if folder == Path() else f" --config {config}"
    err().print(
        f"Wrote {config}, and beside it {DIRECTORY_FILE}, {STORE_FILE} and its key, {KEY_FILE}.\n"
        f"Next:  mpfctl{option} namespaces\n"
        f'       mpfctl{option} describe "Managed Office Communications Server::CreateSipDomain"',
        soft_wrap=True,
    )


def create(folder: Path, *, force: bool = False) -> Path:
    """Write all `FILES` and return the configuration's path. Raises ConfigError when one is there, without ``force``."""
    there = [str(folder / name) for name in FILES if (folder / name).exists()]
    if there and not force:
        raise ConfigError(f"{' and '.join(there)}: there already. Use --force to replace what is there, data included.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {folder}: {error.strerror}") from error
    try:
        # In a folder of its own, so that what is there stays as it is until all of the new is known to work.
        with tempfile.TemporaryDirectory(prefix=".mpf-", dir=folder) as fresh:
            _make(Path(fresh))
            for name in FILES:
                _remove(folder / name)
                (Path(fresh) / name).replace(folder / name)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from error
    return folder / DEFAULT_FILE


def _make(folder: Path) -> None:
    """Make all files in an empty folder."""
    from mpf_core.store.opening import open_store

    settings = {"backend": "embedded", "path": DIRECTORY_FILE, **_create_directory(folder / DIRECTORY_FILE)}
    text = config_text(settings, DOMAIN_ADMIN, PLUGINS, _elevations())
    (folder / DEFAULT_FILE).write_text(text, encoding="utf-8", newline="\n")
    open_store(Config.load(folder / DEFAULT_FILE).store, folder).close()


def _remove(file: Path) -> None:
    """Remove a file, and what belongs to it if it is a database: SQLite's files, and engines' locks."""
    for end in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    shutil.rmtree(file.with_name(f"{file.name}.engines"), ignore_errors=True)


# The directory and the managed namespaces are plugins, which the core must work without: hence no imports at the top.


def _create_directory(path: Path) -> dict[str, str]:
    from mpf_directory import layout
    from mpf_directory.embedded import EmbeddedDirectory
    from mpf_directory.seed import seed_hosting_tree, share_pools

    with EmbeddedDirectory.create(path, server=layout.SERVER, base=layout.BASE) as directory:
        seed_hosting_tree(directory)
        share_pools(directory)
    return {"server": layout.SERVER, "base": str(layout.BASE)}


def _elevations() -> tuple[dict[str, Any], ...]:
    from mpf_managed import elevations

    return elevations()

"""``mpfctl init``: a configuration and an embedded directory with a sample hosting tree, ready to try requests on."""

from __future__ import annotations

from pathlib import Path

import click

from mpf_core.cli.console import err
from mpf_core.cli.state import DEFAULT_FILE
from mpf_core.cli.template import config_text
from mpf_core.config import Config
from mpf_core.errors import ConfigError

DIRECTORY_FILE = "directory.db"
DOMAIN_ADMIN = "Administrator@fabrikam.com"
PLUGINS = ("mpf.directory", "mpf.error", "mpf.ocs", "mpf.managed", "mpf.policy", "mpf.eventlog")


@click.command(
    short_help="Write mpf.toml and a directory to try things in.",
    epilog="""\b
Examples:
  mpfctl init
  mpfctl init trial && mpfctl --config trial/mpf.toml namespaces
""",
)
@click.argument("folder", required=False, default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the files that are there. What is in the directory is lost.")
def init(folder: Path, force: bool) -> None:
    """Write mpf.toml and an embedded directory with sample organizations to FOLDER (here, if not given)."""
    config = create(folder, force=force)
    option = "" if folder == Path() else f" --config {config}"
    err().print(
        f"Wrote {config} and {config.parent / DIRECTORY_FILE}.\n"
        f"Next:  mpfctl{option} namespaces\n"
        f'       mpfctl{option} describe "Managed Office Communications Server::CreateSipDomain"',
        soft_wrap=True,
    )


def create(folder: Path, *, force: bool = False) -> Path:
    """Write both files and return the path of the configuration. Raises ConfigError when one is there, without ``force``."""
    config, directory = folder / DEFAULT_FILE, folder / DIRECTORY_FILE
    there = [str(path) for path in (config, directory) if path.exists()]
    if there and not force:
        raise ConfigError(f"{' and '.join(there)}: there already. Use --force to replace what is there, data included.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {folder}: {error.strerror}") from error
    try:
        fresh = directory.with_name(f".{directory.name}.new")
        try:
            _remove(fresh)
            settings = {"backend": "embedded", "path": directory.name, **_create_directory(fresh)}
            text = config_text(settings, DOMAIN_ADMIN, PLUGINS, _elevations())
            _remove(directory)
            fresh.replace(directory)
        finally:
            _remove(fresh)
        config.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from error
    Config.load(config)
    return config


def _remove(database: Path) -> None:
    """Remove an SQLite file and what SQLite keeps beside it, which belongs to no other file."""
    for end in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + end).unlink(missing_ok=True)


# The directory and the managed namespaces are plugins, which the core must work without: hence no imports at the top.


def _create_directory(path: Path) -> dict[str, str]:
    from mpf_directory import layout
    from mpf_directory.embedded import EmbeddedDirectory
    from mpf_directory.seed import seed_hosting_tree

    with EmbeddedDirectory.create(path, server=layout.SERVER, base=layout.BASE) as directory:
        seed_hosting_tree(directory)
    return {"server": layout.SERVER, "base": str(layout.BASE)}


def _elevations() -> tuple[dict[str, str], ...]:
    from mpf_managed import elevations

    return elevations()

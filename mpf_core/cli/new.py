"""``mpfctl new``: a small package to begin with, which installs and whose tests pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

import click

from mpf_core.cli.console import err
from mpf_core.cli.scaffold import KINDS, Names, files
from mpf_core.errors import ConfigError
from mpf_core.loader import installed_namespaces

_NEXT = """\
Wrote {count} files to {folder}. Next:
  pip install -e "{path}[test]"
  pytest "{path}"
  mpfctl plugins enable {plugin}       where mpf.toml is; `mpfctl init` writes one
{readme} goes on from there."""


@click.command(
    short_help="Write a package of your own to begin with.",
    epilog="""\b
Examples:
  mpfctl new provider "Fabrikam Phones"        a namespace with a provider in Python
  mpfctl new namespace "Fabrikam Groups"       procedures in XML that call those of other namespaces
  mpfctl new policy "Fabrikam Freeze" -o freeze

\b
Exit codes: 0 written, 1 a file could not be written, 2 usage, or there is something already
""",
)
@click.argument("kind", type=click.Choice(list(KINDS)), metavar="namespace|provider|policy")
@click.argument("name")
@click.option(
    "-o",
    "--directory",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to write it; a folder that is called like the package, if not given.",
)
def new(kind: str, name: str, folder: Path | None) -> None:
    """Write a package that installs, runs, and has tests that pass: change it until it does what you want.

    NAME is the namespace's name, or the policy's; the names of package and plugin are made from it.
    """
    names = Names.of(name)
    if kind != "policy":
        _check_namespace(names)
    folder = folder or Path(names.distribution)
    texts = files(kind, names)
    write(texts, folder)
    # To pip, a name without a slash is that of a package on an index.
    path = folder if folder.is_absolute() else f"./{folder}"
    text = _NEXT.format(count=len(texts), folder=folder, path=path, plugin=names.plugin, readme=folder / "README.md")
    err().print(text, soft_wrap=True, markup=False, highlight=False)


def _check_namespace(names: Names) -> None:
    """Raises ConfigError for the name of a namespace that an installed plugin brings: no engine loads two of that name."""
    for plugin, namespace in installed_namespaces():
        if namespace.casefold() == names.name.casefold() and plugin != names.plugin:
            raise ConfigError(
                f"'{names.name}' cannot be a name: it is a namespace of the plugin '{plugin}'. Put another word before it: "
                f'"Fabrikam {names.name}".'
            )


def write(texts: Mapping[PurePath, str], folder: Path) -> None:
    """Write all files by their paths in a folder, or none. Raises ConfigError when one of them is there, and OSError."""
    there = [str(folder / path) for path in texts if (folder / path).exists()]
    if there:
        raise ConfigError(f"{' and '.join(there)}: there already. Nothing was written; -o names another folder.")
    written: list[Path] = []
    try:
        for path, text in texts.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                written.append(target)
                file.write(text)
    except OSError:
        for target in written:
            target.unlink(missing_ok=True)
        raise

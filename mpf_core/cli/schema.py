"""``mpfctl schema``: what editors complete and check files by."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import click

from mpf_core.cli.console import err


def _config() -> str:
    from mpf_core.config_schema import config_schema
    from mpf_core.plugins import settings_models

    return json.dumps(config_schema(settings_models()), indent=2) + "\n"


def _provisioning() -> str:
    return files("mpf_core.validation").joinpath("provisioning.xsd").read_text(encoding="utf-8")


_SCHEMAS: dict[str, Callable[[], str]] = {"config": _config, "provisioning": _provisioning}


@click.command(
    short_help="Print schemas for editors: of mpf.toml, of namespaces and requests.",
    epilog="""\b
Examples:
  mpfctl schema config -o mpf.schema.json               JSON Schema of mpf.toml
  mpfctl schema provisioning -o provisioning.xsd        XML Schema of namespace files and requests

\b
Exit codes: 0 printed, 1 the file could not be written, 2 usage
""",
)
@click.argument("kind", type=click.Choice(list(_SCHEMAS)), metavar="config|provisioning")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there, not here."
)
def schema(kind: str, output: Path | None) -> None:
    """Print a schema by which editors complete and check what you write; docs/editors.md says how to switch it on.

    That of mpf.toml knows the tables of all installed plugins that tell their model (`settings_model`).
    """
    text = _SCHEMAS[kind]()
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        err().print(f"Wrote {output}.", soft_wrap=True)

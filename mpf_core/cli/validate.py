"""``mpfctl validate``: find every mistake in requests and namespace files, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mpf_core import xml
from mpf_core.admission import admit
from mpf_core.cli.console import out
from mpf_core.config import Limits
from mpf_core.errors import ConfigError, MpfError, Violation
from mpf_core.loader import find_namespaces, load_namespace
from mpf_core.validation.documents import check_request

EXIT_NOT_VALID = 1


@click.command(
    short_help="Find every mistake in requests and namespace files.",
    epilog="""\b
Examples:
  mpfctl validate request.xml
  mpfctl validate namespaces/*.xml my-namespace-folder/
""",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.pass_context
def validate(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Check request files, namespace files and namespace folders. Needs no configuration."""
    failed = 0
    console = out()
    for file in files:
        kind, problems = _check(file)
        if problems:
            failed += 1
            console.print(f"{file}: not valid", style="red", soft_wrap=True)
            for problem in problems:
                console.print(f"  {problem}", soft_wrap=True)
        else:
            console.print(f"{file}: valid {kind}", soft_wrap=True)
    if failed:
        ctx.exit(EXIT_NOT_VALID)


def _check(file: Path) -> tuple[str, Sequence[Violation]]:
    """What kind of document it is, and its mistakes."""
    try:
        root = None if file.is_dir() else xml.parse_file(file)
    except MpfError as error:
        return "document", [Violation(error.description, file=str(file))]
    if root is not None:
        xml.strip_provisioning_namespace(root)
        if root.tag == "request":
            return "request", _check_request(file)
        if root.tag != "namespace":
            return "document", [Violation(f"the root is <{root.tag}>; it must be <request> or <namespace>", file=str(file))]
    problems: list[Violation] = []
    try:
        places = find_namespaces(file)
    except ConfigError as error:
        return "namespace", [Violation(str(error))]
    if not places:
        return "namespace", [Violation("the folder holds no namespace", file=str(file))]
    for place in places:
        try:
            load_namespace(place)
        except ConfigError as error:
            problems += error.problems or [Violation(str(error), file=str(place))]
    return "namespace" if len(places) == 1 else f"folder of {len(places)} namespaces", problems


def _check_request(file: Path) -> Sequence[Violation]:
    """The mistakes that a request shows without being sent; who may send it is another matter."""
    source = file.read_bytes()
    limits = Limits()
    try:
        root = xml.parse(source, limit=limits.document_bytes)
        xml.strip_provisioning_namespace(root)
        if root.find("procedure") is not None:
            admit(source, None, None, limits, lambda _permission: True)
        else:
            check_request(root)
    except MpfError as error:
        found = error.violations or (Violation(error.description),)
        return [Violation(item.message, item.path, item.line, item.file or str(file)) for item in found]
    return ()

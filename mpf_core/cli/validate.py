"""``mpfctl validate``: find every mistake in requests and namespace files, without sending anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from mpf_core import xml
from mpf_core.admission import admit
from mpf_core.cli.console import out
from mpf_core.cli.state import State
from mpf_core.config import Limits
from mpf_core.errors import ConfigError, MpfError, Violation
from mpf_core.loader import find_namespaces, load_namespace
from mpf_core.model import Access
from mpf_core.provider import Element
from mpf_core.validation.documents import check_request

EXIT_NOT_VALID = 1
STANDARD_INPUT = Path("-")


@click.command(
    short_help="Find every mistake in requests and namespace files.",
    epilog="""\b
Examples:
  mpfctl validate request.xml
  mpfctl validate namespaces/*.xml my-namespace-folder/
  generate-request | mpfctl validate -
""",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.pass_context
def validate(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Check request files (- for standard input), namespace files and namespace folders.

    Only the form is checked: not whether a procedure takes these arguments, nor who may call it. Needs no configuration;
    where there is one, requests that call what is not loaded, or not public, get a warning.
    """
    state = ctx.find_object(State)
    assert state is not None
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
            console.print(f"{file}: valid {kind.name}", soft_wrap=True)
        for warning in _warnings(state, kind.calls):
            console.print(f"  warning: {warning}", soft_wrap=True)
    if failed:
        ctx.exit(EXIT_NOT_VALID)


class Kind(NamedTuple):
    """What kind of document it is, and the calls in it that say whom they call, if it is a request."""

    name: str
    calls: Sequence[Element] = ()


def _check(file: Path) -> tuple[Kind, Sequence[Violation]]:
    """What a file or folder holds, and the mistakes in it."""
    if file.is_dir():
        return _check_namespaces(file)
    try:
        source = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
        root = xml.parse(source, limit=None, name="document")
    except OSError as error:
        return Kind("document"), [Violation(f"it cannot be read: {error.strerror or error}", file=str(file))]
    except MpfError as error:
        return Kind("document"), [Violation(error.description, file=str(file))]
    return _check_document(file, source, root)


def _check_document(file: Path, source: bytes, root: Element) -> tuple[Kind, Sequence[Violation]]:
    """What a document is by its root, and the mistakes in it."""
    xml.strip_provisioning_namespace(root)
    if root.tag == "request":
        calls = [call for call in root.iter("execute") if call.get("namespace") and call.get("procedure")]
        return Kind("request", calls), _check_request(file, source)
    if root.tag != "namespace":
        return Kind("document"), [
            Violation(f"the root is <{root.tag}>; it must be <request> or <namespace>", file=str(file))
        ]
    if file == STANDARD_INPUT:
        return Kind("namespace"), [Violation("a namespace is known by its file, so name the file instead", file=str(file))]
    return _check_namespaces(file)


def _check_namespaces(path: Path) -> tuple[Kind, Sequence[Violation]]:
    """The mistakes in a namespace file, or in the namespaces of a folder."""
    kind = Kind("namespace")
    problems: list[Violation] = []
    try:
        places = find_namespaces(path)
    except ConfigError as error:
        return kind, [Violation(str(error))]
    if not places:
        return kind, [Violation("the folder holds no namespace", file=str(path))]
    for place in places:
        try:
            load_namespace(place)
        except ConfigError as error:
            problems += error.problems or [Violation(str(error), file=str(place))]
    return kind if len(places) == 1 else Kind(f"folder of {len(places)} namespaces"), problems


def _check_request(file: Path, source: bytes) -> Sequence[Violation]:
    """The mistakes that a request shows without being sent; who may send it is another matter."""
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


def _warnings(state: State, calls: Sequence[Element]) -> Iterator[str]:
    """What the configuration at hand does not offer of the calls in a request; nothing without a configuration."""
    if not calls:
        return
    try:
        runtime = state.loaded.runtime
    except ConfigError:  # this command is for people who have none that works yet, too
        return
    for call in calls:
        try:
            _, procedure = runtime.procedure(call.get("namespace", ""), call.get("procedure", ""))
        except MpfError as error:
            yield f"line {xml.line_of(call)}: {error.description}"
        else:
            if procedure.access is Access.PRIVATE:
                yield f"line {xml.line_of(call)}: {procedure.full_name} is private: only other procedures may call it."

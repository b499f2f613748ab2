"""Sample requests, sent to an engine of this moment, and what it answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from lxml import etree

from mpf_core.cli.samples import arguments_of, element_of, request_with
from mpf_core.errors import MpfError
from mpf_core.model import Procedure
from mpf_core.validation.arguments import Argument
from scripts.write_reference.stages import STAGES, Name, Stage
from tests.kills.requests import request
from tests.kills.scenarios import SCENARIOS
from tests.kills.scenarios_acl import lend_access_control_lists
from tests.namespaces.support import DOMAIN_ADMIN, Site, make_site

#: Who sends every sample: may send steps, and call private procedures.
SENDER = DOMAIN_ADMIN.name
#: Map files for the translation of errors.
_MAPS = Path(__file__).with_name("maps")

_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_SID = re.compile(r"S-1-5-21-\d+-\d+-\d+")


class SampleError(Exception):
    """A page cannot be made, because a sample did not do what it would say, or for want of something to say."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A request and its response; ``before`` names the procedures that were called first."""

    request: str
    response: str
    before: tuple[Name, ...] = ()
    error: MpfError | None = None


@contextmanager
def stage_set() -> Iterator[None]:
    """Let embedded directories have access control lists, which some procedures are about, while this lasts."""
    with ExitStack() as stack:

        def lend(type_: type, name: str, value: object) -> None:
            stack.enter_context(mock.patch.object(type_, name, value, create=True))

        lend_access_control_lists(lend)
        yield


def run(procedure: Procedure) -> Sample:
    """Send the sample of ``procedure`` to a site of its own, inside of `stage_set`.

    Raises SampleError when its setup fails, or when it fails though it should not, or the other way round.
    """
    stage = STAGES.get((procedure.namespace, procedure.name), Stage())
    setup = stage.setup if stage.setup is not None else _first_setup(procedure)
    document = _pretty(stage.request) if stage.request else request_with(procedure, _arguments(procedure, stage))
    with make_site(settings={"mpf.error": {"root_folder": str(_MAPS)}}) as site:
        for step in setup:
            _prepare(site, procedure, step)
        result = site.engine.execute(document, DOMAIN_ADMIN)
    code = result.error.code if result.error else None
    if code != stage.fails:
        raise SampleError(f"{procedure.full_name}: {result.error or 'no error'}; say what it needs in stages.py")
    before = tuple(name for step in setup for name in _called(step))
    return Sample(document, masked(_pretty(result.document)), before, result.error)


def _first_setup(procedure: Procedure) -> tuple[str, ...]:
    names = (procedure.namespace, procedure.name)
    return next((one.setup for one in SCENARIOS if (one.namespace, one.procedure) == names), ())


def _arguments(procedure: Procedure, stage: Stage) -> list[etree._Element]:
    arguments = {one.name: one for one in arguments_of(procedure)}
    unknown = (stage.arguments.keys() | stage.without) - arguments.keys()
    if unknown:
        raise SampleError(f"{procedure.full_name}: stages.py names {', '.join(sorted(unknown))}, which are no arguments")
    return [_element(one, stage) for name, one in arguments.items() if name not in stage.without]


def _element(argument: Argument, stage: Stage) -> etree._Element:
    content = stage.arguments.get(argument.name)
    if content is None:
        return element_of(argument)
    if content.startswith(f"<{argument.name} "):
        return etree.fromstring(content)
    if argument.children:
        return etree.fromstring(f"<{argument.name}>{content}</{argument.name}>")
    element = etree.Element(argument.name)
    element.text = content
    return element


def _prepare(site: Site, procedure: Procedure, step: str) -> None:
    result = site.engine.execute(request(step), DOMAIN_ADMIN)
    if result.error is not None:
        raise SampleError(f"{procedure.full_name}: before it, {result.error}")


def _called(step: str) -> Sequence[Name]:
    calls = etree.fromstring(f"<steps>{step}</steps>").iterfind("execute")
    return [(call.get("namespace", ""), call.get("procedure", "")) for call in calls]


def _pretty(document: str | bytes) -> str:
    root = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    for element in root.iter(etree.Element):
        if len(element) == 0 and not (element.text or "").strip():
            element.text = None  # white space that is left of what was moved away
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def masked(text: str) -> str:
    """Generated ids by their kind, so that a response is the same every time."""
    return _SID.sub("S-1-5-21-{domain}", _GUID.sub("{guid}", text))

"""Simple requests for any procedure, with one of its arguments in the hands of an attacker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from mpf_core import Caller, Result
from mpf_core.cli.samples import arguments_of, element_of
from mpf_core.model import Access, Procedure
from mpf_core.security.declarations import Declared
from tests.namespaces.support import ALPINE, JOHN, Site, ldap


def public_procedures(site: Site) -> Iterator[Procedure]:
    """Every procedure that a request may name."""
    for namespace in site.engine.namespaces.values():
        yield from (one for one in namespace.procedures.values() if one.access is Access.PUBLIC)


def declared_objects(procedure: Procedure) -> Mapping[str, Declared]:
    """The arguments that name an object."""
    schema = procedure.input_schema
    assert schema is not None
    return {name: one for name, one in schema.declared.items() if one.kind in {"object", "container"}}


def own(procedure: Procedure, name: str) -> str:
    """An object of AlpineSkiHouse for an argument."""
    return ldap(JOHN if name in {"user", "userDN", "member"} else ALPINE)


def send(site: Site, procedure: Procedure, caller: Caller, name: str, value: str) -> Result:
    """Call it with ``value`` in one argument, and what is the caller's own in the others."""
    data = etree.Element("data")
    objects = declared_objects(procedure)
    for argument in arguments_of(procedure):
        if argument.name == name:
            etree.SubElement(data, name).text = value
        elif argument.required:
            element = element_of(argument)
            if argument.name in objects:
                element.text = own(procedure, argument.name)
            data.append(element)
    if data.find(name) is None:  # not among the arguments of the first level
        etree.SubElement(data, name).text = value
    request = b"<request>" + etree.tostring(data) + b"</request>"
    return site.engine.execute(request, caller, namespace=procedure.namespace, procedure=procedure.name)

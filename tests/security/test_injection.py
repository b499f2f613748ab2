"""Values are never code: what a value holds changes no filter, no name and no path that the engine makes of it.

Every argument of every public procedure, filled with characters that mean something in filters and names, is compared with
itself, filled with plain letters: what reaches the directory has the same shapes. Requests are planned, as an administrator
who may everything, so that nothing stops them early and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import product

import pytest
from lxml import etree

from mpf_core import Plan
from mpf_core.cli.samples import arguments_of, element_of
from mpf_core.model import Procedure
from mpf_core.security.identity import Identity
from mpf_directory.backends import Backend
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directories, Directory, Entry, Scope
from mpf_directory.service import DirectoriesService
from tests.namespaces.support import ALPINE, DOMAIN_ADMIN, Site, ldap, make_site
from tests.security.requests import declared_objects, own, public_procedures

#: The plain values that the shapes are taken from: a word, a name of an account, a domain, an address, a flag, an object.
PLAIN = ("word", "word@alpineskihouse.com", "word.example.com", "true")
OBJECT = f"LDAP://CN=word,{ALPINE}"
#: What takes the place of the word. A comma belongs to what an object is called, so the last one is for other arguments.
CODE = ("*)(objectClass=*", "word\\2a*")
NAME = 'word"+CN=x,OU=FourthCoffee'


class Listener(DelegatingDirectory):
    """Notes the shapes of what it is asked."""

    def __init__(self, directory: Directory, shapes: set[Hashable]) -> None:
        super().__init__(directory)
        self._shapes = shapes

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        self._shapes.add(("read", shape(dn)))
        return super().read(dn, attributes)

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - LDAP's word
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        self._shapes.add(("search", shape(base), scope, shape(filter)))
        return super().search(base, scope, filter, attributes, limit)


class ListeningBackend:
    """Puts a listener before every directory."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.shapes: set[Hashable] = set()

    def open(self, identity: Identity, controller: str, deadline: float | None) -> Listener:
        return Listener(self._backend.open(identity, controller, deadline), self.shapes)

    def account(self, identity: Identity) -> Hashable:
        return self._backend.account(identity)

    def verify_password(self, dn: Dn, password: str, controller: str) -> bool:
        return self._backend.verify_password(dn, password, controller)

    def close(self) -> None:
        self._backend.close()

    def take(self) -> set[Hashable]:
        taken, self.shapes = self.shapes, set()
        return taken


def shape(value: object) -> Hashable:
    """What is left without the values: types and attributes, and how they are put together."""
    if isinstance(value, Dn):
        return (
            value.form,
            tuple(rdn.type.lower() for rdn in value.rdns),
            str(value.container.rdns[-4:]) if value.rdns else "",
        )
    if is_dataclass(value):
        parts = ((one.name, getattr(value, one.name)) for one in fields(value))
        return (
            type(value).__name__,
            tuple(part if name in {"attribute", "relation"} else shape(part) for name, part in parts),
        )
    if isinstance(value, tuple):
        return tuple(map(shape, value))
    return type(value).__name__


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[Site, ListeningBackend]]:
    with make_site() as site:
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        service = site.engine.services.get(Directories)  # type: ignore[type-abstract]
        assert isinstance(service, DirectoriesService)
        service._backend = backend = ListeningBackend(service._backend)
        yield site, backend


def planned(site: Site, procedure: Procedure, attacked: str, value: str) -> Plan:
    """A plan for one value in one argument, and samples in the others."""
    data = etree.Element("data")
    objects = declared_objects(procedure)
    for argument in arguments_of(procedure):
        if argument.name == attacked:
            etree.SubElement(data, attacked).text = value
        elif argument.required:
            element = element_of(argument)
            if argument.name in objects:
                element.text = own(procedure, argument.name)
            data.append(element)
    request = b"<request>" + etree.tostring(data) + b"</request>"
    return site.engine.plan(request, DOMAIN_ADMIN, namespace=procedure.namespace, procedure=procedure.name)


@pytest.mark.slow
def test_no_value_changes_what_the_directory_is_asked(listening: tuple[Site, ListeningBackend]) -> None:
    site, backend = listening
    changed, compared, heard = [], 0, 0
    for procedure in public_procedures(site):
        objects = declared_objects(procedure)
        for argument in arguments_of(procedure):
            plain, code = ((OBJECT,), CODE) if argument.name in objects else (PLAIN, (*CODE, NAME))
            for value in plain:
                planned(site, procedure, argument.name, value)
            known = backend.take()
            for value, instead in (*product(plain[:1], code), *((other, CODE[0]) for other in plain[1:3])):
                planned(site, procedure, argument.name, value.replace("word", instead))
                asked = backend.take()
                compared, heard = compared + 1, heard + len(asked)
                if not asked <= known:
                    changed.append((procedure.full_name, argument.name, value, instead, asked - known))
    assert changed == []
    assert compared > 500
    assert heard > 1000

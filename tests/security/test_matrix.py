"""The matrix: every procedure, every caller, every place of every object that it names, called directly and by another one.

What is loaded is held to a table written by hand. A new public procedure fails here until it stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from lxml import etree

from mpf_config import ConfigPlugin
from mpf_core import Caller, Engine, hookimpl
from mpf_core.cli.samples import arguments_of, element_of
from mpf_core.model import Access, Procedure
from mpf_core.security.calls import Call, Decision
from mpf_directory.seed import share_pools
from tests.namespaces.support import BASE, Site, ldap, make_site
from tests.security.roles_by_hand import CALLERS, CUSTOMER, PLACES, ROLES, allowed
from tests.support import for_anybody

pytestmark = pytest.mark.slow

_STOPPED = 0x80040001


class Wrapper:
    """Lets authorized calls go no further, and brings a procedure for each other one that only calls it."""

    name = "wrapper"

    def __init__(self, file: Path) -> None:
        self.file = file

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        return [self.file]

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        if call.procedure.namespace == "Wrapper":
            return Decision(True)
        return Decision(False, "authorized", _STOPPED)


def wrapper(procedures: list[Procedure]) -> str:
    bodies = "".join(
        f'<procedure name="P{number}" type="read" access="public"><execute namespace="{one.namespace}" procedure="{one.name}" '
        'impersonate="1"><before source="data" sourcePath="*" destination="executeData" ifNull="ignore"/></execute></procedure>'
        for number, one in enumerate(procedures)
    )
    return for_anybody(f'<namespace name="Wrapper">{bodies}</namespace>')


def procedures_of(engine: Engine, access: Access) -> list[Procedure]:
    return [
        procedure
        for namespace in engine.namespaces.values()
        if namespace.name != "Wrapper"
        for procedure in namespace.procedures.values()
        if procedure.access is access
    ]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, list[Procedure]]]:
    with make_site(ConfigPlugin()) as site:
        known = [*procedures_of(site.engine, Access.PUBLIC), *procedures_of(site.engine, Access.PRIVATE)]
    file = tmp_path_factory.mktemp("matrix") / "wrapper.xml"
    file.write_text(wrapper(known))
    with make_site(ConfigPlugin(), Wrapper(file)) as site:
        share_pools(site.directory)
        yield site, known


def data_for(procedure: Procedure, values: dict[str, str]) -> str:
    """The sample of its arguments, with these in the place of theirs."""
    data = etree.Element("data")
    data.extend(element_of(argument) for argument in arguments_of(procedure) if argument.required)
    for element in data.iter():
        if element.tag in values:
            element.text = values[str(element.tag)]
            for child in list(element):
                element.remove(child)
    for element in data.iter("userPrincipalName"):
        element.text = "bob"  # the sample's suffix is one organization's: tests/security/test_suffixes.py
    for name in values.keys() - {str(element.tag) for element in data.iter()}:
        etree.SubElement(data, name).text = values[name]
    return etree.tostring(data).decode()


def verdict(site: Site, caller: str, namespace: str, procedure: str, data: str) -> bool:
    error = site.engine.execute(f"<request>{data}</request>", Caller(caller), namespace=namespace, procedure=procedure).error
    assert error is not None
    if error.code != _STOPPED:
        assert error.code in {0x80070005, 0x80070057}, error
        assert "Access denied" in error.description or "Insufficient Privilege" in error.description, error
    return error.code == _STOPPED


def place(name: str) -> str:
    return ldap(f"{name},{BASE}")


def test_every_public_procedure_stands_in_the_table(everything: tuple[Site, list[Procedure]]) -> None:
    site, _ = everything
    public = {procedure.full_name: procedure for procedure in procedures_of(site.engine, Access.PUBLIC)}
    assert set(ROLES) == set(public)
    for name, (_role, arguments) in ROLES.items():
        declared = public[name].input_schema.declared  # type: ignore[union-attr]
        objects = {argument for argument, one in declared.items() if one.kind in {"object", "container"}}
        if ROLES[name][0] != "DomainAdmins":
            assert objects == set(arguments), name


@pytest.mark.parametrize("caller", CALLERS)
def test_public_procedures(everything: tuple[Site, list[Procedure]], caller: str) -> None:
    site, known = everything
    wrong = []
    for number, procedure in enumerate(known):
        if procedure.access is not Access.PUBLIC:
            continue
        arguments = ROLES[procedure.full_name][1]
        for named in product(PLACES, repeat=len(arguments)):
            places = dict(zip(arguments, named, strict=True))
            data = data_for(procedure, {name: place(where) for name, where in places.items()})
            expected = allowed(procedure.full_name, caller, places)
            direct = verdict(site, caller, procedure.namespace, procedure.name, data)
            nested = verdict(site, caller, "Wrapper", f"P{number}", data)
            if (direct, nested) != (expected, expected):
                wrong.append((procedure.full_name, places, expected, direct, nested))
    assert wrong == []


@pytest.mark.parametrize("caller", [name for name in CALLERS if not name.startswith("Administrator")])
def test_private_procedures_cannot_be_reached_from_outside(everything: tuple[Site, list[Procedure]], caller: str) -> None:
    site, known = everything
    private = [one for one in known if one.access is Access.PRIVATE]
    assert len(private) > 50
    for procedure in private:
        data = data_for(procedure, {"organization": place(CUSTOMER)} if caller.startswith("admin@alpine") else {})
        result = site.engine.execute(
            f"<request>{data}</request>", Caller(caller), namespace=procedure.namespace, procedure=procedure.name
        )
        assert result.error is not None
        assert result.error.code == 0x80070005
        assert "is private" in result.error.description
        steps = f'<execute namespace="{procedure.namespace}" procedure="{procedure.name}" impersonate="1"/>'
        spelled = site.engine.execute(f"<request>{data}<procedure>{steps}</procedure></request>", Caller(caller))
        assert spelled.error is not None
        assert spelled.error.code == 0x80070005


def test_a_private_procedure_is_a_part_of_the_one_that_calls_it(everything: tuple[Site, list[Procedure]]) -> None:
    site, known = everything
    for number, procedure in enumerate(known):
        if procedure.access is Access.PRIVATE:
            assert verdict(site, "Johnc@AlpineSkiHouse.com", "Wrapper", f"P{number}", data_for(procedure, {}))

"""What the matrix is run with: calls that go no further than their authorization, each directly and by another procedure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lxml import etree

from mpf_core import Caller, Engine, hookimpl
from mpf_core.cli.samples import arguments_of, element_of
from mpf_core.model import Access, Procedure
from mpf_core.security.calls import Call, Decision
from mpf_core.security.declarations import CLAIMED
from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.port import Directory, Entry, Modification, ModifyOp
from tests.namespaces.support import BASE, POOL2, ldap, pointer
from tests.security.roles_by_hand import CUSTOMER, OTHER_CUSTOMER, RESELLER
from tests.support import for_anybody

_STOPPED = 0x80040001


class Wrapper:
    """Lets authorized calls go no further, and brings a procedure for each other one that only calls it."""

    name = "wrapper"

    def __init__(self, file: Path, procedures: list[Procedure]) -> None:
        """``file`` is written, with the namespace "Wrapper"."""
        self.file = file
        self._numbers = {one.full_name: number for number, one in enumerate(procedures)}
        file.write_text(for_anybody(f'<namespace name="Wrapper">{"".join(map(self._body, procedures))}</namespace>'))

    def _body(self, one: Procedure) -> str:
        name = self.name_for(one)[1]
        return (
            f'<procedure name="{name}" type="read" access="public"><execute namespace="{one.namespace}" '
            f'procedure="{one.name}" impersonate="1"><before source="data" sourcePath="*" destination="executeData" '
            'ifNull="ignore"/></execute></procedure>'
        )

    def name_for(self, procedure: Procedure) -> tuple[str, str]:
        """The procedure that calls ``procedure``."""
        return "Wrapper", f"P{self._numbers[procedure.full_name]}"

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        return [self.file]

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision | None:
        if call.procedure.namespace == "Wrapper":
            return Decision(True)
        if not call.is_part and _claims(call.procedure):
            return None  # it is asked about what they claim, too
        return Decision(False, "authorized", _STOPPED)

    @hookimpl
    def mpf_claim(self, call: Call, argument: str, name: str) -> Decision:
        return Decision(False, "authorized", _STOPPED)


def _claims(procedure: Procedure) -> bool:
    declared = procedure.input_schema.declared if procedure.input_schema is not None else {}
    return any(one.needs == CLAIMED for one in declared.values())


def procedures_of(engine: Engine, access: Access) -> list[Procedure]:
    """All of the engine's namespaces."""
    return [
        procedure
        for namespace in engine.namespaces.values()
        if namespace.name != "Wrapper"
        for procedure in namespace.procedures.values()
        if procedure.access is access
    ]


def data_for(procedure: Procedure, values: Mapping[str, str]) -> str:
    """The sample of its arguments, with these in the place of theirs."""
    data = etree.Element("data")
    data.extend(element_of(argument) for argument in arguments_of(procedure) if argument.required)
    for element in data.iter():
        if element.tag in values:
            element.text = values[str(element.tag)]
            for child in list(element):
                element.remove(child)
    for name in values.keys() - {str(element.tag) for element in data.iter()}:
        etree.SubElement(data, name).text = values[name]
    return etree.tostring(data).decode()


def verdict(engine: Engine, caller: str, namespace: str, procedure: str, data: str) -> bool:
    """Whether the call is authorized. Anything but that and a refusal fails."""
    error = engine.execute(f"<request>{data}</request>", Caller(caller), namespace=namespace, procedure=procedure).error
    assert error is not None
    if error.code != _STOPPED:
        assert error.code in {0x80070005, 0x80070057}, error
        assert "Access denied" in error.description or "Insufficient Privilege" in error.description, error
    return error.code == _STOPPED


def place(name: str) -> str:
    """The LDAP path of a place of the table."""
    return ldap(f"{name},{BASE}")


def the_pool_in(argument: str) -> str:
    """The second pool, as that argument names one."""
    return "pool02.fabrikam.com" if argument == "poolFQDN" else POOL2


def lay(directory: Directory, known: str) -> None:
    """Let that be what is known of the second pool, and nothing else."""
    service = _read(directory, POOL2).dn
    for unit in (CUSTOMER, RESELLER, OTHER_CUSTOMER):
        entry = _read(directory, f"{unit},{BASE}")
        kept = [value for value in entry.values("otherWellKnownObjects") if WellKnown.POOL.value not in str(value)]
        if known.endswith({CUSTOMER: "the organization", RESELLER: "parent", OTHER_CUSTOMER: "another organization"}[unit]):
            kept.append(f"B:32:{WellKnown.POOL.value}:{service}")
        directory.modify(entry.dn, [Modification("otherWellKnownObjects", ModifyOp.REPLACE, tuple(kept))])
    shared = Dn.parse(pointer(f"OU=Hosting,{BASE}", "SharedPools", "pool02.fabrikam.com"))
    if directory.read(shared) is not None:
        directory.delete(shared)
    if known.startswith("shared"):
        keywords = ["SharedPools", "poolTag=LabB", f"poolStatus={known.rpartition(' ')[2].capitalize()}"]
        attributes = {"keywords": keywords, "managedBy": [str(service)]}
        directory.add(shared, {"objectClass": ["serviceConnectionPoint"], **attributes})


def _read(directory: Directory, dn: str) -> Entry:
    entry = directory.read(Dn.parse(dn))
    assert entry is not None, dn
    return entry

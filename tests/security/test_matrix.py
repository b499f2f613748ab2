"""The matrix: every procedure, every caller, every place of every object that it names, called directly and by another one.

What is loaded is held to a table written by hand. A new public procedure fails here until it stands there. A part of it runs
on a real directory: tests/samba/test_matrix.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from mpf_config import ConfigPlugin
from mpf_core import Caller
from mpf_core.model import Access, Procedure
from mpf_directory.seed import share_pools
from tests.namespaces.support import Site, make_site
from tests.security.matrix import Wrapper, data_for, lay, place, procedures_of, the_pool_in, verdict
from tests.security.roles_by_hand import (
    ABOVE,
    CALLERS,
    CLAIMABLE,
    CUSTOMER,
    DOMAIN,
    LOG_ON_NAMES,
    NAMED,
    PLACES,
    POOLS,
    ROLES,
    allowed,
    harmless,
    may_name,
    named_as,
)

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Everything:
    """A site with all namespaces, all procedures of it, and for each one that calls it."""

    site: Site
    known: list[Procedure]
    wrapper: Wrapper

    def verdicts(self, procedure: Procedure, caller: str, values: dict[str, str]) -> tuple[bool, bool]:
        """Of a direct call, and of one by another procedure."""
        data, engine = data_for(procedure, values), self.site.engine
        return (
            verdict(engine, caller, procedure.namespace, procedure.name, data),
            verdict(engine, caller, *self.wrapper.name_for(procedure), data),
        )

    def named(self, full_name: str) -> Procedure:
        return next(procedure for procedure in self.known if procedure.full_name == full_name)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with make_site(ConfigPlugin()) as site:
        known = [*procedures_of(site.engine, Access.PUBLIC), *procedures_of(site.engine, Access.PRIVATE)]
    wrapper = Wrapper(tmp_path_factory.mktemp("matrix") / "wrapper.xml", known)
    with make_site(ConfigPlugin(), wrapper) as site:
        share_pools(site.directory)
        yield Everything(site, known, wrapper)


def test_every_public_procedure_stands_in_the_table(everything: Everything) -> None:
    public = {one.full_name: one for one in everything.known if one.access is Access.PUBLIC}
    assert set(ROLES) == set(public)
    for name, (role, arguments) in ROLES.items():
        declared = public[name].input_schema.declared  # type: ignore[union-attr]
        objects = {argument for argument, one in declared.items() if one.kind in {"object", "container"}}
        if role != DOMAIN:
            assert objects == set(arguments), name
        related = {(argument, one.kind) for argument, one in declared.items() if one.kind in {"pool", "upn", "sip-domain"}}
        if role != DOMAIN:
            assert related == NAMED.get(name, set()), name


@pytest.mark.parametrize("caller", CALLERS)
def test_public_procedures(everything: Everything, caller: str) -> None:
    wrong = []
    for procedure in (one for one in everything.known if one.access is Access.PUBLIC):
        arguments = ROLES[procedure.full_name][1]
        for named in product(PLACES, repeat=len(arguments)):
            places = dict(zip(arguments, named, strict=True))
            values = {**harmless(procedure.full_name), **{name: place(where) for name, where in places.items()}}
            expected = allowed(procedure.full_name, caller, places)
            found = everything.verdicts(procedure, caller, values)
            if found != (expected, expected):
                wrong.append((procedure.full_name, places, expected, found))
    assert wrong == []


@pytest.mark.parametrize("caller", [name for name in CALLERS if not name.startswith("Administrator")])
def test_private_procedures_cannot_be_reached_from_outside(everything: Everything, caller: str) -> None:
    site = everything.site
    private = [one for one in everything.known if one.access is Access.PRIVATE]
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


def test_a_private_procedure_is_a_part_of_the_one_that_calls_it(everything: Everything) -> None:
    engine = everything.site.engine
    for procedure in (one for one in everything.known if one.access is Access.PRIVATE):
        data = data_for(procedure, {})
        assert verdict(engine, "Johnc@AlpineSkiHouse.com", *everything.wrapper.name_for(procedure), data)


@pytest.fixture(scope="module")
def related(everything: Everything) -> Iterator[Everything]:
    """Another site, where suffixes of user principal names are the evidence for a SIP domain."""
    with make_site(ConfigPlugin(), everything.wrapper, claims={"evidence": "upn-suffixes"}) as site:
        yield Everything(site, everything.known, everything.wrapper)


@pytest.mark.parametrize("known", POOLS)
def test_pools(related: Everything, known: str) -> None:
    lay(related.site.directory, known)
    wrong = []
    for full_name, argument in named_as("pool"):
        for caller in ABOVE:
            values = {argument: the_pool_in(argument), ROLES[full_name][1][0]: place(CUSTOMER)}
            found = related.verdicts(related.named(full_name), caller, values)
            if found != (may_name(caller, POOLS[known]),) * 2:
                wrong.append((full_name, caller, found))
    assert wrong == []


@pytest.mark.parametrize("name", LOG_ON_NAMES)
def test_names_that_users_log_on_with(related: Everything, name: str) -> None:
    wrong = []
    for full_name, argument in named_as("upn"):
        for caller in ABOVE:
            values = {argument: name, ROLES[full_name][1][0]: place(CUSTOMER)}
            found = related.verdicts(related.named(full_name), caller, values)
            if found != (may_name(caller, LOG_ON_NAMES[name]),) * 2:
                wrong.append((full_name, caller, found))
    assert wrong == []


@pytest.mark.parametrize("domain", CLAIMABLE)
def test_claims_of_sip_domains(related: Everything, domain: str) -> None:
    procedure = related.named("Managed Office Communications Server::CreateSipDomain")
    for caller in ABOVE:
        found = related.verdicts(procedure, caller, {"organization": place(CUSTOMER), "address": domain})
        assert found == (may_name(caller, CLAIMABLE[domain]),) * 2, caller
